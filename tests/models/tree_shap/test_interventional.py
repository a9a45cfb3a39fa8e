"""Interventional SHAP values: by their definition, SHAP's own, unknown cells, bad input."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import lightgbm
import numpy as np
import pytest
import shap
from hypothesis import given, settings
from hypothesis import strategies as st

from models.tree_shap.interventional import tree_shap_interventional
from models.tree_shap.paths import Forest, Trees


def fitted(x: np.ndarray, seed: int, **params) -> lightgbm.Booster:
    rng = np.random.default_rng(seed)
    y = np.nan_to_num(x) @ rng.normal(size=x.shape[1]) + np.nan_to_num(x[:, 0] * x[:, -1])
    how = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 3, "seed": seed, **params}
    return lightgbm.train(how, lightgbm.Dataset(x, y), 8)


def table(rng: np.random.Generator, rows: int, features: int, missing: float) -> np.ndarray:
    x = rng.normal(size=(rows, features)).round(2)
    x[rng.random(x.shape) < missing] = np.nan
    x[:, 0] = np.nan_to_num(x[:, 0])  # a column that is always known in training
    return x


def by_coalitions(booster: lightgbm.Booster, row: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Shapley values of ``mean f(row on S, background elsewhere)`` by their definition."""
    n = row.size

    def worth(coalition: tuple[int, ...]) -> float:
        mixed = background.copy()
        mixed[:, list(coalition)] = row[list(coalition)]
        return float(booster.predict(mixed).mean())

    out = np.zeros(n)
    for i in range(n):
        others = [k for k in range(n) if k != i]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for some in combinations(others, size):
                out[i] += weight * (worth((*some, i)) - worth(some))
    return out


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    leaves=st.integers(2, 12),
    missing=st.sampled_from([0.0, 0.2]),
    zero=st.booleans(),
)
def test_values_are_shapleys_with_unknown_cells_anywhere(seed, leaves, missing, zero):
    rng = np.random.default_rng(seed)
    booster = fitted(table(rng, 120, 4, missing), seed, num_leaves=leaves, zero_as_missing=zero)
    rows, background = table(rng, 3, 4, 0.3), table(rng, 5, 4, 0.3)
    rows[0, 0] = np.nan  # never unknown in training
    background[1] = np.nan
    found = tree_shap_interventional(booster, rows, background)
    for row, values in zip(rows, found.values, strict=True):
        np.testing.assert_allclose(values, by_coalitions(booster, row, background), atol=1e-10)
    total = found.base_value + found.values.sum(axis=1)
    np.testing.assert_allclose(total, booster.predict(rows), atol=1e-10)


def test_they_are_shaps_own_where_nothing_is_missing():
    rng = np.random.default_rng(0)
    x = table(rng, 600, 8, 0.0)
    booster = fitted(x, 0, num_leaves=20)
    theirs = shap.TreeExplainer(booster, x[:90]).shap_values(x[100:300])
    assert np.abs(theirs).max() > 0.5
    found = tree_shap_interventional(booster, x[100:300], x[:90])
    np.testing.assert_allclose(found.values, theirs, atol=1e-6)


def test_the_number_of_threads_and_other_rows_change_nothing():
    rng = np.random.default_rng(1)
    x = table(rng, 400, 6, 0.1)
    booster = fitted(x, 1)
    everything = tree_shap_interventional(booster, x, x[:30], threads=1).values
    np.testing.assert_array_equal(
        everything, tree_shap_interventional(booster, x, x[:30], threads=3).values
    )
    np.testing.assert_array_equal(
        everything[150:160], tree_shap_interventional(booster, x[150:160], x[:30]).values
    )


def test_a_booster_without_a_split_explains_nothing():
    x = np.zeros((50, 2))
    booster = lightgbm.train({"verbosity": -1}, lightgbm.Dataset(x, np.ones(50)), 3)
    found = tree_shap_interventional(booster, x[:4], x)
    assert not found.values.any()
    assert found.base_value == pytest.approx(1.0)
    assert tree_shap_interventional(booster, x[:0], x).values.shape == (0, 2)


def test_what_does_not_fit_is_refused():
    rng = np.random.default_rng(2)
    x = table(rng, 100, 3, 0.0)
    booster = fitted(x, 2)
    with pytest.raises(ValueError, match="does not fit 3 features"):
        tree_shap_interventional(booster, x[:, :2], x)
    with pytest.raises(ValueError, match="no rows"):
        tree_shap_interventional(booster, x, x[:0])


def test_a_path_of_too_many_features_is_refused_and_not_cut(monkeypatch):
    nodes = 70
    last = np.arange(nodes) == nodes - 1
    chain = Trees(
        column=np.arange(nodes),
        threshold=np.zeros(nodes),
        nan_left=np.zeros(nodes, np.uint8),
        zero_missing=np.zeros(nodes, np.uint8),
        left=~np.arange(nodes),
        right=np.where(last, ~nodes, np.arange(1, nodes + 1)),
        left_share=np.full(nodes, 0.5),
        right_share=np.full(nodes, 0.5),
        parent=np.arange(nodes) - 1,
        leaf_parent=np.minimum(np.arange(nodes + 1), nodes - 1),
        leaf_value=np.ones(nodes + 1),
        start=np.array([0, nodes]),
        category_start=np.zeros(nodes, np.int64),
        category_stop=np.zeros(nodes, np.int64),
        categories=np.zeros(0, np.uint32),
    )
    forest = Forest(chain, np.arange(nodes), tuple(map(str, range(nodes))))
    monkeypatch.setattr("models.tree_shap.interventional.read_forest", lambda _: forest)
    x = np.ones((3, nodes))
    with pytest.raises(ValueError, match="more than 62 features"):
        tree_shap_interventional(object(), x, x)
