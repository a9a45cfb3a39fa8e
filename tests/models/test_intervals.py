from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import norm

from models.flow_traits import FlowTraits
from models.intervals import (
    FEWEST,
    LEVELS,
    POOL,
    RECENT_ORIGINS,
    Intervals,
    Sample,
    _shocked,
    _shocked_quantiles,
    fit_intervals,
    tail_probabilities,
)

quick = hypothesis_settings(max_examples=40, deadline=None)


def simulate(rng: np.random.Generator, *, origin: int = 2000, size: int = 4_000) -> Sample:
    """Exchangeable flows: small ones err more, some die, an eighth is forecast at zero."""
    expected = rng.lognormal(12, 2, size)
    forecast = expected * rng.lognormal(0, 1, size)
    spread = np.clip(3 - np.log(forecast) / 6, 0.1, 2)
    actual = forecast * np.exp(spread * rng.normal(size=size))
    actual[rng.random(size) < 0.02] = 0
    none = rng.random(size) < 0.125
    forecast[none] = 0
    born = rng.random(size) < 0.4
    actual[none] = np.where(born, expected * rng.lognormal(-2, 1, size), 0)[none]
    return Sample(origin, forecast, actual, expected)


def covered(intervals: Intervals, sample: Sample, level: int) -> np.ndarray:
    lower, upper = intervals.bounds(sample.forecast, sample.expected)[level]
    return (sample.actual >= lower) & (sample.actual <= upper)


def same(left: Intervals, right: Intervals) -> None:
    for name in Intervals.__slots__:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)


# Coverage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("level", LEVELS)
def test_intervals_cover_what_they_say_overall_and_by_size(seed, level):
    rng = np.random.default_rng(seed)
    intervals = fit_intervals([simulate(rng, origin=o) for o in range(3)])
    fresh = simulate(rng, size=12_000)
    inside = covered(intervals, fresh, level)
    positive = fresh.forecast > 0
    p = level / 100
    calibration, test = 3 * 3_500, positive.sum()
    bound = 4.5 * math.sqrt(p * (1 - p) * (1 / calibration + 1 / test))
    assert abs(inside[positive].mean() - p) < bound
    decile = np.searchsorted(intervals.size_edges, fresh.forecast[positive])
    for number in range(10):
        here = inside[positive][decile == number]
        bound = 4.5 * math.sqrt(p * (1 - p) * (10 / calibration + 1 / here.size))
        assert abs(here.mean() - p) < bound


@pytest.mark.parametrize("level", LEVELS)
def test_flows_forecast_at_zero_are_covered_at_least_as_often_as_said(level):
    rng = np.random.default_rng(0)
    intervals = fit_intervals([simulate(rng, origin=o) for o in range(3)])
    fresh = simulate(rng, size=12_000)
    none = fresh.forecast == 0
    inside = covered(intervals, fresh, level)[none]
    assert inside.mean() > level / 100 - 4.5 * math.sqrt(0.25 * 2 / inside.size)
    upper = intervals.bounds(fresh.forecast, fresh.expected)[90][1][none]
    assert (upper > 0).all()


@pytest.mark.parametrize(("level", "fewest"), [(50, 3), (90, FEWEST)])
def test_intervals_from_the_fewest_residuals_cover_what_they_say_and_fewer_give_none(level, fewest):
    rng = np.random.default_rng(0)
    ones, hits = np.ones(fewest), []
    for _ in range(600):
        *actual, new = rng.normal(0, 1, fewest + 1)
        sample = Sample(2000, ones, np.exp(actual), ones)
        low, high = fit_intervals([sample]).residuals[0, 2 * LEVELS.index(level) :][:2]
        hits.append(low <= 2 * np.tanh(new / 2) <= high)
    assert np.mean(hits) == pytest.approx(level / 100, abs=4 * math.sqrt(0.25 / 600))
    few = Sample(2000, ones[1:], np.exp(actual[1:]), ones[1:])
    for shocks in (np.zeros(1), np.array([-0.1, 0.0, 0.1])):
        intervals = fit_intervals([few], shocks=shocks)
        for forecast in (1.0, 0.0):
            found = intervals.bounds(np.array([forecast]), np.ones(1))[level]
            assert np.isnan(found).all()


@quick
@given(st.integers(0, 2**32 - 1), st.integers(FEWEST, 400), st.integers(1, 6))
def test_no_bound_is_further_out_than_what_was_seen(seed, size, different):
    """Bins with few flows, as ties in size leave them, pool their neighbours' residuals."""
    rng = np.random.default_rng(seed)
    forecast = np.exp(rng.choice(rng.normal(10, 3, different), size))
    actual = forecast * rng.uniform(0.5, 2, size)
    intervals = fit_intervals([Sample(2000, forecast, actual, forecast)])
    lower, upper = intervals.bounds(forecast, forecast)[90]
    assert (lower >= 0.5 * forecast * (1 - 1e-9)).all()
    assert (upper <= 2 * forecast * (1 + 1e-9)).all()


