"""The rows of forecasts.parquet and backtest.parquet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.data.flows import FlowIndex
from features.information import AsOfRule
from forecasting.evaluation.backtest_file import BacktestWriter
from forecasting.evaluation.fold import FoldForecast
from forecasting.explanation.forecast_table import forecast_table

BOUNDS = ["lower_50", "upper_50", "lower_90", "upper_90"]
SECTORS = ("goods", "services")


def fold_forecast(size: int, *, model: str = "gravicast", origin: int = 2007, horizon: int = 1):
    rng = np.random.default_rng((origin, horizon))
    actual, value = rng.lognormal(10, 1, (2, size))
    actual[0], value[1] = np.nan, np.nan
    return FoldForecast(
        setting="ex_ante",
        model=model,
        origin=origin,
        horizon=horizon,
        forecast=rng.lognormal(10, 1, size),
        base=rng.lognormal(10, 1, size),
        expected=np.ones(size),
        probability=rng.random(size) if model == "gravicast" else None,
        value_origin=value,
        actual=actual,
    )


@pytest.mark.parametrize("sectors", [(), SECTORS])
def test_forecasts_have_the_columns_of_the_design_and_one_row_a_flow(make_forecaster, sectors):
    forecaster = make_forecaster(sectors=sectors)
    table, forecast = forecast_table(forecaster, 2)
    keys = ["exporter", "importer", *(["sector"] if sectors else [])]
    head = ["origin", "as_of", "horizon", "target_year", *keys, "value_origin", "base", "forecast"]
    assert list(table) == [*head, *BOUNDS, "probability_of_trade"]
    flows = forecaster.flows
    assert len(table) == flows.size == table.groupby(keys, observed=True).ngroups
    assert (table["exporter"].astype(str) == np.array(flows.countries)[flows.exporter]).all()
    assert (table["importer"].astype(str) == np.array(flows.countries)[flows.importer]).all()
    assert set(table["horizon"]) == {2}
    assert set(table["origin"]) == {2010}
    assert set(table["target_year"]) == {2012}
    assert set(table["as_of"]) == {"2012-07-01"}
    np.testing.assert_array_equal(table["value_origin"], forecaster.value)
    np.testing.assert_array_equal(table["base"], forecast.base)
    np.testing.assert_array_equal(table["forecast"], forecast.forecast)
    np.testing.assert_array_equal(table["probability_of_trade"], forecaster.probability_of_trade(2))
    bounds = forecaster.intervals[2].bounds(forecast.forecast, forecast.expected)
    for level in (50, 90):
        np.testing.assert_array_equal(table[f"lower_{level}"], bounds[level][0])
        np.testing.assert_array_equal(table[f"upper_{level}"], bounds[level][1])


@pytest.mark.parametrize("sectors", [("",), SECTORS])
def test_the_backtest_file_holds_what_was_written_in_that_order(tmp_path, sectors):
    flows = FlowIndex(("BRA", "NAM", "USA"), sectors)
    rule, path = AsOfRule(3, 2, 15), tmp_path / "backtest.parquet"
    written = [
        fold_forecast(flows.size),
        fold_forecast(flows.size, model="drift"),
        fold_forecast(flows.size, origin=2008, horizon=2),
    ]
    first = written[0].forecast
    bounds = {50: (first * 0.9, first * 1.1), 90: (first * 0.5, first * 2)}
    with BacktestWriter(path, flows=flows, rule=rule) as writer:
        for number, forecast in enumerate(written):
            writer.write(forecast, bounds if number == 0 else None)
    table = pd.read_parquet(path)
    keys = ["exporter", "importer", *(["sector"] if flows.has_sectors else [])]
    assert list(table) == [
        *("setting", "model", "origin", "as_of", "horizon", "target_year", *keys),
        *("value_origin", "actual", "base", "forecast", *BOUNDS, "probability_of_trade"),
    ]
    assert len(table) == len(written) * flows.size
    parts = [table.iloc[k * flows.size :][: flows.size] for k in range(len(written))]
    for part, forecast in zip(parts, written, strict=True):
        assert set(part["model"]) == {forecast.model}
        assert set(part["setting"]) == {"ex_ante"}
        assert set(part["target_year"]) == {forecast.origin + forecast.horizon}
        assert set(part["as_of"]) == {f"{forecast.origin + 3}-02-15"}
        assert (part["exporter"].astype(str) == np.array(flows.countries)[flows.exporter]).all()
        assert (part["importer"].astype(str) == np.array(flows.countries)[flows.importer]).all()
        for name in ("value_origin", "actual", "base", "forecast"):
            np.testing.assert_array_equal(part[name], getattr(forecast, name).astype(np.float32))
        chance = forecast.probability
        if chance is None:
            assert part["probability_of_trade"].isna().all()
        else:
            np.testing.assert_array_equal(part["probability_of_trade"], chance.astype(np.float32))
    np.testing.assert_array_equal(parts[0]["lower_90"], (first * 0.5).astype(np.float32))
    np.testing.assert_array_equal(parts[0]["upper_50"], (first * 1.1).astype(np.float32))
    assert pd.concat(parts[1:])[BOUNDS].isna().all().all()


def test_what_is_unknown_is_null_and_not_a_number(tmp_path):
    flows, path = FlowIndex(("BRA", "NAM", "USA")), tmp_path / "backtest.parquet"
    with BacktestWriter(path, flows=flows, rule=AsOfRule()) as writer:
        writer.write(fold_forecast(flows.size, model="drift"), None)
    table = pq.read_table(path)
    nulls = {name: table[name].null_count for name in ("actual", "value_origin", "lower_50")}
    assert nulls == {"actual": 1, "value_origin": 1, "lower_50": flows.size}


def test_the_file_is_closed_when_a_fold_fails(tmp_path):
    flows, path = FlowIndex(("BRA", "NAM", "USA")), tmp_path / "backtest.parquet"

    def fail() -> None:
        with BacktestWriter(path, flows=flows, rule=AsOfRule()) as writer:
            writer.write(fold_forecast(flows.size), None)
            raise RuntimeError("a fold failed")

    with pytest.raises(RuntimeError, match="a fold failed"):
        fail()
    assert len(pq.read_table(path)) == flows.size
