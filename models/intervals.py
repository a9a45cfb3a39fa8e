"""Prediction intervals: split conformal on time-ordered residuals, pooled by horizon and size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.design import grow, midpoint_growth
from models.flow_traits import FlowTraits

LEVELS: tuple[int, ...] = (50, 90)
"""Nominal coverage in percent."""
SIZE_BINS = 10
RANKS = (1_000, 300, 100)
"""The largest flows of an origin have bins of their own, down to these ranks: people ask about
them, and errors relative to size fall within the tenth that is largest. They are ranked within
their origin: sizes in USD would put the 150 largest of today among the 100 largest of some years
ago, whose intervals are narrower."""
ZERO_BINS = 4
RECENT_ORIGINS = 8
"""Residuals of at most this many origins are pooled: spreads shrink as reporting improves."""

FEWEST = 19
"""Fewest residuals for a 90 % interval: its bounds are then the smallest and the largest."""
MOST_LIKE = 3
"""Most classes, by volatility, of a size bin's main flows and of its other ones."""
FEWEST_LIKE = 100
"""Fewest residuals of the main flows, or of the others, or of a class of them, on their own."""
POOL = 1_000
"""Order statistics of a bin that are combined with the shocks."""

Vector = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]

Bounds = Mapping[int, tuple[Vector, Vector]]
"""Lower and upper bound by level, USD, shape ``[flow]``."""

NO_SHOCK: Vector = np.zeros(1)
NO_SHARES: Vector = np.empty(0)
NO_EDGES: Vector = np.empty((0, MOST_LIKE - 1))