def test_a_flow_forecast_at_zero_where_none_was_is_bounded_as_any_flow_is():
    sample = replace(simulate(np.random.default_rng(0)), forecast=np.ones(4_000))
    upper = fit_intervals([sample]).bounds(np.zeros(1), np.ones(1))[90][1]
    alike = sample.expected <= np.quantile(sample.expected, 0.25)
    ratio = np.quantile((sample.actual / sample.expected)[alike], 0.95)
    assert upper == pytest.approx(ratio, rel=0.1)


def residuals_of(n: int) -> np.ndarray:
    """Quantiles fitted on the midpoint residuals 1/100, 2/100, .. of n equal flows."""
    shift = np.arange(1, n + 1) / 100
    ones = np.ones(n)
    sample = Sample(2000, ones, (2 + shift) / (2 - shift), ones)
    return fit_intervals([sample]).residuals[0] * 100


def test_quantiles_carry_the_finite_sample_correction():
    """Of 19 residuals the 5th and 15th hold 50 % of 20 ranks, the least and largest 90 %."""
    np.testing.assert_allclose(residuals_of(19), [5, 15, 1, 19])


def test_quantiles_of_39_residuals_are_the_second_from_either_end():
    np.testing.assert_allclose(residuals_of(39), [10, 30, 2, 38])


def test_tails_belong_to_their_levels():
    np.testing.assert_allclose(tail_probabilities(), [0.25, 0.75, 0.05, 0.95])


def test_the_largest_flows_are_ranked_within_their_origin():
    """Prices that double between origins move no flow into another bin."""
    rng = np.random.default_rng(4)
    samples = [simulate(rng, origin=o) for o in range(3)]
    scaled = [
        replace(s, forecast=s.forecast * 2.0**k, actual=s.actual * 2.0**k)
        for k, s in enumerate(samples)
    ]
    fresh = simulate(rng)
    top = np.argsort(-fresh.forecast)[:100]
    plain, moved = (
        fit_intervals(each).bounds(scale * fresh.forecast, fresh.expected)[90][1][top] / scale
        for each, scale in ((samples, 1.0), (scaled, 8.0))
    )
    np.testing.assert_allclose(moved, plain)


# Bounds ----------------------------------------------------------------------------------------


@quick
@given(st.integers(0, 2**32 - 1), st.integers(1, 300))
def test_bounds_are_nested_not_negative_and_hold_the_forecast(seed, size):
    rng = np.random.default_rng(seed)
    intervals = fit_intervals([simulate(rng, size=size)])
    fresh = simulate(rng, size=200)
    bounds = intervals.bounds(fresh.forecast, fresh.expected)
    (low50, high50), (low90, high90) = bounds[50], bounds[90]
    for lower, upper in bounds.values():
        np.testing.assert_array_equal(np.isnan(lower), np.isnan(upper))
        known = ~np.isnan(lower)
        assert (lower[known] >= 0).all()
        assert (lower[known] <= fresh.forecast[known]).all()
        assert (upper[known] >= fresh.forecast[known]).all()
        assert np.isfinite(upper[known]).all()
    both = ~np.isnan(low90)
    assert not np.isnan(low50[both]).any()
    assert (low90[both] <= low50[both]).all()
    assert (high50[both] <= high90[both]).all()
    assert both.all() or size < 2 * FEWEST


def test_bounds_hold_the_forecast_even_where_every_residual_has_one_sign():
    ones = np.ones(200)
    intervals = fit_intervals([Sample(2000, ones, 3 * ones, ones)])
    lower, upper = intervals.bounds(np.array([2.0]), np.ones(1))[90]
    assert lower == 2
    assert upper == pytest.approx(6)


def test_a_flow_that_nobody_can_expect_stays_at_zero():
    rng = np.random.default_rng(0)
    intervals = fit_intervals([simulate(rng)])
    for lower, upper in intervals.bounds(np.zeros(3), np.zeros(3)).values():
        np.testing.assert_array_equal(lower, 0)
        np.testing.assert_array_equal(upper, 0)


def test_where_no_flow_was_ever_forecast_positive_there_is_no_interval():
    zeros, ones = np.zeros(50), np.ones(50)
    intervals = fit_intervals([Sample(2000, zeros, zeros, ones)])
    assert np.isnan(intervals.bounds(np.array([5.0]), np.ones(1))[90]).all()


# What a fit uses -------------------------------------------------------------------------------


def test_the_order_of_samples_does_not_matter():
    samples = [simulate(np.random.default_rng(o), origin=o, size=200) for o in range(5)]
    same(fit_intervals(samples), fit_intervals(samples[::-1]))


