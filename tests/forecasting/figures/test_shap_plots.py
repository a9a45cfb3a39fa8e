"""Figures of SHAP values: the numbers of the explanation, and nothing left behind by SHAP."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.catalogue import CHANNEL_OF
from features.feature import TECHNOLOGY
from forecasting import Explanation, RunResult, read_run
from forecasting.figures.shap_plots import (
    SWARM_ROWS,
    beeswarm,
    drawn_rows,
    explained_row,
    importance,
    strongest_feature,
    waterfall_features,
)
from forecasting.figures.style import NoDataError
from forecasting.words.features import feature_words
from forecasting.words.flows import flow_label

UNIT = "percent (100 x log points)"


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


@pytest.fixture(scope="module")
def explanation(result: RunResult) -> Explanation:
    return result.explanation


def test_drawing_leaves_no_global_state(explanation: Explanation) -> None:
    import matplotlib.pyplot as plt

    mine, settings = plt.figure(), dict(plt.rcParams)
    random = np.random.get_state(legacy=False)["state"]["key"].copy()
    with plt.ion():
        beeswarm(explanation)
        waterfall_features(explanation, 0)
        assert plt.isinteractive()
    assert plt.get_fignums() == [mine.number]
    assert dict(plt.rcParams) == settings
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], random)
    plt.close(mine)


def test_a_beeswarm_of_many_rows_is_a_sample_and_says_so(explanation: Explanation) -> None:
    copies = 40
    many = replace(
        explanation,
        values=np.tile(explanation.values, (copies, 1)),
        base_values=np.tile(explanation.base_values, copies),
        data=replace(
            explanation.data,
            flow=np.tile(explanation.data.flow, copies),
            ahead=np.tile(explanation.data.ahead, copies),
        ),
    )
    figure = beeswarm(many, max_display=3)
    total = len(many.values)
    assert figure.get_suptitle().endswith(f"({SWARM_ROWS:,} of {total:,} explained rows)")
    drawn = max(len(np.asarray(c.get_offsets())) for c in figure.axes[0].collections)
    assert SWARM_ROWS / 2 < drawn <= SWARM_ROWS  # the colourless ones are apart
    again = beeswarm(many, max_display=3)
    for before, after in zip(figure.axes[0].collections, again.axes[0].collections, strict=True):
        assert np.array_equal(np.asarray(before.get_offsets()), np.asarray(after.get_offsets()))


def test_drawn_rows_are_distinct_and_in_order() -> None:
    rows = drawn_rows(10 * SWARM_ROWS)
    assert rows.size == SWARM_ROWS
    assert (np.diff(rows) > 0).all()
    assert drawn_rows(7).tolist() == list(range(7))


def test_importance_bars_are_mean_absolute_values(explanation: Explanation) -> None:
    axes = importance(explanation, max_display=12).axes[0]
    strength = np.abs(explanation.values).mean(axis=0)
    widths = [bar.get_width() for bar in axes.patches]
    assert np.allclose(widths, np.sort(strength)[::-1][:12])
    names = [label.get_text() for label in axes.get_yticklabels()]
    strongest = [explanation.feature_names[k] for k in np.argsort(-strength, kind="stable")[:12]]
    assert names == [feature_words(name) for name in strongest]
    hatched = [bool(bar.get_hatch()) for bar in axes.patches]
    assert hatched == [CHANNEL_OF[name] in TECHNOLOGY for name in strongest]
    assert UNIT in axes.get_xlabel()


def test_waterfall_of_features_adds_up_to_the_forecast(explanation: Explanation) -> None:
    row = 5
    about = explanation.rows.iloc[row]
    figure = waterfall_features(explanation, row)
    labels = [text.get_text() for axes in figure.axes for text in axes.get_xticklabels()]
    expected = 100 * np.log(about["forecast"] / about["base"])
    assert f"this flow {expected:.1f}".replace("-", "\N{MINUS SIGN}") in labels
    steps = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert "raking to the totals" in steps
    assert len({step for step in steps if step.endswith(" other features")}) == 1
    title = figure.get_suptitle()
    flow = flow_label((str(about["exporter"]), str(about["importer"])), {})
    assert title.startswith(f"{flow}, {about['target_year']}: base ")
    assert title.endswith(" USD")


def test_waterfall_of_features_names_the_sector(explanation: Explanation) -> None:
    rows = explanation.rows.assign(sector="MACH")
    figure = waterfall_features(replace(explanation, rows=rows), 0, sectors={"MACH": "Machinery"})
    assert ", Machinery, " in figure.get_suptitle()


def test_the_row_of_a_flow_and_year(explanation: Explanation) -> None:
    for row in (0, 17, len(explanation.rows) - 1):
        about = explanation.rows.iloc[row]
        flow = (str(about["exporter"]), str(about["importer"]))
        assert explained_row(explanation, flow, year=int(about["target_year"])) == row
    with pytest.raises(NoDataError, match="DEU -> XZZ in 2011"):
        explained_row(explanation, ("DEU", "XZZ"), year=2011)


@pytest.mark.parametrize("channel", sorted(TECHNOLOGY))
def test_strongest_feature_of_a_channel(explanation: Explanation, channel: str) -> None:
    name = strongest_feature(explanation, channel)
    names = explanation.feature_names
    strength = dict(zip(names, np.abs(explanation.values).mean(axis=0), strict=True))
    assert CHANNEL_OF[name] == channel
    assert strength[name] == max(strength[n] for n in names if CHANNEL_OF[n] == channel)


def test_without_explained_rows_there_is_nothing_to_draw(explanation: Explanation) -> None:
    none = replace(explanation, values=explanation.values[:0])
    for draw in (beeswarm, importance, strongest_feature):
        with pytest.raises(NoDataError, match="no row was explained"):
            draw(none)
