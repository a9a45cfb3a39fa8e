"""All plausibility checks of a trade panel, and the corrected panel."""

from __future__ import annotations

from features.channels.economic_mass import GDP
from features.choices import LateReports
from features.data.indicators import Indicators
from features.data.panel import TradePanel
from features.findings import Finding
from features.plausibility.aggregates import aggregate_findings
from features.plausibility.levels import (
    flow_jumps,
    gdp_findings,
    level_findings,
    trader_jumps,
)
from features.plausibility.reporting import (
    few_zeros,
    flow_gaps,
    reporting_findings,
    silent_years,
    without_silence,
)
from features.plausibility.successions import succession_findings, successions
from features.plausibility.trader_totals import Recount, TraderTotals, recount_of


def check_panel(
    panel: TradePanel, *, late: LateReports = "auto"
) -> tuple[TradePanel, TraderTotals, list[Finding]]:
    """Check a panel, and mark as unknown what a trader has not reported.

    Parameters
    ----------
    panel
        As it was read.
    late
        What a year without a trader's exports (imports) means after it traded: ``"zero"``, or
        ``"missing"``; ``"auto"`` is missing too and warns.

    Returns
    -------
    tuple
        The panel, silent traders unknown unless ``late`` is zero; traders' totals; findings.

    Notes
    -----
    Whether a trader is silent in a year is decided by the years before it alone: the reading of
    earlier years, and with it every back-test, stays as it was when years are added.
    """
    totals = TraderTotals.of(panel)
    found = successions(totals)
    silent = silent_years(totals, found)
    reported = without_silence(panel, silent)
    # Traders that buy mostly from a silent one would seem to buy next to nothing.
    levels = totals if reported is panel else TraderTotals.of(reported)
    jumps = trader_jumps(levels, recount_of(reported))
    findings = [
        *aggregate_findings(panel, totals),
        *reporting_findings(totals, silent, found, late),
        *level_findings(levels, jumps),
        *flow_jumps(reported, levels, jumps),
        *succession_findings(found),
        *flow_gaps(panel, silent),
        *few_zeros(panel.notes),
    ]
    return (panel if late == "zero" else reported), totals, findings


def check_totals(totals: TraderTotals, recount: Recount) -> list[Finding]:
    """Findings from traders' totals alone, for a data set that is not yet a panel."""
    found = successions(totals)
    return [
        *reporting_findings(totals, silent_years(totals, found), found, "auto"),
        *level_findings(totals, trader_jumps(totals, recount)),
        *succession_findings(found),
    ]


def check_against_gdp(totals: TraderTotals, indicators: Indicators | None) -> list[Finding]:
    """Compare trade with GDP, where the indicators hold it."""
    if indicators is None or GDP not in indicators.values:
        return []
    return gdp_findings(totals, indicators.values[GDP], indicators.years)
