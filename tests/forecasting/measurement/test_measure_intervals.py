"""Intervals of measures: coverage with and without common shocks, bounds, gaps and ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student_t

from forecasting.measurement.intervals import (
    LEAST_FREEDOM,
    NATURAL_LIMITS,
    SHOCKS,
    common_shocks,
    fit_residuals,
)

NOTHING = np.zeros(1)


# Coverage -----------------------------------------------------------------------------------------


def coverage(*, spread: float, shocked: bool, worlds: int = 150) -> float:
    """Share of units of a new origin inside their 90 % interval, over many worlds.

    Every origin has an error of its own common to all units, of standard deviation ``spread``.
    """
    rng = np.random.default_rng(int(100 * spread))
    shares = []
    for _ in range(worlds):
        forecasts = list(rng.normal(0, 3, (7, 60)))
        actuals = [f + rng.normal(0, 1, 60) + rng.normal(0, spread) for f in forecasts]
        past = rng.normal(0, spread, 25) + rng.normal(0, 1 / np.sqrt(60), 25)
        shocks = common_shocks(past.tolist(), horizon=1) if shocked else NOTHING
        fitted = fit_residuals(forecasts[:-1], actuals[:-1], unit="log ratio", shocks=shocks)
        lower, upper = fitted.bounds(forecasts[-1])[90]
        shares.append(((actuals[-1] >= lower) & (actuals[-1] <= upper)).mean())
    return float(np.mean(shares))


@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
def test_intervals_cover_what_they_say_whatever_hits_all_units(spread):
    assert coverage(spread=spread, shocked=True) == pytest.approx(0.9, abs=0.05)


def test_errors_of_a_few_origins_alone_would_not():
    """Without shocks in their place, taking out each origin's mean leaves intervals too narrow."""
    assert coverage(spread=3.0, shocked=False) < 0.7


# Bounds -------------------------------------------------------------------------------------------


