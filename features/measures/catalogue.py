"""The catalogue of measures of the trade pattern, and the data each of them needs."""

from __future__ import annotations

from features.measures import (
    chain_position,
    comparative_advantage,
    concentration,
    digital,
    geography,
    links,
    market_shares,
    platforms,
    reshoring,
)
from features.measures.measure import Measure, Need, PanelContext

MEASURES: tuple[Measure, ...] = (
    *market_shares.MEASURES,
    *comparative_advantage.MEASURES,
    *concentration.MEASURES,
    *geography.MEASURES,
    *links.MEASURES,
    *reshoring.MEASURES,
    *chain_position.MEASURES,
    *digital.MEASURES,
    *platforms.MEASURES,
)
"""All measures, in the order of tables and reports."""

UNMET: dict[Need, str] = {
    "sectors": "the trade file has no column `sector`",
    "kinds": "kinds of sectors are unknown: give a table of sectors (--sectors FILE)",
    "domestic": "domestic sales are not among the flows (--domestic include)",
    "distance": "distances are unknown: give a pair file with `distw` or `dist` (--pairs FILE)",
    "regions": "no country of the panel is in a known region",
    "low_cost": "no low-cost country of Kearney's list is in the panel",
    "data": "the data intensity of sectors is unknown: give --sectors a column `data_intensity`",
    "hosting": "hosts of web content are unknown: give a pair file with `hosting` (--pairs FILE)",
    "tables": "no input-output tables were given (--domestic include --tables DIR)",
}
"""Reason to give for each need that is not met."""


def available(context: PanelContext, *, tables: bool) -> tuple[Measure, ...]:
    """Measures that the data allow, in the catalogue's order."""
    lacking = _lacking(context, tables=tables)
    return tuple(measure for measure in MEASURES if not measure.needs & lacking)


def missing(context: PanelContext, *, tables: bool) -> dict[str, str]:
    """Why each other measure cannot be computed, by its name."""
    lacking = _lacking(context, tables=tables)
    return {
        measure.name: "; ".join(UNMET[need] for need in UNMET if need in measure.needs & lacking)
        for measure in MEASURES
        if measure.needs & lacking
    }


def _lacking(context: PanelContext, *, tables: bool) -> set[Need]:
    met: dict[Need, bool] = {
        "sectors": context.sectors != ("",),
        "kinds": context.services is not None,
        "domestic": context.domestic,
        "distance": context.distance is not None,
        "regions": context.region is not None,
        "low_cost": bool(reshoring.low_cost(context.countries).any()),
        "data": context.data_intensity is not None,
        "hosting": context.hosting is not None,
        "tables": tables,
    }
    return {need for need, is_met in met.items() if not is_met}
