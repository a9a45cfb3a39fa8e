"""From rows of a trade table to cells of the dense matrix, in cache-sized chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.arrays import CHUNK
from features.data.flows import FlowIndex, IntArray
from features.errors import RepeatedRowsError


@dataclass(frozen=True, slots=True)
class CodedColumn:
    """A column of codes as the file has them, and the panel's code of each."""

    codes: NDArray[np.integer]
    place: NDArray[np.int32]

    def __getitem__(self, rows: slice) -> IntArray:
        return self.place[self.codes[rows]]


@dataclass(frozen=True, slots=True)
class RowKeys:
    """Keys of every row: exporter, importer, sector (None where there are none) and year."""

    exporter: CodedColumn
    importer: CodedColumn
    sector: CodedColumn | None
    year: NDArray[np.integer]
    first_year: int

    def chunks(self) -> Iterator[tuple[slice, IntArray, IntArray, IntArray, NDArray[np.int64]]]:
        """Rows, exporter, importer, sector and year number, chunk by chunk."""
        for start in range(0, self.year.size, CHUNK):
            rows = slice(start, start + CHUNK)
            exporter = self.exporter[rows]
            sector = np.zeros_like(exporter) if self.sector is None else self.sector[rows]
            at_year = self.year[rows].astype(np.int64) - self.first_year
            yield rows, exporter, self.importer[rows], sector, at_year


def scatter(
    flows: FlowIndex,
    keys: RowKeys,
    values: NDArray[np.float64],
    *,
    n_years: int,
    file: object,
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, int]:
    """Put rows in their cells.

    Returns
    -------
    tuple
        Flows, shape ``[year, flow]``; domestic ones that are not flows, shape
        ``[year, country * sector]``, or None; number of cells of the first that have a row.

    Raises
    ------
    RepeatedRowsError
        If a key occurs twice.
    """
    matrix = np.full((n_years, flows.size), np.nan, dtype=np.float32)
    margins = 0 if flows.diagonal else flows.margins
    domestic = np.full((n_years, margins), np.nan, dtype=np.float32)
    flow_cells, home_cells = matrix.reshape(-1), domestic.reshape(-1)
    rows_at_home = 0
    for rows, exporter, importer, sector, at_year in keys.chunks():
        value = values[rows]
        home = np.empty(0, dtype=np.intp)
        if not flows.diagonal:
            home = np.flatnonzero(exporter == importer)
        if home.size:
            rows_at_home += home.size
            margin = exporter[home] * len(flows.sectors) + sector[home]
            home_cells[at_year[home] * margins + margin] = value[home]
            away = np.flatnonzero(exporter != importer)
            exporter, importer, sector = exporter[away], importer[away], sector[away]
            at_year, value = at_year[away], value[away]
        cell = at_year * flows.size
        cell += flows.position(exporter, importer, sector)
        flow_cells[cell] = value
    seen = matrix.size - int(np.isnan(matrix).sum())
    seen_home = domestic.size - int(np.isnan(domestic).sum())
    # A repeated key fills one cell only, so the filled cells are fewer than the rows.
    if seen + seen_home != values.size:
        _refuse_duplicates(flows, keys, file=file)
    return matrix, domestic if rows_at_home else None, seen


def _refuse_duplicates(flows: FlowIndex, keys: RowKeys, *, file: object) -> None:
    columns = [np.concatenate(parts) for parts in zip(*(c[1:] for c in keys.chunks()), strict=True)]
    twice = pd.DataFrame(dict(zip("eisy", columns, strict=True))).duplicated().to_numpy()
    row = int(np.argmax(twice))
    exporter, importer, sector, _ = (int(column[row]) for column in columns)
    named = [flows.countries[exporter], flows.countries[importer]]
    named += [flows.sectors[sector]] if flows.has_sectors else []
    raise RepeatedRowsError(
        f"{' -> '.join(named)} occurs twice in one year ({int(twice.sum())} rows too many)",
        remedy="Keep one row for each exporter, importer, sector and year",
        file=file,
        row=row + 2,
    )
