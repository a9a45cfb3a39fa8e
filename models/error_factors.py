"""Past forecast errors split into shocks that flows share and what is each flow's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student_t

RANKS = (100, 300, 1_000)
"""Ranks by size that end the first size classes; the rest is split into `CLASSES`."""
CLASSES = 5
LARGEST_ERROR = 2.0
"""Log errors are cut here: a flow that starts or stops tells nothing about the others'."""
HISTORY_YEARS = 8
"""Weight, in origins, of the history of growth in the scale of the world's errors."""
ROUNDS = 10
SHRINKAGE = 3.0
"""Typical flows without error that each country's effect is shrunk by."""
LEAST_FREEDOM = 3

Vector = NDArray[np.float64]
Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class PastForecasts:
    """Forecasts of one origin and horizon whose outcome is known.

    Attributes
    ----------
    forecast, actual
        USD, shape ``[flow]``, NaN where unknown.
    exporter, importer, sector
        Codes, shape ``[flow]``.
    """

    forecast: NDArray[np.floating[Any]]
    actual: NDArray[np.floating[Any]]
    exporter: Codes
    importer: Codes
    sector: Codes


@dataclass(frozen=True, slots=True)
class ErrorFactors:
    """Log errors of one horizon: world + sector + exporter + importer + the flow's own.

    Attributes
    ----------
    world, freedom
        Scale of Student's t of the world's error, and its degrees of freedom.
    exporter, importer, sector
        Past effects of all countries and sectors, sorted.
    edges, scales
        Sizes that separate the classes, USD, and the standard deviation of a flow's own error in
        each.
    countries, sectors
        Numbers of them.
    """

    world: float
    freedom: float
    exporter: Vector
    importer: Vector
    sector: Vector
    edges: Vector
    scales: Vector
    countries: int
    sectors: int

    @property
    def shared(self) -> int:
        """Number of shocks that flows share."""
        return 1 + 2 * self.countries + self.sectors

    def shocks(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Shocks of standard normal scores, log points, shape ``[shared, draw]``."""
        places = norm.cdf(scores)
        n = self.countries
        parts = (
            self.world * student_t.ppf(places[:1], df=self.freedom),
            np.quantile(self.exporter, places[1 : n + 1]),
            np.quantile(self.importer, places[n + 1 : 2 * n + 1]),
            np.quantile(self.sector, places[2 * n + 1 :]),
        )
        return np.concatenate(parts).astype(np.float32)

    def rows(self, exporter: Codes, importer: Codes, sector: Codes) -> tuple[Codes | int, ...]:
        """Rows of `shocks` that hit each flow."""
        n = self.countries
        shared = (0, 1 + exporter, 1 + n + importer)
        return shared if self.sectors < 2 else (*shared, 1 + 2 * n + sector)

    def own_scale(self, forecast: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Standard deviation of each flow's own error, log points, shape ``[flow]``."""
        return self.scales[np.searchsorted(self.edges, forecast)].astype(np.float32)


def fit_error_factors(
    past: Sequence[PastForecasts],
    *,
    history: Sequence[float],
    countries: int,
    sectors: int,
) -> ErrorFactors:
    """Estimate the factors of one horizon from earlier origins.

    Parameters
    ----------
    past
        One element an origin; the caller passes only those whose outcome was known.
    history
        Log growth of the world in past windows of as many years as have unpublished totals; empty
        where all totals are published.
    countries, sectors
        Numbers of codes.

    Raises
    ------
    ValueError
        If no past forecast has a known outcome.
    """
    split = [found for one in past if (found := _split(one, countries, sectors)) is not None]
    if not split:
        raise ValueError("no past forecast has a known outcome")
    world = np.array([one.world for one in split])
    growth = np.asarray(history, dtype=np.float64)
    weight = HISTORY_YEARS if growth.size > 1 else 0
    surprise = float(np.var(growth)) if weight else 0.0
    variance = (np.sum(world**2) + weight * surprise) / (world.size + weight)
    freedom = float(max(world.size + weight - 1, LEAST_FREEDOM))
    edges, scales = _own_scales(split)
    return ErrorFactors(
        world=float(np.sqrt(variance * (freedom - 2) / freedom)),
        freedom=freedom,
        exporter=np.sort(np.concatenate([one.exporter for one in split])),
        importer=np.sort(np.concatenate([one.importer for one in split])),
        sector=np.sort(np.concatenate([one.sector for one in split])),
        edges=edges,
        scales=scales,
        countries=countries,
        sectors=sectors,
    )


@dataclass(frozen=True, slots=True)
class _Split:
    world: float
    exporter: Vector
    importer: Vector
    sector: Vector
    size: Vector
    own: Vector


def _split(past: PastForecasts, countries: int, sectors: int) -> _Split | None:
    """Effects of one origin: weighted means, in turn, of what the others leave."""
    traded = (past.forecast > 0) & (past.actual > 0)
    if not traded.any():
        return None
    forecast, actual = (a[traded].astype(np.float64) for a in (past.forecast, past.actual))
    world = float(np.log(actual.sum() / forecast.sum()))
    left = np.clip(np.log(actual / forecast) - world, -LARGEST_ERROR, LARGEST_ERROR)
    weight = np.sqrt(forecast)
    sides = [
        (past.exporter[traded], np.zeros(countries)),
        (past.importer[traded], np.zeros(countries)),
        (past.sector[traded], np.zeros(sectors)),
    ]
    used = sides if sectors > 1 else sides[:2]
    prior = SHRINKAGE * float(np.median(weight))
    for _ in range(ROUNDS):
        for code, effect in used:
            left += effect[code]
            total = np.bincount(code, weights=weight * left, minlength=effect.size)
            effect[:] = total / (np.bincount(code, weights=weight, minlength=effect.size) + prior)
            left -= effect[code]
    return _Split(world, sides[0][1], sides[1][1], sides[2][1], forecast, left)


def _own_scales(split: Sequence[_Split]) -> tuple[Vector, Vector]:
    """Edges of the size classes, USD, and the root mean square of the own errors in each."""
    size = np.concatenate([one.size for one in split])
    own = np.concatenate([one.own for one in split])
    flows = size.size / len(split)
    shares = [rank / flows for rank in RANKS if rank < flows / 2]
    rest = 1 - (shares[-1] if shares else 0.0)
    shares += [1 - rest * k / CLASSES for k in range(CLASSES - 1, 0, -1)]
    edges = np.unique(np.quantile(size, 1 - np.array(sorted(shares))))
    which = np.searchsorted(edges, size)
    squares = np.bincount(which, weights=own**2, minlength=edges.size + 1)
    counts = np.bincount(which, minlength=edges.size + 1)
    pooled = float(np.mean(own**2))
    # An empty class, as sizes tie, has the scale of all.
    return edges, np.sqrt((squares + pooled) / (counts + 1))
