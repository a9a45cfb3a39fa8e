"""Traders that have not reported yet: their cells are missing, not zero."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.choices import LateReports
from features.data.panel import PanelNotes, TradePanel
from features.errors import listed
from features.findings import Finding, dollars, years_listed
from features.plausibility.successions import Succession
from features.plausibility.trader_totals import SIDES, Side, TraderTotals

Silent = dict[Side, NDArray[np.bool_]]


def silent_years(totals: TraderTotals, found: Sequence[Succession]) -> Silent:
    """Years without a trader's exports (imports) after it traded, except after it ended."""
    silent = {side: totals.silent(side) for side in SIDES}
    for one in found:
        ended = totals.years > one.year
        for side in SIDES:
            silent[side][ended, totals.countries.index(one.before)] = False
    return silent


def without_silence(panel: TradePanel, silent: Silent) -> TradePanel:
    """The panel with flows of silent traders unknown; sales at home stay as they are."""
    if not any(mask.any() for mask in silent.values()):
        return panel
    flows, values = panel.flows, panel.values.copy()
    for row in np.flatnonzero(silent["exports"].any(axis=1) | silent["imports"].any(axis=1)):
        gone = silent["exports"][row][flows.exporter] | silent["imports"][row][flows.importer]
        values[row, gone & ~flows.domestic] = np.nan
    return replace(panel, values=values)


def reporting_findings(
    totals: TraderTotals, silent: Silent, found: Sequence[Succession], late: LateReports
) -> list[Finding]:
    """Traders that are silent at the end, in the middle, or before their first figure."""
    findings = []
    for side in SIDES:
        trailing = np.logical_and.accumulate(silent[side][::-1], axis=0)[::-1]
        findings += _late(totals, side, trailing, late)
        findings += _gaps(totals, side, silent[side] & ~trailing, late)
    followers = {name for one in found for name in one.after}
    return [*findings, *_starts(totals, besides=followers)]


def _late(
    totals: TraderTotals, side: Side, trailing: NDArray[np.bool_], late: LateReports
) -> list[Finding]:
    statements = []
    for k in np.flatnonzero(trailing.any(axis=0)):
        row = int(np.argmax(trailing[:, k]))
        years = years_listed(int(year) for year in totals.years[row:])
        before = dollars(float(totals.value[side][row - 1, k]))
        statements.append(f"{totals.countries[k]} has no {side} in {years} after {before}"
                    f" in {totals.years[row - 1]}")  # fmt: skip
    more = f"; and {len(statements) - 3:,} more" if len(statements) > 3 else ""
    message = f"{'; '.join(statements[:3])}{more}: read as"
    return _silence("late-reporter", message, totals, trailing, late)


def _gaps(
    totals: TraderTotals, side: Side, gaps: NDArray[np.bool_], late: LateReports
) -> list[Finding]:
    statements = [
        f"{totals.countries[k]} ({years_listed(int(y) for y in totals.years[gaps[:, k]])})"
        for k in np.flatnonzero(gaps.any(axis=0))
    ]
    message = f"no {side} in years between others: {listed(statements)}; read as"
    return _silence("reporting-gap", message, totals, gaps, late)


def _silence(
    code: str, message: str, totals: TraderTotals, silent: NDArray[np.bool_], late: LateReports
) -> list[Finding]:
    """A finding on silent traders, if there are any."""
    traders = np.flatnonzero(silent.any(axis=0))
    if not traders.size:
        return []
    return [
        Finding(
            code=code,
            severity="warning" if late == "auto" else "note",
            count=traders.size if code == "late-reporter" else int(silent.sum()),
            names=tuple(totals.countries[k] for k in traders),
            years=tuple(int(year) for year in totals.years[silent.any(axis=1)]),
            message=f"{message} {'zero' if late == 'zero' else 'missing'}",
            remedy="Give --late missing if it has not reported, --late zero if there was no trade "
            "(`late: zero`)",
        )
    ]


def _starts(totals: TraderTotals, *, besides: Collection[str]) -> list[Finding]:
    """A note on traders that begin later: zeros before it may mean that nothing was reported."""
    active = (totals.traded["exports"] > 0) | (totals.traded["imports"] > 0)
    first = active.argmax(axis=0)
    late = [k for k in np.flatnonzero(active.any(axis=0) & (first > 0))
            if totals.countries[k] not in besides]  # fmt: skip
    if not late:
        return []
    statements = [f"{totals.countries[k]} (from {totals.years[first[k]]})" for k in late]
    return [
        Finding(
            code="late-start",
            severity="note",
            count=len(late),
            names=tuple(totals.countries[k] for k in late),
            years=tuple(sorted({int(totals.years[first[k]]) for k in late})),
            message=f"no trade in the table's first years: {listed(statements)}",
            remedy="Leave those rows out and give --absent missing if they were not reported",
        )
    ]


def flow_gaps(panel: TradePanel, silent: Silent) -> list[Finding]:
    """A note on flows that are unknown between known years although both sides reported."""
    values, flows = panel.values, panel.flows
    if not np.isnan(values).any():
        return []
    known = ~np.isnan(values)
    inside = np.logical_or.accumulate(known, axis=0)
    inside &= np.logical_or.accumulate(known[::-1], axis=0)[::-1]
    gaps = inside & ~known
    for row in range(values.shape[0]):
        gone = silent["exports"][row][flows.exporter] | silent["imports"][row][flows.importer]
        gaps[row] &= ~gone
    where = np.flatnonzero(gaps.any(axis=0))
    if not where.size:
        return []
    names = tuple(flow_name(panel, int(flow)) for flow in where[:20])
    return [
        Finding(
            code="reporting-gap",
            severity="note",
            count=int(gaps.sum()),
            names=names,
            years=tuple(int(year) for year in panel.years[gaps.any(axis=1)]),
            message=f"flows unknown in years between known ones: {where.size:,} (cells: "
            f"{int(gaps.sum()):,}), such as {' and '.join(names[:2])}",
            remedy="--absent zero reads what has no row as no trade",
        )
    ]


def few_zeros(notes: PanelNotes) -> list[Finding]:
    """A note where a table states some zeros, too few to list them, and lacks cells."""
    few = notes.absent_decided and notes.absent_means == "zero" and notes.stated_zeros > 0
    if not few or not notes.absent_cells:
        return []
    return [
        Finding(
            code="few-zeros",
            severity="note",
            count=notes.stated_zeros,
            names=(),
            years=(),
            message=f"cells without a row: {notes.absent_cells:,}, read as zero although the table "
            f"states zeros (rows: {notes.stated_zeros:,}): one that lists its zeros has more",
            remedy="--absent missing reads those cells as unknown",
        )
    ]


def flow_name(panel: TradePanel, flow: int) -> str:
    """A flow in words: ``DEU -> FRA``, and its sector where there are sectors."""
    flows = panel.flows
    ends = (flows.countries[flows.exporter[flow]], flows.countries[flows.importer[flow]])
    sector = (flows.sectors[flows.sector[flow]],) if flows.has_sectors else ()
    return " -> ".join(ends) + "".join(f", {name}" for name in sector)
