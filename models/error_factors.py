"""Past forecast errors split into shocks that flows share and what is each flow's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from models.moderated_variances import moderated_variances
from models.world_growth import WorldError

RANKS = (100, 300, 1_000)
"""Ranks by size that end the first size classes; the rest is split into `CLASSES`."""
CLASSES = 5
LARGEST_ERROR = 2.0
"""Log errors are cut here: a flow that starts or stops tells nothing about the others'."""
WORLD_PRIOR = 8
"""Weight, in origins, of the world's error behind the intervals beside past ones of the totals."""
PATTERN_PRIOR = 2
"""Origins of evidence for flows that are independent beside the past matrices of own errors. Few,
because those hold the variance of any sum without bias, whether flows are independent or not: past
own errors of one group's exports to another had 1.3 times the variance of independent ones a year
ahead, and 1.8 times five years ahead. None would let two flows move in lockstep for ever because
they did so in the few years that are known."""
LARGEST_SCORE = 3.0
"""Own errors are cut at this many standard deviations of their size class."""
ROUNDS = 10
SIZE_GROUPS = 3
"""Groups of countries of similar size: large ones err less, and shrink to each other."""
SHRINKAGE = 3.0
"""Typical flows without error that each country's effect is shrunk by."""
LEAST_FREEDOM = 3.0

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
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
        Root mean square of each one's own effects, less what the errors of its single flows
        contribute to them, shrunk to that of countries of similar size, shape ``[country]``.
    scores
        Effects by origin in standard deviations, shape ``[origin, country]``.

    Notes
    -----
    Drawn as a mixture, as the flows' own errors are: of independent effects, and of whole past
    vectors with random normal weights. So exporters of oil move together as they did.
    """

    scale: Vector
    scores: Matrix

    def of(self, noise: Floats, weights: Floats) -> Vector:
        """Effects of standard normal noise and weights, shape ``[country, draw]``."""
        share = mixture(len(self.scores))
        own = np.sqrt(1 - share) * noise
        pattern = np.sqrt(share / len(self.scores)) * self.scores[::-1].T
        # Not BLAS: its last bits would depend on the number of threads.
        own += np.einsum("co,od->cd", pattern, weights[: len(self.scores)])
        spread = np.sqrt(1 - share + np.square(pattern).sum(axis=1, keepdims=True))
        drawn: Vector = self.scale[:, None] * np.quantile(self.scores, norm.cdf(own / spread))
        return drawn


@dataclass(frozen=True, slots=True)
class ErrorFactors:
    """Log errors of one horizon: world + sector + exporter + importer + the flow's own.

    Attributes
    ----------
    world
        Error of the forecast of world trade.
    exporter, importer, sector
        Past effects of countries and sectors.
    edges, scales
        Shares of world trade that separate the classes, and the standard deviation of a flow's own
        error in each.
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

    world: WorldError
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

    def shocks(self, scores: Floats, weights: Floats) -> NDArray[np.float32]:
        """Shocks of standard normal scores, log points, shape ``[shared, draw]``.

        ``weights`` are those of `own_errors`.
        """
        n = self.countries
        parts = (
            self.world.quantiles(norm.cdf(scores[:1])),
            self.exporter.of(scores[1 : n + 1], weights),
            self.importer.of(scores[n + 1 : 2 * n + 1], weights),
            self.sector.of(scores[2 * n + 1 :], weights),
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
        self, noise: Singles, weights: Singles, share_of_world: Floats, rows: slice
    ) -> Singles:
        """Own errors of some flows, log points, shape ``[flow, draw]``; ``noise`` is used up.

        Parameters
        ----------
        noise
            Standard normal, shape ``[flow, draw]``.
        weights
            Standard normal, shape ``[at least origins, draw]``: of the past matrices, latest first.
        share_of_world
            Of each flow's forecast, shape ``[flow]``.
        rows
            Which flows they are.
        """
        origins = len(self.own)
        share = mixture(origins)
        noise *= np.float32(np.sqrt(1 - share))
        # Not a product of matrices: its last bits would depend on the number of threads.
        for past, weight in zip(self.own[::-1, rows], weights, strict=False):
            noise += past[:, None] * (weight * np.float32(np.sqrt(share / origins)))
        scale = self.scales[np.searchsorted(self.edges, share_of_world)]
        noise *= scale[:, None].astype(np.float32)
        return noise


def mixture(origins: int) -> float:
    """Share of the variance that whole past matrices have in a mixture."""
    return origins / (origins + PATTERN_PRIOR)


