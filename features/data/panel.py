"""`TradePanel`: bilateral flows as a dense ``[year, flow]`` matrix with integer keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.arrays import used_codes
from features.choices import AbsentFlows, DomesticFlows, NegativeFlows
from features.countries.panel_codes import place_of
from features.data.cells import CodedColumn, RowKeys, scatter
from features.data.flows import FlowIndex, IntArray
from features.errors import InputError, RepeatedRowsError
from features.files.table_schema import CheckedTable, Codes
from features.reading.options import ReadingOptions
from features.reading.schemas import TRADE
from features.reading.table import ReadTable
from features.reading.trade_table import read_trade

MAX_CELLS = 2_000_000_000
MOST_USD = 1e15
"""More than any year's flow: ten times what the world produces."""
EARLY_YEARS = 5
"""First years of the panel, which decide what a cell without a row means. No back-test origin is
earlier than the last of them, so later years do not change the past."""
STATED_ZEROS = 0.01
"""Share of zero rows from which a table counts as listing its zeros; below it, a few strays do not
turn every flow without a row into an unknown one."""


@dataclass(frozen=True, slots=True)
class PanelNotes:
    """Decisions made on reading the table, counted, for the run's data statement.

    Attributes
    ----------
    rows
        Rows read.
    negatives_set_to_zero
        Cells below zero that the caller asked to set to zero.
    absent_cells
        Cells (year x flow) of the universe without a row.
    absent_means
        How those were read: ``"zero"`` or ``"missing"``.
    absent_decided
        Whether the table decided that, not the caller.
    stated_zeros
        Rows whose value is zero.
    ignored_columns
        Columns of the table that the panel does not use.
    """

    rows: int
    negatives_set_to_zero: int
    absent_cells: int
    absent_means: Literal["zero", "missing"]
    ignored_columns: tuple[str, ...] = ()
    absent_decided: bool = False
    stated_zeros: int = 0


@dataclass(frozen=True, slots=True)
class KnownFlows:
    """Flows abroad that are known, zeros included, counted by margin and year.

    Attributes
    ----------
    exporter, importer
        Shape ``[year, margin]``.
    """

    exporter: NDArray[np.float64]
    importer: NDArray[np.float64]

    @classmethod
    def of(cls, panel: TradePanel) -> KnownFlows:
        """Counts of a panel: its own where it was made without the flows that never trade."""
        if panel.known is not None:
            return panel.known
        flows = panel.flows
        known = [~np.isnan(row) & ~flows.domestic for row in panel.values]
        return cls(
            np.stack([flows.exporter_totals(row) for row in known]),
            np.stack([flows.importer_totals(row) for row in known]),
        )

    def until(self, row: int) -> KnownFlows:
        """Those of the years before a row."""
        return KnownFlows(self.exporter[:row], self.importer[:row])


