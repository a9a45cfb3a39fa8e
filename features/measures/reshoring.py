"""Reshoring: what a country buys at home instead of importing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.countries import simulated
from features.measures.measure import Array, Measure, TradeYear, ratio

LOW_COST = ("CHN", "TWN", "MYS", "IND", "VNM", "THA", "IDN", "SGP", "PHL", "BGD", "PAK", "HKG",
            "LKA", "KHM")  # fmt: skip
"""Kearney's fourteen Asian low-cost countries. Those that a panel lacks, or includes in its rest of
the world, are not counted, so levels of the ratio are comparable within one panel only."""
_LOW_COST = frozenset({*LOW_COST, *simulated.LOW_COST})
"""With those of the simulated world."""
LEAST_FOREIGN = 0.001
"""Share of foreign in all inputs below which their ratio is meaningless."""
_KPS = "Krenz, Prettner and Strulik (2021), doi:10.1016/j.euroecorev.2021.103744"
_KEARNEY = "Kearney Reshoring Index: imports of manufactures from low-cost Asia / domestic output"


def low_cost(countries: Sequence[str]) -> NDArray[np.bool_]:
    """Mask of the low-cost countries, shape ``[country]``."""
    return np.array([code in _LOW_COST for code in countries], dtype=np.bool_)


def domestic_sourcing(year: TradeYear) -> Array:
    """Domestic sales in all purchases of a sector's product, shape ``[importer, sector]``.

    ``d_jk / (d_jk + m_jk)``, 1 less import penetration; NaN where the country buys none.
    """
    own = np.arange(year.values.shape[0])
    return ratio(year.values[own, own], year.values.sum(axis=0))


def import_penetration(year: TradeYear) -> Array:
    """Imports in all purchases of manufactures, ``M / (Y - X + M)``, shape ``[importer]``.

    Output less exports, ``Y - X``, are domestic sales. NaN where the country buys none.
    """
    made = year.context.manufacturing
    assert made is not None
    bought = year.values[:, :, made].sum(axis=2)
    return ratio(bought.sum(axis=0) - np.diagonal(bought), bought.sum(axis=0))


def low_cost_import_ratio(year: TradeYear) -> Array:
    """Imports of manufactures from `LOW_COST` countries over gross output, shape ``[importer]``.

    Kearney's manufacturing import ratio; gross output is what a country sells at home and abroad.
    NaN for the low-cost countries themselves and without output. The index is `kearney_index`.
    """
    made, low = year.context.manufacturing, low_cost(year.context.countries)
    assert made is not None
    flows = year.values[:, :, made].sum(axis=2)
    return np.where(low, np.nan, ratio(flows[low].sum(axis=0), flows.sum(axis=1)))


def low_cost_import_share(year: TradeYear) -> Array:
    """Share of imports that comes from `LOW_COST` countries, shape ``[importer]``.

    Of all goods and services in the panel, so that it needs no domestic sales. NaN for the low-cost
    countries themselves and without imports.
    """
    low = low_cost(year.context.countries)
    flows = year.international.sum(axis=2)
    return np.where(low, np.nan, ratio(flows[low].sum(axis=0), flows.sum(axis=0)))


def kearney_index(then: Array, now: Array) -> Array:
    """Minus the change of the manufacturing import ratio in basis points: positive is reshoring."""
    return -1e4 * (now - then)


def input_ratio(year: TradeYear) -> Array:
    """Domestic over foreign intermediate inputs of a using sector, shape ``[importer, sector]``.

    NaN where foreign inputs are below `LEAST_FOREIGN` of all. Its change is the reshoring measure
    of Krenz, Prettner and Strulik, see `reshoring_index`.
    """
    chains = year.chains
    assert chains is not None
    home, abroad = chains.domestic_inputs, chains.foreign_inputs
    enough = abroad > LEAST_FOREIGN * (home + abroad)
    return np.where(enough, ratio(home, abroad), np.nan)


def reshoring_index(then: Array, now: Array) -> Array:
    """``max(0, DI/FI now - DI/FI then)``: Krenz, Prettner and Strulik count falls as none."""
    return np.maximum(now - then, 0.0)


def domestic_inputs(year: TradeYear) -> Array:
    """Domestic in all intermediate inputs of a using sector, shape ``[importer, sector]``.

    Moves with `input_ratio`, but is a share and so without its long tail.
    """
    chains = year.chains
    assert chains is not None
    return ratio(chains.domestic_inputs, chains.domestic_inputs + chains.foreign_inputs)


MEASURES = (
    Measure("domestic_sourcing", "Domestic sourcing", "reshoring", "share",
            ("importer", "sector"), frozenset({"sectors", "domestic"}),
            "domestic sales / (domestic sales + imports)", domestic_sourcing),
    Measure("import_penetration", "Import penetration of manufactures", "reshoring", "share",
            ("importer",), frozenset({"domestic", "kinds"}), "M / (Y - X + M)",
            import_penetration),
    Measure("low_cost_import_ratio", "Manufacturing import ratio (Kearney)", "reshoring", "ratio",
            ("importer",), frozenset({"domestic", "kinds", "low_cost"}), _KEARNEY,
            low_cost_import_ratio),
    Measure("low_cost_import_share", "Share of imports from low-cost countries", "reshoring",
            "share", ("importer",), frozenset({"low_cost"}),
            "imports from Kearney's low-cost countries / imports", low_cost_import_share),
    Measure("input_ratio", "Domestic over foreign inputs", "reshoring", "ratio",
            ("importer", "sector"), frozenset({"tables"}), _KPS, input_ratio),
    Measure("domestic_inputs", "Domestic share of inputs", "reshoring", "share",
            ("importer", "sector"), frozenset({"tables"}), _KPS, domestic_inputs),
)  # fmt: skip
