"""What reporters declare of their own trade, partner by partner, and when it came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.data.flows import FlowIndex
from features.errors import InputError
from features.reading.schemas import REPORTS

Reporter = Literal["importer", "exporter"]
REPORTERS: tuple[Reporter, ...] = ("importer", "exporter")
"""The two sides of a flow, either of which may declare it."""
FEWEST_PARTNERS = 5
"""A reporter with fewer partners in a year has not filed that year: its rows are strays, and a
partner without a row is not a zero."""
LATE_MONTHS = 18
"""Delay of a reporter that no table names: late, never early."""
NEVER = np.datetime64("9999-12-31", "D")

Matrix = NDArray[np.float32]
Dates = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class SeenReports:
    """Reports that were out on an as-of date.

    Attributes
    ----------
    years
        Consecutive calendar years, shape ``[year]``.
    values
        By who declares: current USD, shape ``[year, flow]``. NaN where the reporter has filed
        nothing by then, 0 where it has filed and names no such trade.
    """

    years: NDArray[np.int32]
    values: Mapping[Reporter, Matrix]

    def at(self, reporter: Reporter, year: int) -> NDArray[np.float64]:
        """Reports of a year, USD, shape ``[flow]``; NaN where none were out."""
        values = self.values[reporter]
        row = year - int(self.years[0])
        if not 0 <= row < values.shape[0]:
            return np.full(values.shape[1], np.nan)
        return values[row].astype(np.float64)


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports aligned to the flows of a panel without sectors.

    Attributes
    ----------
    flows
        Keys of the last axis of ``values``.
    years
        Consecutive calendar years, shape ``[year]``; they may reach beyond the panel.
    values
        By who declares: USD, shape ``[year, flow]``, NaN where the reporter has not filed the year.
    published
        By who declares: the day a reporter's year came out, shape ``[year, country]``; `NEVER`
        where it has not filed.
    first
        Reports as first published, where they are known or assumed (`with_assumed_revisions`):
        what a forecast reads of years after its origin. None takes ``values``.
    """

    flows: FlowIndex
    years: NDArray[np.int32]
    values: Mapping[Reporter, Matrix]
    published: Mapping[Reporter, Dates]
    first: Mapping[Reporter, Matrix] | None = None

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        flows: FlowIndex,
        delays: Mapping[str, int],
        file: object = "reports",
    ) -> Reports:
        """Build from a tidy table.

        Parameters
        ----------
        frame
            ``reporter, partner, flow, year, value_usd`` and perhaps ``published``, the day each row
            came out; one row a reporter, partner, flow (``export`` or ``import``) and year. Prices
            (FOB, CIF) may differ between reporters, not between a reporter's years.
        flows
            Of the panel; reports about other countries count as partners, and are not used.
        delays
            Months from the end of a year to a reporter's publication, for rows without
            ``published``; a reporter that is not listed takes `LATE_MONTHS`.
        file
            Named in errors.

        Raises
        ------
        InputError
            For a wrong cell (`schemas.REPORTS`), or a panel with sectors or domestic sales.
        """
        _require_totals(flows, file=file)
        checked = REPORTS.check(frame, file=file)
        year = checked.years["year"].astype(np.int32)
        years = np.arange(year.min(), year.max() + 1, dtype=np.int32)
        reporter = checked.codes["reporter"].places(flows.countries)
        partner = checked.codes["partner"].places(flows.countries)
        known = (reporter >= 0) & (reporter != partner)
        dates = _dates(checked.frame, file=file)
        values: dict[Reporter, Matrix] = {}
        published: dict[Reporter, Dates] = {}
        direction = checked.codes["flow"].texts()
        for side, word in (("importer", "import"), ("exporter", "export")):
            rows = np.flatnonzero(known & (direction == word))
            row, who = year[rows] - years[0], reporter[rows]
            declared = checked.numbers["value_usd"][rows]
            published[side] = _published(
                row[declared > 0],
                who[declared > 0],
                None if dates is None else dates[rows][declared > 0],
                years=years,
                countries=flows.countries,
                delays=delays,
            )
            filed = published[side] < NEVER
            ends = flows.importer if side == "importer" else flows.exporter
            values[side] = np.where(filed[:, ends], np.float32(0), np.float32(np.nan))
            inside = (partner[rows] >= 0) & filed[row, who]
            row, who, other = row[inside], who[inside], partner[rows][inside]
            sides = (other, who) if side == "importer" else (who, other)
            place = flows.position(*sides, np.zeros(who.size, dtype=np.int32))
            values[side][row, place] = declared[inside]
        return cls(flows, years, values, published)

    def seen(self, as_of: date, *, origin: int) -> SeenReports:
        """Reports out by a date: years after ``origin`` as first published, others as revised."""
        first = self.values if self.first is None else self.first
        fresh = self.years > origin
        out: dict[Reporter, Matrix] = {}
        for side in REPORTERS:
            values = np.where(fresh[:, None], first[side], self.values[side])
            late = self.published[side] > np.datetime64(as_of, "D")
            ends = self.flows.importer if side == "importer" else self.flows.exporter
            out[side] = np.where(late[:, ends], np.float32(np.nan), values)
        return SeenReports(self.years, out)

    def of_reporters(self, names: frozenset[str]) -> Reports:
        """The reports of some reporters alone, as if no other had ever published after the year."""
        absent = np.array([name not in names for name in self.flows.countries])
        published = {side: np.where(absent, NEVER, days) for side, days in self.published.items()}
        return replace(self, published=published)


