"""What the errors of a flow's forecasts go with, beside its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.data.flows import FlowIndex

YEARS = 5
MAIN = 10
"""Largest flows of an exporter in a sector: its main partners. They err more than flows of the same
size that are minor ones of a large exporter, and are what people ask about."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class FlowTraits:
    """Traits of flows at an origin.

    Attributes
    ----------
    volatility
        See `flow_volatility`, shape ``[flow]``.
    main
        See `main_flows`, shape ``[flow]``.
    """

    volatility: Floats
    main: NDArray[np.bool_]

    def part(self, rows: NDArray[Any]) -> FlowTraits:
        """Traits of some flows."""
        return FlowTraits(self.volatility[rows], self.main[rows])


def flow_traits(history: Floats, flows: FlowIndex) -> FlowTraits:
    """Traits of flows from their history up to the origin, USD, shape ``[year, flow]``."""
    return FlowTraits(flow_volatility(history), main_flows(history[-1], flows))


def main_flows(value: Floats, flows: FlowIndex) -> NDArray[np.bool_]:
    """Whether each flow is among the `MAIN` largest of its exporter in its sector.

    Parameters
    ----------
    value
        In the origin year, USD, shape ``[flow]``; one that is 0 or unknown is not main.
    flows
        Keys of the flows.
    """
    positive = np.flatnonzero(value > 0)
    unit = flows.exporter[positive].astype(np.int64) * len(flows.sectors) + flows.sector[positive]
    order = np.lexsort((-value[positive], unit))
    ordered = unit[order]
    first = np.searchsorted(ordered, ordered)
    main = np.zeros(value.size, dtype=np.bool_)
    main[positive[order]] = np.arange(order.size) - first < MAIN
    return main


def flow_volatility(history: Floats) -> NDArray[np.float64]:
    """Root mean square of a flow's yearly growth less the world's, over the last years.

    Parameters
    ----------
    history
        Flows up to the origin, USD, shape ``[year, flow]``; NaN where unknown.

    Returns
    -------
    ndarray
        Midpoint growth, from 0 to 4, shape ``[flow]``; 0 where no two years in a row are known.
    """
    recent = history[-YEARS - 1 :].astype(np.float64)
    growth = _midpoint(recent[1:], recent[:-1])
    both = np.isfinite(growth)
    now, then = (np.where(both, flows, 0.0).sum(axis=1) for flows in (recent[1:], recent[:-1]))
    growth -= _midpoint(now, then)[:, None]
    squares = np.where(both, np.square(growth), 0.0).sum(axis=0)
    volatility: NDArray[np.float64] = np.sqrt(squares / np.maximum(both.sum(axis=0), 1))
    return volatility


def _midpoint(now: NDArray[np.float64], then: NDArray[np.float64]) -> NDArray[np.float64]:
    """Midpoint growth; 0 where both are 0, NaN where either is unknown."""
    total = now + then
    return 2 * np.divide(
        now - then, total, out=np.where(np.isnan(total), np.nan, 0.0), where=total > 0
    )
