"""A table as read, with the file row of each of its rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.panel_codes import counted
from features.errors import InputError, RepeatedRowsError
from features.files.tables import read_table_with_notes
from features.reading import column_names as names
from features.reading.options import ReadingOptions

READ = "read: "
"""How a statement on reading begins."""


@dataclass(frozen=True, slots=True)
class ReadTable:
    """A tidy table.

    Attributes
    ----------
    frame
        Columns under the schema's names, and unused columns.
    notes
        What reading took and did.
    rows
        Row of the file, counted from 0, of each row; None where they are the same.
    given
        Column of the file that each column of the frame comes from.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    rows: NDArray[np.integer] | None = None
    given: dict[str, str] = field(default_factory=dict)

    @property
    def statements(self) -> tuple[str, ...]:
        """The notes in one line; empty if the table was tidy already."""
        return (READ + "; ".join(self.notes),) if self.notes else ()

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Make errors name the row and column of the file."""
        try:
            yield
        except InputError as error:
            row = error.row
            if row is not None and self.rows is not None:
                row = int(self.rows[row - 2]) + 2
            raise type(error)(
                error.problem,
                remedy=error.remedy + self._products(error),
                file=error.file,
                column=None if error.column is None else self.given.get(error.column, error.column),
                row=row,
            ) from error

    def _products(self, error: InputError) -> str:
        """Hint that repeated rows may be products."""
        if not isinstance(error, RepeatedRowsError) or "sector" in self.frame.columns:
            return ""
        found = names.find(list(self.frame.columns), names.PRODUCT)
        return f", or read products with `--columns sector={found}`" if found else ""

    def only(self, kept: NDArray[np.bool_] | None) -> ReadTable:
        """The table with some rows only; None keeps all."""
        if kept is None or kept.all():
            return self
        rows = np.flatnonzero(kept)
        return replace(
            self,
            frame=self.frame.iloc[rows].reset_index(drop=True),
            rows=rows if self.rows is None else self.rows[rows],
        )

    def without_repeats(self) -> ReadTable:
        """The table without exact repeats of rows, counted."""
        repeated = self.frame.duplicated().to_numpy()
        if not repeated.any():
            return self
        notes = f"{counted(int(repeated.sum()))} that repeat another left out"
        return replace(self.only(~repeated), notes=(*self.notes, notes))


def read_tidy(
    path: Path,
    options: ReadingOptions,
    tidy: Callable[..., ReadTable],
    *,
    text: Collection[str] = names.TEXT,
) -> ReadTable:
    """Read a file and make it ``tidy``, with the notes of both; ``text`` are columns of codes."""
    frame, notes = read_table_with_notes(path, text=text, decimal=options.decimal)
    table = tidy(frame, options, file=path)
    return replace(table, notes=(*notes, *table.notes))
