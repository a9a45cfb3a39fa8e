"""Chronos-2 by its own interface: a stand-in with the same one takes its place."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from models.comparators import chronos
from models.comparators.chronos import MILLION, QUANTILES, Chronos2


class Pipeline:
    """`chronos.Chronos2Pipeline` as far as it is called; repeats the last value."""

    loaded: ClassVar[list[tuple]] = []
    asked: ClassVar[list[dict]] = []

    @classmethod
    def from_pretrained(cls, name, **options):
        cls.loaded.append((name, options))
        return cls()

    def predict_quantiles(self, inputs, prediction_length=None, quantile_levels=()):
        self.asked += inputs
        spread = np.asarray(quantile_levels) - 0.5
        found = [np.tile(one["target"][-1] + spread, (1, prediction_length, 1)) for one in inputs]
        return found, [one[..., 2] for one in found]


@pytest.fixture
def pipeline(monkeypatch):
    module = ModuleType("chronos")
    module.Chronos2Pipeline = Pipeline
    monkeypatch.setitem(sys.modules, "chronos", module)
    chronos._pipeline.cache_clear()
    yield Pipeline
    chronos._pipeline.cache_clear()


def test_it_gets_every_flow_with_its_totals_and_gives_quantiles(pipeline, monkeypatch):
    monkeypatch.setenv(chronos.WEIGHTS, "weights")
    monkeypatch.setattr(chronos, "BATCH", 2)
    history = pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, 0.0], "c": [np.nan, 5.0]}) * MILLION
    totals = pd.DataFrame({name: [3.0, 4.0, 6.0, np.nan] for name in "abc"}) * MILLION
    for _ in range(2):
        found = Chronos2().fit_predict(history, (1, 2), {"exporter_total": totals})
    # The weights are loaded once for all origins.
    assert [name for name, _ in pipeline.loaded] == ["weights"]
    asked = pipeline.asked[2]
    np.testing.assert_allclose(asked["target"], np.log1p([np.nan, 5.0]))
    np.testing.assert_allclose(asked["past_covariates"]["exporter_total"], np.log1p([3.0, 4.0]))
    ahead = asked["future_covariates"]["exporter_total"]
    np.testing.assert_allclose(ahead, np.log1p([6.0, np.nan]))
    for table in found.values():
        assert list(table) == list(QUANTILES)
        np.testing.assert_allclose(table[0.5], np.array([2.0, 0.0, 5.0]) * MILLION, rtol=1e-6)
        assert (table[0.05] >= 0).all()
