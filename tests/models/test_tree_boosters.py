"""Every kind of booster: SHAP values are LightGBM's own ``pred_contrib``, class by class."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest

from models.tree_shap.interventional import tree_shap_interventional
from models.tree_shap.path_dependent import forest_interactions, forest_shap
from models.tree_shap.paths import read_forests

ROWS, COLUMNS, CATEGORIES = 400, 6, 70

KINDS: dict[str, dict[str, Any]] = {
    "regression": {},
    "dart": {"boosting": "dart", "drop_rate": 0.5},
    "random forest": {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1},
    "goss": {"data_sample_strategy": "goss"},
    "bagging": {"bagging_fraction": 0.4, "bagging_freq": 1, "feature_fraction": 0.5},
    "extra trees": {"extra_trees": True},
    "255 leaves": {"num_leaves": 255, "min_data_in_leaf": 1},
    "depth 1": {"max_depth": 1},
    "one tree": {"num_iterations": 1},
    "trees of one leaf": {"min_data_in_leaf": ROWS},
    "no average to start from": {"boost_from_average": False},
    "zero as missing": {"zero_as_missing": True},
    "missing values not used": {"use_missing": False},
    "monotone": {"monotone_constraints": [1, -1, 0, 0, 0, 0]},
    "interactions constrained": {"interaction_constraints": "[0,1],[2,3,4,5]"},
    "path smoothing": {"path_smooth": 5.0},
    "quantized gradients": {"use_quantized_grad": True},
    "binary": {"objective": "binary"},
    "cross entropy": {"objective": "cross_entropy"},
    "poisson": {"objective": "poisson"},
    "tweedie": {"objective": "tweedie"},
    "quantile": {"objective": "quantile", "alpha": 0.8},
    "huber": {"objective": "huber"},
    "absolute error": {"objective": "l1"},
    "ranking": {"objective": "lambdarank"},
    "classes": {"objective": "multiclass", "num_class": 3},
    "classes one against all": {"objective": "multiclassova", "num_class": 3},
    "classes of a random forest": {
        "objective": "multiclass", "num_class": 3, "boosting": "rf", "bagging_fraction": 0.5,
        "bagging_freq": 1,
    },
    "categories": {"categorical_feature": [4, 5]},
    "categories one against the rest": {"categorical_feature": [4], "max_cat_to_onehot": 100},
    "categories and classes": {
        "categorical_feature": [5], "objective": "multiclass", "num_class": 3,
    },
}  # fmt: skip


def table(seed: int, rows: int) -> np.ndarray:
    """Numbers with holes, zeros and infinities, and two columns that can be categories."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, COLUMNS))
    x[:, 1] = np.round(x[:, 1])
    x[:, 4], x[:, 5] = rng.integers(0, 4, rows), rng.integers(0, CATEGORIES, rows)
    holes = rng.random((rows, 4))
    x[:, :4][holes < 0.1] = np.nan
    x[:, :4][holes > 0.98] = np.inf
    x[:, :4][(holes > 0.96) & (holes <= 0.98)] = -np.inf
    return x


def strange(seed: int, rows: int) -> np.ndarray:
    """Fresh rows, with categories that training did not see and some that are none."""
    x = table(seed, rows)
    odd = [-1.0, -0.5, 0.5, 3.9, 31.0, 32.0, 500.0, 1e20, -np.inf, np.nan, 1e-36]
    spots = np.random.default_rng(seed).random((rows, 2)) < 0.3
    x[:, 4:][spots] = np.resize(odd, int(spots.sum()))
    return x


def trained(**params: Any) -> lightgbm.Booster:
    x, rng = table(0, ROWS), np.random.default_rng(1)
    known = np.nan_to_num(x, posinf=3.0, neginf=-3.0)
    score = known[:, 0] * known[:, 1] + known[:, 2] + 3 * (known[:, 4] % 2) + known[:, 5] % 7
    score = score + rng.normal(size=ROWS)
    rank = np.argsort(np.argsort(score))
    objective = params.get("objective", "l2")
    y = score
    if objective in ("binary", "cross_entropy"):
        y = rank * 2 // ROWS
    elif objective in ("poisson", "tweedie"):
        y = np.exp(score / 8)
    elif objective == "lambdarank" or "num_class" in params:
        y = rank * 3 // ROWS
    group = np.full(ROWS // 20, 20) if objective == "lambdarank" else None
    options = {
        "verbosity": -1, "num_threads": 1, "seed": 1, "num_iterations": 8, "num_leaves": 15,
        "min_data_in_leaf": 3, "min_data_per_group": 3, "cat_smooth": 1.0, "cat_l2": 1.0,
        "deterministic": True,
    }  # fmt: skip
    params = {**options, **params}
    categories = params.pop("categorical_feature", "auto")
    data = lightgbm.Dataset(x, y, group=group, categorical_feature=categories, params=params)
    return lightgbm.train(params, data)


def contributions(booster: lightgbm.Booster, x: np.ndarray) -> np.ndarray:
    """LightGBM's, shape ``[class, row, feature and base]``."""
    found = booster.predict(x, pred_contrib=True, num_threads=1)
    return found.reshape(len(x), -1, COLUMNS + 1).swapaxes(0, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_lightgbms(kind):
    booster = trained(**KINDS[kind])
    forests = read_forests(booster)
    for rows in (20, 1_500):
        x = strange(2, rows)
        theirs = contributions(booster, x)
        assert len(forests) == len(theirs)
        for forest, expected in zip(forests, theirs, strict=True):
            found = forest_shap(forest, x, threads=1)
            own = np.c_[found.values, np.full(rows, found.base_value)]
            assert np.abs(own - expected).max() <= 1e-14 * np.abs(expected).max()


def test_the_kinds_are_what_they_say():
    """Sets of more than one word, several trees a round, and a kind that is another's twin none."""
    splits = read_forests(trained(**KINDS["categories"]))[0].trees
    words = splits.category_stop - splits.category_start
    assert set(words) >= {0, 1, 3}
    assert not read_forests(trained())[0].trees.categories.size
    x = strange(2, 20)
    first = {kind: contributions(trained(**KINDS[kind]), x)[0].tobytes() for kind in KINDS}
    assert len(set(first.values())) >= len(KINDS) - 2  # binary is cross entropy where labels are


def test_interventional_values_of_categories_add_up():
    booster, x = trained(**KINDS["categories"]), strange(2, 60)
    found = tree_shap_interventional(booster, x, x[:20], threads=1)
    total = found.base_value + found.values.sum(axis=1)
    assert total == pytest.approx(booster.predict(x, raw_score=True, num_threads=1), abs=1e-12)


def test_a_feature_is_what_its_interactions_and_its_main_effect_sum_to():
    """Of every class and with categories: a main effect does not change with other features."""
    booster, x = trained(**KINDS["categories and classes"], max_depth=2), table(2, 40)
    pairs = [(0, other) for other in range(1, COLUMNS)]
    moved = x.copy()
    moved[:, 1:] = table(3, 40)[:, 1:]
    for forest in read_forests(booster):
        mains = [
            forest_shap(forest, rows, threads=1).values[:, 0]
            - forest_interactions(forest, rows, pairs=pairs, threads=1).values.sum(axis=1)
            for rows in (x, moved)
        ]
        # Trees of two levels have no interactions of three.
        assert mains[0] == pytest.approx(mains[1], abs=1e-12)
        assert np.ptp(mains[0]) > 0 or not (forest.used == 0).any()
