"""Flows that trade for the first time: how many, and of what value, by exporter and by importer.

Which of millions of flows will start is next to unknowable, so none is forecast by itself. How many
of a country's flows in a sector do is not: recent rates, those of small groups shrunk to the
world's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import lognorm, nbinom

from features.data.active_flows import ActiveFlows
from features.data.panel import TradePanel

Vector = NDArray[np.float64]
Side = Literal["exporter", "importer"]
SIDES: tuple[Side, ...] = ("exporter", "importer")

RECENT_ORIGINS = 5
"""Origins whose births are counted: rates fall as more flows have traded."""
VALUE_PRIOR = 5.0
"""Births of the world's mean value that a group's mean value is shrunk by."""


@dataclass(frozen=True, slots=True)
class Births:
    """Forecast of one side, origin and horizon: births are negative binomial in every group.

    A group is an exporter (or importer) in a sector, numbered as its total is.

    Attributes
    ----------
    shape, mean
        Of the births of each group, shape ``[margin]``.
    value
        Mean USD of a birth, shape ``[margin]``.
    variation
        Squared coefficient of variation of a birth's value, the world's.
    """

    shape: Vector
    mean: Vector
    value: Vector
    variation: float

    @property
    def usd(self) -> Vector:
        """Forecast trade of all births, shape ``[margin]``."""
        return self.mean * self.value

    def counts(self, level: float) -> tuple[Vector, Vector]:
        """Bounds of the number of births at a level of coverage between 0 and 1."""
        tails = (1 - level) / 2, (1 + level) / 2
        chance = self.shape / (self.shape + np.maximum(self.mean, 1e-12))
        low, high = (nbinom.ppf(tail, self.shape, chance) for tail in tails)
        return low, high

    def usd_bounds(self, level: float) -> tuple[Vector, Vector]:
        """Bounds of their trade, USD: log-normal with the mean and variance of the sum."""
        spread = self.variation / np.maximum(self.mean, 1e-12)
        spread += 1 / np.maximum(self.mean, 1e-12) + 1 / self.shape
        sd = np.sqrt(np.log1p(spread))
        middle = self.usd / np.sqrt(1 + spread)
        low, high = (middle * lognorm.ppf(tail, sd) for tail in ((1 - level) / 2, (1 + level) / 2))
        return low, high


@dataclass(frozen=True, slots=True)
class Started:
    """Births of one side from an origin to a target year.

    Attributes
    ----------
    count, usd
        Flows that had not traded by the origin and trade in the target year, and their trade,
        shape ``[margin]``.
    squares
        Sum of their squared values in the world.
    possible
        Flows that had not traded by the origin, shape ``[margin]``.
    """

    count: Vector
    usd: Vector
    squares: float
    possible: Vector


def started(panel: TradePanel, *, side: Side, origin: int, year: int) -> Started:
    """Count the births of a panel of active flows from an origin to a later year."""
    flows = panel.flows
    margin = flows.exporter_margin if side == "exporter" else flows.importer_margin
    size = flows.at(panel.row(origin)).size
    values = np.nan_to_num(panel.values[panel.row(year), size:].astype(np.float64))
    of, n = margin[size:][values > 0], flows.margins
    born = values[values > 0]
    return Started(
        np.bincount(of, minlength=n).astype(np.float64),
        np.bincount(of, weights=born, minlength=n).astype(np.float64, copy=False),
        float((born**2).sum()),
        possible(panel, side=side, origin=origin),
    )


def possible(panel: TradePanel, *, side: Side, origin: int) -> Vector:
    """Flows of each group that have not traded by an origin, shape ``[margin]``."""
    now = panel.flows.at(panel.row(origin))
    margin = now.exporter_margin if side == "exporter" else now.importer_margin
    return now.partners - np.bincount(margin, minlength=now.margins).astype(np.float64)


def last_births(panel: TradePanel, *, side: Side, origin: int, horizon: int) -> Started:
    """The last births known at an origin: those of as many years, up to it."""
    return started(panel, side=side, origin=origin - horizon, year=origin)


def forecast_births(panel: TradePanel, *, side: Side, origin: int, horizon: int) -> Births:
    """Forecast the births from an origin to ``origin + horizon``.

    Parameters
    ----------
    panel
        With a universe of active flows.
    side
        Whose groups are counted.
    origin, horizon
        Only years up to the origin are used; years ahead.

    Returns
    -------
    Births

    Raises
    ------
    ValueError
        If the panel's universe is not of active flows, or no earlier origin has a known outcome.

    Notes
    -----
    A group's births are Poisson in the number of its flows that could start, with a rate drawn from
    a gamma distribution over groups: the posterior of its recent births shrinks small groups to the
    world's rate (Robbins 1956; Carlin and Louis 2008). The gamma's shape is that of greatest
    likelihood.
    """
    if not isinstance(panel.flows, ActiveFlows):
        raise ValueError("births are forecast for a universe of active flows")
    first = max(panel.first_year + 1, origin - horizon - RECENT_ORIGINS + 1)
    past = [
        started(panel, side=side, origin=a, year=a + horizon)
        for a in range(first, origin - horizon + 1)
    ]
    if not past:
        raise ValueError(f"no origin before {origin} has a known outcome {horizon} years on")
    count, usd, exposure = (
        np.sum([getattr(one, name) for one in past], axis=0)
        for name in ("count", "usd", "possible")
    )
    total = max(float(count.sum()), 1.0)
    rate = total / max(float(exposure.sum()), 1.0)
    prior = _shape(count, exposure * rate)
    shape = prior + count
    mean = shape / (prior / rate + exposure) * possible(panel, side=side, origin=origin)
    typical = float(usd.sum()) / total
    value = (usd + VALUE_PRIOR * typical) / (count + VALUE_PRIOR)
    squares = sum(one.squares for one in past) / total
    variation = max(squares / typical**2 - 1.0, 0.0) if typical > 0 else 0.0
    return Births(shape, mean, value, variation)


def _shape(count: Vector, expected: Vector) -> float:
    """Shape of the gamma distribution of rates, the likeliest given counts and world rates."""
    some = expected > 0
    count, expected = count[some], expected[some]

    def loss(log_shape: float) -> float:
        shape = np.exp(log_shape)
        return -float(nbinom.logpmf(count, shape, shape / (shape + expected)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-5.0, 8.0), method="bounded").x))
