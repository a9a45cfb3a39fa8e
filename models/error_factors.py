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
OWN_PRIOR = 8
"""Origins of evidence for what is common to all countries, or independent between flows, beside
what a country or a pattern of flows showed in the past: as many as intervals are calibrated on."""
LARGEST_SCORE = 3.0
"""Own errors are cut at this many standard deviations of their size class."""
ROUNDS = 10
SHRINKAGE = 3.0
"""Typical flows without error that each country's effect is shrunk by."""
LEAST_FREEDOM = 3

Vector = NDArray[np.float64]
Singles = NDArray[np.float32]
Floats = NDArray[np.floating[Any]]
Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class FlowCodes:
    """Integer keys of flows, each shape ``[flow]``; -1 for what a forecast lacks."""

    exporter: Codes
    importer: Codes
    sector: Codes

    def part(self, rows: slice) -> FlowCodes:
        """The keys of some flows."""
        return FlowCodes(self.exporter[rows], self.importer[rows], self.sector[rows])

    def keys(self, countries: int, sectors: int) -> NDArray[np.int64]:
        """One number for each flow."""
        pair = self.exporter.astype(np.int64) * countries + self.importer
        return pair * sectors + self.sector


@dataclass(frozen=True, slots=True)
class PastForecasts:
    """Forecasts of one origin and horizon whose outcome is known.

    Attributes
    ----------
    forecast, actual
        USD, shape ``[flow]``, NaN where unknown.
    codes
        Keys of the flows.
    """

    forecast: Floats
    actual: Floats
    codes: FlowCodes


@dataclass(frozen=True, slots=True)
class Effects:
    """Past effects of countries or sectors.

    Attributes
    ----------
    scale
        Root mean square of each one's own effects, shrunk to that of all, shape ``[country]``.
    scores
        Effects of all in units of their scale, sorted.
    """

    scale: Vector
    scores: Vector

    def of(self, places: Floats) -> Vector:
        """Effects at quantiles, shape ``[country, draw]``."""
        drawn: Vector = self.scale[:, None] * np.quantile(self.scores, places)
        return drawn


@dataclass(frozen=True, slots=True)
class ErrorFactors:
    """Log errors of one horizon: world + sector + exporter + importer + the flow's own.

    Attributes
    ----------
    world, freedom
        Scale of Student's t of the world's error, and its degrees of freedom.
    exporter, importer, sector
        Past effects of countries and sectors.
    edges, scales
        Sizes that separate the classes, USD, and the standard deviation of a flow's own error in
        each.
    own
        Past own errors of the flows to be drawn, in standard deviations of their class, shape
        ``[origin, flow]``; 0 where unknown.
    countries, sectors
        Numbers of them.

    Notes
    -----
    Own errors are drawn as a mixture: independent ones, and whole matrices of past own errors with
    random normal weights, whose covariance is that of the past. So blocks of flows (a union's
    exports to its neighbours) move together as they did, beyond what the shared shocks explain.
    """

    world: float
    freedom: float
    exporter: Effects
    importer: Effects
    sector: Effects
    edges: Vector
    scales: Vector
    own: NDArray[np.float32]
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
            self.exporter.of(places[1 : n + 1]),
            self.importer.of(places[n + 1 : 2 * n + 1]),
            self.sector.of(places[2 * n + 1 :]),
        )
        return np.concatenate(parts).astype(np.float32)

    def add_shared(self, errors: NDArray[np.float32], codes: FlowCodes, shocks: Singles) -> None:
        """Add to each flow's errors, shape ``[flow, draw]``, the shocks that hit it."""
        n = self.countries
        errors += shocks[0]
        errors += shocks[1 + codes.exporter]
        errors += shocks[1 + n + codes.importer]
        if self.sectors > 1:
            errors += shocks[1 + 2 * n + codes.sector]

    def own_errors(
        self, noise: Singles, weights: Singles, forecast: Floats, rows: slice
    ) -> Singles:
        """Own errors of some flows, log points, shape ``[flow, draw]``; ``noise`` is used up.

        Parameters
        ----------
        noise
            Standard normal, shape ``[flow, draw]``.
        weights
            Standard normal, shape ``[at least origins, draw]``: of the past matrices, latest first.
        forecast
            USD, shape ``[flow]``.
        rows
            Which flows they are.
        """
        origins = len(self.own)
        share = origins / (origins + OWN_PRIOR)
        noise *= np.float32(np.sqrt(1 - share))
        # Not a product of matrices: its last bits would depend on the number of threads.
        for past, weight in zip(self.own[::-1, rows], weights, strict=False):
            noise += past[:, None] * (weight * np.float32(np.sqrt(share / origins)))
        scale = self.scales[np.searchsorted(self.edges, forecast)]
        noise *= scale[:, None].astype(np.float32)
        return noise


def fit_error_factors(
    past: Sequence[PastForecasts],
    *,
    history: Sequence[float],
    flows: FlowCodes,
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
    flows
        Keys of the flows to be drawn.
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
        exporter=_effects([one.exporter for one in split]),
        importer=_effects([one.importer for one in split]),
        sector=_effects([one.sector for one in split]),
        edges=edges,
        scales=scales,
        own=_own_matrix(split, flows.keys(countries, sectors), edges, scales),
        countries=countries,
        sectors=sectors,
    )


@dataclass(frozen=True, slots=True)
class _Split:
    world: float
    exporter: Vector
    importer: Vector
    sector: Vector
    key: NDArray[np.int64]
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
        (past.codes.exporter[traded], np.zeros(countries)),
        (past.codes.importer[traded], np.zeros(countries)),
        (past.codes.sector[traded], np.zeros(sectors)),
    ]
    used = sides if sectors > 1 else sides[:2]
    prior = SHRINKAGE * float(np.median(weight))
    for _ in range(ROUNDS):
        for code, effect in used:
            left += effect[code]
            total = np.bincount(code, weights=weight * left, minlength=effect.size)
            effect[:] = total / (np.bincount(code, weights=weight, minlength=effect.size) + prior)
            left -= effect[code]
    key = past.codes.keys(countries, sectors)[traded]
    return _Split(world, sides[0][1], sides[1][1], sides[2][1], key, forecast, left)


def _effects(found: Sequence[Vector]) -> Effects:
    """Effects by origin, pooled."""
    effects = np.stack(found)
    squares, pooled = np.square(effects), float(np.mean(np.square(effects)))
    weight = len(effects) + OWN_PRIOR
    scale = np.sqrt((squares.sum(axis=0) + OWN_PRIOR * pooled) / weight)
    scores = np.divide(effects, scale, out=np.zeros_like(effects), where=scale > 0)
    return Effects(scale, np.sort(scores.ravel()))


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


def _own_matrix(
    split: Sequence[_Split], keys: NDArray[np.int64], edges: Vector, scales: Vector
) -> NDArray[np.float32]:
    """Past own errors of the flows with these keys, see `ErrorFactors.own`."""
    order = np.argsort(keys)
    matrix = np.zeros((len(split), keys.size), dtype=np.float32)
    for row, one in zip(matrix, split, strict=True):
        place = np.minimum(np.searchsorted(keys, one.key, sorter=order), keys.size - 1)
        found = keys[order[place]] == one.key
        score = one.own / scales[np.searchsorted(edges, one.size)]
        row[order[place[found]]] = np.clip(score, -LARGEST_SCORE, LARGEST_SCORE)[found]
    return matrix