def with_assumed_revisions(reports: Reports, *, scale: float, seed: int) -> Reports:
    """Reports whose first publication differs from today's figures by an assumed revision.

    No vintages are at hand. The log of a first figure is off by a normal error with a standard
    deviation of .02 above 1 bn USD, .03 above 100 m, .06 above 1 m and .15 below, and by one of .01
    that a reporter's year shares; all times ``scale``.
    """
    if scale == 0:
        return reports
    rng = np.random.default_rng(seed)
    first: dict[Reporter, Matrix] = {}
    for side in REPORTERS:
        values = reports.values[side]
        size = np.nan_to_num(values)
        sd = np.select([size > 1e9, size > 1e8, size > 1e6], [0.02, 0.03, 0.06], 0.15)
        ends = reports.flows.importer if side == "importer" else reports.flows.exporter
        shared = rng.normal(0, 0.01 * scale, reports.published[side].shape)[:, ends]
        error = rng.normal(0, 1, values.shape) * sd * scale + shared
        first[side] = (values * np.exp(error)).astype(np.float32)
    return replace(reports, first=first)


def _require_totals(flows: FlowIndex, *, file: object) -> None:
    what = "sectors" if flows.has_sectors else "domestic sales" if flows.diagonal else None
    if what is not None:
        raise InputError(
            f"reports are totals of trade abroad, but the trade file has {what}",
            remedy="Leave out the reports, or give trade without them",
            file=file,
        )


def _dates(frame: pd.DataFrame, *, file: object) -> Dates | None:
    if "published" not in frame.columns:
        return None
    days = pd.to_datetime(frame["published"], errors="coerce", format="ISO8601")
    wrong = (days.isna() & frame["published"].notna()).to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{frame['published'].iloc[row]!r} is not a date",
            remedy="Write dates as 2024-05-31, or leave the cell empty",
            file=file,
            column="published",
            row=row + 2,
        )
    return days.to_numpy(dtype="datetime64[D]")


def _published(
    row: NDArray[np.integer],
    who: NDArray[np.integer],
    dates: Dates | None,
    *,
    years: NDArray[np.int32],
    countries: tuple[str, ...],
    delays: Mapping[str, int],
) -> Dates:
    """The day each reporter's year came out, shape ``[year, country]``."""
    shape = (years.size, len(countries))
    partners = np.zeros(shape, dtype=np.int32)
    np.add.at(partners, (row, who), 1)
    months = np.array([delays.get(name, LATE_MONTHS) for name in countries])
    # A year's first day is 12 months before the delay begins.
    start = (years - 1970).astype("datetime64[Y]").astype("datetime64[M]")[:, None]
    days = (start + (12 + months).astype("timedelta64[M]")).astype("datetime64[D]")
    if dates is not None:
        stated = np.full(shape, np.datetime64("0001-01-01", "D"))
        given = ~np.isnat(dates)
        # The year is complete with its last row.
        np.maximum.at(stated, (row[given], who[given]), dates[given])
        days = np.where(stated > np.datetime64("0001-01-01", "D"), stated, days)
    return np.where(partners >= FEWEST_PARTNERS, days, NEVER)