@dataclass(frozen=True, slots=True)
class Sample:
    """Forecasts whose outcome is known: one origin, one horizon.

    Attributes
    ----------
    origin
        Forecast origin.
    forecast, actual
        USD, shape ``[flow]``, double or single precision; flows with an unknown outcome are NaN in
        ``actual``.
    expected
        What the totals alone would give, ``E_i M_j / W``: the scale of a flow forecast at 0.
    group
        Number of each flow's group, shape ``[flow]``, where groups have intervals of their own.
    traits
        Of each flow at the origin; None where the size alone says how wide an interval is.
    """

    origin: int
    forecast: Floats
    actual: Floats
    expected: Floats
    group: NDArray[np.int8] | None = None
    traits: FlowTraits | None = None

    def of_group(self, number: int) -> Sample:
        """The flows of one group."""
        assert self.group is not None
        chosen = self.group == number
        columns = (self.forecast[chosen], self.actual[chosen], self.expected[chosen])
        traits = None if self.traits is None else self.traits.part(chosen)
        return Sample(self.origin, *columns, traits=traits)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Conformal quantiles of one horizon.

    Attributes
    ----------
    size_edges
        Forecast sizes that separate the bins of size, USD, shape ``[bin - 1]``.
    residuals
        Quantiles of midpoint residuals, by bin of size and then by rank, shape ``[bin, quantile]``,
        or ``[bin * 2 * class, quantile]`` where bins are split by traits: other flows, then main
        ones; NaN where there were too few.
    zero_edges, zero_ratios
        The same for flows forecast at 0: bins by ``expected``, quantiles of actual / expected.
    volatility_edges
        Volatilities that separate the classes of each size bin's other and main flows, shape
        ``[bin * 2, class - 1]``; infinite where there are fewer classes. Empty where no bin is
        split.
    largest
        Shares of the flows with a positive forecast that the flows down to `RANKS` were; each has
        a bin of its own, shape ``[rank]``.
    """

    size_edges: Vector
    residuals: Vector
    zero_edges: Vector
    zero_ratios: Vector
    volatility_edges: Vector = field(default_factory=NO_EDGES.copy)
    largest: Vector = field(default_factory=NO_SHARES.copy)

    def bounds(
        self, forecast: Vector, expected: Vector, traits: FlowTraits | None = None
    ) -> dict[int, tuple[Vector, Vector]]:
        """Lower and upper bound by level, USD, never negative, around all forecasts of an origin.

        NaN where the level has none: after so few errors no finite bound has that coverage.
        """
        size = _bins(self.size_edges, forecast, self.largest)
        if self.volatility_edges.size:
            assert traits is not None
            size = _place(self.volatility_edges, size, traits)
        zero = np.searchsorted(self.zero_edges, expected)
        out = {}
        for number, level in enumerate(LEVELS):
            low, high = 2 * number, 2 * number + 1
            positive = forecast > 0
            none = 0.0 * self.zero_ratios[zero, high]
            lower = np.where(positive, grow(forecast, self.residuals[size, low]), none)
            upper = np.where(
                positive,
                grow(forecast, self.residuals[size, high]),
                expected * self.zero_ratios[zero, high],
            )
            out[level] = (np.minimum(lower, forecast), np.maximum(upper, forecast))
        return out


def bounds_by_group(
    intervals: Sequence[Intervals],
    group: NDArray[np.int8],
    forecast: Vector,
    expected: Vector,
    traits: FlowTraits | None = None,
) -> dict[int, tuple[Vector, Vector]]:
    """`Intervals.bounds`, each flow by the intervals of its group."""
    out = {level: (np.empty(group.size), np.empty(group.size)) for level in LEVELS}
    for number, one in enumerate(intervals):
        rows = np.flatnonzero(group == number)
        own = None if traits is None else traits.part(rows)
        for level, found in one.bounds(forecast[rows], expected[rows], own).items():
            for side, bound in zip(out[level], found, strict=True):
                side[rows] = bound
    return out


def fit_by_group(samples: Sequence[Sample], *, groups: int) -> tuple[Intervals, ...]:
    """`fit_intervals` for every group; one with fewer than `FEWEST` outcomes takes all flows."""
    found = []
    for number in range(groups):
        of_group = [sample.of_group(number) for sample in samples]
        known = sum(int((~np.isnan(sample.actual)).sum()) for sample in of_group[-RECENT_ORIGINS:])
        found.append(fit_intervals(of_group if known >= FEWEST else samples))
    return tuple(found)


def tail_probabilities() -> tuple[float, ...]:
    """Lower and upper tail of each level, in the order of the quantile columns."""
    # Rounded, because (1 - 0.9) / 2 is a little below 0.05 and would miss a rank by one.
    tails = [round((1 - level / 100) / 2, 9) for level in LEVELS]
    return tuple(p for tail in tails for p in (tail, 1 - tail))


def fit_intervals(samples: Sequence[Sample], *, shocks: Vector = NO_SHOCK) -> Intervals:
    """Pool the residuals of the most recent origins.

    Parameters
    ----------
    samples
        Of one horizon; the caller passes only samples whose target year is known at the forecast
        origin (time order).
    shocks
        Equally likely log errors of the world total, shape ``[shock]``. Unless all are 0, each
        origin's own world error is taken out of its residuals and these are put in its place.

    Returns
    -------
    Intervals

    Raises
    ------
    ValueError
        If no sample has a known outcome.

    Notes
    -----
    Mondrian split conformal prediction (Vovk, Gammerman and Shafer 2005): within a bin of forecast
    size the residuals of all flows and origins are pooled, because a series of twenty years has no
    quantiles of its own. Quantiles carry the finite-sample correction (n + 1) / n. Bins of fewer
    than `FEWEST` residuals are pooled with a neighbour; if so few flows were forecast at 0, all
    flows are used for them. What hits all flows of a year at once is not exchangeable over flows:
    ``shocks`` represent it.
    """
    recent = sorted(samples, key=lambda sample: sample.origin)[-RECENT_ORIGINS:]
    if shocks.any():
        recent = [_without_world_error(sample) for sample in recent]
    known = [~np.isnan(sample.actual) for sample in recent]
    if not any(map(np.any, known)):
        raise ValueError("no forecast has a known outcome to calibrate on")
    positive = [rows & (s.forecast > 0) for rows, s in zip(known, recent, strict=True)]
    zero = [rows & ~(s.forecast > 0) for rows, s in zip(known, recent, strict=True)]
    size = _pooled(recent, positive, lambda sample, rows: sample.forecast[rows])
    score = _pooled(recent, positive, _residuals)
    largest = _largest(size.size / len(recent))
    edges = _edges(size, np.arange(1, SIZE_BINS) / SIZE_BINS)
    which = np.concatenate(
        [_bins(edges, s.forecast[rows], largest) for s, rows in zip(recent, positive, strict=True)]
    )
    residuals = _quantiles(score, which, edges.size + 1 + largest.size, shocks=shocks)
    classes = NO_EDGES
    known_traits = [s.traits.part(rows) for s, rows in zip(recent, positive, strict=True)
                    if s.traits is not None]  # fmt: skip
    if len(known_traits) == len(recent):
        traits = FlowTraits(
            np.concatenate([one.volatility for one in known_traits]),
            np.concatenate([one.main for one in known_traits]),
        )
        classes, residuals = _by_traits(which, score, traits, shocks, residuals)
    if sum(map(np.count_nonzero, zero)) < FEWEST:
        zero = known
    expected = _pooled(recent, zero, lambda sample, rows: sample.expected[rows])
    zero_edges = _edges(expected, np.arange(1, ZERO_BINS) / ZERO_BINS)
    ratios = _quantiles(
        _pooled(recent, zero, _ratios),
        np.searchsorted(zero_edges, expected),
        zero_edges.size + 1,
        shocks=NO_SHOCK,
    )
    return Intervals(
        edges.astype(np.float64), residuals, zero_edges.astype(np.float64), ratios, classes, largest
    )


def _by_traits(
    which: NDArray[np.integer[Any]],
    score: Floats,
    traits: FlowTraits,
    shocks: Vector,
    residuals: Vector,
) -> tuple[Vector, Vector]:
    """Edges of the classes of each size bin's other and main flows, and their conformal quantiles.

    There are as many classes as have `FEWEST_LIKE` residuals each. Fewer than one class keep the
    quantiles of the bin; without any class, there are no edges.
    """
    tails = tail_probabilities()
    kind = 2 * which + traits.main
    counts = np.bincount(kind, minlength=2 * len(residuals))
    if counts.max() < FEWEST_LIKE:
        return NO_EDGES, residuals
    edges = np.full((counts.size, MOST_LIKE - 1), np.inf)
    for number, inside in enumerate(_parts(traits.volatility, kind, counts.size)):
        classes = min(inside.size // FEWEST_LIKE, MOST_LIKE)
        if classes > 1:
            edges[number, : classes - 1] = np.quantile(inside, np.arange(1, classes) / classes)
    out = np.repeat(residuals, 2 * MOST_LIKE, axis=0)
    place = _place(edges, which, traits)
    for number, inside in enumerate(_parts(score, place, len(out))):
        if inside.size >= FEWEST and counts[number // MOST_LIKE] >= FEWEST_LIKE:
            out[number] = _shocked_quantiles(inside, shocks, tails)
    return edges, out


def _parts(values: Floats, which: NDArray[np.integer[Any]], count: int) -> list[Floats]:
    """The values of every bin, in their order: sorted by bin once, as a pool is large."""
    order = np.argsort(which.astype(np.uint16), kind="stable")
    stops = np.cumsum(np.bincount(which, minlength=count))
    return np.split(values[order], stops[:-1])


def _place(edges: Vector, size: NDArray[np.integer[Any]], traits: FlowTraits) -> NDArray[np.int64]:
    """Number of each flow's class among those of all size bins, other and main flows."""
    kind = 2 * size + traits.main
    above = (traits.volatility[:, None] > edges[kind]).sum(axis=1)
    return kind * MOST_LIKE + above