@dataclass(frozen=True, slots=True)
class TradePanel:
    """Bilateral trade, one row a year and one column a flow.

    Attributes
    ----------
    flows
        Integer keys of the columns; every ordered pair of countries, every sector, and each
        country with itself where domestic flows are included.
    years
        Consecutive calendar years, shape ``[year]``.
    values
        Current USD, float32, shape ``[year, flow]``; NaN where unknown, 0 where there is no trade.
    domestic
        Sales of a country to itself, USD, shape ``[year, country * sector]``, or None where the
        input has none or they are included in ``values``. Kept apart, no total contains them.
    notes
        What reading had to decide.
    known
        Counts of known flows, where ``flows`` are not all of them; None where they are.
    """

    flows: FlowIndex
    years: NDArray[np.int32]
    values: NDArray[np.float32]
    domestic: NDArray[np.float32] | None
    notes: PanelNotes
    known: KnownFlows | None = None

    @property
    def first_year(self) -> int:
        """First calendar year."""
        return int(self.years[0])

    @property
    def last_year(self) -> int:
        """Last calendar year."""
        return int(self.years[-1])

    def row(self, year: int) -> int:
        """Row of ``year`` in ``values``; raises KeyError outside the panel."""
        if not self.first_year <= year <= self.last_year:
            raise KeyError(f"year {year} is outside {self.first_year}-{self.last_year}")
        return year - self.first_year

    @classmethod
    def read(
        cls,
        path: Path | str,
        *,
        absent: AbsentFlows = "auto",
        negatives: NegativeFlows = "error",
        domestic: DomesticFlows = "apart",
    ) -> TradePanel:
        """Read a CSV, Parquet or Excel file; see `features.reading.trade_table`."""
        table = read_trade(Path(path), ReadingOptions())
        return cls.from_table(
            table, absent=absent, negatives=negatives, domestic=domestic, file=path
        )[0]

    @classmethod
    def from_table(
        cls,
        table: ReadTable,
        *,
        absent: AbsentFlows = "auto",
        negatives: NegativeFlows = "error",
        domestic: DomesticFlows = "apart",
        file: object | None = None,
    ) -> tuple[TradePanel, ReadTable]:
        """Panel of a table as it was read, and the table without rows that repeat another."""

        def build(table: ReadTable) -> TradePanel:
            with table.placed():
                return cls.from_frame(
                    table.frame, absent=absent, negatives=negatives, domestic=domestic, file=file
                )

        try:
            return build(table), table
        except RepeatedRowsError:
            # Whole rows are compared only where a key occurs twice: it is slow for 28 million.
            fewer = table.without_repeats()
            if fewer is table:
                raise
        return build(fewer), fewer

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        absent: AbsentFlows = "auto",
        negatives: NegativeFlows = "error",
        domestic: DomesticFlows = "apart",
        file: object | None = None,
    ) -> TradePanel:
        """Build a panel from a tidy table.

        Parameters
        ----------
        frame
            Columns ``exporter, importer, year, value_usd`` and, where there are sectors,
            ``sector``; one row a flow and year. Other columns are ignored and counted. From pandas,
            polars, Arrow, or anything with the Arrow PyCapsule interface. Codes that ISO 3166
            leaves to users are countries here, as in a simulated world; in a file they must be
            listed.
        absent
            What a pair, sector and year without a row means. ``"auto"``: missing where the table
            lists its zeros (`STATED_ZEROS` of the rows of its first `EARLY_YEARS` years), zero
            where it lists trade only, as BACI does.
        negatives
            ``"error"`` refuses negative values, ``"zero"`` sets them to zero and counts them.
        domestic
            ``"apart"`` keeps rows with exporter = importer out of the flows and their totals,
            ``"include"`` makes them flows like any other.
        file
            Named in errors.

        Raises
        ------
        InputError
            For a missing column, wrong type, negative, missing, infinite or impossibly large value
            (beyond `MOST_USD`), duplicate key,
            unknown country, a year missing from the middle, fewer than two countries, or no
            domestic row where they are to be included.
        """
        file = "trade table" if file is None else file
        checked = TRADE.check(frame, file=file)
        exporter, importer, countries = _country_codes(checked, file=file)
        sector, sectors = sector_codes(checked.codes.get("sector"))
        year, given = checked.years["year"], checked.numbers["value_usd"]
        years = _consecutive_years(year, file=file)
        values, negative_cells = _non_negative(given, negatives, file=file)
        zeros = given == 0
        lists_zeros = zeros.any() and zeros[early(year)].mean() >= STATED_ZEROS
        flows = FlowIndex(countries, sectors, diagonal=domestic == "include")
        if flows.size * years.size > MAX_CELLS:
            raise InputError(
                f"{flows.size:,} flows x {years.size} years do not fit a dense panel",
                remedy="Aggregate the sectors (HS section or chapter) or choose fewer countries",
                file=file,
            )
        keys = RowKeys(exporter, importer, sector, year, int(years[0]))
        matrix, apart, seen = scatter(flows, keys, values, n_years=years.size, file=file)
        if flows.diagonal and np.isnan(matrix[:, flows.domestic]).all():
            _refuse_no_domestic(file=file)
        stated = absent if absent != "auto" else None
        means = stated or ("missing" if lists_zeros else "zero")
        if means == "zero":
            np.nan_to_num(matrix, copy=False, nan=0.0)
            if apart is not None:
                np.nan_to_num(apart, copy=False, nan=0.0)
        ignored = [str(name) for name in checked.frame.columns if name not in TRADE.names]
        notes = PanelNotes(
            rows=year.size,
            negatives_set_to_zero=negative_cells,
            absent_cells=matrix.size - seen,
            absent_means=means,
            ignored_columns=tuple(ignored),
            absent_decided=stated is None,
            stated_zeros=int(zeros.sum()),
        )
        return cls(flows, years, matrix, apart, notes)

    def to_frame(self) -> pd.DataFrame:
        """The panel as a tidy table, known cells only, domestic flows included, sorted by key."""
        parts = [
            self._tidy(self.flows.exporter, self.flows.importer, self.flows.sector, self.values)
        ]
        if self.domestic is not None:
            k = len(self.flows.sectors)
            country = np.repeat(np.arange(len(self.flows.countries), dtype=np.int32), k)
            sector = np.tile(np.arange(k, dtype=np.int32), len(self.flows.countries))
            parts.append(self._tidy(country, country, sector, self.domestic))
        table = pd.concat(parts, ignore_index=True)
        keys = ["exporter", "importer", *(["sector"] if self.flows.has_sectors else []), "year"]
        return table.sort_values(keys, ignore_index=True)

    def _tidy(
        self, exporter: IntArray, importer: IntArray, sector: IntArray, values: NDArray[np.float32]
    ) -> pd.DataFrame:
        row, column = np.nonzero(~np.isnan(values))
        names = np.asarray(self.flows.countries, dtype=object)
        table = {"exporter": names[exporter[column]], "importer": names[importer[column]]}
        if self.flows.has_sectors:
            table["sector"] = np.asarray(self.flows.sectors, dtype=object)[sector[column]]
        table["year"] = self.years[row].astype(np.int16)
        table["value_usd"] = values[row, column].astype(np.float64)
        return pd.DataFrame(table)


