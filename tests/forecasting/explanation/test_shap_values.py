"""A booster's explanation is what SHAP's own explainer returns, and SHAP draws it."""

from __future__ import annotations

import subprocess
import sys

import lightgbm
import matplotlib
import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
import scipy.sparse
import shap
from sklearn.linear_model import LinearRegression

from features.errors import InputError
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


# What SHAP's explainer takes ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "mass": rng.normal(size=200),
            "steps": rng.integers(0, 2**26, 200),
            "bloc": pd.Categorical(rng.choice(["EU", "ASEAN", "none"], 200)),
            "member": rng.random(200) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def scores(frame) -> np.ndarray:
    bloc = frame["bloc"].astype(str).map({"EU": 2.0, "ASEAN": 0.0, "none": 1.0}).to_numpy()
    return frame["mass"].to_numpy() * bloc + frame["steps"].to_numpy() / 2**25


MODELS = {
    "regressor": lambda: lightgbm.LGBMRegressor(**SMALL),
    "classifier": lambda: lightgbm.LGBMClassifier(**SMALL),
    "ranker": lambda: lightgbm.LGBMRanker(**SMALL),
}
SMALL = {"n_estimators": 5, "verbosity": -1, "n_jobs": 1, "min_child_samples": 3}


def fit(kind: str, frame: pd.DataFrame, scores: np.ndarray, *, classes: int = 3):
    model = MODELS[kind]()
    y = scores if kind == "regressor" else pd.qcut(scores, classes, labels=False)
    return model.fit(frame, y, **({"group": [20] * 10} if kind == "ranker" else {}))


@pytest.mark.parametrize("kind", MODELS)
def test_estimators_and_frames_as_shaps_explainer_takes_them(frame, scores, kind):
    model = fit(kind, frame, scores)
    found, theirs = tree_shap(model, frame), shap.TreeExplainer(model)(frame)
    assert found.values.shape == theirs.values.shape
    assert found.values == pytest.approx(theirs.values, abs=1e-12)
    assert found.base_values == pytest.approx(theirs.base_values, abs=1e-12)
    assert found.data.tolist() == theirs.data.tolist()
    assert found.feature_names == theirs.feature_names
    raw = model.booster_.predict(frame, raw_score=True, num_threads=1)
    assert found.base_values + found.values.sum(axis=1) == pytest.approx(raw, abs=1e-12)
    assert tree_shap(model.booster_, frame).values.tolist() == found.values.tolist()


def test_several_classes_have_interactions_each(booster):
    x = np.random.default_rng(3).normal(size=(200, 3))
    model = lightgbm.LGBMClassifier(**SMALL).fit(x, pd.qcut(x[:, 0] * x[:, 1], 3, labels=False))
    found = tree_shap_interactions(model, x[:9], pairs=[("Column_1", "Column_0")])
    theirs = np.asarray(shap.TreeExplainer(model).shap_interaction_values(x[:9]))
    assert found.values.shape == (9, 1, 3)
    assert found.base_values.shape == (9, 3)
    assert found.values[:, 0] == pytest.approx(theirs[:, 1, 0], abs=1e-6)
    assert np.abs(found.values).max() > 0.01


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x.tolist(),
        lambda x: x.astype(object),
        lambda x: [tuple(row) for row in x],
        lambda x: pd.DataFrame(x, columns=NAMES),
        lambda x: pd.DataFrame(x, columns=NAMES).convert_dtypes(),
        lambda x: pd.DataFrame(x, columns=NAMES).astype(object),
        lambda x: polars.DataFrame(x, schema=NAMES),
        lambda x: pyarrow.Table.from_pandas(pd.DataFrame(x, columns=NAMES)),
        lambda x: np.asfortranarray(x),
    ],
    ids=["lists", "objects", "tuples", "frame", "nullable", "frame of objects", "polars", "arrow",
         "fortran"],
)  # fmt: skip
def test_any_table_of_numbers(booster, x, made):
    x = x.astype(np.float64)
    x[3, 2] = np.nan
    assert tree_shap(booster, made(x)).values.tolist() == tree_shap(booster, x).values.tolist()


