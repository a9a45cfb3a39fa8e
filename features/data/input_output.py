"""Inter-country input-output tables as dense matrices, checked for balance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from features.files.table_schema import CheckedTable
from features.files.tables import read_table, refuse_cells
from features.reading.schemas import GROSS_OUTPUT, INPUT_OUTPUT

FINAL_USES = ("HOUSEHOLD", "NONPROFIT", "GOVERNMENT", "GFCF", "INVENTORY")
"""Uses that are not sectors; changes of inventories may be negative."""
MILLION = 1e6
ROUNDING = 0.15 * MILLION
"""USD by which whole millions may put a row out of balance, a cell of it: sales below half a
million are left out. Over the 1,476 cells of WIOD's rows that allows 221 million; the largest gap
in its fifteen tables is 113 million."""
TOLERANCE = 0.01
"""Share of a sector's output by which it may always be out of balance."""
LEAST_OUTPUT = 1.0
"""USD; smaller outputs are rounding errors by which inputs must not be divided."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TableNotes:
    """What reading a table, or moving it to other flows, counted.

    Attributes
    ----------
    negative_final_cells
        Cells of final use, all categories together, that falling inventories make negative: they
        stand, or rows would not sum. Moving a table sets them to 0.
    cleared_rows
        Sectors whose negative cells left no positive output: those cells are set to 0.
    inputs_without_output
        Sectors that use inputs and have no output: their inputs are moved to final use.
    negative_value_added
        Sectors whose inputs exceed their output; kept.
    largest_gap, largest_gap_at
        Largest distance of a row from the published output, USD, and its country and sector; NaN
        and empty where none is published.
    flows_without_use
        Flows of a moved table that none of the uses it had takes; they are counted as final use.
    short_of_final_use
        Countries of a moved table whose inputs were scaled down to leave them final use.
    largest_input_gap
        Largest distance of a moved table's inputs, by country and sector, from what its input
        shares ask for, as a share of all that the country uses.
    """

    negative_final_cells: int = 0
    cleared_rows: int = 0
    inputs_without_output: int = 0
    negative_value_added: int = 0
    largest_gap: float = float("nan")
    largest_gap_at: str = ""
    flows_without_use: int = 0
    short_of_final_use: int = 0
    largest_input_gap: float = 0.0


@dataclass(frozen=True, slots=True)
class InputOutputTable:
    """An inter-country input-output table, current USD.

    Sectors of countries are rows ``country * n_sectors + sector``. ROW, the rest of the world, is a
    country like any other.

    Attributes
    ----------
    year
        Calendar year; of a table moved to other flows, the year it was moved from.
    countries, sectors
        Codes, in the order of the arrays.
    intermediate
        Sales of a sector to a sector, shape ``[row, row]``, never negative.
    final
        Sales to final use of a country, all categories together, shape ``[row, country]``.
    notes
        What reading counted.

    Notes
    -----
    **Invariant.** Output is what a row sums to, so that a table always balances exactly.
    """

    year: int
    countries: tuple[str, ...]
    sectors: tuple[str, ...]
    intermediate: Matrix
    final: Matrix
    notes: TableNotes = TableNotes()

    @property
    def output(self) -> Matrix:
        """Gross output, USD, shape ``[row]``."""
        return self.intermediate.sum(axis=1) + self.final.sum(axis=1)

    @property
    def value_added(self) -> Matrix:
        """Output less inputs, USD, shape ``[row]``."""
        return self.output - self.intermediate.sum(axis=0)

    def ordered(self, *, countries: Sequence[str], sectors: Sequence[str]) -> InputOutputTable:
        """The same table with its countries and sectors in another order."""
        k = len(self.sectors)
        place = np.array([self.countries.index(code) for code in countries], dtype=np.intp)
        kind = np.array([self.sectors.index(code) for code in sectors], dtype=np.intp)
        rows = (place[:, None] * k + kind).ravel()
        return InputOutputTable(
            self.year,
            tuple(countries),
            tuple(sectors),
            self.intermediate[np.ix_(rows, rows)],
            self.final[np.ix_(rows, place)],
            self.notes,
        )

    def flows(self) -> Matrix:
        """Sales by using country, USD, shape ``[exporter, importer, sector]``, at home included."""
        n, k = len(self.countries), len(self.sectors)
        by_country = self.intermediate.reshape(n * k, n, k).sum(axis=2) + self.final
        return by_country.reshape(n, k, n).transpose(0, 2, 1).copy()


# Reading ------------------------------------------------------------------------------------------


def table_years(folder: Path | str) -> list[int]:
    """Years of ``wiot_YYYY.parquet`` files in a folder, ascending."""
    found = (re.fullmatch(r"wiot_(\d{4})\.parquet", path.name) for path in Path(folder).glob("*")
             if path.is_file())  # fmt: skip
    return sorted(int(match.group(1)) for match in found if match)


def check_table_years(folder: Path | str, years: Iterable[int]) -> None:
    """Refuse tables that lack a year of the flows.

    Raises
    ------
    InputError
        If there is no such folder, no table in it, or one is missing.
    """
    folder, wanted = Path(folder), list(years)
    if not folder.is_dir():
        raise InputError("there is no such folder", remedy="Check the path", file=folder)
    present = table_years(folder)
    lacking = [year for year in wanted if year not in present]
    if not present or lacking:
        have = f"{present[0]}-{present[-1]}" if present else "none"
        raise InputError(
            f"the flows are of {wanted[0]}-{wanted[-1]} and there is no wiot_{lacking[0]}.parquet "
            f"(tables found: {have})",
            remedy="Supply a table for every year of the flows, or cut the flows to those years",
            file=folder,
        )


def read_table_year(
    folder: Path | str,
    year: int,
    *,
    countries: Sequence[str] | None = None,
    sectors: Sequence[str] | None = None,
) -> InputOutputTable:
    """Read one table.

    Parameters
    ----------
    folder
        Holds ``wiot_YYYY.parquet``, long tables with the columns of `INPUT_OUTPUT`, million USD,
        zeros left out; and, where published output is to be checked, ``gross_output.parquet``
        (``country, sector, year, output_musd``).
    year
        Calendar year.
    countries, sectors
        Those of the flows, in their order; the table must have the same. By default those of the
        table, sorted.

    Raises
    ------
    InputError
        If the year is not there, a country or sector is in one of flows and table only, a cell
        occurs twice, a sale to a sector is negative, the published output lacks the year, or a row
        is negative or differs from the published output by more than whole millions explain.
    """
    folder = Path(folder)
    check_table_years(folder, [year])
    file = folder / f"wiot_{year}.parquet"
    table = INPUT_OUTPUT.check(read_table(file, text=INPUT_OUTPUT.text), file=file)
    countries = tuple(countries or sorted(table.codes["source_country"].used()))
    sectors = tuple(sectors or sorted(table.codes["source_sector"].used()))
    intermediate, final = _matrices(table, countries, sectors, file=file)
    output = intermediate.sum(axis=1) + final.sum(axis=1)
    gap = output - _published_output(folder, year, countries, sectors)
    notes = _settle(intermediate, final, gap, names=(countries, sectors), file=file)
    return InputOutputTable(year, countries, sectors, intermediate, final, notes)


def _matrices(
    table: CheckedTable, countries: tuple[str, ...], sectors: tuple[str, ...], *, file: Path
) -> tuple[Matrix, Matrix]:
    """Sales to sectors, shape ``[row, row]``, and to final use, ``[row, country]``, USD."""
    value = table.numbers["value_musd"] * MILLION
    n, k = len(countries), len(sectors)
    row = _places(table, "source_country", countries, file=file) * k
    row += _places(table, "source_sector", sectors, file=file)
    user = _places(table, "use_country", countries, file=file)
    # Zeros are left out, so a use need not occur.
    use = _places(table, "use", (*sectors, *FINAL_USES), file=file, all_of_them=False)
    to_final = use >= k
    _check_sales(table, value, to_final, file=file)
    intermediate = np.bincount(
        ((row * n + user) * k + use)[~to_final], weights=value[~to_final], minlength=(n * k) ** 2
    )
    final = np.bincount((row * n + user)[to_final], weights=value[to_final], minlength=n * k * n)
    # bincount gives integers where there are no sales at all.
    return (
        intermediate.astype(np.float64, copy=False).reshape(n * k, n * k),
        final.astype(np.float64, copy=False).reshape(n * k, n),
    )


def _places(
    table: CheckedTable,
    column: str,
    known: Sequence[str],
    *,
    file: Path,
    all_of_them: bool = True,
) -> NDArray[np.int64]:
    """Place of every row's code among those known, all of which must occur."""
    codes, remedy = table.codes[column], "Give flows and tables of the same countries and sectors"
    place = codes.places(known).astype(np.int64)
    problem = "is in the input-output table and not in the flows"
    refuse_cells(table.frame[column], place < 0, problem, remedy=remedy, file=file)
    absent = sorted(set(known) - set(codes.used()), key=known.index) if all_of_them else []
    if absent:
        raise InputError(
            f"{absent[0]!r} is in the flows and not in the input-output table",
            remedy=remedy,
            file=file,
            column=column,
        )
    return place


