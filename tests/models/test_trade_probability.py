from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit

from features.catalogue import NAMES, positions
from models.design import Design
from models.trade_probability import (
    PREDICTORS,
    PRIOR,
    SURE,
    UNCHANGED,
    TradeProbability,
    chance_features,
    platt,
)

SIZE = positions(["log_value"])[0]


def design(*, size: int = 4_000, seed: int = 0) -> Design:
    """Flows that trade in the target year more often the fewer zeros they had."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(size, len(NAMES))).astype(np.float32)
    zeros = rng.integers(0, 6, size)
    features[:, positions(["zeros_5"])[0]] = zeros
    traded = rng.random(size) < 0.95 - 0.17 * zeros
    ones = np.ones(size, dtype=np.float32)
    years = np.full(size, 2000, dtype=np.int32)
    return Design(features, 0 * ones, ones, traded, years, years + 1)


def fit(rows: Design) -> TradeProbability:
    return TradeProbability(threads=1).fit(rows)


def test_predictors_are_features():
    assert set(PREDICTORS) <= set(NAMES)


def test_probabilities_are_probabilities_and_as_frequent_as_they_say():
    model, fresh = fit(design()), design(seed=1)
    chance = model.predict(fresh.features)
    assert ((chance >= 0) & (chance <= 1)).all()
    zeros = fresh.features[:, positions(["zeros_5"])[0]]
    for count in range(6):
        here = zeros == count
        assert chance[here].mean() == pytest.approx(fresh.traded[here].mean(), abs=0.06)


def test_flows_are_ranked_by_what_decides_whether_they_trade():
    model = fit(design())
    rows = np.zeros((6, len(NAMES)), dtype=np.float32)
    rows[:, positions(["zeros_5"])[0]] = range(6)
    chance = model.predict(rows)
    assert chance[0] > 0.8
    assert chance[5] < 0.3


def test_features_outside_the_predictors_change_nothing():
    rows = design()
    noise = np.random.default_rng(2).normal(size=rows.features.shape).astype(np.float32)
    keep = np.zeros(len(NAMES), dtype=bool)
    keep[positions(PREDICTORS)] = True
    other = Design(
        np.where(keep, rows.features, noise), rows.shift, rows.base, rows.traded, rows.origin,
        rows.target_year,
    )  # fmt: skip
    np.testing.assert_array_equal(
        fit(rows).predict(rows.features), fit(other).predict(other.features)
    )


@pytest.mark.parametrize("always", [True, False])
def test_where_all_flows_trade_or_none_does_that_is_the_probability(always):
    rows = design(size=50)
    rows.traded[:] = always
    np.testing.assert_array_equal(fit(rows).predict(rows.features), float(always))


def test_a_model_fitted_again_forgets_the_first_fit():
    rows, constant = design(), design(size=50)
    constant.traded[:] = True
    model = fit(rows).fit(constant)
    np.testing.assert_array_equal(model.predict(rows.features), 1.0)
    again = model.fit(rows).predict(rows.features)
    np.testing.assert_array_equal(again, fit(rows).predict(rows.features))


def test_an_unfitted_model_says_so():
    with pytest.raises(ValueError, match="not fitted"):
        TradeProbability().predict(np.zeros((1, len(NAMES)), dtype=np.float32))


def test_lightgbm_is_asked_for_the_same_bytes_on_any_number_of_threads():
    text = fit(design(size=600)).booster_.model_to_string()
    assert "[deterministic: 1]" in text
    assert "[force_row_wise: 1]" in text


# Calibration -------------------------------------------------------------------------------------


def fading(*, size: int = 20_000, seed: int = 0, starts_until: int = 2012) -> Design:
    """Two in five silent flows start, until reporting gets better; then one in eight does."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(size, len(NAMES))).astype(np.float32)
    before = rng.random(size) < 0.7
    features[:, positions(["log_value"])[0]] = np.where(before, 14.0, 0.0)
    horizon = rng.integers(1, 3, size)
    features[:, positions(["years_ahead"])[0]] = horizon
    target = np.sort(rng.integers(2000, 2021, size))
    start = np.where(target <= starts_until, 0.4, 0.125)
    traded = rng.random(size) < np.where(before, 0.97, start)
    ones = np.ones(size, dtype=np.float32)
    return Design(features, 0 * ones, ones, traded, (target - horizon).astype(np.int32),
                  target.astype(np.int32))  # fmt: skip


