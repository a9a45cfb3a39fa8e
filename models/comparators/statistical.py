"""Theta and ETS of statsmodels, each flow by itself, on logs of trade.

A flow's future is forecast from its own past alone; theta takes some 8 milliseconds a flow and
origin, ETS 13. statsforecast is faster but does not install beside pandas 3. Flows are
``ln(1 + million USD)``: medians and quantiles are the same on either scale. Unknown years are
interpolated.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

Vector = NDArray[np.float64]
OneSeries = Callable[[Vector, int], tuple[Vector, Vector]]
"""From a series and a number of steps to mean and standard deviation of each step."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
FEWEST_YEARS = 5
"""A flow with fewer known years, or always the same, repeats its last value."""
MILLION = 1e6


@dataclass(frozen=True)
class PerFlow:
    """A model of single series, applied to every flow.

    Attributes
    ----------
    forecast
        Of one series.
    """

    takes_totals: ClassVar[bool] = False
    forecast: OneSeries

    def fit_predict(
        self,
        history: pd.DataFrame,
        horizons: Sequence[int],
        known_future: Mapping[str, pd.DataFrame],  # noqa: ARG002
    ) -> dict[int, pd.DataFrame]:
        """Quantiles of every flow; see `models.comparators`."""
        logs = np.log1p(history.to_numpy(dtype=np.float64) / MILLION)
        steps = max(horizons)
        mean, spread = (np.zeros((steps, logs.shape[1])) for _ in range(2))
        with _silent():
            for flow, series in enumerate(logs.T):
                mean[:, flow], spread[:, flow] = self._one(series, steps)
        out = {}
        for horizon in horizons:
            at = {p: mean[horizon - 1] + norm.ppf(p) * spread[horizon - 1] for p in QUANTILES}
            # Growth beyond e**30 is no forecast: an exploding trend of a few noisy years.
            usd = {p: np.expm1(np.clip(log, 0.0, 30.0)) * MILLION for p, log in at.items()}
            out[horizon] = pd.DataFrame(usd)
        return out

    def _one(self, series: Vector, steps: int) -> tuple[Vector, Vector]:
        known = np.flatnonzero(~np.isnan(series))
        if known.size == 0:
            return np.zeros(steps), np.zeros(steps)
        series = np.interp(np.arange(known[0], series.size), known, series[known])
        if known.size < FEWEST_YEARS or np.ptp(series) == 0:
            return np.full(steps, series[-1]), np.zeros(steps)
        return self.forecast(series, steps)


def theta() -> PerFlow:
    """The theta method (Assimakopoulos and Nikolopoulos 2000, IJF 16(4), 521-530)."""
    return PerFlow(_theta)


def ets() -> PerFlow:
    """Exponential smoothing, with a damped trend where the corrected AIC prefers one.

    ETS(A,N,N) or ETS(A,Ad,N): Hyndman and Khandakar 2008, Journal of Statistical Software 27(3).
    """
    return PerFlow(_ets)


def _theta(series: Vector, steps: int) -> tuple[Vector, Vector]:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    fitted = ThetaModel(series, period=1, deseasonalize=False).fit()
    inside = 0.9
    ends = fitted.prediction_intervals(steps, alpha=1 - inside).to_numpy()
    spread = (ends[:, 1] - ends[:, 0]) / (2 * norm.ppf((1 + inside) / 2))
    return fitted.forecast(steps).to_numpy(), spread


def _ets(series: Vector, steps: int) -> tuple[Vector, Vector]:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    start = {"initialization_method": "estimated"}
    level = ExponentialSmoothing(series, **start).fit()
    damped = ExponentialSmoothing(series, trend="add", damped_trend=True, **start).fit()
    fitted = min(level, damped, key=lambda one: one.aicc)
    alpha = fitted.params["smoothing_level"]
    beta, phi = (
        (fitted.params["smoothing_trend"], fitted.params["damping_trend"])
        if fitted is damped
        else (0.0, 0.0)
    )
    # Hyndman et al. 2008, Forecasting with Exponential Smoothing, table 6.1: the weight of the
    # error j steps before.
    weight = alpha * (1 + beta * np.cumsum(phi ** np.arange(1, steps)))
    variance = fitted.sse / series.size * (1 + np.concatenate([[0.0], np.cumsum(weight**2)]))
    return np.asarray(fitted.forecast(steps)), np.sqrt(variance)


@contextmanager
def _silent() -> Iterator[None]:
    """Without warnings: a fit that does not converge still forecasts; thousands would say so.

    Filters are the process's: folds in other threads wait. They would anyway, for the interpreter.
    """
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_one_at_a_time = Lock()
