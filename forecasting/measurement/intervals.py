"""Intervals of measures: split conformal on the past errors of the same measure and horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from models.intervals import LEVELS, POOL, conformal_quantiles, tail_probabilities

MOST_BINS = 5
SHOCKS = 15
LEAST_FREEDOM = 3
"""Degrees of freedom of the shocks at least: below 3 a t distribution has no variance."""
FEWEST = 40
"""Errors a bin needs: a 90 % interval takes its 5 % tails from the second smallest and largest."""
NATURAL_LIMITS: dict[str, tuple[float, float]] = {
    "share": (0.0, 1.0),
    "index": (-1.0, 1.0),
    "km": (0.0, np.inf),
    "ratio": (0.0, np.inf),
    "partners": (1.0, np.inf),
    "index from 0 to 1": (0.0, 1.0),
    "share of exports": (0.0, np.inf),
    "stages": (1.0, np.inf),
}
"""Values a measure can take, by its unit; any, where the unit is not here."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Residuals:
    """Past errors of one measure and horizon, by size of the forecast.

    Attributes
    ----------
    edges
        Forecast values that separate the bins, shape ``[bin - 1]``.
    errors
        Actual less forecast, sorted, one array a bin.
    limits
        Values the measure can take.
    """

    edges: Vector
    errors: tuple[Vector, ...]
    limits: tuple[float, float]

    def bounds(self, forecast: Vector) -> dict[int, tuple[Vector, Vector]]:
        """Lower and upper bound by level; NaN where the forecast is, or errors too few."""
        low, high = self.limits
        quantiles = np.stack([conformal_quantiles(e, tail_probabilities()) for e in self.errors])
        place = np.searchsorted(self.edges, forecast)
        out = {}
        for number, level in enumerate(LEVELS):
            around = (forecast + quantiles[place, 2 * number + side] for side in (0, 1))
            lower, upper = (np.clip(bound, low, high) for bound in around)
            # What the measure cannot pass bounds it however few errors there are.
            beyond = np.isnan(quantiles[place, 2 * number]) & np.isfinite(forecast)
            lower = np.where(beyond & np.isfinite(low), low, lower)
            upper = np.where(beyond & np.isfinite(high), high, upper)
            out[level] = (np.minimum(lower, forecast), np.maximum(upper, forecast))
        return out

    def chance_above(self, forecast: Vector, threshold: float) -> Vector:
        """Share of past errors with which the value would exceed ``threshold``."""
        place = np.searchsorted(self.edges, forecast)
        out = np.full(forecast.shape, np.nan)
        for number, errors in enumerate(self.errors):
            mine = (place == number) & np.isfinite(forecast)
            below = np.searchsorted(errors, threshold - forecast[mine], side="right")
            out[mine] = 1.0 - below / errors.size
        return out


def common_shocks(changes: Sequence[float], *, horizon: int) -> Vector:
    """Equally likely common errors of all units of a measure, shape ``[SHOCKS]``.

    Parameters
    ----------
    changes
        Mean change over units in each past window as long as the horizon.
    horizon
        Years of a window: windows that overlap count as one.

    Returns
    -------
    ndarray
        Quantiles of Student's t, scaled by the root mean square of the changes.

    Notes
    -----
    A crisis moves every country's measure to one side. A back-test of a few origins has seen few
    of them, however many countries it has, while the past of the measure holds more; forecasts
    seldom tell such moves, so that what the mean did is what they will miss.
    """
    known = np.array([change for change in changes if np.isfinite(change)])
    if not known.size:
        return np.zeros(1)
    nodes = (np.arange(SHOCKS) + 0.5) / SHOCKS
    freedom = max(known.size // horizon, LEAST_FREEDOM)
    shocks: Vector = np.sqrt(np.mean(known**2)) * student_t.ppf(nodes, df=freedom)
    return shocks


def fit_residuals(
    forecasts: Sequence[Vector], actuals: Sequence[Vector], *, unit: str, shocks: Vector
) -> Residuals:
    """Pool the errors of past origins.

    Parameters
    ----------
    forecasts, actuals
        Of past origins, one array of units each; the caller passes only origins whose target year
        is known (time order). Units without both are left out.
    unit
        Of the measure: bounds never leave its `NATURAL_LIMITS`.
    shocks
        Common errors, see `common_shocks`: they take the place of each origin's own mean error.

    Raises
    ------
    ValueError
        If there is no error to learn from.

    Notes
    -----
    A measure is a sum or ratio of many flows whose errors move together, so the intervals of flows
    cannot be added up: its own past errors already hold how they do. Units are pooled within bins
    of the forecast value (Mondrian split conformal prediction, Vovk, Gammerman and Shafer 2005),
    because a country alone has only a handful of origins.
    """
    pairs = [_known(f, a) for f, a in zip(forecasts, actuals, strict=True)]
    forecast = np.concatenate([f for f, _ in pairs] or [np.empty(0)])
    own = [a - f for f, a in pairs if f.size]
    error = np.concatenate([e - e.mean() for e in own] or [np.empty(0)])
    if not error.size:
        raise ValueError("no forecast of the measure has a known outcome")
    bins = int(np.clip(error.size // FEWEST, 1, MOST_BINS))
    edges = np.unique(np.quantile(forecast, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, forecast)
    groups = [_shocked(error[place == number], shocks) for number in range(edges.size + 1)]
    pooled = _shocked(error, shocks)
    return Residuals(
        edges=edges,
        # Ties in the forecast can leave a bin empty: it borrows the pooled errors.
        errors=tuple(group if group.size else pooled for group in groups),
        limits=NATURAL_LIMITS.get(unit, (-np.inf, np.inf)),
    )


def _known(forecast: Vector, actual: Vector) -> tuple[Vector, Vector]:
    known = np.isfinite(forecast) & np.isfinite(actual)
    return forecast[known], actual[known]


def _shocked(errors: Vector, shocks: Vector) -> Vector:
    """Every error with every shock, sorted; order statistics stand for a large pool."""
    if errors.size > POOL:
        errors = np.sort(errors)[np.linspace(0, errors.size - 1, POOL).round().astype(np.int64)]
    return np.sort((errors[:, None] + shocks).ravel())
