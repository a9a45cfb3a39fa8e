"""Births and deaths of links: the extensive margin, from the probability that a flow is traded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.measures.measure import Array, Measure, TradeYear, ratio

_SOURCE = "Besedes and Prusa (2003), doi:10.3386/w9936"


def active_links(year: TradeYear) -> Array:
    """Expected share of an exporter's possible flows (destination x sector) that are traded.

    Returns
    -------
    ndarray, shape ``[exporter]``
    """
    return _mean(year.chance, _abroad(year))


def link_births(year: TradeYear) -> Array:
    """Expected share of flows without trade before that trade now, shape ``[exporter]``.

    NaN where every flow was traded.
    """
    return _mean(year.chance, _abroad(year) & ~year.before)


def link_deaths(year: TradeYear) -> Array:
    """Expected share of flows traded before that no longer are, shape ``[exporter]``.

    NaN where no flow was traded.
    """
    return _mean(1.0 - year.chance, _abroad(year) & year.before)


def _abroad(year: TradeYear) -> NDArray[np.bool_]:
    n = year.chance.shape[0]
    return np.broadcast_to(~np.eye(n, dtype=np.bool_)[:, :, None], year.chance.shape)


def _mean(values: Array, chosen: NDArray[np.bool_]) -> Array:
    total = np.where(chosen, values, 0.0).sum(axis=(1, 2))
    return ratio(total, chosen.sum(axis=(1, 2)).astype(np.float64))


MEASURES = (
    Measure("active_links", "Links in use", "links", "share", ("exporter",), frozenset(),
            _SOURCE, active_links),
    Measure("link_births", "Births of links", "links", "share", ("exporter",), frozenset(),
            _SOURCE, link_births),
    Measure("link_deaths", "Deaths of links", "links", "share", ("exporter",), frozenset(),
            _SOURCE, link_deaths),
)  # fmt: skip
