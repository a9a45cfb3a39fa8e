"""Fits that share bins: the same boosters as alone, and no split on a feature left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from features.catalogue import NAMES, positions, without_technology
from features.errors import InputError
from models.design import HORIZON_COLUMN, Design
from models.flow_model import Training
from models.forecaster import ShiftForecaster
from models.reversion import fit_reversion
from models.shift import ShiftChoice, ShiftModel

KEPT = without_technology()
TECHNOLOGY = [name for name in NAMES if name not in KEPT]
DRIVER = TECHNOLOGY[0]
QUICK = {"min_data_in_leaf": 20, "feature_fraction": 0.5}


def design(*, rows: int = 1_000, seed: int = 0) -> Design:
    """Shifts that follow a technology feature; some rows have no base, some are not traded."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 1, (rows, len(NAMES))).astype(np.float32)
    features[:, HORIZON_COLUMN] = rng.integers(1, 4, rows)
    shift = np.tanh(features[:, positions([DRIVER])[0]]) + rng.normal(0, 0.1, rows)
    years = np.full(rows, 2010, dtype=np.int32)
    return Design(
        features,
        shift.astype(np.float32),
        (rng.lognormal(10, 2, rows) * (rng.random(rows) < 0.9)).astype(np.float32),
        rng.random(rows) < 0.9,
        years - features[:, HORIZON_COLUMN].astype(np.int32),
        years,
    )


def model(names=NAMES, *, power: float = 0.25, seed: int = 1, **params) -> ShiftModel:
    choice = ShiftChoice(power, linear_share=0.5)
    return ShiftModel(names, choice, rounds=5, seed=seed, threads=1, params={**QUICK, **params})


def text(fitted: ShiftModel) -> str:
    assert fitted.booster_ is not None
    return fitted.booster_.model_to_string()


def split_on(fitted: ShiftModel) -> set[str]:
    assert fitted.booster_ is not None
    return {NAMES[column] for column in np.flatnonzero(fitted.booster_.feature_importance())}


def test_fits_that_share_bins_are_those_of_bins_of_their_own_to_the_byte():
    """Whatever was fitted before them on the same rows, with and without weights."""
    rows = design()
    models = [
        model(power=0.5),
        model(KEPT),
        model(power=0.0),
        model(power=0.25),
        model(KEPT, power=0.0),
    ]
    shared = model().binned(rows)
    for one in models:
        together, alone = clone(one).fit_binned(shared), clone(one).fit(rows)
        assert text(together) == text(alone)
        np.testing.assert_array_equal(together.predict(rows.features), alone.predict(rows.features))


def test_another_seed_shares_the_bins_of_the_first():
    rows = design()
    shared = model().binned(rows)
    first, other = (model(seed=seed).fit_binned(shared) for seed in (1, 2))
    assert text(first) != text(other)


def test_gradients_added_up_by_column_or_by_row_give_the_same_trees(monkeypatch):
    rows = design()
    by_row = model().fit(rows)
    monkeypatch.setattr("models.shift.MANY_ROWS", 0)
    by_column = model().fit(rows)
    assert "[force_col_wise: 1]" in text(by_column)
    trees = [text(one).split("parameters:")[0] for one in (by_row, by_column)]
    assert trees[0] == trees[1]


def test_no_tree_splits_on_a_feature_left_out():
    rows = design()
    assert DRIVER in split_on(model().fit(rows))
    left = model(KEPT).fit(rows)
    assert split_on(left)
    assert split_on(left) <= set(KEPT)
    noise = rows.features.copy()
    noise[:, positions(TECHNOLOGY)] = np.random.default_rng(9).normal(
        size=(len(noise), len(TECHNOLOGY))
    )
    np.testing.assert_array_equal(left.predict(rows.features), left.predict(noise))
    found = left.contributions(rows.features[:50])
    assert found.shape == (50, len(KEPT) + 1)
    np.testing.assert_allclose(found.sum(axis=1), left.predict(rows.features[:50]), atol=1e-6)


SETS = [list(positions(KEPT[:5])), [*positions(TECHNOLOGY[:5])]]
AS_TEXT = ",".join(f"[{','.join(map(str, columns))}]" for columns in SETS)


@pytest.mark.parametrize("given", [SETS, AS_TEXT], ids=["lists", "text"])
def test_constraints_of_the_user_stay(given):
    rows = design()
    free = model(interaction_constraints=given).fit(rows)
    assert DRIVER in split_on(free)
    assert split_on(free) <= {*KEPT[:5], *TECHNOLOGY[:5]}
    left = model(KEPT, interaction_constraints=given).fit(rows)
    assert split_on(left)
    assert split_on(left) <= set(KEPT[:5])


@pytest.mark.parametrize("names", [(), TECHNOLOGY[5:6]], ids=["none", "only others"])
def test_where_no_column_may_be_split_on_the_forecast_is_constant(names):
    rows = design()
    constraints = [list(positions(KEPT[:5]))]
    fitted = model(names, interaction_constraints=constraints).fit(rows)
    assert split_on(fitted) == set()
    assert fitted.booster_ is not None
    assert np.ptp(fitted.booster_.predict(rows.features)) == 0


def test_what_lightgbm_refuses_is_the_users_error():
    with pytest.raises(InputError, match="LightGBM refuses"):
        model(max_bin=1).fit(design())


# Models of one fold -------------------------------------------------------------------------------


def training(rows: Design) -> Training:
    return Training(
        design=rows,
        names=NAMES,
        own=(),
        choice=ShiftChoice(0.25, linear_share=0.5),
        rounds=5,
        params=QUICK,
        max_rows=1_500,
        seed=1,
        threads=1,
    )


def test_models_of_a_fold_are_those_fitted_apart():
    rows = design()
    fold = training(rows)
    for names in (NAMES, KEPT):
        shared, alone = fold.shift(names), model(names).fit(fold.rows)
        assert tuple(shared.names) == tuple(names)
        assert text(shared) == text(alone)
    assert fold.shift(NAMES).booster_ is not fold.shift(KEPT).booster_


def test_without_a_value_of_technology_the_ablation_is_the_main_model():
    rows = design()
    rows.features[:, positions(TECHNOLOGY)] = np.nan
    fold = training(rows)
    main, ablation = (
        ShiftForecaster(select).fit(fold).shift for select in (tuple, without_technology)
    )
    assert main is not None
    assert ablation is not None
    assert ablation.booster_ is main.booster_
    # Reused, it is what it would be computed.
    computed = model(KEPT).fit(fold.rows)
    assert text(ablation) == text(computed)
    np.testing.assert_array_equal(ablation.predict(rows.features), computed.predict(rows.features))


def test_the_linear_model_of_a_fold_draws_more_rows_than_the_trees():
    rows = design()
    fold = replace(training(rows), max_rows=400)
    found, wanted = (
        fold.shift(NAMES),
        fit_reversion(fold.design.thinned(max_rows=800, seed=1), names=NAMES),
    )
    assert found.reversion_ is not None
    np.testing.assert_array_equal(found.reversion_.slopes, wanted.slopes)
    few = fit_reversion(fold.rows, names=NAMES)
    assert not np.array_equal(few.slopes, wanted.slopes)
    assert text(found) == text(model().fit(fold.rows))