def silent(rows: Design) -> np.ndarray:
    return rows.features[:, positions(["log_value"])[0]] == 0


def test_starts_that_became_rarer_are_forecast_as_rare_as_they_are_now():
    rows = fading()
    model = fit(rows)
    (_, _), (stay, slope) = model.calibration_
    now = rows.rows(np.flatnonzero(silent(rows) & (rows.target_year > 2012)))
    uncalibrated = TradeProbability(threads=1, booster_=model.booster_)
    assert model.predict(now.features).mean() == pytest.approx(0.125, abs=0.03)
    assert uncalibrated.predict(now.features).mean() > 0.2
    # Of the flows that trade nothing changed, and nothing is changed.
    assert abs(stay) < 0.6
    assert slope == pytest.approx(1, abs=0.3)


def test_years_in_which_nothing_traded_hold_no_model_to_calibrate():
    """Nor do years in which all flows did: only the last two years differ from either."""
    rows = fading(size=4_000)
    for always in (False, True):
        traded = np.where(rows.target_year > 2018, rows.traded, always)
        assert fit(replace(rows, traded=traded)).calibration_ == UNCHANGED


def test_contributions_add_up_to_the_calibrated_log_odds():
    model, fresh = fit(fading(size=4_000)), fading(size=500, seed=1)
    assert model.calibration_ != UNCHANGED
    parts = model.contributions(fresh.features)
    assert parts.shape == (500, len(PREDICTORS) + 1)
    np.testing.assert_allclose(expit(parts.sum(axis=1)), model.predict(fresh.features), atol=1e-9)
    # One base value for flows with trade at the origin, one for the others.
    assert np.unique(parts[:, -1].round(12)).size == 2


def test_a_constant_probability_has_no_contributions():
    rows = design(size=50)
    rows.traded[:] = True
    with pytest.raises(ValueError, match="no booster"):
        fit(rows).contributions(rows.features)


def test_calibration_sees_no_later_year():
    rows = fading()
    before, after = fit(rows.until(2012)), fit(fading(starts_until=2020).until(2012))
    assert before.calibration_ == after.calibration_


def test_calibration_keeps_the_order_of_flows_of_a_kind():
    model, fresh = fit(design()), design(seed=3)
    fresh.features[:, positions(["log_value"])[0]] = 10.0
    uncalibrated = TradeProbability(threads=1, booster_=model.booster_)
    ours, theirs = model.predict(fresh.features), uncalibrated.predict(fresh.features)
    assert (np.diff(ours[np.argsort(theirs, kind="stable")]) >= -1e-12).all()


def test_too_few_years_to_hold_any_out_leave_probabilities_as_they_come():
    assert fit(design()).calibration_ == UNCHANGED


def optimum(odds: np.ndarray, came: np.ndarray) -> tuple[float, float]:
    """Where both derivatives are 0, by bisection: the inner of the intercept at a given slope."""

    def intercept(slope: float) -> float:
        missed = lambda at: (expit(at + slope * odds) - came).sum() + PRIOR * at  # noqa: E731
        return brentq(missed, -1e5, 1e5, xtol=1e-13, rtol=1e-14)

    def missed(slope: float) -> float:
        error = expit(intercept(slope) + slope * odds) - came
        return (odds * error).sum() + PRIOR * (slope - 1)

    slope = 0.0 if missed(0.0) >= 0 else brentq(missed, 0.0, 1e5, xtol=1e-13, rtol=1e-14)
    return intercept(slope), slope


