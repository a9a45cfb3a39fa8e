"""Channels: the shares of the table beside what leaving a channel out does to the errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.feature import CHANNELS, OWN, TECHNOLOGY
from forecasting import RunResult, read_run
from forecasting.evaluation.study import Study
from forecasting.figures.channel_plots import channels, out_of_sample

BUILT_IN = [channel for channel in CHANNELS if channel != OWN]
"""A run without features of users has no other."""


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


@pytest.fixture(scope="module")
def ablation() -> pd.DataFrame:
    """Errors from a rule; one test rejects, at one horizon and metric."""
    rows = [
        (setting, horizon, metric, f"without_{channel}", 0.5, 0.5 * (1 + k / 100 + horizon / 1e3),
         "better" if (channel, horizon, metric) == ("automation", 2, "wape") else "tie")
        for setting in ("totals_known", "ex_ante")
        for horizon in (1, 2)
        for metric in ("wape", "log_mae", "midpoint_mae")
        for k, channel in enumerate([*BUILT_IN, "technology"])
    ]  # fmt: skip
    names = ["setting", "horizon", "metric", "against", "ours", "theirs", "verdict"]
    table = pd.DataFrame(rows, columns=names)
    table.loc[table["setting"] == "ex_ante", "theirs"] = 9.0
    return table


@pytest.fixture(scope="module")
def studied(result: RunResult, ablation: pd.DataFrame) -> RunResult:
    nothing = pd.DataFrame()
    return replace(result, study=Study(nothing, ablation, nothing, nothing))


def test_worth_is_the_mean_over_horizons_of_the_first_setting(studied: RunResult) -> None:
    worth = out_of_sample(studied).set_index(["channel", "metric"])
    assert set(worth.index.get_level_values("metric")) == {"wape", "log_mae"}
    for k, channel in enumerate([*BUILT_IN, "technology"]):
        assert worth.loc[(channel, "wape"), "percent"] == pytest.approx(k + 0.15)
    assert list(worth.index[worth["rejected"]]) == [("automation", "wape")]


def test_bars_and_whiskers_are_the_table(studied: RunResult) -> None:
    figure = channels(studied)
    axes = figure.axes[0]
    table = studied.channels
    technology = table["channel"].isin(TECHNOLOGY)
    widths = [*table["share"], table.loc[technology, "share"].sum()]
    assert np.allclose([bar.get_width() for bar in axes.patches], 100 * np.array(widths))
    hatched = [bool(bar.get_hatch()) for bar in axes.patches]
    assert hatched == [*technology, True]
    spans = [path.vertices[:, 0] for path in axes.collections[0].get_paths()]
    assert np.allclose(spans, 100 * table[["share_low", "share_high"]])
    notes = [text.get_text() for text in axes.texts]
    assert sorted(notes) == sorted(f"{100 * share:.1f}%" for share in widths)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [*table["label"], "Technology channels together"]


def test_markers_are_filled_only_where_a_test_rejects(studied: RunResult) -> None:
    figure = channels(studied)
    axes = figure.axes[1]
    points = [line for line in axes.lines if line.get_marker() in ("o", "s")]
    worth = out_of_sample(studied)
    assert len(points) == len(worth)
    assert np.allclose(sorted(p.get_xdata()[0] for p in points), sorted(worth["percent"]))
    filled = [p for p in points if p.get_markerfacecolor() != "white"]
    place = list(studied.channels["channel"]).index("automation")
    assert [(p.get_marker(), round(p.get_ydata()[0])) for p in filled] == [("o", place)]
    numbers = [label.get_text() for label in figure.axes[2].get_yticklabels()]
    k = BUILT_IN.index("automation")
    assert numbers[place] == f"+{k + 0.15:.2f} / +{k + 0.15:.2f}"


def test_without_a_study_technology_alone_has_a_worth(result: RunResult) -> None:
    worth = out_of_sample(result).set_index("metric")
    scores = result.scores.query("setting == 'totals_known' and stratum == 'all'")
    errors = scores.pivot(index="horizon", columns="model", values="wape")
    expected = 100 * (errors["without_technology"] / errors["gravicast"] - 1).mean()
    assert worth.loc["wape", "percent"] == pytest.approx(expected)
    assert set(worth["channel"]) == {"technology"}
    assert not worth["rejected"].any()
    texts = [text.get_text() for text in channels(result).axes[1].texts]
    assert any("Not left out" in text for text in texts)


def test_without_scores_the_shares_are_left(result: RunResult) -> None:
    figure = channels(replace(result, scores=pd.DataFrame()))
    assert len(figure.axes) == 1
    assert "costs" not in figure.get_suptitle()
