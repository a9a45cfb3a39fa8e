"""How much a flow has varied: what its forecast errors go with, beside its size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

YEARS = 5


def flow_volatility(history: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
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
