"""The distribution of each single flow: the quantile function of its intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Vector = NDArray[np.floating]
Singles = NDArray[np.float32]

TAILS = (0.98, 0.995, 0.9995)
"""Probabilities beyond the outermost bound that have a knot of their own."""
_LARGEST_STEP = np.log(20.0)


@dataclass(frozen=True, slots=True)
class FlowMargins:
    """Quantiles of every flow of one horizon.

    Attributes
    ----------
    forecast
        The median, USD, shape ``[flow]``.
    probabilities
        Of the knots, ascending, shape ``[knot]``.
    knots
        Quantiles of those probabilities, USD, shape ``[flow, knot]``.
    """

    forecast: Singles
    probabilities: tuple[float, ...]
    knots: Singles

    def part(self, rows: slice) -> FlowMargins:
        """The margins of some flows."""
        return FlowMargins(self.forecast[rows], self.probabilities, self.knots[rows])

    def values(self, n_draws: int) -> Singles:
        """Equally likely values of each flow, ascending, USD, shape ``[flow, draw]``.

        Between knots a quantile is linear in the normal score. The mean of the two values beside
        the probability of a knot is the knot itself: the empirical quantiles of Hazen (1914) at
        the levels of the intervals are their bounds.
        """
        places = (np.arange(n_draws) + 0.5) / n_draws
        scores, knots = norm.ppf(places), norm.ppf(self.probabilities)
        left = np.clip(np.searchsorted(knots, scores, side="right") - 1, 0, knots.size - 2)
        share = np.clip((scores - knots[left]) / (knots[left + 1] - knots[left]), 0, 1)
        out = self.knots[:, left]
        out += (self.knots[:, left + 1] - out) * share.astype(np.float32)
        for number, probability in enumerate(self.probabilities):
            above = round(probability * n_draws)
            if 1 < above < n_draws - 1 and abs(above - probability * n_draws) < 1e-9:
                knot = self.knots[:, number]
                step = (out[:, above] - out[:, above - 1]) / 2
                step = np.minimum(step, knot - out[:, above - 2])
                step = np.maximum(np.minimum(step, out[:, above + 1] - knot), 0)
                out[:, above - 1], out[:, above] = knot - step, knot + step
        return out


def margins_of_bounds(forecast: Vector, bounds: Mapping[int, tuple[Vector, Vector]]) -> FlowMargins:
    """Margins through the bounds of intervals.

    Parameters
    ----------
    forecast
        USD, shape ``[flow]``; the median.
    bounds
        Lower and upper bound by level in percent, USD, shape ``[flow]``. The innermost stands for
        a level without bounds.

    Notes
    -----
    Beyond the outermost bounds, ratios between quantiles grow with the normal score as between the
    two outermost levels: log-normal tails. A lower bound of 0 leaves zeros below it.
    """
    levels = sorted(level for level, (low, high) in bounds.items() if np.isfinite(high).any())
    columns = {}
    for level in levels:
        tail = round((1 - level / 100) / 2, 9)
        low, high = bounds[level]
        columns[tail] = np.where(np.isfinite(low), low, forecast)
        columns[1 - tail] = np.where(np.isfinite(high), high, forecast)
    near = sorted(columns)[len(columns) // 2 - 1 :][:2]
    columns[0.5] = _between(columns[near[0]], columns[near[1]])
    inner = sorted(columns)
    upper = {p: _beyond(columns, inner[-2], inner[-1], p) for p in TAILS if p > inner[-1]}
    lower = {1 - p: _beyond(columns, inner[1], inner[0], 1 - p) for p in TAILS if 1 - p < inner[0]}
    columns |= upper | lower
    probabilities = sorted(columns)
    knots = np.stack([columns[p] for p in probabilities], axis=1)
    # Bounds of two levels can cross where their pools differ.
    knots = np.maximum.accumulate(knots, axis=1).astype(np.float32)
    return FlowMargins(np.asarray(forecast, dtype=np.float32), tuple(probabilities), knots)


def _between(low: Vector, high: Vector) -> Vector:
    """The median: half way between the bounds of the innermost level, in logs where they are."""
    return np.where(low > 0, np.sqrt(np.maximum(low, 0) * high), (low + high) / 2)


def _beyond(columns: Mapping[float, Vector], near: float, edge: float, p: float) -> Vector:
    """Quantile of probability ``p`` outside the outermost one."""
    inside, outside = columns[near], columns[edge]
    ratio = np.divide(outside, inside, out=np.ones_like(outside), where=(inside > 0))
    step = (norm.ppf(p) - norm.ppf(edge)) / (norm.ppf(edge) - norm.ppf(near))
    with np.errstate(divide="ignore"):
        growth = np.clip(np.log(ratio) * step, -_LARGEST_STEP, _LARGEST_STEP)
    return np.where(outside > 0, outside * np.exp(growth), 0.0)
