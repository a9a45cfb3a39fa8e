"""Intervals of a scenario: draws of its elasticities times the run's joint draws.

The same draw of the baseline and of the elasticities stands behind before and after (common random
numbers), so that differences are as tight as they are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from features.errors import InputError
from forecasting.distribution.draws import interval
from forecasting.distribution.joint import joint_draws
from forecasting.results.result import RunResult
from forecasting.results.subjects import years_of
from forecasting.scenarios.baseline import Baseline
from forecasting.scenarios.binding import BoundScenario
from forecasting.scenarios.estimate import Estimate
from forecasting.scenarios.solve import Closure, solve
from forecasting.scenarios.units import Units

Array = NDArray[np.float64]
LEVELS = (50, 90)
LARGEST = 60_000_000
"""Numbers (flows x draws) up to which the draws of every flow are kept."""
LARGEST_SECTORS = 40
"""Draws with input-output tables: an equilibrium takes a second rather than milliseconds."""


@dataclass(frozen=True, slots=True)
class YearDraws:
    """Draws of one year, the last axis.

    Attributes
    ----------
    numbers
        Of the draws, those without an equilibrium left out, shape ``[draw]``.
    before, after
        Sums of units, USD, shape ``[unit, draw]``.
    flows_before, flows_after
        The same of flows, shape ``[flow, draw]``; None where they would not fit into memory.
    welfare
        Ratio, shape ``[country, draw]``; None without a full equilibrium.
    """

    numbers: NDArray[np.int64]
    before: Array
    after: Array
    flows_before: NDArray[np.float32] | None
    flows_after: NDArray[np.float32] | None
    welfare: Array | None


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Draws by year and what they are of.

    Attributes
    ----------
    years
        By target year.
    words
        What varies, and how many draws had an equilibrium.
    count
        Draws asked for.
    """

    years: dict[int, YearDraws]
    words: str
    count: int


def bounds(draws: NDArray[np.floating], levels: Sequence[int] = LEVELS) -> dict[str, Array]:
    """Columns ``lower_L`` and ``upper_L`` of draws along the last axis."""
    out: dict[str, Array] = {}
    for level in levels:
        low, high = interval(np.asarray(draws), level)
        out[f"lower_{level}"], out[f"upper_{level}"] = low, high
    return out


def draw_scenario(
    run: RunResult, bound: BoundScenario, baseline: Baseline, closure: Closure, units: Units
) -> Uncertainty | None:
    """Draws of a scenario; None where it asks for none or nothing is uncertain."""
    count = bound.written.draws
    if closure.table is not None:
        count = min(count, LARGEST_SECTORS)
    scores = _scores(bound.estimates, count, seed=run.config.seed)
    flows, words = _baseline_draws(run, baseline, count)
    if not count or (flows is None and all(not (e.standard_error > 0) for e in bound.estimates)):
        return None
    years, failed = {}, 0
    for place, year in enumerate(baseline.years):
        found = []
        for draw in range(count):
            values = baseline.values[place]
            if flows is not None:
                values = baseline.cube(flows[place][:, draw])
            mine = {estimate: float(score[draw]) for estimate, score in scores.items()}
            try:
                answer = solve(bound, baseline, closure, year, values, scores=mine, main_only=True)
            except InputError:
                failed += 1
                continue
            found.append(_Draw(draw, values, answer.main, answer.welfare))
        if not found:
            return None
        years[year] = _collected(found, units)
    lost = f"; {failed} of {count * len(years)} had no equilibrium and are left out"
    return Uncertainty(years, f"{count} draws of {words}{lost if failed else ''}", count)


@dataclass(frozen=True, slots=True)
class _Draw:
    """One draw of a year's flows before and after."""

    number: int
    before: Array
    after: Array
    welfare: Array | None


def _scores(estimates: Sequence[Estimate], count: int, *, seed: int) -> dict[Estimate, Array]:
    """Standard normal scores: each estimate takes every quantile once, in its own order."""
    even = norm.ppf((np.arange(count) + 0.5) / max(count, 1))
    rng = np.random.default_rng([seed, 2])
    return {estimate: even[rng.permutation(count)] for estimate in dict.fromkeys(estimates)}


def _baseline_draws(
    run: RunResult, baseline: Baseline, count: int
) -> tuple[list[NDArray[np.float32]] | None, str]:
    """Draws of the run's flows by year, shape ``[row, draw]``, and what varies in words."""
    only = "the elasticities and effects only"
    if not count:
        return None, only
    if baseline.rows.size * count * len(baseline.years) > LARGEST:
        return None, f"{only}: the joint draws of so many flows do not fit into memory"
    if run.provenance["kind"] == "forecast":
        return None, f"{only}: a forecast by a trained model has no past errors"
    joint = joint_draws(run, n_draws=count)
    places = [years_of(run).index(year) for year in baseline.years]
    out = [np.empty((baseline.rows.size, count), dtype=np.float32) for _ in places]
    for part, block in joint.joint.blocks():
        for values, place in zip(out, places, strict=True):
            values[part] = block[place]
    return out, "the elasticities and effects, and of the forecast"


def _collected(found: list[_Draw], units: Units) -> YearDraws:
    before = np.stack([units.sums(one.before) for one in found], axis=-1)
    after = np.stack([units.sums(one.after) for one in found], axis=-1)
    kept = found[0].before.size * len(found) <= LARGEST
    flows = [
        np.stack([cube.ravel() for cube in cubes], axis=-1).astype(np.float32) if kept else None
        for cubes in ([one.before for one in found], [one.after for one in found])
    ]
    welfare = [one.welfare for one in found if one.welfare is not None]
    return YearDraws(
        numbers=np.array([one.number for one in found]),
        before=before,
        after=after,
        flows_before=flows[0],
        flows_after=flows[1],
        welfare=np.stack(welfare, axis=-1) if welfare else None,
    )
