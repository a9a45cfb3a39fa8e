"""A baseline is one class and one line: from there it is forecast, scored, named and drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting import RunConfig
from forecasting.evaluation.fold import FittedModels
from forecasting.figures.score_plots import error_by_origin
from forecasting.words.labels import models_of
from models import registry
from models.baselines import last_value
from models.flow_model import FlowModel
from models.registry import LAST_VALUE, MODELS, Model
from models.shift import CHOICES


class Halved(FlowModel):
    """Half the last value."""

    def forecast(self, known):
        return dict.fromkeys(known.horizons, 0.5 * last_value(known.info))


TOY = Model("halved", "half the last value", Halved, ("#123456", "*"))


@pytest.fixture
def result(monkeypatch, run_on, bundle):
    monkeypatch.setattr(registry, "MODELS", (*MODELS, TOY))
    return run_on(bundle, "run", horizons=(1,), rounds=3, settings=("ex_ante",), first_origin=2009)


def test_a_new_baseline_is_everywhere_that_models_are(result):
    table = pd.read_parquet(result.out / "backtest.parquet")
    assert len(table) > 0
    np.testing.assert_allclose(table[TOY.name], 0.5 * table[LAST_VALUE], rtol=1e-6)
    for file, column in (("scores.csv", "model"), ("significance.csv", "against")):
        assert TOY.name in set(pd.read_csv(result.out / file)[column])
    assert models_of(result.scores)[-1] == TOY.name
    assert f"| {TOY.label} |" in (result.out / "scoreboard.md").read_text(encoding="utf-8")
    figure = error_by_origin(result.scores_by_origin)
    drawn = {line.get_label(): line for line in figure.axes[0].lines}
    assert (drawn[TOY.label].get_color(), drawn[TOY.label].get_marker()) == TOY.marker
    assert TOY.label in {text.get_text() for text in figure.legends[0].get_texts()}


def test_names_labels_and_markers_tell_models_apart():
    for each in ("name", "label"):
        assert len({getattr(model, each) for model in MODELS}) == len(MODELS)
    backtested = registry.backtest_models()
    assert len({model.marker for model in backtested}) == len(backtested)
    assert [model.role for model in MODELS].count("main") == 1


class Broken(FlowModel):
    """A forecast that is wrong in one way."""

    def __init__(self, spoil):
        self.spoil = spoil

    def forecast(self, known):
        return self.spoil(dict.fromkeys(known.horizons, last_value(known.info)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: {},
        lambda good: {h: value[:-1] for h, value in good.items()},
        lambda good: {h: value * np.nan for h, value in good.items()},
        lambda good: {h: -1.0 - value for h, value in good.items()},
    ],
    ids=["no horizon", "a flow too few", "NaN", "negative"],
)
def test_a_model_that_forecasts_nonsense_is_named(prepared, quick, spoil, stops):
    origin = prepared.last_origin - 1
    training = prepared.training(
        RunConfig(world="goods", **quick), origin=origin, choice=CHOICES[0]
    )
    known = prepared.known("ex_ante", origin=origin, horizons=(1,), training=training)
    models = FittedModels([Model("broken", "broken", lambda: Broken(spoil))], training)
    stops(lambda: models.forecast(prepared, known, twin=known), says="'broken'")