def _check_sales(
    table: CheckedTable, value: Matrix, to_final: NDArray[np.bool_], *, file: Path
) -> None:
    wrong = (value < 0) & ~to_final
    if wrong.any():
        row = int(np.argmax(wrong))
        sale = " ".join(str(table.frame[name].iloc[row]) for name in INPUT_OUTPUT.key)
        raise InputError(
            f"a sale to a sector is negative ({sale}: {value[row] / MILLION:g} million USD)",
            remedy="Correct it; only final use, as inventories fall, may be negative",
            file=file,
            column="value_musd",
            row=row + 2,
        )


def _published_output(
    folder: Path, year: int, countries: tuple[str, ...], sectors: tuple[str, ...]
) -> Matrix:
    """Published gross output, USD, shape ``[row]``; NaN where none is published."""
    file = folder / "gross_output.parquet"
    output = np.full(len(countries) * len(sectors), np.nan)
    if not file.is_file():
        return output
    table = GROSS_OUTPUT.check(read_table(file, text=GROSS_OUTPUT.text), file=file)
    years = table.years["year"]
    if year not in years:
        raise InputError(
            f"there is a table of {year} and no published output of that year "
            f"({years.min()}-{years.max()})",
            remedy="Add the year, or remove the file: tables are then not checked against it",
            file=file,
        )
    row = table.codes["country"].places(countries).astype(np.int64)
    sector = table.codes["sector"].places(sectors)
    known = (row >= 0) & (sector >= 0) & (years == year)
    published = table.numbers["output_musd"] * MILLION
    output[(row * len(sectors) + sector)[known]] = published[known]
    return output


