"""The rows of forecasts.parquet and backtest.parquet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.data.flows import FlowIndex
from features.information import AsOfRule
from forecasting.evaluation.backtest_file import (
    BacktestWriter,
    _groups,
    backtest_blocks,
    by_model,
    read_backtest,
)
from forecasting.evaluation.fold import FoldForecast
from forecasting.explanation.forecast_table import forecast_table
from models.registry import backtest_models

MODELS = backtest_models()
BOUNDS = ["lower_50", "upper_50", "lower_90", "upper_90"]
SECTORS = ("goods", "services")


def fold_forecast(size: int, *, origin: int = 2007, horizon: int = 1) -> FoldForecast:
    rng = np.random.default_rng((origin, horizon))
    actual, value = rng.lognormal(10, 1, (2, size))
    actual[0], value[1] = np.nan, np.nan
    return FoldForecast(
        setting="ex_ante",
        model="gravicast",
        origin=origin,
        horizon=horizon,
        forecast=rng.lognormal(10, 1, size),
        base=rng.lognormal(10, 1, size),
        expected=np.ones(size),
        probability=rng.random(size),
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


def block(flows: FlowIndex, *, origin: int = 2007, horizon: int = 1) -> list[FoldForecast]:
    """One block: the main model, and another on the same outcomes."""
    main = fold_forecast(flows.size, origin=origin, horizon=horizon)
    return [main, replace(main, model="drift", forecast=2 * main.forecast, probability=None)]


def bounds_of(main: FoldForecast) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    forecast = main.forecast
    return {50: (forecast * 0.9, forecast * 1.1), 90: (forecast * 0.5, forecast * 2)}


def write(folder: Path, blocks: list[list[FoldForecast]], flows: FlowIndex) -> None:
    """A file whose first block alone has intervals."""
    with BacktestWriter(
        folder / "backtest.parquet", rule=AsOfRule(3, 2, 15), models=MODELS
    ) as writer:
        for number, forecasts in enumerate(blocks):
            writer.write(forecasts, None if number else bounds_of(forecasts[0]), flows=flows)


@pytest.mark.parametrize("sectors", [("",), SECTORS])
def test_the_backtest_file_holds_what_was_written_in_that_order(tmp_path, sectors):
    flows = FlowIndex(("BRA", "NAM", "USA"), sectors)
    written = [block(flows), block(flows, origin=2008, horizon=2)]
    write(tmp_path, written, flows)
    table = pd.read_parquet(tmp_path / "backtest.parquet")
    keys = ["exporter", "importer", *(["sector"] if flows.has_sectors else [])]
    assert list(table) == [
        *("setting", "origin", "as_of", "horizon", "target_year", *keys),
        *("value_origin", "actual", "base", "forecast", *BOUNDS, "probability_of_trade"),
        *(model.name for model in backtest_models() if model.name != "gravicast"),
    ]
    assert len(table) == len(written) * flows.size
    parts = [table.iloc[k * flows.size :][: flows.size] for k in range(len(written))]
    for part, (main, drift) in zip(parts, written, strict=True):
        assert set(part["setting"]) == {"ex_ante"}
        assert set(part["target_year"]) == {main.origin + main.horizon}
        assert set(part["as_of"]) == {f"{main.origin + 3}-02-15"}
        assert (part["exporter"].astype(str) == np.array(flows.countries)[flows.exporter]).all()
        assert (part["importer"].astype(str) == np.array(flows.countries)[flows.importer]).all()
        for name in ("value_origin", "actual", "base", "forecast"):
            np.testing.assert_array_equal(part[name], getattr(main, name).astype(np.float32))
        np.testing.assert_array_equal(part["drift"], drift.forecast.astype(np.float32))
        chance = main.probability.astype(np.float32)
        np.testing.assert_array_equal(part["probability_of_trade"], chance)
    for level, (lower, upper) in bounds_of(written[0][0]).items():
        np.testing.assert_array_equal(parts[0][f"lower_{level}"], lower.astype(np.float32))
        np.testing.assert_array_equal(parts[0][f"upper_{level}"], upper.astype(np.float32))
    assert parts[1][BOUNDS].isna().all().all()


def test_origins_may_forecast_different_flows(tmp_path):
    few, all_flows = FlowIndex(("BRA", "NAM")), FlowIndex(("BRA", "NAM", "USA"))
    with BacktestWriter(tmp_path / "backtest.parquet", rule=AsOfRule(), models=MODELS) as writer:
        writer.write(block(few), None, flows=few)
        writer.write(block(all_flows, origin=2008), None, flows=all_flows)
    rows = read_backtest(tmp_path, columns=["origin", "exporter"])
    assert rows.groupby("origin").size().to_dict() == {2007: few.size, 2008: all_flows.size}
    assert set(rows.loc[rows["origin"] == 2008, "exporter"]) == {"BRA", "NAM", "USA"}


def test_a_block_is_a_row_group_that_others_are_skipped_by(tmp_path):
    flows = FlowIndex(("BRA", "NAM", "USA"))
    written = [block(flows, origin=o, horizon=h) for o in (2007, 2008) for h in (1, 2)]
    write(tmp_path, written, flows)
    assert [block[:3] for block in backtest_blocks(tmp_path, ["forecast"])] == [
        ("ex_ante", main.origin, main.horizon) for main, _ in written
    ]
    about = pq.read_metadata(tmp_path / "backtest.parquet")
    assert about.num_row_groups == len(written)
    assert _groups(about, [("origin", "==", 2008), ("horizon", "in", [2, 3])]) == [3]
    assert _groups(about, [("setting", "==", "totals_known")]) == []


def test_a_row_a_model_has_the_intervals_of_the_main_model_alone(tmp_path):
    flows = FlowIndex(("BRA", "NAM", "USA"))
    write(tmp_path, [block(flows)], flows)
    wide = pd.read_parquet(tmp_path / "backtest.parquet")
    long = by_model(wide, ("drift", "gravicast"))
    assert list(long["model"].unique()) == ["drift", "gravicast"]
    drift, main = (long[long["model"] == name] for name in ("drift", "gravicast"))
    np.testing.assert_array_equal(drift["forecast"], wide["drift"])
    np.testing.assert_array_equal(main["forecast"], wide["forecast"])
    np.testing.assert_array_equal(main[BOUNDS], wide[BOUNDS])
    assert drift[[*BOUNDS, "probability_of_trade"]].isna().all().all()
    np.testing.assert_array_equal(drift["actual"], wide["actual"])
    assert "last_value" not in long


def test_what_is_unknown_is_null_and_not_a_number(tmp_path):
    flows = FlowIndex(("BRA", "NAM", "USA"))
    write(tmp_path, [block(flows)] * 2, flows)
    table = pq.read_table(tmp_path / "backtest.parquet")
    names = ("actual", "value_origin", "lower_50", "last_value")
    nulls = {name: table[name].null_count for name in names}
    assert nulls == {
        "actual": 2, "value_origin": 2, "lower_50": flows.size, "last_value": 2 * flows.size
    }  # fmt: skip


def test_the_file_is_closed_when_a_fold_fails(tmp_path):
    flows, path = FlowIndex(("BRA", "NAM", "USA")), tmp_path / "backtest.parquet"

    def fail() -> None:
        with BacktestWriter(path, rule=AsOfRule(), models=MODELS) as writer:
            writer.write(block(flows), None, flows=flows)
            raise RuntimeError("a fold failed")

    with pytest.raises(RuntimeError, match="a fold failed"):
        fail()
    assert len(pq.read_table(path)) == flows.size