CLIP = 9.21


def outcomes(kind: str, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    odds = rng.normal(rng.normal(0, 4), rng.choice([0, 1e-3, 0.3, 2, 5]), size)
    odds = np.clip(odds, -CLIP, CLIP)
    if kind == "at the clip":
        odds = np.where(rng.random(size) < rng.choice([0, 0.5, 1]), -CLIP, CLIP)
    came = rng.random(size) < expit(rng.normal(0, 2) + rng.choice([-0.5, 0, 0.3, 1, 3]) * odds)
    if kind == "separable":
        came = odds > np.median(odds)
    if kind == "one class":
        came[:] = rng.random() < 0.5
    if kind == "few stops":
        odds = np.clip(rng.normal(8, 1, size), -CLIP, CLIP)
        came[:] = True
        came[: max(size // 100, 1)] = False
    return odds, came


@pytest.mark.parametrize("kind", ["any", "at the clip", "separable", "one class", "few stops"])
def test_calibrations_are_the_optimum_of_their_loss(kind):
    rng = np.random.default_rng(len(kind))
    for _ in range(80):
        odds, came = outcomes(kind, rng, int(rng.choice([1, 2, 5, 30, 300, 3_000])))
        assert platt(odds, came) == pytest.approx(optimum(odds, came), abs=1e-6)


def test_a_calibration_without_rows_changes_nothing():
    assert platt(np.empty(0), np.empty(0, dtype=bool)) == (0.0, 1.0)


@pytest.mark.parametrize("stopped", [5, 8, 39, 100])
def test_a_few_flows_that_stop_say_little_of_the_others(stopped):
    """Of 1,560 flows that all seem sure to trade a few do not: as many as that are expected to."""
    odds = np.clip(9 + np.random.default_rng(0).normal(0, 0.3, 1_560), -CLIP, CLIP)
    came = np.arange(odds.size) >= stopped
    intercept, slope = platt(odds, came)
    chance = expit(intercept + slope * odds)
    assert chance.min() > 0.9
    assert chance.mean() == pytest.approx(came.mean(), abs=0.01)


class Given(TradeProbability):
    """A model whose booster is its chances."""

    def _raw(self, booster, features):
        return booster[: len(features)]


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.floats(-20, 20), st.floats(0, 3)), st.tuples(st.floats(-20, 20), st.floats(0, 3))
)
def test_whatever_the_calibration_flows_keep_their_order_and_sure_ones_trade(starts, stays):
    """Even one that says that nothing survives, as of years with most reports missing."""
    raw = np.linspace(0, 1, 101)
    features = np.zeros((202, len(NAMES)), dtype=np.float32)
    features[101:, positions(["log_value"])[0]] = 14.0
    model = Given(booster_=np.tile(raw, 2), calibration_=(starts, stays))
    silent, traded = np.split(model.predict(features), 2)
    for chance in (silent, traded):
        assert ((chance >= 0) & (chance <= 1)).all()
        assert (np.diff(chance) >= 0).all()
    assert (traded[raw >= SURE] >= 0.5).all()
    # The booster cannot be surer than this.
    assert traded[-1] >= 0.5


def test_a_flow_that_is_not_reported_yet_has_the_chances_of_one_that_is():
    """Training rows are known at their origin, so that an unknown size would read as none."""
    model, rows = fit(fading()), fading(size=200, seed=5)
    reported = rows.features[rows.features[:, SIZE] > 0]
    late = reported.copy()
    late[:, SIZE] = np.nan
    value = np.exp(reported[:, SIZE].astype(float))
    now, then = (
        model.predict(chance_features(some, value=value, horizon=1)) for some in (late, reported)
    )
    np.testing.assert_allclose(now, then)
    assert now.min() > 0.8
    assert np.isnan(late[:, SIZE]).all()