@st.composite
def fitted_cases(draw):
    """Errors of a few origins, some unknown, forecasts with ties, inside the unit's limits."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    unit = draw(st.sampled_from([*NATURAL_LIMITS, "log ratio"]))
    low, high = NATURAL_LIMITS.get(unit, (-np.inf, np.inf))
    origins, units = draw(st.integers(1, 5)), draw(st.integers(1, 120))

    def values():
        drawn = rng.normal(0.5, draw(st.sampled_from([0.0, 0.3, 2.0])), (origins, units))
        drawn = np.clip(drawn, low, high)
        if draw(st.booleans()):
            drawn = drawn.round(1)
        return np.where(rng.random(drawn.shape) < 0.2, np.nan, drawn)

    forecasts, actuals = values(), values()
    forecasts[0, 0], actuals[0, 0] = (np.clip(0.5, low, high),) * 2
    shocks = common_shocks(rng.normal(0, 0.1, draw(st.integers(0, 6))).tolist(), horizon=1)
    return forecasts, actuals, unit, shocks


@settings(max_examples=60, deadline=None)
@given(case=fitted_cases())
def test_50_lies_in_90_around_the_forecast_and_inside_the_natural_limits(case):
    forecasts, actuals, unit, shocks = case
    fitted = fit_residuals(list(forecasts), list(actuals), unit=unit, shocks=shocks)
    low, high = NATURAL_LIMITS.get(unit, (-np.inf, np.inf))
    given_nan = np.isnan(forecasts[-1])
    bounds = fitted.bounds(forecasts[-1])
    for lower, upper in bounds.values():
        # With few errors a side that the measure itself does not bound has none.
        for bound, limit in ((lower, low), (upper, high)):
            assert not np.isinf(bound).any()
            assert np.isnan(bound[given_nan]).all()
            if np.isfinite(limit):
                np.testing.assert_array_equal(np.isnan(bound), given_nan)
    known = ~(given_nan | np.isnan(bounds[90]).any(axis=0))
    (l50, u50), (l90, u90) = ([b[known] for b in bounds[level]] for level in (50, 90))
    forecast = forecasts[-1][known]
    assert (low <= l90).all()
    assert (l90 <= l50).all()
    assert (l50 <= forecast).all()
    assert (forecast <= u50).all()
    assert (u50 <= u90).all()
    assert (u90 <= high).all()


@settings(max_examples=40, deadline=None)
@given(case=fitted_cases())
def test_unknown_units_are_as_if_they_were_not_there(case):
    forecasts, actuals, unit, shocks = case
    known = [np.isfinite(f + a) for f, a in zip(forecasts, actuals, strict=True)]
    whole = fit_residuals(list(forecasts), list(actuals), unit=unit, shocks=shocks)
    pruned = fit_residuals(
        [f[k] for f, k in zip(forecasts, known, strict=True)],
        [a[k] for a, k in zip(actuals, known, strict=True)],
        unit=unit, shocks=shocks,
    )  # fmt: skip
    np.testing.assert_array_equal(whole.edges, pruned.edges)
    for ours, theirs in zip(whole.errors, pruned.errors, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_without_a_known_outcome_there_is_nothing_to_fit():
    nan = np.full(3, np.nan)
    with pytest.raises(ValueError, match="known outcome"):
        fit_residuals([np.ones(3)], [nan], unit="share", shocks=NOTHING)
    with pytest.raises(ValueError, match="known outcome"):
        fit_residuals([], [], unit="share", shocks=NOTHING)


def test_each_origin_gives_its_errors_less_their_mean_once_a_shock():
    forecasts, actuals = [np.zeros(4), np.ones(2)], [np.array([5.0, 6, 7, 8]), np.array([1.0, 3])]
    fitted = fit_residuals(forecasts, actuals, unit="log ratio", shocks=np.array([-10.0, 10.0]))
    own = [-1.5, -0.5, 0.5, 1.5, -1.0, 1.0]
    assert len(fitted.errors) == 1
    np.testing.assert_allclose(
        fitted.errors[0], sorted([e - 10 for e in own] + [e + 10 for e in own])
    )


def test_large_forecasts_have_intervals_of_their_own():
    rng = np.random.default_rng(0)
    forecasts = [rng.uniform(0, 1, 400) for _ in range(3)]
    actuals = [f * rng.lognormal(0, 0.3, 400) for f in forecasts]
    fitted = fit_residuals(forecasts, actuals, unit="ratio", shocks=NOTHING)
    lower, upper = fitted.bounds(np.array([0.05, 0.95]))[90]
    assert (upper - lower)[1] > 3 * (upper - lower)[0]


def test_a_bin_that_ties_leave_empty_borrows_all_errors():
    rng = np.random.default_rng(1)
    fitted = fit_residuals([np.full(90, 0.3)], [rng.normal(0.3, 0.1, 90)], unit="log ratio",
                           shocks=NOTHING)  # fmt: skip
    assert len(fitted.errors) == 2
    np.testing.assert_array_equal(fitted.errors[0], fitted.errors[1])
    (tied, beyond) = zip(*fitted.bounds(np.array([0.3, 0.9]))[90], strict=True)
    np.testing.assert_allclose(np.subtract(beyond, 0.9), np.subtract(tied, 0.3))


# Chances ------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(case=fitted_cases(), threshold=st.floats(-1, 2))
def test_the_chance_is_the_share_of_errors_that_lead_above(case, threshold):
    forecasts, actuals, unit, shocks = case
    fitted = fit_residuals(list(forecasts), list(actuals), unit=unit, shocks=shocks)
    found = fitted.chance_above(forecasts[-1], threshold)
    for value, chance in zip(forecasts[-1], found, strict=True):
        if np.isnan(value):
            assert np.isnan(chance)
            continue
        errors = fitted.errors[int((fitted.edges < value).sum())]
        assert chance == pytest.approx((errors > threshold - value).mean())


# Shocks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [[], [np.nan, np.nan]])
def test_without_a_past_window_there_is_no_shock(changes):
    np.testing.assert_array_equal(common_shocks(changes, horizon=2), [0.0])


def test_shocks_have_the_size_of_past_mean_changes():
    changes = [0.3, -0.4, np.nan, 0.0]
    shocks = common_shocks(changes, horizon=1)
    size = np.sqrt((0.3**2 + 0.4**2) / 3)
    nodes = (np.arange(SHOCKS) + 0.5) / SHOCKS
    np.testing.assert_allclose(shocks, size * student_t.ppf(nodes, df=3))
    np.testing.assert_allclose(shocks, -shocks[::-1], atol=1e-12)
    np.testing.assert_allclose(common_shocks([10 * c for c in changes], horizon=1), 10 * shocks)


def test_windows_that_overlap_count_for_less():
    changes = np.random.default_rng(2).normal(0, 1, 24).tolist()
    tails = [common_shocks(changes, horizon=h).max() for h in (1, 4, 8, 24)]
    assert tails[0] < tails[1] < tails[2]
    assert (
        tails[3]
        == tails[2]
        == pytest.approx(
            np.sqrt(np.mean(np.square(changes))) * student_t.ppf(1 - 0.5 / SHOCKS, df=LEAST_FREEDOM)
        )
    )