def _pooled(
    samples: Sequence[Sample],
    chosen: Sequence[NDArray[np.bool_]],
    part: Callable[[Sample, NDArray[np.bool_]], Floats],
) -> Floats:
    """A quantity of the chosen flows of all samples, made sample by sample: a pool is large."""
    return np.concatenate(
        [part(sample, rows) for sample, rows in zip(samples, chosen, strict=True)]
    )


def _residuals(sample: Sample, rows: NDArray[np.bool_]) -> Floats:
    forecast = sample.forecast[rows]
    return midpoint_growth(sample.actual[rows], forecast).astype(forecast.dtype)


def _ratios(sample: Sample, rows: NDArray[np.bool_]) -> Floats:
    actual, expected = sample.actual[rows], sample.expected[rows]
    return np.divide(actual, expected, out=np.zeros_like(actual), where=expected > 0)


def _without_world_error(sample: Sample) -> Sample:
    """The sample with its forecasts scaled to the actual world total."""
    known = ~np.isnan(sample.actual)
    forecast, actual = (
        float(column[known].sum(dtype=np.float64)) for column in (sample.forecast, sample.actual)
    )
    if forecast <= 0 or actual <= 0:
        return sample
    return replace(sample, forecast=sample.forecast * (actual / forecast))


def _shocked_quantiles(residuals: Floats, shocks: Vector, tails: Sequence[float]) -> Vector:
    """Conformal quantiles of midpoint residuals after each of the log shocks.

    ``2 tanh(x / 2)``, the midpoint growth of a log growth x, keeps the order: it is taken of the
    quantiles alone. A residual of -2 (the flow stopped) stays.
    """
    if not shocks.any():
        return conformal_quantiles(residuals, tails)
    quantiles: Vector = 2 * np.tanh(conformal_quantiles(_shocked(residuals, shocks), tails) / 2)
    return quantiles


