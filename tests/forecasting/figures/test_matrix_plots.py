"""The heat map: each cell is a flow's shift, and what is no number is marked as what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecasting import RunResult, read_run
from forecasting.figures.matrix_plots import heatmap, shift_matrix
from forecasting.figures.style import NoDataError


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    """A run in which one flow is forecast to stop."""
    found = read_run(finished_run)
    flows = found.forecasts
    one = flows.index[(flows["base"] > 0) & (flows["target_year"] == 2011)][0]
    forecast = flows["forecast"].where(flows.index != one, 0.0)
    return replace(found, forecasts=flows.assign(forecast=forecast))


def test_cells_are_the_shifts(result: RunResult) -> None:
    matrix = shift_matrix(result, year=2011)
    flows = result.forecasts[result.forecasts["target_year"] == 2011]
    place = {code: k for k, code in enumerate(matrix.countries)}
    assert sorted(place) == sorted(flows["exporter"].astype(str).unique())
    seen = np.zeros(matrix.percent.shape, dtype=bool)
    for row in flows.itertuples():
        cell = place[str(row.exporter)], place[str(row.importer)]
        seen[cell] = True
        assert matrix.no_trade[cell] == (row.base <= 0)
        assert matrix.stops[cell] == (row.base > 0 and row.forecast <= 0)
        if row.base > 0 and row.forecast > 0:
            assert matrix.percent[cell] == pytest.approx(100 * np.log(row.forecast / row.base))
        else:
            assert np.isnan(matrix.percent[cell])
    assert matrix.stops.sum() == 1
    assert np.isnan(np.diagonal(matrix.percent)).all()
    assert matrix.share == pytest.approx(1.0)


def test_sectors_are_summed_before_the_logarithm(result: RunResult) -> None:
    flows = result.forecasts
    twice = flows.loc[flows.index.repeat(2)].reset_index(drop=True)
    twice["sector"] = ["a", "b"] * len(flows)
    one, two = (shift_matrix(run, year=2011) for run in (result, replace(result, forecasts=twice)))
    assert one.countries == two.countries
    assert np.allclose(one.percent, two.percent, equal_nan=True)


def test_only_the_largest_traders(result: RunResult) -> None:
    matrix = shift_matrix(result, year=2012, largest=3)
    flows = result.forecasts[result.forecasts["target_year"] == 2012]
    size = flows.groupby(flows["exporter"].astype(str))["base"].sum()
    size = size + flows.groupby(flows["importer"].astype(str))["base"].sum()
    assert sorted(matrix.countries) == sorted(size.nlargest(3).index)
    assert 0 < matrix.share < 1


def test_countries_that_trade_with_each_other_stand_together(result: RunResult) -> None:
    flows = result.forecasts.copy()
    blocs = {"BRA": 0, "CHN": 1, "DEU": 0, "FRA": 1, "IND": 0, "NAM": 1, "USA": 0, "ZAF": 1}
    same = flows["exporter"].astype(str).map(blocs) == flows["importer"].astype(str).map(blocs)
    flows["base"] = np.where(same, 1000.0, 1.0)
    flows["forecast"] = flows["base"]
    countries = shift_matrix(replace(result, forecasts=flows), year=2011).countries
    order = [blocs[code] for code in countries]
    assert order in ([0] * 4 + [1] * 4, [1] * 4 + [0] * 4)


def test_marks_survive_black_and_white(result: RunResult) -> None:
    matrix, figure = shift_matrix(result, year=2011), heatmap(result, year=2011)
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == list(matrix.countries)
    assert [t.get_text() for t in axes.get_yticklabels()] == list(matrix.countries)
    mesh, *marks = axes.collections
    counts = [len(mark.get_offsets()) for mark in marks]
    assert counts == [(matrix.percent < 0).sum(), matrix.no_trade.sum(), matrix.stops.sum()]
    column, row = marks[2].get_offsets()[0]
    assert matrix.stops[int(row), int(column)]
    diagonal = [patch for patch in axes.patches if patch.get_hatch()]
    assert len(diagonal) == len(matrix.countries)
    shown = np.ma.filled(mesh.get_array().astype(float), np.nan)
    assert np.allclose(shown, matrix.percent, equal_nan=True)
    low, high = mesh.get_clim()
    known = matrix.percent[np.isfinite(matrix.percent)]
    assert (low + high) / 2 == pytest.approx(known.mean())
    beyond = (known < low) | (known > high)
    label = figure.axes[1].get_ylabel()
    assert ("beyond the ends" in label) == beyond.any()
    assert f"{100 * beyond.mean():.1f}%" in label
    keys = [text.get_text() for text in figure.legends[0].get_texts()]
    assert keys == ["Below base", "No trade at the origin", "Forecast to stop",
                    "Domestic trade, not forecast"]  # fmt: skip


def test_no_trade_is_refused(result: RunResult) -> None:
    with pytest.raises(NoDataError, match="no two countries"):
        heatmap(replace(result, forecasts=result.forecasts.assign(base=0.0)), year=2011)
