"""How a feature's contribution goes with its value, over all explained flows."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import channel_of
from features.feature import CHANNELS, TECHNOLOGY
from forecasting.figures.shap_plots import drawn_rows, strongest_feature
from forecasting.figures.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PERCENT_UNIT,
    NoDataError,
    entitle,
    grid,
    styled,
)
from forecasting.results.result import RunResult
from forecasting.words.features import feature_words
from forecasting.words.numbers import MINUS, lower_first

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL_WIDTH = 55
"""Letters of a line below a panel."""
BINS = 12
"""Groups of rows with similar values whose middle contribution the line joins."""


@styled
def dependence(run: RunResult, features: Sequence[str]) -> Figure:
    """Contribution against value, one point per explained row, one panel per feature.

    The line joins medians of groups of rows; a bar at the left holds the middle half of rows whose
    value is not known.
    """
    rows = drawn_rows(len(run.explanation.rows))
    total = len(run.explanation.rows)
    columns = min(len(features), 2)
    lines = -(-len(features) // columns)
    figure, panels = grid(
        lines, columns, width=5.0 * columns + 2.5 * (columns == 1), height=0.9 + 3.6 * lines
    )
    for axes, feature in zip(panels.flat, features, strict=False):
        _panel(axes, run, feature, rows)
    for axes in panels.flat[len(features) :]:
        axes.set_visible(False)
    _keys(figure)
    drawn = f"{rows.size:,} of {total:,}" if rows.size < total else f"all {total:,}"
    what = (
        f"of {lower_first(feature_words(features[0]))} by its value"
        if len(features) == 1
        else "by value"
    )
    return entitle(figure, f"Contribution {what} ({drawn} explained rows)")


def technology_features(run: RunResult) -> list[str]:
    """Strongest feature of all, and of every technology channel that contributes."""
    found = [strongest_feature(run.explanation)]
    for channel in CHANNELS:
        if channel in TECHNOLOGY:
            try:
                found.append(strongest_feature(run.explanation, channel))
            except NoDataError:
                continue
    return list(dict.fromkeys(found))


def _panel(axes: Axes, run: RunResult, feature: str, rows: NDArray[np.intp]) -> None:
    explanation = run.explanation
    column = explanation.feature_names.index(feature)
    x, y = explanation.data.column(column), explanation.values[:, column]
    known = np.isfinite(x)
    if not known.any():
        raise NoDataError(f"{feature} is not known for any explained row")
    shown = rows[known[rows]]
    axes.axhline(0, color=GREY, linewidth=0.8)
    colour = ORANGE if channel_of(feature) in TECHNOLOGY else BLUE
    axes.scatter(x[shown], y[shown], s=7, color=colour, alpha=0.35, linewidths=0, rasterized=True)
    middle = middles(x[known], y[known])
    axes.plot(middle["value"], middle["contribution"], "o-", color=BLACK, markersize=4,
              linewidth=1.3)  # fmt: skip
    if not known.all():
        left = float(x[known].min()) - 0.06 * max(float(np.ptp(x[known])), 1e-9)
        low, half, high = np.quantile(y[~known], (0.25, 0.5, 0.75))
        axes.plot([left, left], [low, high], color=GREY, linewidth=4, solid_capstyle="butt")
        axes.plot(left, half, "D", color=GREY, markeredgecolor="white", markersize=6)
    axes.set_xlabel(_named(run, feature, int((~known).sum())))
    axes.set_ylabel(f"Contribution, {PERCENT_UNIT}")
    axes.set_title(_heading(run, feature))


def middles(x: NDArray[np.floating], y: NDArray[np.floating]) -> pd.DataFrame:
    """Median ``value`` and ``contribution`` of groups of similar rows, as many rows in each."""
    table = pd.DataFrame({"value": x.astype(np.float64), "contribution": y.astype(np.float64)})
    few = table["value"].nunique() <= BINS
    group = table["value"] if few else pd.qcut(table["value"], BINS, duplicates="drop")
    # Grouped by its codes: grouping by the column itself would drop it.
    return table.groupby(pd.Categorical(group).codes).median().reset_index(drop=True)


def _about(run: RunResult, feature: str) -> pd.Series[Any]:
    return run.drivers[run.drivers["feature"] == feature].iloc[0]


def _named(run: RunResult, feature: str, unknown: int) -> str:
    missing = f"\nnot known for {unknown:,} rows: bar at the left" if unknown else ""
    about = _about(run, feature)
    words = f"{feature_words(feature, str(about['source']))}, {about['unit']}"
    named = textwrap.fill(words, LABEL_WIDTH)
    return named + missing


def _heading(run: RunResult, feature: str) -> str:
    about = _about(run, feature)
    expected, found = (
        MINUS if about[name] == "-" else about[name] for name in ("expected_sign", "found_sign")
    )
    return f"{CHANNELS[channel_of(feature)]}; sign expected: {expected}, found: {found}"


def _keys(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    figure.legend(
        handles=[
            Line2D([], [], marker="o", linestyle="", color=ORANGE, label="Technology"),
            Line2D([], [], marker="o", linestyle="", color=BLUE, label="Other channel"),
            Line2D([], [], marker="o", color=BLACK, markersize=4, label="Medians of similar rows"),
            Line2D([], [], marker="D", color=GREY, linewidth=4, label="Not known: middle half"),
        ],
        loc="outside lower center",
        ncols=4,
    )