def _shocked(residuals: Floats, shocks: Vector) -> Vector:
    """Log growth of midpoint residuals plus each of the shocks."""
    # Order statistics represent the pool: sorting the pool times the shocks would take seconds.
    if residuals.size > POOL:
        places = np.linspace(0, residuals.size - 1, POOL).round().astype(np.int64)
        residuals = np.sort(residuals)[places]
    with np.errstate(divide="ignore"):
        logs = 2 * np.arctanh(np.clip(residuals.astype(np.float64) / 2, -1, 1))
    shocked: Vector = (logs[:, None] + shocks).ravel()
    return shocked


def _largest(flows: float) -> Vector:
    """Shares that `RANKS` are of so many flows, where they lie within the largest tenth."""
    return np.array([rank / flows for rank in RANKS if rank * SIZE_BINS < flows])


def _bins(edges: Floats, forecast: Floats, largest: Vector) -> NDArray[np.int64]:
    """Number of each flow's bin: of its size, or of its rank among these flows."""
    found = np.searchsorted(edges, forecast)
    count = np.round(largest * np.count_nonzero(forecast > 0)).astype(np.int64)
    if count.any():
        places = forecast.size - np.maximum(count, 1)
        cuts = np.partition(forecast, places)[places]
        above = np.searchsorted(cuts, forecast, side="right")
        found = np.where(above > 0, edges.size + above, found)
    return found


def _edges(size: Floats, places: Vector) -> Floats:
    """Sizes that separate bins of about these shares of flows, each with enough of them."""
    edges = np.unique(np.quantile(size, places)) if size.size else size
    return _wide_enough(edges.astype(size.dtype), size)


def _quantiles(
    score: Floats, which: NDArray[np.integer[Any]], bins: int, *, shocks: Vector
) -> Vector:
    """Conformal quantiles of each bin, shape ``[bin, quantile]``."""
    tails = tail_probabilities()
    quantiles = np.empty((bins, len(tails)))
    for number, inside in enumerate(_parts(score, which, bins)):
        quantiles[number] = _shocked_quantiles(inside, shocks, tails)
        # One flow has many scores: its residual with each shock.
        quantiles[number, ~_reachable(inside.size, tails)] = np.nan
    return quantiles


def _wide_enough(edges: Floats, size: Floats) -> Floats:
    """Edges between bins of at least `FEWEST` sizes: the smallest bin joins its smaller neighbour.

    Ties in size and short samples leave bins with few or none.
    """
    while edges.size:
        counts = np.bincount(np.searchsorted(edges, size), minlength=edges.size + 1)
        least = int(counts.argmin())
        if counts[least] >= FEWEST:
            break
        neighbours = [edge for edge in (least - 1, least) if 0 <= edge < edges.size]
        joined = min(neighbours, key=lambda edge: counts[edge] + counts[edge + 1])
        edges = np.delete(edges, joined)
    return edges


def _reachable(n: int, tails: Sequence[float]) -> NDArray[np.bool_]:
    """Whether n scores have an order statistic of rank (n + 1) p."""
    return np.array([1 <= _rank(n, p) <= n for p in tails])


def _rank(n: int, p: float) -> int:
    exact = round((n + 1) * p, 6)
    return int(np.floor(exact) if p < 0.5 else np.ceil(exact))


def conformal_quantiles(scores: Floats, tails: Sequence[float]) -> Vector:
    """Order statistics of rank (n + 1) p; NaN where there are too few scores."""
    reachable = _reachable(scores.size, tails)
    ranks = [
        _rank(scores.size, p) - 1 for p, exists in zip(tails, reachable, strict=True) if exists
    ]
    out = np.full(len(tails), np.nan)
    if ranks:
        # In their order NumPy finds them in half the time.
        out[reachable] = np.partition(scores, sorted(ranks))[ranks]
    return out
