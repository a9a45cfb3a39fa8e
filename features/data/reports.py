"""What reporters declare of their own trade, partner by partner, and when it came out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.data.flows import FlowIndex
from features.data.report_delays import LATE_MONTHS
from features.data.report_rows import ReportRows
from features.data.report_years import DeclaredYears, declared_years
from features.data.rest_of_world import REST
from features.errors import InputError

Reporter = Literal["importer", "exporter"]
REPORTERS: tuple[Reporter, ...] = ("importer", "exporter")
"""The two sides of a flow, either of which may declare it."""
_FLOW = {"importer": "import", "exporter": "export"}

Matrix = NDArray[np.float32]
Dates = NDArray[np.datetime64]
Months = NDArray[np.int8]


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
    months
        By who declares: the months that a reporter's year stands on, shape ``[year, margin]``; 12
        for a whole year, 0 where it has filed nothing by then. None where all are whole.
    """

    years: NDArray[np.int32]
    values: Mapping[Reporter, Matrix]
    months: Mapping[Reporter, Months] | None = None

    def at(self, reporter: Reporter, year: int) -> NDArray[np.float64]:
        """Reports of a year, USD, shape ``[flow]``; NaN where none were out."""
        values = self.values[reporter]
        row = year - int(self.years[0])
        if not 0 <= row < values.shape[0]:
            return np.full(values.shape[1], np.nan)
        return values[row].astype(np.float64)

    def months_at(self, reporter: Reporter, year: int, flows: FlowIndex) -> NDArray[np.float64]:
        """Months that reports of a year stand on, shape ``[flow]``; 12 where none were out."""
        row = year - int(self.years[0])
        if self.months is None or not 0 <= row < self.years.size:
            return np.full(flows.size, 12.0)
        months = self.months[reporter][row, margins_of(flows, reporter)]
        return np.where(months == 0, 12.0, months)


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports aligned to the flows of a panel.

    With sectors, a reporter files each of them or does not. Nobody declares sales at home.

    Attributes
    ----------
    flows
        Keys of the last axis of ``values``.
    years
        Consecutive calendar years, shape ``[year]``; they may reach beyond the panel.
    values
        By who declares: USD, shape ``[year, flow]``, NaN where the reporter has not filed the year.
    published
        By who declares: the day a reporter's year came out, shape ``[year, margin]``; `NEVER`
        where it has not filed.
    first
        Reports as first published, where they are known or assumed (`with_assumed_revisions`):
        what a forecast reads of years after its origin. None takes ``values``.
    months
        By who declares: the months that a reporter's year stands on, shape ``[year, margin]``;
        None where all are whole.
    statements
        What was counted, and not used.
    """

    flows: FlowIndex
    years: NDArray[np.int32]
    values: Mapping[Reporter, Matrix]
    published: Mapping[Reporter, Dates]
    first: Mapping[Reporter, Matrix] | None = None
    months: Mapping[Reporter, Months] | None = None
    statements: tuple[str, ...] = ()

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        flows: FlowIndex,
        delays: Mapping[str, int],
        rest: Collection[str] = (),
        file: object = "reports",
    ) -> Reports:
        """Build from a tidy table.

        Parameters
        ----------
        frame
            ``reporter, partner, flow, year, value_usd``, with sectors ``sector``, and perhaps
            ``month`` (1 to 12, empty for a whole year; see `report_years.declared_years`),
            ``valuation`` (``fob`` or ``cif``) and ``published``, the day each row came out.
            Valuations may differ between reporters.
        flows
            Of the panel; reports about other countries count as partners, and are not used.
        delays
            Months from the end of a year to a reporter's publication, for rows without
            ``published``; a reporter that is not listed takes `LATE_MONTHS`.
        rest
            Countries that the panel holds together, as ``ROW``: as partners they are added up, as
            reporters they are not used. Without them, nothing is declared of a panel's ``ROW``.
        file
            Named in errors.

        Raises
        ------
        InputError
            For a wrong cell (`schemas.REPORTS`), a reporter's year in two valuations, a row that
            came out before its period ended, no report of a country of the panel, or sectors in the
            reports or in the panel alone.
        """
        rows = ReportRows.of_frame(frame, flows=flows, rest=rest, file=file)
        usual = np.array([delays.get(name, LATE_MONTHS) for name in flows.countries])
        sectors = len(flows.sectors)
        usual = np.repeat(usual, sectors)
        declared = {
            side: declared_years(
                rows.of(_FLOW[side]), years=rows.years, delays=usual, sectors=sectors
            )
            for side in REPORTERS
        }
        _require_some(declared, file=file)
        named = np.array([name in delays for name in flows.countries])
        return cls(
            flows,
            rows.years,
            {
                side: _matrix(flows, side, one, knows_rest=bool(rest))
                for side, one in declared.items()
            },
            {side: one.published for side, one in declared.items()},
            months={side: one.months for side, one in declared.items()},
            statements=(*rows.statements, *_statements(declared, named, sectors=sectors)),
        )

    def seen(self, as_of: date, *, origin: int, size: int | None = None) -> SeenReports:
        """Reports out by a date: years after ``origin`` as first published, others as revised.

        They are of the first ``size`` flows, those of an origin's own universe; by default of all.
        """
        first = self.values if self.first is None else self.first
        fresh = self.years > origin
        out: dict[Reporter, Matrix] = {}
        months: dict[Reporter, Months] = {}
        for side in REPORTERS:
            given = first[side][:, :size], self.values[side][:, :size]
            late = self.published[side] > np.datetime64(as_of, "D")
            silent = late[:, margins_of(self.flows, side)[:size]]
            out[side] = np.where(silent, np.float32(np.nan), np.where(fresh[:, None], *given))
            if self.months is not None:
                months[side] = np.where(late, np.int8(0), self.months[side])
        return SeenReports(self.years, out, months or None)


def with_assumed_revisions(reports: Reports, *, scale: float, seed: int, until: int) -> Reports:
    """Reports whose first publication differs from today's figures by an assumed revision.

    No vintages are at hand. The log of a first figure is off by a normal error with a standard
    deviation of .02 above 1 bn USD, .03 above 100 m, .06 above 1 m and .15 below, and by one of .01
    that a reporter's year shares; all times ``scale``. Years after ``until`` are as they are: no
    reconciled flows are known of them yet, so their reports are the first ones.
    """
    if scale == 0:
        return reports
    rng = np.random.default_rng(seed)
    first: dict[Reporter, Matrix] = {}
    for side in REPORTERS:
        values = reports.values[side]
        size = np.nan_to_num(values)
        sd = np.select([size > 1e9, size > 1e8, size > 1e6], [0.02, 0.03, 0.06], 0.15)
        margins = margins_of(reports.flows, side)
        shared = rng.normal(0, 0.01 * scale, reports.published[side].shape)[:, margins]
        error = rng.normal(0, 1, values.shape) * sd * scale + shared
        error[reports.years > until] = 0.0
        first[side] = (values * np.exp(error)).astype(np.float32)
    return replace(reports, first=first)


def margins_of(flows: FlowIndex, side: Reporter) -> NDArray[np.int32]:
    """Code of the importer's or exporter's total that each flow belongs to, shape ``[flow]``."""
    return flows.importer_margin if side == "importer" else flows.exporter_margin


def _matrix(
    flows: FlowIndex, side: Reporter, declared: DeclaredYears, *, knows_rest: bool
) -> Matrix:
    """Declared values, shape ``[year, flow]``; 0 where a reporter has filed without such a row."""
    filed = declared.months > 0
    foreign = filed[:, margins_of(flows, side)] & ~flows.domestic
    values = np.where(foreign, np.float32(0), np.float32(np.nan))
    if REST in flows.countries and not knows_rest:
        partners = flows.exporter if side == "importer" else flows.importer
        values[:, partners == flows.countries.index(REST)] = np.nan
    rows = declared.rows[declared.rows["partner"] < len(flows.countries)]
    margin, other = (rows[name].to_numpy(dtype=np.int32) for name in ("reporter", "partner"))
    who, sector = np.divmod(margin, np.int32(len(flows.sectors)))
    ends = (other, who) if side == "importer" else (who, other)
    place = flows.position(*ends, sector)
    # A flow that never trades in the panel may be none of its universe.
    there = place >= 0
    values[rows["year"].to_numpy()[there], place[there]] = rows["value"].to_numpy()[there]
    return values


def _require_some(declared: Mapping[Reporter, DeclaredYears], *, file: object) -> None:
    if not any((one.months > 0).any() for one in declared.values()):
        raise InputError(
            "no country of the trade panel has filed a year",
            remedy="Give reports by its countries, with five partners or more a year; months "
            "alone need the whole year before",
            file=file,
        )


def _statements(
    declared: Mapping[Reporter, DeclaredYears], named: NDArray[np.bool_], *, sectors: int
) -> tuple[str, ...]:
    """What was declared, how the days of publication are known, and what does not count."""

    def by_sector(parts: list[NDArray[Any]]) -> NDArray[Any]:
        stacked = np.stack(parts)
        return stacked.reshape(*stacked.shape[:2], -1, sectors)

    months = by_sector([one.months for one in declared.values()])
    dated = by_sector([one.dated for one in declared.values()])
    filed, dated = (months > 0).any(axis=-1), (dated | (months == 0)).all(axis=-1)
    usual, late = filed & ~dated & named, filed & ~dated & ~named
    partial = int(((months > 0) & (months < 12)).sum())
    strays = sum(int(one.strays.sum()) for one in declared.values())
    years = "reporters' years" if sectors == 1 else "years of reporters' sectors"
    lines = [
        f"{int(np.any(filed, axis=(0, 1)).sum())} reporters have filed {int(filed.sum()):,} years "
        "of exports or imports",
        f"they came out: {int((filed & dated).sum()):,} on a stated day, {int(usual.sum()):,} with "
        f"their reporter's usual delay, {int(late.sum()):,} after {LATE_MONTHS} months, as nothing "
        "says when",
    ]
    if partial:
        lines.append(f"{partial:,} {years} are incomplete: read as growth of their months")
    if strays:
        lines.append(
            f"{strays:,} {years} not used: fewer than five partners, or months without the same "
            "months and the whole of the year before"
        )
    return tuple(lines)
