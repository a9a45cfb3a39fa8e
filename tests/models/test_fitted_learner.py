"""Learners of scikit-learn's kind on rows of the shift: fits, holes, weights, reasons and disk."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import HuberRegressor, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from features.catalogue import NAMES, without_technology
from features.errors import InputError
from models.design import HORIZON_COLUMN, Design
from models.fitted_learner import new_learner, takes_missing, weight_key
from models.learner_check import check_learner
from models.learner_text import text_of
from models.saved_learner import NotLoaded, read_learner, write_learner
from models.shift import ShiftChoice, ShiftModel

RIDGE = "sklearn.linear_model:Ridge(alpha=5.0)"
FOREST = "sklearn.ensemble:RandomForestRegressor(n_estimators=3, max_depth=3)"
XGBOOST = "xgboost:XGBRegressor(n_estimators=4, max_depth=3)"
CATBOOST = "catboost:CatBoostRegressor(iterations=4, depth=3)"
LIGHTGBM_OWN = "lightgbm:LGBMRegressor(n_estimators=4, min_child_samples=5)"
SCALED = (
    "sklearn.pipeline:make_pipeline(sklearn.impute.SimpleImputer(add_indicator=True), "
    "sklearn.preprocessing.StandardScaler(), sklearn.linear_model.Ridge(alpha=5.0))"
)


class Constant(RegressorMixin, BaseEstimator):
    """Answers with what its subclass makes of the number of rows."""

    def fit(self, x, y):
        self.rows_ = len(x), len(y)
        return self

    def predict(self, x):
        return self.answer(len(x))


class Missing(Constant):
    def answer(self, count):
        return np.full(count, np.nan)


class Wide(Constant):
    def answer(self, count):
        return np.zeros((count, 2))


class Fails(Constant):
    def answer(self, count):
        raise ZeroDivisionError(f"nothing to divide {count} by")


class Forgetful(Constant):
    def fit(self, x, y):
        self.rows = len(x), len(y)
        return self


class Drifts(Constant):
    def answer(self, count):
        return np.random.default_rng().normal(size=count)


def design(*, rows: int = 300, seed: int = 0) -> Design:
    """Shifts that follow two features; a tenth of all cells is missing, one column wholly."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 1, (rows, len(NAMES))).astype(np.float32)
    shift = np.tanh(features[:, 3] - 0.5 * features[:, 8]) + rng.normal(0, 0.05, rows)
    features[rng.random(features.shape) < 0.1] = np.nan
    features[:, 5] = np.nan
    features[:, HORIZON_COLUMN] = rng.integers(1, 3, rows)
    years = np.full(rows, 2010, dtype=np.int32)
    return Design(
        features,
        shift.astype(np.float32),
        rng.lognormal(10, 2, rows).astype(np.float32),
        np.ones(rows, dtype=np.bool_),
        years - 1,
        years,
    )


ROWS = design()


def model(learner, *, names=NAMES, share=0.5, seed=1) -> ShiftModel:
    choice = ShiftChoice(0.25, linear_share=share)
    return ShiftModel(names, choice, seed=seed, threads=1, learner=learner)


def needs(learner):
    package = learner.partition(":")[0]
    if package in ("xgboost", "catboost"):
        pytest.importorskip(package, reason=f"{package} is not installed: gravicast[learners]")
    return learner


LEARNERS = [RIDGE, SCALED, FOREST, XGBOOST, CATBOOST, LIGHTGBM_OWN]
EXACT = {RIDGE, SCALED, XGBOOST, CATBOOST, LIGHTGBM_OWN}


@pytest.mark.parametrize("learner", LEARNERS)
def test_reasons_add_up_to_the_forecast_and_are_exact_where_they_can_be(learner):
    fitted = model(needs(learner)).fit(ROWS)
    rows = design(rows=40, seed=9).features
    found = fitted.contributions(rows)
    assert fitted.exact == (learner in EXACT)
    np.testing.assert_allclose(found.sum(axis=1), fitted.predict(rows), atol=1e-9)
    assert np.abs(found[:, [3, 8]]).sum() > 0
    assert not found[:, 5].any()


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_learner_comes_back_from_disk_as_it_was(learner, tmp_path):
    fitted = model(needs(learner), share=0.0).fit(ROWS).learner_
    meta = write_learner(fitted, tmp_path)
    again = read_learner(meta, tmp_path, own=(), trusted=None)
    rows = ROWS.features[:30]
    np.testing.assert_array_equal(fitted.predict(rows), again.predict(rows))
    np.testing.assert_array_equal(
        fitted.contributions(rows, names=NAMES), again.contributions(rows, names=NAMES)
    )


def test_a_feature_left_out_is_not_seen():
    kept = without_technology()
    fitted = model(FOREST, names=kept).fit(ROWS)
    noise = ROWS.features.copy()
    noise[:, [name not in kept for name in NAMES]] = 7.0
    np.testing.assert_array_equal(fitted.predict(ROWS.features), fitted.predict(noise))
    assert fitted.contributions(noise[:5]).shape == (5, len(kept) + 1)


def test_linear_reasons_are_coefficients_times_distance_from_the_mean():
    learner = text_of(make_pipeline(SimpleImputer(), Ridge()))
    fitted = model(learner, share=0.0).fit(ROWS)
    imputer, ridge = (step for _, step in fitted.learner_.estimator.steps)
    used = [NAMES.index(name) for name in fitted.learner_.names]
    seen = imputer.transform(ROWS.features[:, used])
    found = fitted.contributions(ROWS.features)[:, used]
    np.testing.assert_allclose(found, ridge.coef_ * (seen - seen.mean(axis=0)), atol=1e-5)


