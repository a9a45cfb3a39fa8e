"""Learners other than LightGBM go through the whole job: forecasts, reasons, record, resume."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forecasting import RunConfig
from forecasting.briefs.world import world_brief
from forecasting.fingerprint import fingerprint
from forecasting.reports.data import checks
from forecasting.results.read import read_run

LIGHT = {"horizons": (1,), "settings": ("ex_ante",), "first_origin": 2008, "rounds": 80,
         "params": {}}  # fmt: skip


def boosted(package: str, name: str, **parameters):
    def make():
        module = pytest.importorskip(package, reason=f"install gravicast[learners] for {package}")
        return getattr(module, name)(**parameters)

    return make


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("make", "exact"),
    [
        pytest.param(
            lambda: RandomForestRegressor(n_estimators=3, max_depth=3),
            False,
            id="forest",
            marks=SLOW,
        ),
        pytest.param(
            lambda: HistGradientBoostingRegressor(max_iter=3, max_bins=8),
            False,
            id="histograms",
            marks=SLOW,
        ),
        pytest.param(
            boosted("xgboost", "XGBRegressor", n_estimators=3, max_depth=2),
            True,
            id="xgboost",
            marks=SLOW,
        ),
        pytest.param(
            boosted("catboost", "CatBoostRegressor", iterations=3, depth=2),
            True,
            id="catboost",
            marks=SLOW,
        ),
        pytest.param(lambda: Ridge(alpha=10.0), True, id="ridge"),
        pytest.param(
            lambda: make_pipeline(StandardScaler(), Ridge(alpha=10.0)),
            True,
            id="pipeline",
            marks=SLOW,
        ),
    ],
)
def test_a_learner_goes_through_the_whole_job(make, exact, make_bundle, run_on):
    learner = make()
    result = run_on(make_bundle(), "run", learner=learner, **LIGHT)
    assert np.isfinite(result.forecasts["forecast"]).all()
    assert result.explanation.exact == exact
    parts = result.explanation.values.sum(axis=1, dtype=np.float64)
    moved = 100 * np.log(result.explanation.rows["forecast"] / result.explanation.rows["base"])
    total = result.explanation.base_values + parts + result.explanation.raking
    np.testing.assert_allclose(total, moved, atol=1e-6)
    about = json.loads((result.out / "run.json").read_text(encoding="utf-8"))
    assert f"{type(learner).__name__}(" in about["config"]["learner"]
    assert about["explained"]["exact"] == exact
    again = read_run(result.out)
    assert again.explanation.exact == exact
    assert again.config == result.config
    assert ("approximate" in str(world_brief(again, 2011).sections[-1])) == (not exact)
    assert ("approximate" in "".join(checks(again))) == (not exact)


def test_a_learner_changes_the_fingerprint_and_so_does_its_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("from sklearn.linear_model import Ridge\none = Ridge()\n", encoding="utf-8")
    configs = [
        RunConfig(),
        RunConfig(learner=Ridge()),
        RunConfig(learner=Ridge(alpha=2.0)),
        RunConfig(learner=f"{file}:one"),
    ]
    found = [fingerprint(config, ()) for config in configs]
    assert all(a != b for k, a in enumerate(found) for b in found[:k])
    assert found[1]["option 'learner'"] == '"sklearn.linear_model:Ridge()"'
    file.write_text("from sklearn.linear_model import Ridge\none = Ridge(9)\n", encoding="utf-8")
    assert fingerprint(configs[3], ()) != found[3]


@pytest.mark.parametrize("given", [{"rounds": 9}, {"params": {"num_leaves": 7}}])
def test_lightgbms_options_do_not_go_with_another_learner(given, stops):
    stops(lambda: RunConfig(learner=Ridge(), **given), says="cannot be")


def test_a_learner_without_fit_ends_the_run_before_any_work(make_bundle, run_on, stops):
    options = {**LIGHT, "learner": "collections:OrderedDict"}
    stops(lambda: run_on(make_bundle(), "run", **options), says="no `fit`")
