"""The catalogue of measures of the trade pattern, and what a panel must hold for each."""

from __future__ import annotations

from features.measures import (
    chain_position,
    comparative_advantage,
    concentration,
    digital,
    geography,
    links,
    market_shares,
    reshoring,
)
from features.measures.measure import Measure, Need, Surroundings

MEASURES: tuple[Measure, ...] = (
    *market_shares.MEASURES,
    *comparative_advantage.MEASURES,
    *concentration.MEASURES,
    *geography.MEASURES,
    *links.MEASURES,
    *reshoring.MEASURES,
    *chain_position.MEASURES,
    *digital.MEASURES,
)
"""What is not here is not measured. The order is that of tables and reports."""

WANTING: dict[Need, str] = {
    "sectors": "the trade file has no column `sector`",
    "kinds": "kinds of sectors are unknown: give a table of sectors (--sectors FILE)",
    "domestic": "domestic sales are not among the flows (--domestic include)",
    "distance": "distances are unknown: give a pair file with `distw` or `dist` (--pairs FILE)",
    "regions": "no country of the panel is in a known region",
    "tables": "there are no input-output tables (--domestic include --tables DIR)",
}
"""What to say where a need is not met."""


def available(around: Surroundings, *, tables: bool) -> tuple[Measure, ...]:
    """Measures that the data allow, in the catalogue's order."""
    lacking = _lacking(around, tables=tables)
    return tuple(measure for measure in MEASURES if not measure.needs & lacking)


def missing(around: Surroundings, *, tables: bool) -> dict[str, str]:
    """Why each other measure cannot be computed, by its name."""
    lacking = _lacking(around, tables=tables)
    return {
        measure.name: "; ".join(
            WANTING[need] for need in WANTING if need in measure.needs & lacking
        )
        for measure in MEASURES
        if measure.needs & lacking
    }


def _lacking(around: Surroundings, *, tables: bool) -> set[Need]:
    there: dict[Need, bool] = {
        "sectors": around.sectors != ("",),
        "kinds": around.services is not None,
        "domestic": around.domestic,
        "distance": around.distance is not None,
        "regions": around.region is not None,
        "tables": tables,
    }
    return {need for need, met in there.items() if not met}