def fit_error_factors(
    past: Sequence[PastForecasts],
    *,
    world: WorldError,
    horizon: int,
    flows: FlowCodes,
    countries: int,
    sectors: int,
) -> ErrorFactors:
    """Estimate the factors of one horizon from earlier origins.

    Parameters
    ----------
    past
        One element an origin; the caller passes only those whose outcome was known.
    world
        Error of the forecast of world trade, the same that the intervals of single flows have. If
        all its growth is published, what published totals were off by in the past stands for it.
    horizon
        Years ahead: windows of so many years that start a year apart overlap.
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
    edges, scales = _own_scales(split)
    windows = (len(split) + horizon - 1) / horizon
    return ErrorFactors(
        world=_world(split, world, windows),
        exporter=_effects([one.exporter for one in split], windows),
        importer=_effects([one.importer for one in split], windows),
        sector=_effects([one.sector for one in split], windows),
        edges=edges,
        scales=scales,
        own=_own_matrix(split, flows.keys(countries, sectors), edges, scales),
        countries=countries,
        sectors=sectors,
    )


@dataclass(frozen=True, slots=True)
class _Estimates:
    """Effects of one origin, the variance that errors of single flows give them, and sizes."""

    effect: Vector
    noise: Vector
    size: Vector


@dataclass(frozen=True, slots=True)
class _Split:
    world: float
    exporter: _Estimates
    importer: _Estimates
    sector: _Estimates
    key: NDArray[np.int64]
    size: Vector
    own: Vector


def _split(past: PastForecasts, countries: int, sectors: int) -> _Split | None:
    """Effects of one origin: means over dollars, in turn, of what the others leave.

    Where totals are published, small flows err one way and large ones the other: only a mean over
    dollars is the error of a country's total.
    """
    traded = (past.forecast > 0) & (past.actual > 0)
    if not traded.any():
        return None
    forecast, actual = (a[traded].astype(np.float64) for a in (past.forecast, past.actual))
    world = float(np.log(actual.sum() / forecast.sum()))
    left = np.clip(np.log(actual / forecast) - world, -LARGEST_ERROR, LARGEST_ERROR)
    weight = forecast
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
    exporter, importer, sector = (
        _estimates(code, effect, weight, left, prior) for code, effect in sides
    )
    size = forecast / np.nansum(past.forecast, dtype=np.float64)
    return _Split(world, exporter, importer, sector, key, size, left)


def _estimates(
    code: Codes, effect: Vector, weight: Vector, left: Vector, prior: float
) -> _Estimates:
    """The effects with the sampling variance of the weighted means that they are."""
    size, squares = (
        np.bincount(code, weights=each, minlength=effect.size).astype(np.float64)
        for each in (weight, (weight * left) ** 2)
    )
    return _Estimates(effect, squares / (size + prior) ** 2, size)


def _world(split: Sequence[_Split], prior: WorldError, windows: float) -> WorldError:
    """The world's error, from past ones and from yearly errors over a longer history."""
    weight = WORLD_PRIOR if prior.scale else 0
    square = float(np.mean(np.square([one.world for one in split])))
    count = windows + weight
    scale = np.sqrt((windows * square + weight * prior.scale**2) / count)
    return WorldError(float(scale), max(count, LEAST_FREEDOM))


def _effects(found: Sequence[_Estimates], windows: float) -> Effects:
    """Effects by origin, pooled.

    Notes
    -----
    A country's variance is shrunk to that of countries of similar size by empirical Bayes (Smyth
    2004, doi:10.2202/1544-6115.1027): as much as the past cannot tell them apart, so little one
    year ahead and nearly wholly over overlapping windows of five years. Less what errors of single
    flows give the estimates, by moments (Henderson's method I; Searle, Casella and McCulloch 1992,
    doi:10.1002/9780470316856): counted as an effect, that noise would enter every sum twice. Only
    the share of own errors that is drawn independently: past matrices of them leave no sum over a
    country, as all of it counted as the country's effect.
    """
    effects, noise = (np.stack([getattr(e, name) for e in found]) for name in ("effect", "noise"))
    squares = np.mean(np.square(effects), axis=0)
    known = np.flatnonzero(squares > 0)
    size = np.mean([one.size for one in found], axis=0)[known]
    groups = [g for g in np.array_split(known[np.argsort(size)], SIZE_GROUPS) if g.size]
    scale = (
        np.sqrt(moderated_variances(squares, groups, freedom=windows))
        if groups
        else np.zeros(squares.size)
    )
    scores = np.divide(effects, scale, out=np.zeros_like(effects), where=scale > 0)
    spread = np.sqrt(np.mean(np.square(scores)))
    drawn_alone = 1 - mixture(len(found))
    for group in groups:
        signal = 1 - drawn_alone * float(noise[:, group].mean() / squares[group].mean())
        scale[group] *= np.sqrt(max(signal, 0.0))
    return Effects(scale, scores / (spread or 1.0))


def _own_scales(split: Sequence[_Split]) -> tuple[Vector, Vector]:
    """Edges of the size classes, shares, and the root mean square of the own errors in each."""
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
        scale = scales[np.searchsorted(edges, one.size)]
        score = np.divide(one.own, scale, out=np.zeros_like(one.own), where=scale > 0)
        row[order[place[found]]] = np.clip(score, -LARGEST_SCORE, LARGEST_SCORE)[found]
    return matrix
