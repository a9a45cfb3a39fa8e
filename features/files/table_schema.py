"""Declaration of a table's columns, and the check against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.arrays import used_codes
from features.countries.panel_codes import place_of, to_iso3
from features.errors import InputError
from features.files.frames import as_frame
from features.files.tables import (
    flags,
    numbers,
    numbers_or_empty,
    refuse_cells,
    require_columns,
    whole_years,
)

Kind = Literal["country", "code", "year", "number", "whole number", "number or empty", "flag",
               "text"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a table may or must have.

    Attributes
    ----------
    name
        Its name in the tidy table.
    kind
        ``"country"``: ISO 3166 codes. ``"code"``: any text, no empty cell. ``"year"``: calendar
        years. ``"number"``: finite, no empty cell. ``"flag"``: 0 or 1. ``"text"``: may be empty.
    remedy
        What to do about a wrong cell; by default what its kind suggests.
    required
        Whether the table must have it.
    bounds
        Smallest and largest number allowed.
    choices
        The codes allowed; empty allows any.
    known_as
        Names that other tables give the column, without case, blanks and punctuation.
    """

    name: str
    kind: Kind
    remedy: str = ""
    required: bool = True
    bounds: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    known_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Codes:
    """A checked column of codes.

    Attributes
    ----------
    positions
        Place of each row's code in ``names``, shape ``[row]``.
    names
        Codes, some perhaps without a row.
    """

    positions: NDArray[np.integer]
    names: tuple[str, ...]

    def used(self) -> tuple[str, ...]:
        """Codes that have rows, in the order of ``names``."""
        return tuple(self.names[code] for code in used_codes(self.positions))

    def places(self, known: Iterable[str]) -> NDArray[np.int32]:
        """Place of each row's code among those known, -1 for others, shape ``[row]``."""
        return place_of(self.names, tuple(known))[self.positions]

    def texts(self) -> NDArray[np.object_]:
        """Each row's code, shape ``[row]``."""
        return np.asarray(self.names, dtype=object)[self.positions]


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """Columns of a table that passed its check, by name; a column that is absent has no entry.

    Attributes
    ----------
    frame
        The table as a pandas frame.
    codes
        Columns of countries (alpha-3) and other codes.
    years
        Calendar years, shape ``[row]``, as narrow as the table has them.
    numbers
        float64, shape ``[row]``; NaN only where the kind allows an empty cell.
    flags
        Booleans, shape ``[row]``.
    texts
        Text, shape ``[row]``; ``""`` for an empty cell.
    """

    frame: pd.DataFrame
    codes: dict[str, Codes] = field(default_factory=dict)
    years: dict[str, NDArray[np.integer]] = field(default_factory=dict)
    numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    flags: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    texts: dict[str, NDArray[np.object_]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableSchema:
    """Columns of a kind of table.

    Attributes
    ----------
    columns
        Its columns; others are left alone where ``others`` is None.
    key
        Columns that together name one row, as far as the table has them; empty where the reader
        finds repeated rows itself.
    others
        Kind of every further column.
    recognised_by
        Columns that only this kind of table has.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    others: Kind | None = None
    recognised_by: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def text(self) -> tuple[str, ...]:
        """Names of the columns that are read as text: ``NA`` is Namibia."""
        kinds = ("country", "code", "text")
        return tuple(column.name for column in self.columns if column.kind in kinds)

    def check(self, table: Any, *, file: object) -> CheckedTable:
        """Check a table and take its columns.

        Parameters
        ----------
        table
            A pandas frame, or any table that exports Arrow (polars, pyarrow, DuckDB).

        Raises
        ------
        InputError
            For a missing or doubled column, a table without rows, the first wrong cell of a column,
            or the first row that repeats the key of another.
        """
        frame = as_frame(table, text=self.text, file=file)
        require_columns(frame, (c.name for c in self.columns if c.required), file=file)
        if frame.empty:
            raise InputError("the table has no rows", remedy="Give a table with rows", file=file)
        checked = CheckedTable(frame)
        for column in self._present(frame):
            _take(checked, column, file=file)
        self._require_unique(checked, file=file)
        return checked

    def _present(self, frame: pd.DataFrame) -> list[Column]:
        declared = [column for column in self.columns if column.name in frame.columns]
        if self.others is None:
            return declared
        rest = [str(name) for name in frame.columns if name not in self.names]
        return declared + [Column(name, self.others) for name in rest]

    def _require_unique(self, checked: CheckedTable, *, file: object) -> None:
        key = [name for name in self.key if name in checked.frame.columns]
        if not key:
            return
        # One integer a row: comparing several columns would take several times as long.
        row_key = np.zeros(len(checked.frame), dtype=np.int64)
        for name in key:
            if name in checked.codes:
                place, size = checked.codes[name].positions, len(checked.codes[name].names)
            elif name in checked.texts or name in checked.numbers:
                given = checked.texts.get(name, checked.numbers.get(name))
                place, distinct = pd.factorize(given, use_na_sentinel=False)
                size = len(distinct)
            else:
                place = checked.years[name] - checked.years[name].min()
                size = int(place.max()) + 1
            row_key = row_key * size + place
        repeated = pd.Series(row_key).duplicated().to_numpy()
        if repeated.any():
            row = int(np.argmax(repeated))
            words = " ".join(str(checked.frame[name].iloc[row]) for name in key)
            raise InputError(
                f"{words} occurs twice",
                remedy=f"Keep one row for each {', '.join(key)}",
                file=file,
                column=key[0] if len(key) == 1 else None,
                row=row + 2,
            )


def _take(checked: CheckedTable, column: Column, *, file: object) -> None:
    """Check one column and put it among those of its type."""
    cells, name = checked.frame[column.name], column.name
    remedy = {"remedy": column.remedy} if column.remedy else {}
    match column.kind:
        case "country":
            checked.codes[name] = Codes(*to_iso3(cells, file=file))
        case "code":
            checked.codes[name] = _codes(cells, column, file=file)
        case "year":
            checked.years[name] = whole_years(cells, file=file)
        case "flag":
            checked.flags[name] = flags(cells, remedy=column.remedy, file=file)
        case "text":
            text = cells.astype(object)
            checked.texts[name] = text.where(cells.notna(), "").astype(str).to_numpy(dtype=object)
        case "number or empty":
            checked.numbers[name] = numbers_or_empty(cells, file=file)
        case "number" | "whole number":
            checked.numbers[name] = numbers(cells, file=file, **remedy)
            _require_bounds(cells, checked.numbers[name], column, file=file)


def _codes(cells: pd.Series, column: Column, *, file: object) -> Codes:
    coded = cells.astype("category")
    positions = coded.cat.codes.to_numpy()
    names = tuple(str(name) for name in coded.cat.categories)
    blank = [place for place, name in enumerate(names) if not name.strip()]
    # Rows are searched only where there is something to find: a table may have 28 million.
    if blank or positions.min() < 0:
        empty = np.isin(positions, [-1, *blank])
        if empty.any():
            raise InputError(
                f"an empty cell is not a {column.name.replace('_', ' ')}",
                remedy=column.remedy or "Fill it",
                file=file,
                column=column.name,
                row=int(np.argmax(empty)) + 2,
            )
    if column.choices:
        unknown = [place for place, name in enumerate(names) if name not in column.choices]
        listed = ", ".join(column.choices)
        wrong = np.isin(positions, unknown)
        refuse_cells(cells, wrong, f"is not one of {listed}", remedy=column.remedy, file=file)
    return Codes(positions, names)


def _require_bounds(
    cells: pd.Series, values: NDArray[np.float64], column: Column, *, file: object
) -> None:
    if column.bounds is None:
        return
    least, most = column.bounds
    wrong = (values < least) | (values > most)
    if column.kind == "whole number":
        wrong |= values != np.floor(values)
    what = f"is not a {column.kind} from {least:g} to {most:g}"
    refuse_cells(cells, wrong, what, remedy=column.remedy or "Correct it", file=file)
