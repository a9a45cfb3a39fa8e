"""Metrics of one origin and horizon (evaluation.md); means over origins are taken by `scores`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.design import midpoint_growth

Vector = NDArray[np.float64]

PERFECT = 1e-6
"""Errors up to this are rounding: values have single precision, and raking rounds too."""


def ratio_of_errors(
    ours: float | NDArray[np.floating], theirs: float | NDArray[np.floating]
) -> Any:
    """``ours / theirs``; NaN where ``theirs`` is a perfect forecast.

    Arrays, Series and numbers alike; Series keep their index.
    """
    if isinstance(theirs, pd.Series):
        return ours / theirs.where(theirs > PERFECT)
    if np.ndim(theirs) == 0:
        return ours / theirs if theirs > PERFECT else np.nan * ours
    return ours / np.where(np.asarray(theirs) > PERFECT, theirs, np.nan)


def wape(actual: Vector, forecast: Vector) -> float:
    """``sum |y - p| / sum y``: money, large flows."""
    return _ratio(np.abs(actual - forecast).sum(), actual.sum())


def pattern_distance(actual: Vector, forecast: Vector) -> float:
    """``0.5 sum |y / sum y - p / sum p|``: who trades with whom, the world total removed."""
    if not actual.sum() > 0 or not forecast.sum() > 0:
        return float("nan")
    return float(0.5 * np.abs(actual / actual.sum() - forecast / forecast.sum()).sum())


def midpoint_mae(actual: Vector, forecast: Vector) -> float:
    """``mean |2 (y - p) / (y + p)|``, 0 where both are 0: every pair alike, births included."""
    return _mean(np.abs(midpoint_growth(actual, forecast)))


def log_mae(actual: Vector, forecast: Vector) -> float:
    """``mean |ln y - ln p|`` over flows where both are positive."""
    both = (actual > 0) & (forecast > 0)
    return _mean(np.abs(np.log(actual[both]) - np.log(forecast[both])))


def r2_shift(actual: Vector, forecast: Vector, base: Vector) -> float:
    """``1 - sum (s - s_hat)^2 / sum s^2`` of midpoint growth against the base."""
    shift, predicted = midpoint_growth(actual, base), midpoint_growth(forecast, base)
    total = float((shift**2).sum())
    return 1.0 - float(((shift - predicted) ** 2).sum()) / total if total > 0 else float("nan")


def coverage(actual: Vector, lower: Vector, upper: Vector) -> float:
    """Share of actual values inside the interval, ends included; flows without one left out."""
    known = ~np.isnan(lower + upper)
    return _mean(((actual >= lower) & (actual <= upper))[known].astype(np.float64))


def width(actual: Vector, lower: Vector, upper: Vector) -> float:
    """``sum (upper - lower) / sum y``: in the unit of the WAPE; flows without one left out."""
    known = ~np.isnan(lower + upper)
    return _ratio((upper - lower)[known].sum(), actual[known].sum())


def pinball(actual: Vector, quantiles: dict[float, Vector]) -> float:
    """Mean pinball loss over the given quantiles, per dollar of trade; NaN quantiles left out."""
    known = ~np.isnan(np.sum(list(quantiles.values()), axis=0))
    actual, quantiles = actual[known], {p: q[known] for p, q in quantiles.items()}
    losses = [
        np.maximum(p * (actual - q), (p - 1) * (actual - q)).sum() for p, q in quantiles.items()
    ]
    return _ratio(float(np.mean(losses)), actual.sum()) if losses else float("nan")


def brier(happened: NDArray[np.bool_], probability: Vector) -> float:
    """``mean (p - o)^2`` of a probability."""
    return _mean((probability - happened) ** 2)


def average_precision(happened: NDArray[np.bool_], score: Vector) -> float:
    """Area under the precision-recall curve; NaN where the event never or always happens.

    The sum over scores of precision times the step in recall, as scikit-learn's
    `average_precision_score` has it, whose checks of its input take ten times as long.
    """
    if happened.size == 0 or happened.all() or not happened.any():
        return float("nan")
    order = np.argsort(score)[::-1]
    ranked = score[order]
    last_of_tie = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), score.size - 1)
    hits = np.cumsum(happened[order])[last_of_tie]
    steps = np.diff(hits / hits[-1], prepend=0.0)
    return float(np.sum((steps * (hits / (last_of_tie + 1)))[::-1]))


def _ratio(top: float, bottom: float) -> float:
    return float(top / bottom) if bottom > 0 else float("nan")


def _mean(values: Vector) -> float:
    return float(values.mean()) if values.size else float("nan")
