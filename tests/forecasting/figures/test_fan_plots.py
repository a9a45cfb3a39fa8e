"""The fan of one flow: history, earlier forecasts and the current one are the run's numbers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import RunResult, read_run
from forecasting.figures.fan_plots import fan, flow_history
from forecasting.results.subjects import rows_of_flow

FLOW = ("DEU", "FRA")


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


@pytest.fixture(scope="module")
def past(finished_run: Path) -> pd.DataFrame:
    table = pd.read_parquet(finished_run / "backtest.parquet")
    table = table[table["setting"] == "totals_known"]
    return table[rows_of_flow(table, FLOW)]


def test_history_is_what_the_backtest_and_the_origin_hold(
    result: RunResult, past: pd.DataFrame
) -> None:
    history, forecasts = flow_history(result, FLOW)
    expected = {
        **past.set_index("target_year")["actual"].to_dict(),
        **past.set_index("origin")["value_origin"].to_dict(),
    }
    for year, value in expected.items():
        assert history[year] == pytest.approx(value, rel=1e-6, nan_ok=True)
    assert history.index.is_monotonic_increasing
    now = result.forecasts[rows_of_flow(result.forecasts, FLOW)]
    assert history.iloc[-1] == now["value_origin"].iloc[0]
    keys = ["origin", "target_year"]
    found = forecasts.set_index(keys)["forecast"].sort_index()
    expected_forecasts = past.set_index(keys)["forecast"].sort_index()
    assert found.index.equals(expected_forecasts.index)
    assert np.array_equal(found, expected_forecasts)


def test_earlier_origins_do_not_overlap(result: RunResult) -> None:
    axes = fan(result, FLOW).axes[0]
    lines = [line for line in axes.lines if line.get_label() == "Earlier forecast"]
    spans = sorted((min(line.get_xdata()), max(line.get_xdata())) for line in lines)
    assert spans
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert spans[-1][1] <= 2010


def test_lines_and_fans_are_the_forecasts(result: RunResult) -> None:
    now = result.forecasts[rows_of_flow(result.forecasts, FLOW)].sort_values("target_year")
    axes = fan(result, FLOW).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    unit = now["forecast"].iloc[-1] / np.asarray(lines["Forecast"].get_ydata())[-1]
    for name, column in (("Forecast", "forecast"), ("Base", "base")):
        y = np.asarray(lines[name].get_ydata()) * unit
        assert np.allclose(y, [now["value_origin"].iloc[0], *now[column]])
    assert lines["Base"].get_linestyle() == "--"
    bands = {band.get_label(): band for band in axes.collections}
    for level in (50, 90):
        corners = bands[f"{level}% interval"].get_paths()[0].vertices * unit
        assert corners[:, 1].max() == pytest.approx(now[f"upper_{level}"].max())
    assert axes.get_ylabel().endswith("USD")


def test_a_flow_that_is_zero_says_its_probability(result: RunResult) -> None:
    zero = result.forecasts[result.forecasts["base"] <= 0].iloc[0]
    flow = (str(zero["exporter"]), str(zero["importer"]))
    figure = fan(result, flow)
    assert "probability of trade" in figure.get_suptitle().replace("\n", " ")
    rows = result.forecasts[rows_of_flow(result.forecasts, flow)]
    if rows["upper_90"].max() > 0:
        assert figure.axes[0].get_ylim()[1] > 0


def test_an_axis_that_is_cut_says_how_far_intervals_reach(result: RunResult) -> None:
    chosen = rows_of_flow(result.forecasts, FLOW)
    wide = result.forecasts["upper_90"].mask(chosen, 1e12)
    figure = fan(replace(result, forecasts=result.forecasts.assign(upper_90=wide)), FLOW)
    assert "(intervals reach 1 tn)" in figure.axes[0].get_ylabel()
    assert "intervals reach" not in fan(result, FLOW).axes[0].get_ylabel()


def test_without_a_backtest_the_origin_is_the_history(result: RunResult, tmp_path: Path) -> None:
    history, past = flow_history(replace(result, out=tmp_path), FLOW)
    assert list(history.index) == [2010]
    assert past.empty
    assert "earlier" not in fan(replace(result, out=tmp_path), FLOW).get_suptitle()
