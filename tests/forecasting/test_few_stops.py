"""A handful of flows that stop in the last year, among hundreds that always traded."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from features.data.panel import TradePanel
from features.information import DataBundle
from forecasting import RunConfig
from forecasting.evaluation.prepared import prepare
from models.forecaster import ShiftForecaster
from models.shift import CHOICES

CODES = ("AUS", "AUT", "BEL", "BRA", "CAN", "CHE", "CHN", "CZE", "DEU", "DNK", "ESP",
         "FIN", "FRA", "GBR", "IND", "ITA", "JPN", "KOR", "MEX", "NLD", "USA", "ZAF")  # fmt: skip
YEARS, STOPS = range(2004, 2013), 4


@pytest.fixture(scope="module")
def panel() -> TradePanel:
    """Dense trade; a flow in five hundred stops once, for a year, and `STOPS` in the last year."""
    rng = np.random.default_rng(0)
    pairs = list(itertools.permutations(CODES, 2))
    level = rng.lognormal(17, 2, len(pairs))
    small = np.argsort(level)[: len(pairs) // 2]
    values = level * np.exp(rng.normal(0.03, 0.2, (len(YEARS), len(pairs))).cumsum(axis=0))
    values[rng.random(values.shape) < 0.002] = 0.0
    values[-1] = np.where(values[-1] > 0, values[-1], level)
    values[-1, rng.choice(small, STOPS, replace=False)] = 0.0
    rows = [(*pair, year, values[row, place]) for row, year in enumerate(YEARS)
            for place, pair in enumerate(pairs)]  # fmt: skip
    return TradePanel.from_frame(
        pd.DataFrame(rows, columns=["exporter", "importer", "year", "value_usd"])
    )


def test_the_others_are_as_sure_to_trade_as_before_and_none_is_forecast_at_zero(panel):
    config = RunConfig(horizons=(1,), rounds=3, settings=("ex_ante",), experiment=None)
    prepared = prepare(DataBundle(panel), config)
    training = prepared.training(config, origin=panel.last_year, choice=CHOICES[0])
    known = prepared.known("ex_ante", origin=panel.last_year, horizons=(1,), training=training)
    forecast = ShiftForecaster().fit(training).forecast(known)[1]
    traded = panel.values[-1] > 0
    assert traded.sum() == panel.flows.size - STOPS
    assert 1 - known.chance[1][traded].mean() < 4 * STOPS / traded.sum()
    assert known.chance[1][traded].min() > 0.5
    assert (forecast[traded] > 0).all()