def test_only_the_most_recent_origins_are_used():
    samples = [simulate(np.random.default_rng(o), origin=o, size=100) for o in range(12)]
    same(fit_intervals(samples), fit_intervals(samples[-RECENT_ORIGINS:]))


def test_a_flow_with_an_unknown_outcome_is_left_out():
    sample = simulate(np.random.default_rng(0), size=300)
    unknown = np.arange(300) % 3 == 0
    actual = np.where(unknown, np.nan, sample.actual)
    with_gaps = Sample(2000, sample.forecast, actual, sample.expected)
    kept = Sample(
        2000, sample.forecast[~unknown], sample.actual[~unknown], sample.expected[~unknown]
    )
    same(fit_intervals([with_gaps]), fit_intervals([kept]))


@quick
@given(st.integers(0, 2**32 - 1))
def test_samples_that_were_not_given_change_nothing(seed):
    """A fit reads the outcomes it was given: later ones may be anything."""
    rng = np.random.default_rng(seed)
    past = [simulate(rng, origin=o, size=100) for o in range(3)]
    before = fit_intervals(past)
    later = simulate(rng, origin=9, size=100)
    assert not np.array_equal(fit_intervals([*past, later]).residuals, before.residuals)
    same(fit_intervals(past), before)


@pytest.mark.parametrize("known", [False, True])
def test_without_a_known_outcome_there_is_no_interval(known):
    one = np.ones(1)
    samples = [Sample(2000, one, np.array([np.nan]), one)] if known else []
    with pytest.raises(ValueError, match="no forecast has a known outcome"):
        fit_intervals(samples)


# What hits all flows at once ---------------------------------------------------------------------


def shift_world(sample: Sample, log_growth: float) -> Sample:
    return replace(sample, actual=sample.actual * np.exp(log_growth))


@pytest.mark.parametrize("level", LEVELS)
def test_a_handful_of_world_shocks_is_covered_as_often_as_said(level):
    """Four origins hold four draws of the world's error; the next one is a fifth."""
    rng = np.random.default_rng(5)
    spread = 0.8
    shocks = spread * norm.ppf((np.arange(15) + 0.5) / 15)
    shares: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(60):
        samples = [
            shift_world(simulate(rng, origin=2000 + n, size=600), spread * rng.normal())
            for n in range(5)
        ]
        for name, given_shocks in (("with", shocks), ("without", np.zeros(1))):
            intervals = fit_intervals(samples[:4], shocks=given_shocks)
            large = samples[4].forecast > np.quantile(samples[4].forecast, 0.7)
            shares[name].append(covered(intervals, samples[4], level)[large].mean())
    assert np.mean(shares["with"]) == pytest.approx(level / 100, abs=0.04)
    assert np.mean(shares["without"]) < np.mean(shares["with"]) - 0.02


def test_without_any_shock_nothing_moves():
    samples = [simulate(np.random.default_rng(n), origin=2000 + n) for n in range(3)]
    same(fit_intervals(samples), fit_intervals(samples, shocks=np.zeros(15)))


def test_the_worlds_own_error_is_not_counted_twice():
    """However far the world was off in the past, only the shocks say how far it will be."""
    samples = [simulate(np.random.default_rng(n), origin=2000 + n, size=40_000) for n in range(3)]
    off = [
        shift_world(sample, growth)
        for sample, growth in zip(samples, (0.5, -0.4, 0.1), strict=True)
    ]
    shocks = np.array([-0.1, 0.0, 0.1])
    left, right = fit_intervals(samples, shocks=shocks), fit_intervals(off, shocks=shocks)
    for now, then in zip(sizes(left), sizes(right), strict=True):
        np.testing.assert_allclose(now, then, atol=0.05)


def sizes(intervals: Intervals) -> tuple[np.ndarray, ...]:
    return tuple(intervals.residuals.T)


def test_a_year_without_any_trade_has_no_world_error_to_take_out():
    """All flows stopped, whatever the world does: scaled to a total of 0 nothing would be left."""
    ones = np.ones(100)
    fitted = fit_intervals([Sample(2000, ones, 0 * ones, ones)], shocks=np.array([-0.1, 0, 0.1]))
    np.testing.assert_array_equal(fitted.residuals, -2.0)


def test_the_unit_of_the_flows_does_not_matter():
    """Not even one in which all trade together is less than 1."""
    samples = [simulate(np.random.default_rng(n), origin=2000 + n, size=400) for n in range(3)]
    tiny = [
        replace(s, **{n: getattr(s, n) * 2.0**-60 for n in ("forecast", "actual", "expected")})
        for s in samples
    ]
    assert max(sample.forecast.sum() for sample in tiny) < 1
    shocks = np.array([-0.1, 0.0, 0.1])
    large, small = fit_intervals(samples, shocks=shocks), fit_intervals(tiny, shocks=shocks)
    np.testing.assert_allclose(small.residuals, large.residuals, rtol=1e-12)
    np.testing.assert_allclose(small.zero_ratios, large.zero_ratios, rtol=1e-12)