def _refuse_no_domestic(*, file: object) -> None:
    raise InputError(
        "`domestic: include` is set, but no row has exporter = importer",
        remedy="Add each country's sales to itself, or leave out `domestic: include` "
        "(--domestic include)",
        file=file,
        column="importer",
    )


def _country_codes(
    checked: CheckedTable, *, file: object
) -> tuple[CodedColumn, CodedColumn, tuple[str, ...]]:
    sides = [checked.codes[name] for name in ("exporter", "importer")]
    countries = tuple(sorted({name for side in sides for name in side.used()}))
    if len(countries) < 2:
        raise InputError(
            f"the table has only one country ({countries[0]})",
            remedy="Bilateral trade needs at least two countries",
            file=file,
        )
    exporter, importer = (CodedColumn(s.positions, place_of(s.names, countries)) for s in sides)
    return exporter, importer, countries


def sector_codes(sector: Codes | None) -> tuple[CodedColumn | None, tuple[str, ...]]:
    """Place of each row's sector, and the sectors in order; None where the table has no sectors."""
    if sector is None:
        return None, ("",)
    sectors = tuple(sorted(set(sector.used())))
    return CodedColumn(sector.positions, place_of(sector.names, sectors)), sectors


def _consecutive_years(year: NDArray[np.integer], *, file: object) -> NDArray[np.int32]:
    present = used_codes(year)
    first, last = int(present[0]), int(present[-1])
    if present.size < last - first + 1:
        gap = first + int(np.argmax(present != np.arange(first, first + present.size)))
        raise InputError(
            f"year {gap} is missing from the middle of {first}-{last}",
            remedy="Supply that year or cut the panel to years without a gap",
            file=file,
            column="year",
        )
    return np.arange(first, last + 1, dtype=np.int32)


def early(year: NDArray[np.integer], until: int | None = None) -> NDArray[np.bool_]:
    """Rows that decide how a table is read: its first `EARLY_YEARS` years, all up to ``until``."""
    last = int(year.min()) + EARLY_YEARS - 1
    rows: NDArray[np.bool_] = year <= (last if until is None else max(last, until))
    return rows


def _non_negative(
    values: NDArray[np.float64], negatives: NegativeFlows, *, file: object
) -> tuple[NDArray[np.float64], int]:
    if values.max() > MOST_USD:
        row = int(np.argmax(values))
        raise InputError(
            f"{values[row]:g} USD is more than the world earns in a year",
            remedy=f"Give values in current USD, below {MOST_USD:g}",
            file=file,
            column="value_usd",
            row=row + 2,
        )
    if values.min() >= 0:
        return values, 0
    below = values < 0
    if negatives == "error":
        row = int(np.argmax(below))
        raise InputError(
            f"{values[row]:g} is negative (as are {int(below.sum()) - 1} other cells)",
            remedy="Correct it, or set negative values to zero and have them counted with "
            "`negatives: zero` (--negatives zero)",
            file=file,
            column="value_usd",
            row=row + 2,
        )
    return np.where(below, 0.0, values), int(below.sum())
