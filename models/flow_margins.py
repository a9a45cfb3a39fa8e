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
    stops
        Probability of no trade, shape ``[flow]``.
    """

    forecast: Singles
    probabilities: tuple[float, ...]
    knots: Singles
    stops: Singles

    def part(self, rows: slice) -> FlowMargins:
        """The margins of some flows."""
        return FlowMargins(
            self.forecast[rows], self.probabilities, self.knots[rows], self.stops[rows]
        )

    def values(self, n_draws: int) -> Singles:
        """Equally likely values of each flow, ascending, USD, shape ``[flow, draw]``.

        Between knots a quantile is linear in the normal score. As many values are 0 as trade is
        likely to stop, within what the knots allow: none above a positive one. The mean of the two
        values beside the probability of a knot is the knot itself: the empirical quantiles of
        Hazen (1914) at the levels of the intervals are their bounds.
        """
        places = (np.arange(n_draws) + 0.5) / n_draws
        scores, knots = norm.ppf(places), norm.ppf(self.probabilities)
        left = np.clip(np.searchsorted(knots, scores, side="right") - 1, 0, knots.size - 2)
        share = np.clip((scores - knots[left]) / (knots[left + 1] - knots[left]), 0, 1)
        out = self.knots[:, left]
        out += (self.knots[:, left + 1] - out) * share.astype(np.float32)
        self._stop(out, left, places)
        for number, probability in enumerate(self.probabilities):
            above = round(probability * n_draws)
            if 1 < above < n_draws - 1 and abs(above - probability * n_draws) < 1e-9:
                knot = self.knots[:, number]
                step = (out[:, above] - out[:, above - 1]) / 2
                step = np.minimum(step, knot - out[:, above - 2])
                step = np.maximum(np.minimum(step, out[:, above + 1] - knot), 0)
                out[:, above - 1], out[:, above] = knot - step, knot + step
        return out

    def _stop(self, out: Singles, left: NDArray[np.intp], places: NDArray[np.float64]) -> None:
        """Put the step from 0 to positive values where trade stops, between the knots beside it."""
        first = np.argmax(self.knots > 0, axis=1)
        for knot in np.unique(first[self.knots[:, 0] == 0]).tolist():
            rows = np.flatnonzero(first == knot)
            columns = np.flatnonzero(left == knot - 1)
            if knot == 0 or not columns.size:  # all zeros, or no draw between the knots
                continue
            low, high = self.probabilities[knot - 1], self.probabilities[knot]
            step = norm.ppf(np.clip(self.stops[rows], low, high))[:, None]
            above = np.maximum(norm.ppf(places[columns]) - step, 0)
            share = above / np.maximum(norm.ppf(high) - step, above + 1e-9)
            out[np.ix_(rows, columns)] = self.knots[rows, knot][:, None] * share


def margins_of_bounds(
    forecast: Vector,
    bounds: Mapping[int, tuple[Vector, Vector]],
    *,
    chance: Vector | None = None,
) -> FlowMargins:
    """Margins through the bounds of intervals.

    Parameters
    ----------
    forecast
        USD, shape ``[flow]``; the median.
    bounds
        Lower and upper bound by level in percent, USD, shape ``[flow]``. The innermost stands for
        a level without bounds.
    chance
        Probability of trade, shape ``[flow]``; by default trade never stops but where a bound of 0
        says so.

    Notes
    -----
    Beyond the outermost bounds, ratios between quantiles grow with the normal score as between the
    two outermost levels: log-normal tails. A lower bound of 0 leaves zeros below it.
    The bounds come first: where they are positive, trade stops less often than ``chance`` says.
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
    stops = np.zeros(len(columns[0.5])) if chance is None else 1 - np.nan_to_num(chance, nan=1.0)
    lower = {p: np.where(stops >= p, 0.0, quantile) for p, quantile in lower.items()}
    columns |= upper | lower
    probabilities = sorted(columns)
    knots = np.stack([columns[p] for p in probabilities], axis=1)
    # Bounds of two levels can cross where their pools differ.
    knots = np.maximum.accumulate(knots, axis=1).astype(np.float32)
    return FlowMargins(
        np.asarray(forecast, dtype=np.float32),
        tuple(probabilities),
        knots,
        stops.astype(np.float32),
    )


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
