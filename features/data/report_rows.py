"""Rows of a table of reports: checked, as integer codes, without what is outside the panel."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.panel_codes import counted, place_of
from features.data.flows import FlowIndex
from features.data.rest_of_world import REST
from features.errors import InputError
from features.files.table_schema import CheckedTable
from features.files.tables import refuse_cells
from features.reading.schemas import REPORTS


@dataclass(frozen=True, slots=True)
class ReportRows:
    """Rows of a panel's reporters and sectors.

    Attributes
    ----------
    years
        Consecutive calendar years, shape ``[year]``.
    frame
        What `report_years.declared_years` takes, and ``flow``; ``reporter`` is a margin of the
        panel, a country and sector. Partners that are no countries of the panel have codes behind
        it.
    statements
        Rows that are not used.
    """

    years: NDArray[np.int32]
    frame: pd.DataFrame
    statements: tuple[str, ...]

    @classmethod
    def of_frame(
        cls,
        frame: pd.DataFrame,
        *,
        flows: FlowIndex,
        rest: Collection[str] = (),
        file: object,
    ) -> ReportRows:
        """Check a tidy table of reports; partners of the ``rest`` are ``ROW`` of the panel.

        Raises
        ------
        InputError
            For a wrong cell, a reporter's year in two valuations, a row that came out before its
            period ended, or reports by other sectors than the panel's.
        """
        checked = REPORTS.check(frame, file=file)
        countries, sectors = flows.countries, len(flows.sectors)
        sector = _sectors(checked, flows, file=file)
        year = checked.years["year"].astype(np.int32)
        years = np.arange(year.min(), year.max() + 1, dtype=np.int32)
        month = _months(checked, file=file)
        _refuse_two_valuations(checked, file=file)
        published = _published(checked, year, month, file=file)
        reporter, partner = checked.codes["reporter"], checked.codes["partner"]
        flow = checked.codes["flow"]
        names = [REST if name in rest else name for name in partner.names]
        others = sorted({*names} - {*countries})
        rows = pd.DataFrame(
            {
                "flow": pd.Categorical.from_codes(flow.positions, flow.names),
                "year": year - years[0],
                "country": reporter.places(countries),
                "sector": sector,
                "partner": place_of(names, (*countries, *others))[partner.positions],
                "month": month,
                "value": checked.numbers["value_usd"],
                "published": published,
            }
        )
        known = (rows["country"] >= 0).to_numpy()
        at_home = known & (rows["country"] == rows["partner"]).to_numpy()
        abroad = known & (rows["partner"] >= len(countries)).to_numpy()
        foreign = {reporter.names[code] for code in np.unique(reporter.positions[~known])}
        other_sector = known & (sector < 0)
        rows["reporter"] = rows["country"] * sectors + sector
        said = {
            f"of {len(foreign)} reporters outside the trade panel not used": ~known,
            "about partners outside the trade panel, who only count as partners": abroad,
            "of a reporter's trade with itself not used": at_home,
            "of sectors outside the trade panel not used": other_sector,
        }
        statements = (
            f"{counted(len(rows))} of reports, {years[0]}-{years[-1]}",
            *(f"{counted(int(of.sum()))} {what}" for what, of in said.items() if of.any()),
        )
        kept = rows[known & ~at_home & ~other_sector].drop(columns=["country", "sector"])
        return cls(years, kept.reset_index(drop=True), statements)

    def of(self, flow: str) -> pd.DataFrame:
        """The rows of ``export`` or ``import``."""
        return self.frame[self.frame["flow"] == flow]


def _sectors(checked: CheckedTable, flows: FlowIndex, *, file: object) -> NDArray[np.int32]:
    """Sector code of each row, -1 for one that the panel does not have."""
    given = checked.codes.get("sector")
    if given is None and not flows.has_sectors:
        return np.zeros(len(checked.frame), dtype=np.int32)
    if given is None:
        what, remedy = "the trade has sectors and the reports do not", "Add the column"
    elif not flows.has_sectors:
        what, remedy = "the reports have sectors and the trade does not", "Give totals in both"
    elif not {*given.names} & {*flows.sectors}:
        what, remedy = "no sector of the reports is one of the trade", "Use the codes of the trade"
    else:
        return given.places(flows.sectors)
    remedy = f"{remedy}, or leave out the reports"
    raise InputError(what, remedy=remedy, file=file, column="sector")


def _months(checked: CheckedTable, *, file: object) -> NDArray[np.int8]:
    """Month of each row; 0 for a whole year."""
    given = checked.numbers.get("month")
    if given is None:
        return np.zeros(len(checked.frame), dtype=np.int8)
    wrong = ~np.isnan(given) & ((given < 1) | (given > 12) | (given != np.floor(given)))
    remedy = "Give a month from 1 to 12, or leave the cell empty for a whole year"
    refuse_cells(checked.frame["month"], wrong, "is not a month", remedy=remedy, file=file)
    return np.nan_to_num(given).astype(np.int8)


def _refuse_two_valuations(checked: CheckedTable, *, file: object) -> None:
    valuation = checked.codes.get("valuation")
    if valuation is None:
        return
    reporter, flow = checked.codes["reporter"], checked.codes["flow"]
    years = checked.years["year"].astype(np.int64)
    # A country may have two codes.
    place = place_of(reporter.names, sorted({*reporter.names}))[reporter.positions]
    key = (place * np.int64(10_000) + years) * len(flow.names) + flow.positions
    if (sector := checked.codes.get("sector")) is not None:
        key = key * len(sector.names) + sector.positions
    first = pd.Series(valuation.positions).groupby(key).transform("first").to_numpy()
    other = valuation.positions != first
    if other.any():
        row = int(np.argmax(other))
        what, who = (codes.names[codes.positions[row]] for codes in (flow, reporter))
        raise InputError(
            f"{what}s of {who} in {years[row]} are both FOB and CIF",
            remedy="Keep one valuation for each reporter, flow and year",
            file=file,
            column="valuation",
            row=row + 2,
        )


def _published(
    checked: CheckedTable, year: NDArray[np.int32], month: NDArray[np.int8], *, file: object
) -> NDArray[np.datetime64]:
    """The day each row came out; NaT where it is not stated."""
    cells = checked.texts.get("published")
    if cells is None:
        return np.full(year.size, np.datetime64("NaT", "D"))
    column = pd.Series(cells, name="published")
    codes, distinct = pd.factorize(column)
    words = pd.Series(distinct).str.strip()
    parsed = pd.to_datetime(words, errors="coerce", format="ISO8601", utc=True)
    days = parsed.dt.tz_localize(None).to_numpy(dtype="datetime64[D]")[codes]
    stated = (words != "").to_numpy()[codes]
    remedy = "Write dates as 2024-05-31, or leave the cell empty"
    wrong = np.isnat(days) & stated
    refuse_cells(column, wrong, "is not a date", remedy=remedy, file=file)
    # A row of a whole year ends with its December.
    months = (year - 1970) * 12 + np.where(month == 0, 12, month)
    ends = months.astype("datetime64[M]").astype("datetime64[D]")
    refuse_cells(
        column,
        days < ends,
        "is before the end of what it declares",
        remedy="Give the day on which the row came out, or leave the cell empty",
        file=file,
    )
    return days