def test_integers_are_compared_as_lightgbm_compares_them():
    """It reads arrays of integers as float32, frames and lists of them as float64."""
    x = np.arange(2**25, 2**25 + 400)[:, None]
    booster = lightgbm.train(
        {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 1, "max_bin": 1000},
        lightgbm.Dataset(x.astype(np.float64), np.arange(400) % 2), 3,
    )  # fmt: skip
    for rows in (x, pd.DataFrame(x)):
        expected = booster.predict(rows, pred_contrib=True, num_threads=1)[:, 0]
        assert tree_shap(booster, rows).values[:, 0] == pytest.approx(expected, abs=1e-12)


def test_a_frame_of_one_row_and_of_none(frame, scores):
    model = fit("regressor", frame, scores)
    assert tree_shap(model, frame[:1]).values == pytest.approx(tree_shap(model, frame).values[:1])
    assert tree_shap(model, frame[:0]).values.shape == (0, 4)
    seen = frame[:5].assign(bloc=pd.Categorical(["EU", "Mercosur", None, "none", "EU"]))
    expected = model.booster_.predict(seen, pred_contrib=True, num_threads=1)[:, :-1]
    assert tree_shap(model, seen).values == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.assign(mass=f["mass"].astype(str)), "'mass'.*no numbers"),
        (lambda f: f.assign(mass=[*f["mass"][:-1].astype(object), "7"]), "'mass'.*'7' is a str"),
        (lambda f: f.assign(mass=pd.Timestamp("2020-01-01")), "'mass'.*datetime"),
        (lambda f: f.assign(mass=f["mass"] + 1j), "'mass'.*complex"),
        (lambda f: f[["steps", "mass", "bloc", "member"]], "'steps'.*feature 1.*'mass'"),
        (lambda f: f.assign(bloc=f["bloc"].cat.codes), "0 columns are categorical.*on 1"),
        (lambda f: f.assign(mass=f["mass"].astype("category")), "2 columns are categorical"),
    ],
    ids=["text", "one text", "dates", "complex", "order", "codes", "categories"],
)
def test_what_are_not_numbers_of_this_model_is_refused(frame, scores, spoil, message):
    with pytest.raises(InputError, match=message):
        tree_shap(fit("regressor", frame, scores), spoil(frame))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x.astype(str), "no numbers"),
        (lambda x: x.astype(str).tolist(), "no numbers"),
        (lambda x: x.astype(str).astype(object), "'mass'.*(is a|type) str"),
        (lambda x: x + 1j, "no numbers"),
        (lambda x: [x[0].tolist(), [3.0]], "different lengths"),
        (lambda x: x[0], r"shape \(4,\).*4 columns"),
        (lambda x: x[:, :3], r"shape \(60, 3\)"),
        (lambda x: pd.DataFrame(x[:, :3]), r"shape \(60, 3\)"),
        (lambda x: scipy.sparse.csr_matrix(x), "toarray"),
        (lambda _: "flows.csv", "shape"),
    ],
    ids=["text", "lists of text", "objects", "complex", "ragged", "a row", "narrow", "narrow frame",
         "sparse", "a path"],
)  # fmt: skip
def test_what_is_not_a_table_of_numbers_is_refused(booster, x, spoil, message):
    with pytest.raises(ValueError, match=message):
        tree_shap(booster, spoil(x))


def test_what_is_no_fitted_model_of_lightgbm_is_refused(x):
    with pytest.raises(InputError, match=r"LGBMRegressor is not fitted.*fit first"):
        tree_shap(lightgbm.LGBMRegressor(), x)
    with pytest.raises(InputError, match=r"LinearRegression is not a LightGBM model"):
        tree_shap_interactions(LinearRegression(), x, pairs=[])