def test_a_large_pool_is_represented_from_its_least_to_its_largest_residual():
    residuals = np.random.default_rng(0).uniform(-1.9, 1.9, POOL + 500)
    shocks = np.array([-0.2, 0.0, 0.3])
    found = _shocked(residuals, shocks)
    every = np.concatenate([_shocked(part, shocks) for part in np.array_split(residuals, 2)])
    assert found.size < every.size
    assert (found.min(), found.max()) == (every.min(), every.max())
    levels = np.linspace(0, 1, 41)
    growth = [2 * np.tanh(np.quantile(logs, levels) / 2) for logs in (found, every)]
    np.testing.assert_allclose(*growth, atol=0.02)


def test_a_shock_adds_to_the_log_growth_of_a_residual():
    residuals, shocks = np.full(FEWEST, 2 * math.tanh(0.2 / 2)), np.array([0.5, 0.6])
    found = _shocked_quantiles(residuals, shocks, (0.05, 0.95))
    assert found == pytest.approx([2 * math.tanh(0.7 / 2), 2 * math.tanh(0.8 / 2)])
    stopped = _shocked_quantiles(np.full(FEWEST, -2.0), shocks, (0.05, 0.95))
    assert stopped.tolist() == [-2.0, -2.0]


def _minor(volatility):
    return FlowTraits(volatility, np.zeros(volatility.size, dtype=bool))


def _two_kinds(rng, flows=600):
    """Forecasts of steady and of volatile flows of the same sizes, and their volatility."""
    forecast = rng.lognormal(15, 1, flows)
    volatility = np.where(np.arange(flows) % 2, 0.05, 0.8)
    return forecast, forecast * np.exp(volatility * rng.standard_normal(flows)), volatility


def test_a_volatile_flow_has_a_wider_interval_and_each_kind_its_coverage():
    rng = np.random.default_rng(3)
    samples = []
    for origin in range(2000, 2008):
        forecast, actual, volatility = _two_kinds(rng)
        samples.append(Sample(origin, forecast, actual, forecast, traits=_minor(volatility)))
    found = fit_intervals(samples)
    forecast, actual, volatility = _two_kinds(rng, 6_000)
    low, high = found.bounds(forecast, forecast, _minor(volatility))[90]
    inside, width = (low <= actual) & (actual <= high), (high - low) / forecast
    for steady in (True, False):
        assert 0.86 < inside[(volatility < 0.1) == steady].mean() < 0.94
    assert np.median(width[volatility > 0.1]) > 5 * np.median(width[volatility < 0.1])


def test_main_flows_have_intervals_of_their_own():
    rng = np.random.default_rng(3)
    samples, main = [], np.arange(1_000) % 4 == 0
    steady = FlowTraits(np.ones(1_000), main)
    sd = np.where(main, 0.5, 0.1)
    forecast = rng.lognormal(15, 1, 1_000)
    for origin in range(2000, 2008):
        actual = forecast * np.exp(sd * rng.standard_normal(1_000))
        samples.append(Sample(origin, forecast, actual, forecast, traits=steady))
    low, high = fit_intervals(samples).bounds(forecast, forecast, steady)[90]
    actual = forecast * np.exp(sd * rng.standard_normal((20, 1_000)))
    inside = (low <= actual) & (actual <= high)
    assert 0.86 < inside[:, main].mean() < 0.94
    assert 0.86 < inside[:, ~main].mean() < 0.94


def test_few_residuals_are_not_split_by_volatility():
    rng = np.random.default_rng(3)
    forecast, actual, volatility = _two_kinds(rng)
    split = Sample(2000, forecast, actual, forecast, traits=_minor(volatility))
    whole = Sample(2000, forecast, actual, forecast)
    with_them, without = fit_intervals([split]), fit_intervals([whole])
    assert not with_them.volatility_edges.size
    assert np.array_equal(with_them.residuals, without.residuals)


def test_the_largest_flows_are_calibrated_on_their_own():
    rng = np.random.default_rng(4)
    forecast = np.sort(rng.lognormal(15, 2, 4_000))[::-1]
    sd = np.where(np.arange(4_000) < 100, 0.05, 0.6)
    samples = [
        Sample(origin, forecast, forecast * np.exp(sd * rng.standard_normal(4_000)), forecast)
        for origin in range(2000, 2004)
    ]
    low, high = fit_intervals(samples).bounds(forecast, forecast)[90]
    width = (high - low) / forecast
    assert width[:95].max() < 0.3
    assert width[100:400].min() > 1
