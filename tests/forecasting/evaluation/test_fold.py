"""One fold: what settings know alike is forecast once, and what they do not is not."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from features.information import DataBundle
from forecasting import RunConfig
from forecasting.evaluation.fold import run_fold
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.prepared import prepare
from models.flow_model import Known
from models.registry import ABLATION, MAIN_MODEL
from models.shift import CHOICES

FOLD = Fold(2008, (1, 2), tuple(range(1999, 2008)))
OURS = (MAIN_MODEL, ABLATION)


def forecasts(bundle: DataBundle, quick) -> dict[tuple[str, str, int], np.ndarray]:
    config = RunConfig(world="goods", **quick)
    found = run_fold(prepare(bundle, config), FOLD, config, CHOICES[-1]).forecasts
    assert all(f.probability is not None for f in found if f.model == MAIN_MODEL)
    return {(f.setting, f.model, f.horizon): f.forecast for f in found}


@pytest.fixture
def shift_fits(monkeypatch) -> list[int]:
    """Rows of every booster of shifts."""
    fits: list[int] = []
    train = lightgbm.train

    def counting(params, data, **options):
        if params["objective"] == "huber":
            fits.append(data.num_data())
        return train(params, data, **options)

    monkeypatch.setattr(lightgbm, "train", counting)
    return fits


def test_with_trade_alone_one_model_forecasts_for_both_settings_and_the_ablation(
    bundle, quick, monkeypatch, shift_fits
):
    trade = DataBundle(bundle.panel)
    reused = forecasts(trade, quick)
    assert len(shift_fits) == 1
    first = reused["totals_known", MAIN_MODEL, 1]
    monkeypatch.setattr(Known, "like", lambda *_: False)
    computed = forecasts(trade, quick)
    assert reused.keys() == computed.keys()
    assert all(reused[key].tobytes() == computed[key].tobytes() for key in computed)
    assert reused["ex_ante", ABLATION, 1].tobytes() == first.tobytes()


def test_where_settings_know_different_totals_each_has_forecasts_of_its_own(
    bundle, quick, shift_fits
):
    found = forecasts(bundle, quick)
    assert len(shift_fits) == 2
    for model in OURS:
        known, ex_ante = (found[s, model, 1] for s in ("totals_known", "ex_ante"))
        assert not np.allclose(known, ex_ante)
    assert not np.allclose(*(found["ex_ante", model, 1] for model in OURS))


def test_forecasts_do_not_depend_on_the_blocks_they_are_made_in(make_forecaster, monkeypatch):
    forecaster = make_forecaster()
    whole, chance = forecaster.flow_forecast(2), forecaster.probability_of_trade(2)
    monkeypatch.setattr("models.blocks.BLOCK", 13)
    parts = forecaster.flow_forecast(2)
    assert parts.shift.tobytes() == whole.shift.tobytes()
    assert parts.forecast.tobytes() == whole.forecast.tobytes()
    assert forecaster.probability_of_trade(2).tobytes() == chance.tobytes()
