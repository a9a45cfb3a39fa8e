"""Revealed comparative advantage and its entry."""

from __future__ import annotations

import numpy as np

from features.measures.measure import Array, Measure, TradeYear, ratio


def balassa(year: TradeYear) -> Array:
    """Balassa's index ``(x_ik / x_i) / (x_wk / x_w)``, shape ``[exporter, sector]``.

    NaN where the country exports nothing or nobody exports the sector (Balassa 1965,
    doi:10.1111/j.1467-9957.1965.tb00050.x).
    """
    exports = year.international.sum(axis=1)
    world = exports.sum(axis=0)
    return ratio(
        ratio(exports, exports.sum(axis=1, keepdims=True)), ratio(world, np.asarray(world.sum()))
    )


def revealed_advantage(year: TradeYear) -> Array:
    """Symmetric index ``(RCA - 1) / (RCA + 1)`` in [-1, 1], shape ``[exporter, sector]``.

    Above 0 the country has a revealed advantage; crossing 0 is its entry (Dalum, Laursen and
    Villumsen 1998, doi:10.1080/02692179800000017). Symmetric, because Balassa's index is unbounded
    above and a few tiny exporters would dominate every mean.
    """
    index = balassa(year)
    return (index - 1.0) / (index + 1.0)


MEASURES = (
    Measure("revealed_advantage", "Revealed comparative advantage (symmetric)", "sectors", "index",
            ("exporter", "sector"), frozenset({"sectors"}),
            "Balassa (1965), doi:10.1111/j.1467-9957.1965.tb00050.x", revealed_advantage,
            threshold=0.0),
)  # fmt: skip
