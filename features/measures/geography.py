"""Regionalisation, and how far goods and services travel."""

from __future__ import annotations

import numpy as np

from features.measures.measure import Array, Measure, TradeYear, ratio

_DISTANCE = "sum(x d) / sum(x); DHL Global Connectedness Report"


def intra_regional_share(year: TradeYear) -> Array:
    """Share of a country's exports to its own region, shape ``[exporter]``.

    NaN without exports, and for exporters without a region or alone in their region, whose share
    could only be 0. Partners without a region count as outside the region.
    """
    return _own_region_share(year, year.international.sum(axis=2))


def intra_regional_imports(year: TradeYear) -> Array:
    """Share of a country's imports from its own region (nearshoring), shape ``[importer]``.

    NaN as in `intra_regional_share`.
    """
    return _own_region_share(year, year.international.sum(axis=2).T)


def _own_region_share(year: TradeYear, flows: Array) -> Array:
    """Share of the own region in each row of ``flows``, shape ``[country, partner]``."""
    region = year.context.region
    assert region is not None
    same = (region[:, None] == region[None, :]) & (region >= 0)[:, None]
    np.fill_diagonal(same, False)
    share = ratio((flows * same).sum(axis=1), flows.sum(axis=1))
    return np.where(same.any(axis=1), share, np.nan)


def distance_of_exports(year: TradeYear) -> Array:
    """Mean distance of exports in km, over partners at a known distance, shape ``[exporter]``."""
    flows, distance = _known(year)
    return ratio((flows * distance).sum(axis=1), flows.sum(axis=1))


def distance_of_imports(year: TradeYear) -> Array:
    """Mean distance of imports in km, over partners at a known distance, shape ``[importer]``."""
    flows, distance = _known(year)
    return ratio((flows * distance).sum(axis=0), flows.sum(axis=0))


def _known(year: TradeYear) -> tuple[Array, Array]:
    distance = year.context.distance
    assert distance is not None
    flows = np.where(np.isnan(distance), 0.0, year.international.sum(axis=2))
    return flows, np.nan_to_num(distance)


MEASURES = (
    Measure("intra_regional_share", "Exports within the own region", "partners", "share",
            ("exporter",), frozenset({"regions"}),
            "share of exports to countries of the same UN M49 region", intra_regional_share),
    Measure("intra_regional_imports", "Imports from the own region", "partners", "share",
            ("importer",), frozenset({"regions"}),
            "share of imports from countries of the same UN M49 region", intra_regional_imports),
    Measure("distance_of_exports", "Mean distance of exports", "partners", "km", ("exporter",),
            frozenset({"distance"}), _DISTANCE, distance_of_exports),
    Measure("distance_of_imports", "Mean distance of imports", "partners", "km", ("importer",),
            frozenset({"distance"}), _DISTANCE, distance_of_imports),
)  # fmt: skip
