"""Reasons on the goods panel: every flow that is forecast has them, and they add up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shap

from forecasting import RunConfig
from forecasting.evaluation.prepared import prepare
from forecasting.explanation.explain import attribution_table, explain
from forecasting.inputs.load import load
from models.design import at_horizon, origin_value
from models.forecaster import FittedForecaster, FlowForecast
from models.shift import ShiftChoice, ShiftModel
from models.totals import forecast_totals
from models.trade_probability import TradeProbability

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data, and {DATA} is not there"),
]
HORIZONS = (1, 2, 3, 4, 5)
SETTING = "totals_known"


@pytest.fixture(scope="module")
def forecaster() -> FittedForecaster:
    config = RunConfig(
        trade=DATA / "trade" / "goods_totals.parquet",
        indicators=DATA / "indicators" / "country_year.parquet",
        indicator_catalogue=DATA / "indicators" / "catalogue.csv",
        pairs=(DATA / "pairs" / "geography.parquet", DATA / "pairs" / "trade_agreements.parquet"),
        horizons=HORIZONS,
        settings=(SETTING,),
        experiment=None,
    )
    prepared = prepare(load(config).bundle, config)
    origin, infos = prepared.last_origin, prepared.infos[SETTING]
    design = prepared.design.until(origin).thinned(max_rows=config.max_rows, seed=1)
    return FittedForecaster(
        flows=prepared.panel.flows,
        origin=origin,
        as_of=infos[origin].as_of.isoformat(),
        value=origin_value(infos[origin]),
        features=prepared.matrices[SETTING, origin],
        totals=forecast_totals(infos, origin=origin, horizons=HORIZONS),
        intervals={},
        shift=ShiftModel(
            prepared.names, ShiftChoice(0.25, 0.5), 80, 1, threads=1, own=prepared.own_names
        ).fit(design),
        probability=TradeProbability(seed=1, threads=1).fit(design),
        own=prepared.own,
    )


@pytest.fixture(scope="module")
def forecasts(forecaster) -> dict[int, FlowForecast]:
    return {horizon: forecaster.flow_forecast(horizon) for horizon in HORIZONS}


@pytest.fixture(scope="module")
def explanation(forecaster, forecasts):
    return explain(forecaster, forecasts)


def test_every_flow_that_is_forecast_to_be_traded_is_explained(explanation, forecasts):
    traded = sum(int((forecast.forecast > 0).sum()) for forecast in forecasts.values())
    assert len(explanation.rows) == traded > 40_000


def test_shap_values_sum_to_the_predicted_shift_of_every_flow(explanation, forecaster):
    # Not through `explain`: the raw contributions against the model's own prediction.
    rows = explanation.data[:]
    raw = forecaster.shift.contributions(rows)
    gap = np.abs(np.clip(raw.sum(axis=1), -1.9, 1.9) - forecaster.shift.predict(rows))
    print(f"largest gap {gap.max():.1e} of a midpoint growth over {len(gap):,} flows")
    assert gap.max() < 1e-6
    assert explanation.largest_gap == pytest.approx(gap.max(), abs=1e-12)


def test_the_kept_parts_lead_from_the_origin_to_the_forecast_of_every_flow(explanation):
    table = attribution_table(explanation)
    grown = 100 * np.log(table["base"] / table["value_origin"])
    moved = 100 * np.log(table["forecast"] / table["base"])
    total = table.filter(like="total:").sum(axis=1)
    np.testing.assert_allclose(total, grown, atol=1e-6)
    raw = table["base_value"] + table["raking"]
    channels = [name for name in table if name.startswith("channel:")]
    for parts in (list(explanation.feature_names), channels):
        np.testing.assert_allclose(
            raw + table[parts].astype(np.float64).sum(axis=1), moved, atol=1e-6
        )
    np.testing.assert_allclose(table.filter(like="net:").sum(axis=1), moved, atol=1e-6)


def test_a_sample_equals_shaps_own_explainer(forecaster):
    rows = at_horizon(forecaster.features, 3)[::200]
    assert forecaster.shift.booster_ is not None
    theirs = shap.TreeExplainer(forecaster.shift.booster_).shap_values(rows)
    linear = forecaster.shift.reversion_.contributions(rows, names=forecaster.shift.names)[:, :-1]
    found = forecaster.shift.contributions(rows)[:, :-1]
    np.testing.assert_allclose(found, 0.5 * theirs + 0.5 * linear, atol=1e-9)