def _settle(
    intermediate: Matrix,
    final: Matrix,
    gap: Matrix,
    *,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    file: Path,
) -> TableNotes:
    """Check the balance; repair in place, and count, what rounding to millions left."""
    bound = ROUNDING * (intermediate.shape[1] + final.shape[1])
    output = intermediate.sum(axis=1) + final.sum(axis=1)
    # NaN where nothing is published: not an imbalance.
    _refuse(np.abs(gap), output - gap, bound, names, file, what="its row differs from the "
            "published output")  # fmt: skip
    _refuse(-output, output, bound, names, file, what="its output is negative")
    negative = int((final < 0).sum())
    cleared = (output < LEAST_OUTPUT) & (final < 0).any(axis=1)
    final[cleared] = np.maximum(final[cleared], 0.0)
    output = intermediate.sum(axis=1) + final.sum(axis=1)
    idle = (output < LEAST_OUTPUT) & (intermediate.sum(axis=0) > 0)
    k = len(names[1])
    for column in np.flatnonzero(idle):
        final[:, column // k] += intermediate[:, column]
        intermediate[:, column] = 0.0
    added = intermediate.sum(axis=1) + final.sum(axis=1) - intermediate.sum(axis=0)
    published = bool(np.isfinite(gap).any())
    widest = int(np.nanargmax(np.abs(gap))) if published else 0
    return TableNotes(
        negative_final_cells=negative,
        cleared_rows=int(cleared.sum()),
        inputs_without_output=int(idle.sum()),
        negative_value_added=int((added < 0).sum()),
        largest_gap=float(abs(gap[widest])),
        largest_gap_at=row_name(widest, *names) if published else "",
    )


def row_name(row: int, countries: Sequence[str], sectors: Sequence[str]) -> str:
    """Country and sector of a row, for messages."""
    return f"{countries[row // len(sectors)]} {sectors[row % len(sectors)]}"


def _refuse(
    excess: Matrix,
    output: Matrix,
    bound: float,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    file: Path,
    *,
    what: str,
) -> None:
    wrong = (excess > bound) & (excess > TOLERANCE * np.abs(output))
    if not wrong.any():
        return
    row = int(np.argmax(np.where(wrong, excess, -np.inf)))
    share = f", {excess[row] / output[row]:.1%} of it" if output[row] > 0 else ""
    raise InputError(
        f"the table does not balance at {row_name(row, *names)}: {what} by "
        f"{excess[row] / MILLION:,.0f} million USD{share} ({int(wrong.sum())} sectors are out of "
        "balance)",
        remedy="Check that the table is complete and in million USD",
        file=file,
    )