def test_seeds_make_forests_and_the_same_seed_the_same_one():
    one, same, other = (model(FOREST, seed=s).fit(ROWS).predict(ROWS.features) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


# Tags ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("learner", "taken"),
    [
        (Ridge(), False),
        (HistGradientBoostingRegressor(), True),
        (make_pipeline(StandardScaler(), Ridge()), False),
        (make_pipeline(StandardScaler(), HistGradientBoostingRegressor()), True),
        (make_pipeline(SimpleImputer(), Ridge()), True),
        (make_pipeline(StandardScaler(), make_pipeline(SimpleImputer(), Ridge())), True),
        (make_pipeline("passthrough", Ridge()), False),
        (Constant(), False),
    ],
    ids=str,
)
def test_an_imputer_stands_before_learners_that_take_no_holes(learner, taken):
    assert takes_missing(learner) == taken


def test_imputed_values_are_those_of_the_training_rows_alone():
    fitted = model(RIDGE, share=0.0).fit(ROWS).learner_
    imputer = fitted.estimator.steps[0][1]
    used = [NAMES.index(name) for name in fitted.names]
    np.testing.assert_allclose(imputer.statistics_, np.nanmedian(ROWS.features[:, used], axis=0))
    assert imputer.add_indicator


@pytest.mark.parametrize(
    ("learner", "key"),
    [
        (Ridge(), "sample_weight"),
        (make_pipeline(StandardScaler(), Ridge()), "ridge__sample_weight"),
        (KNeighborsRegressor(), None),
        (make_pipeline(StandardScaler(), KNeighborsRegressor()), None),
        (HuberRegressor(), "sample_weight"),
    ],
    ids=str,
)
def test_weights_reach_the_last_step(learner, key):
    assert weight_key(learner) == key


def test_weights_change_the_fit():
    fits = [
        ShiftModel(choice=ShiftChoice(power, 0.0), learner=RIDGE).fit(ROWS).predict(ROWS.features)
        for power in (0.0, 0.5)
    ]
    assert np.abs(fits[0] - fits[1]).max() > 1e-3


def test_a_learner_is_seeded_and_takes_one_thread():
    made = new_learner("sklearn.ensemble:RandomForestRegressor(n_jobs=4)", seed=7)
    assert (made.random_state, made.n_jobs) == (7, 1)
    kept = new_learner("sklearn.ensemble:RandomForestRegressor(random_state=3)", seed=7)
    assert kept.random_state == 3


# Before a run -------------------------------------------------------------------------------------


def named(kind: type) -> str:
    return f"{__file__}:{kind.__name__}"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Forgetful, "ends in an underscore"),
        (Missing, "missing or infinite"),
        (Wide, r"shape \(200, 2\)"),
        (Fails, "fails to predict"),
    ],
)
def test_a_learner_that_gives_no_number_for_each_row_is_refused(kind, says):
    with pytest.raises(InputError, match=says):
        check_learner(named(kind), seed=1)


def test_what_a_user_should_know_of_a_learner_is_said():
    said = check_learner(named(Drifts), seed=1)
    assert [word in " ".join(said) for word in ("differs", "no weights", "estimates")] == [True] * 3
    assert check_learner(RIDGE, seed=1) == ()
    (only,) = check_learner(FOREST, seed=1)
    assert "estimates" in only


def test_polynomials_are_explained_by_permutations():
    learner = make_pipeline(SimpleImputer(), PolynomialFeatures(2), Ridge())
    (only,) = check_learner(text_of(learner), seed=1)
    assert "estimates" in only


def test_code_that_is_not_known_is_loaded_only_if_it_is_named(tmp_path):
    text = f"{__file__}:Zero()"
    fitted = model(text, share=0.0).fit(ROWS).learner_
    meta = write_learner(fitted, tmp_path)
    wary = read_learner(meta, tmp_path, own=(), trusted=None)
    assert isinstance(wary.estimator, NotLoaded)
    with pytest.raises(InputError, match="does not know"):
        wary.predict(ROWS.features[:2])
    trusting = read_learner(meta, tmp_path, own=(), trusted=text)
    assert (trusting.predict(ROWS.features[:2]) == 0).all()


class Zero(Constant):
    def answer(self, count):
        return np.zeros(count)


# scikit-learn's contract --------------------------------------------------------------------------


def test_a_clone_has_the_parameters_and_nothing_fitted():
    one = ShiftModel(
        NAMES[:3], ShiftChoice(0.5, 0.0), 7, 3, params={"max_bin": 15}, learner=FOREST
    ).fit(ROWS)
    other = clone(one)
    assert other.get_params() == one.get_params()
    assert not hasattr(other, "learner_")
    assert other.set_params(rounds=9).rounds == 9


ON_PARAMETERS = (
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_get_params_invariance",
    "check_set_params",
    "check_mixin_order",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
)


def test_scikit_learns_checks_of_parameters_pass():
    """The others fit on arrays of any width, where the model takes a design."""
    done = []
    for estimator, check in estimator_checks_generator(ShiftModel(), legacy=True):
        name = check.func.__name__
        if name in ON_PARAMETERS:
            check(estimator)
            done.append(name)
    assert len(done) >= 8
