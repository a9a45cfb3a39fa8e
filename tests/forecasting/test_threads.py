"""LightGBM's thread count is one variable of the process: every concurrent call must say 1."""

from __future__ import annotations

import lightgbm
import pytest

from forecasting.evaluation.backtest import choice_at, choose_weights, fold_tasks, in_threads
from forecasting.evaluation.folds import plan_folds
from forecasting.evaluation.prepared import prepare, tuning_origins
from forecasting.options.run_config import RunConfig

THREADS = "num_threads"


@pytest.fixture
def counted(monkeypatch):
    """The thread count of every LightGBM call, by what was called."""
    calls: list[tuple[str, object]] = []
    train, data_set, predict = lightgbm.train, lightgbm.Dataset, lightgbm.Booster.predict

    def counting_train(params, *args, **kwargs):
        calls.append(("train", params.get(THREADS)))
        return train(params, *args, **kwargs)

    def counting_data_set(*args, **kwargs):
        calls.append(("Dataset", (kwargs.get("params") or {}).get(THREADS)))
        return data_set(*args, **kwargs)

    def counting_predict(self, *args, **kwargs):
        calls.append(("predict", kwargs.get(THREADS)))
        return predict(self, *args, **kwargs)

    monkeypatch.setattr(lightgbm, "train", counting_train)
    monkeypatch.setattr(lightgbm, "Dataset", counting_data_set)
    monkeypatch.setattr(lightgbm.Booster, "predict", counting_predict)
    return calls


def test_every_lightgbm_call_of_a_backtest_runs_on_one_thread(bundle, counted):
    config = RunConfig(world="goods", experiment=None, horizons=(1, 2), rounds=3, workers=2)
    prepared = prepare(bundle, config)
    panel = bundle.panel
    folds = plan_folds(first_year=panel.first_year, last_year=panel.last_year, horizons=(1, 2))
    compute = in_threads(prepared, config)
    choices = choose_weights(tuning_origins(prepared, folds[:1], config), compute)
    for _ in compute(fold_tasks(folds[:2], choose_at=lambda o: choice_at(choices, o))):
        pass
    assert {name for name, _ in counted} == {"train", "Dataset", "predict"}
    assert {count for _, count in counted} == {1}
