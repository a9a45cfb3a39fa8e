"""The typical change of a unit: its own, shrunk to that of units of like size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.measurement.intervals import fit_residuals
from forecasting.measurement.past_changes import PRIOR, unit_scale


@st.composite
def cases(draw):
    """Changes of some windows and units, some unknown, some units without any; levels alike."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    windows, units = draw(st.integers(0, 6)), draw(st.integers(1, 30))
    changes = rng.normal(0, rng.lognormal(0, 1, units), (windows, units))
    changes *= rng.random(units) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    changes[rng.random(changes.shape) < 0.3] = np.nan
    level = np.where(rng.random(units) < 0.2, np.nan, rng.normal(0, 1, units).round(1))
    return changes, level


@settings(max_examples=80, deadline=None)
@given(case=cases(), factor=st.sampled_from([1e-6, 3.0, 1e6]))
def test_scales_are_positive_and_in_the_unit_of_the_changes(case, factor):
    changes, level = case
    scale = unit_scale(changes, level)
    assert np.isfinite(scale).all()
    assert (scale > 0).all()
    if (np.abs(changes) > 0).any():
        np.testing.assert_allclose(unit_scale(factor * changes, level), factor * scale, rtol=1e-9)
    else:
        np.testing.assert_array_equal(scale, 1.0)


def test_a_units_own_changes_count_beside_eight_of_units_of_its_size():
    changes = np.array([[1.0, 2.0, 10.0, 20.0]]).repeat(4, axis=0)
    level = np.array([0.1, 0.1, 0.9, 0.9])
    small, large = (1 + 4) / 2, (100 + 400) / 2
    wanted = [(4 * c**2 + PRIOR * pool) / (4 + PRIOR) for c, pool in
              ((1, small), (2, small), (10, large), (20, large))]  # fmt: skip
    np.testing.assert_allclose(unit_scale(changes, level), np.sqrt(wanted))


def test_calm_units_have_narrower_intervals_and_wild_ones_are_covered_better():
    rng = np.random.default_rng(5)
    true = np.repeat([0.5, 1.5], 300)
    changes = rng.normal(0, true, (20, 600))
    scale = unit_scale(changes, np.zeros(600))
    forecasts = list(rng.normal(0, 1, (7, 600)))
    actuals = [f + rng.normal(0, true) for f in forecasts]
    inside = {}
    for name, given_scale in (("own", scale), ("one", 1.0)):
        fitted = fit_residuals(forecasts[:-1], actuals[:-1], unit="log ratio",
                               shocks=np.zeros(1), scale=given_scale)  # fmt: skip
        lower, upper = fitted.bounds(forecasts[-1])[90]
        within = (actuals[-1] >= lower) & (actuals[-1] <= upper)
        inside[name] = np.array([within[:300].mean(), within[300:].mean()])
        if name == "own":
            assert (upper - lower)[:300].mean() < 0.6 * (upper - lower)[300:].mean()
    assert (np.abs(inside["own"] - 0.9) < np.abs(inside["one"] - 0.9)).all()
    assert inside["own"] == pytest.approx(0.9, abs=0.08)


def test_the_chance_of_a_crossing_is_that_of_errors_in_the_units_own_size():
    forecasts, actuals = [np.zeros(3)], [np.array([-1.0, 0.0, 4.0])]
    scale = np.array([1.0, 1.0, 4.0])
    fitted = fit_residuals(forecasts, actuals, unit="index", shocks=np.zeros(1), scale=scale)
    np.testing.assert_allclose(fitted.errors[0], [-1.0, 0.0, 1.0])
    np.testing.assert_allclose(fitted.chance_above(np.zeros(3), 0.5), 1 / 3)
    np.testing.assert_allclose(fitted.chance_above(np.full(3, -3.0), 0.0), [0, 0, 1 / 3])
