from __future__ import annotations

import numpy as np
import pytest

from features.catalogue import NAMES, positions
from models.design import Design
from models.trade_probability import PREDICTORS, TradeProbability


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
