"""The waterfall of one flow: it leads from value to forecast without a remainder, and says so."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.feature import CHANNELS
from forecasting import RunResult, read_run
from forecasting.figures.flow_plots import SMALL, flow_steps, waterfall
from forecasting.figures.style import NoDataError
from forecasting.results.decompose import decompose
from forecasting.results.subjects import rows_of_flow
from forecasting.words.numbers import percent, scale_of, usd

MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


def explained(result: RunResult) -> list[tuple[tuple[str, str], int]]:
    rows = result.explanation.rows
    return [
        ((exporter, importer), int(year))
        for exporter, importer, year in rows[["exporter", "importer", "target_year"]].to_numpy()
    ]


def test_steps_of_every_flow_lead_from_total_to_total(result: RunResult) -> None:
    for flow, year in explained(result)[::4]:
        steps = flow_steps(result, flow, year=year)
        of = rows_of_flow(result.forecasts, flow) & (result.forecasts["target_year"] == year)
        row = result.forecasts[of].iloc[0]
        totals = steps[steps["kind"] == "total"].set_index("term")["usd"]
        assert totals.to_dict() == {
            "origin": row["value_origin"],
            "base": row["base"],
            "forecast": row["forecast"],
        }
        place = steps.index[steps["kind"] == "total"]
        for before, after in pairwise(place):
            between = steps.loc[before + 1 : after - 1, "usd"].sum()
            change = steps.loc[after, "usd"] - steps.loc[before, "usd"]
            assert between == pytest.approx(change, rel=1e-9, abs=1e-9 * row["base"])
        inner = steps[steps["kind"] == "step"]
        assert np.allclose(inner["end"] - inner["start"], inner["usd"])
        assert np.allclose(steps["end"].shift()[inner.index], inner["start"], rtol=1e-9)


def test_small_parts_are_counted_and_none_is_lost(result: RunResult) -> None:
    gathered = 0
    for flow, year in explained(result)[::7]:
        steps = flow_steps(result, flow, year=year).set_index("term")
        parts = decompose(result, rows_of_flow(result.forecasts, flow), year=year)
        shift = parts[parts["stage"] == "shift"].set_index("term")["usd"]
        shift = shift[shift != 0]
        small = shift[shift.abs() < SMALL * shift.abs().sum()]
        if "small" in steps.index:
            gathered += 1
            assert steps.loc["small", "label"] == f"{len(small)} smaller parts"
            assert steps.loc["small", "usd"] == pytest.approx(small.sum())
            assert not set(small.index) & set(steps.index)
        assert set(shift.index) - set(small.index) <= set(steps.index)
    assert gathered > 3


def test_bars_are_the_steps_and_falls_are_hatched(result: RunResult) -> None:
    flow, year = explained(result)[3]
    steps = flow_steps(result, flow, year=year)
    axes = waterfall(result, flow, year=year).axes[0]
    inner = steps[steps["kind"] == "step"].reset_index(drop=True)
    scale, _ = scale_of(steps["end"].max())
    assert len(axes.patches) == len(inner)
    for bar, step in zip(axes.patches, inner.itertuples(), strict=True):
        assert bar.get_width() * scale == pytest.approx(step.usd, rel=1e-6)
        assert bar.get_x() * scale == pytest.approx(step.start, rel=1e-6)
        assert bool(bar.get_hatch()) == (step.usd < 0)
    heights = [axes.patches[0].get_x(), *(bar.get_width() for bar in axes.patches)]
    forecast = steps.set_index("term").loc["forecast", "usd"]
    assert sum(heights) * scale == pytest.approx(forecast, rel=1e-9)


def test_labels_are_the_amounts_in_percent_of_the_origin(result: RunResult) -> None:
    flow, year = explained(result)[3]
    steps = flow_steps(result, flow, year=year)
    figure = waterfall(result, flow, year=year)
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    origin = steps["usd"].iloc[0]
    for label, step in zip(labels, steps.itertuples(), strict=True):
        share = "" if step.kind == "total" else f" ({percent(step.usd / origin, sign=True)})"
        assert label == usd(step.usd, sign=step.kind == "step") + share
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[1:5] == [
        "Growth of world trade",
        "Exporter's total beyond world trade",
        "Importer's total beyond world trade",
        "All other totals (multilateral adjustment)",
    ]
    assert f"{CHANNELS['ai_adoption']} (technology)" in names or "smaller parts" in " ".join(names)
    assert usd(origin) in figure.get_suptitle()


def test_the_interval_is_at_the_end_or_cut_with_an_arrow(result: RunResult) -> None:
    cut = 0
    for flow, year in explained(result)[::9]:
        of = rows_of_flow(result.forecasts, flow) & (result.forecasts["target_year"] == year)
        row = result.forecasts[of].iloc[0]
        axes = waterfall(result, flow, year=year).axes[0]
        assert f"{usd(row['lower_90'])} to {usd(row['upper_90'])} USD" in axes.get_xlabel()
        left, right = axes.get_xlim()
        ends = {line.get_marker(): line.get_xdata()[0] for line in axes.lines
                if line.get_marker() in "<>|"}  # fmt: skip
        assert all(left < x < right for x in ends.values())
        cut += ">" in ends
    assert cut


def test_a_flow_without_parts_is_refused_with_its_probability(result: RunResult) -> None:
    zero = result.forecasts[result.forecasts["base"] <= 0].iloc[0]
    flow = (str(zero["exporter"]), str(zero["importer"]))
    with pytest.raises(NoDataError, match="is zero in 2010") as caught:
        waterfall(result, flow, year=int(zero["target_year"]))
    assert percent(float(zero["probability_of_trade"])) in str(caught.value)
    flow, year = explained(result)[0]
    chosen = rows_of_flow(result.forecasts, flow)
    stopped = result.forecasts.assign(forecast=result.forecasts["forecast"].mask(chosen, 0.0))
    with pytest.raises(NoDataError, match="is forecast to stop"):
        waterfall(replace(result, forecasts=stopped), flow, year=year)


def test_a_title_names_sectors_and_countries(result: RunResult) -> None:
    from forecasting.words.flows import flow_label

    assert flow_label(("DEU", "FRA"), {}) == "Germany to France"
    assert flow_label(("XAA", "FRA", "Food"), {}) == "XAA to France, Food"
    flow, year = explained(result)[0]
    title = waterfall(result, flow, year=year).get_suptitle().replace("\n", " ")
    assert title.startswith(flow_label(flow, {}) + ": ")
    assert pd.Series([title]).str.contains(f"forecast for {year}").item()
