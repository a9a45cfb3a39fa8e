from __future__ import annotations

import numpy as np
import pytest

from features.catalogue import NAMES, positions
from models.design import Design
from models.trade_probability import PREDICTORS, UNCHANGED, TradeProbability


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
