"""A booster's explanation is what SHAP's own explainer returns, and SHAP draws it."""

from __future__ import annotations

import subprocess
import sys

import lightgbm
import matplotlib
import numpy as np
import pytest
import shap

from forecasting import tree_shap, tree_shap_interactions

NAMES = ["mass", "distance", "policy", "history"]


@pytest.fixture(scope="module")
def booster() -> lightgbm.Booster:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 4))
    data = lightgbm.Dataset(x, x[:, 0] * x[:, 1] + x[:, 2], feature_name=NAMES)
    return lightgbm.train({"verbosity": -1, "num_threads": 1}, data, 10)


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)


def test_it_is_what_shaps_explainer_returns(booster, x):
    found, theirs = tree_shap(booster, x), shap.TreeExplainer(booster)(x)
    assert found.values == pytest.approx(theirs.values, abs=1e-9)
    assert found.base_values == pytest.approx(np.full(60, theirs.base_values), abs=1e-9)
    assert (found.data == x).all()
    assert found.feature_names == NAMES
    assert found[3, "policy"].values == pytest.approx(theirs.values[3, 2], abs=1e-9)


def test_groups_are_sums_by_name(booster, x):
    own = tree_shap(booster, x).values
    found = tree_shap(booster, x, groups=["size", "friction", "friction", "size"])
    assert found.feature_names == ["size", "friction"]
    assert found.data is None
    expected = np.c_[own[:, 0] + own[:, 3], own[:, 1] + own[:, 2]]
    assert found.values == pytest.approx(expected, abs=1e-12)
    with pytest.raises(ValueError, match="4 integers"):
        tree_shap(booster, x, groups=["size"])


@pytest.mark.parametrize("groups", [None, ["size", "friction", "friction", "size"]])
def test_shap_draws_it(booster, x, groups):
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = tree_shap(booster, x, groups=groups)
    for draw in (
        lambda: shap.plots.bar(found, show=False),
        lambda: shap.plots.waterfall(found[0], show=False),
        lambda: shap.plots.beeswarm(found, show=False),
    ):
        draw()
        assert plt.gcf().axes
        plt.close("all")


def test_neither_shap_nor_numba_is_loaded_before_it_is_needed():
    code = "import forecasting.explanation.shap_values, sys; "
    code += "print({'shap', 'numba', 'lightgbm'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_interactions_of_pairs_are_shaps_own(booster, x):
    pairs = [("mass", "distance"), ("policy", "mass")]
    found = tree_shap_interactions(booster, x, pairs=pairs)
    matrix = shap.TreeExplainer(booster).shap_interaction_values(x.astype(np.float64))
    expected = np.column_stack([matrix[:, 0, 1], matrix[:, 2, 0]])
    assert np.abs(expected).max() > 0.01
    assert found.values == pytest.approx(expected, abs=1e-6)
    assert found.feature_names == ["mass x distance", "policy x mass"]


def test_an_interaction_with_an_unknown_feature_is_refused(booster, x):
    with pytest.raises(ValueError, match="'weather' is not a feature"):
        tree_shap_interactions(booster, x, pairs=[("mass", "weather")])
