"""The figures of a run: what its folder and its report hold, with their words."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from forecasting.figures.files import save_plot
from forecasting.figures.plots import plot
from forecasting.figures.style import NoDataError
from forecasting.words.labels import METRIC_LABELS

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from forecasting.results.result import RunResult

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure of a run's report: file name, what it shows in words, how it is drawn."""

    name: str
    title: str
    build: Callable[[RunResult], Figure]
    alt: str


PLOTS: tuple[Plot, ...] = (
    Plot(
        "scoreboard",
        "Skill against the last value",
        partial(plot, kind="scoreboard"),
        "Dot plot of the skill of every model against repeating the last value, by horizon, one "
        "panel a setting and metric. The scoreboard table holds the numbers.",
    ),
    *(
        Plot(
            f"errors_{metric}",
            f"{METRIC_LABELS[metric]} by origin",
            partial(plot, kind="errors", metric=metric),
            f"Line chart of the {METRIC_LABELS[metric]} of every model by back-test origin, one "
            "panel a setting and horizon.",
        )
        for metric in ("wape", "log_mae")
    ),
    Plot(
        "coverage",
        "Interval coverage by flow size",
        partial(plot, kind="coverage"),
        "Line chart of the share of actual flows inside the 50 and 90 percent intervals by size "
        "decile, against the nominal shares. The coverage table holds the numbers.",
    ),
    Plot(
        "reliability",
        "Calibration of the probability of trade",
        partial(plot, kind="reliability"),
        "Line chart of how often flows started or stopped against the forecast probability, one "
        "panel a setting and horizon. reliability.csv holds the numbers.",
    ),
    Plot(
        "measures",
        "Skill of measures of the trade pattern",
        partial(plot, kind="measures"),
        "Dot plot of the skill of the forecasts of every measure of the trade pattern against no "
        "change, by horizon. measures_scores.csv holds the numbers.",
    ),
    Plot(
        "heatmap",
        "Forecast shifts between the largest traders",
        partial(plot, kind="heatmap"),
        "Heat map of the forecast shift of every flow between the largest traders, exporter by "
        "importer, percent against base; losses carry a dash. forecasts.parquet holds the numbers.",
    ),
    Plot(
        "movers",
        "Gainers and losers of the largest exporter",
        partial(plot, kind="movers"),
        "Ranked dot plot of the largest forecast changes of pattern of the largest exporter by "
        "partner, percent against base, with 50 and 90 percent intervals.",
    ),
    Plot(
        "waterfall",
        "How one forecast adds up",
        partial(plot, kind="waterfall"),
        "Waterfall of one flow in USD, from its last known value over the growth of totals to the "
        "base and over the channels to the forecast, with the 90 percent interval.",
    ),
    Plot(
        "fan",
        "One flow through origins and horizons",
        partial(plot, kind="fan"),
        "Line chart of one flow by year with earlier forecasts and their intervals, and the "
        "current forecast with 50 and 90 percent intervals beside the base.",
    ),
    Plot(
        "channels",
        "Channels: contributions and worth",
        partial(plot, kind="channels"),
        "Bar chart of the share of every channel in the contributions, technology channels "
        "hatched, beside the change of the error when a channel is left out. channels.csv and "
        "ablation.csv hold the numbers.",
    ),
    Plot(
        "importance",
        "Strongest features",
        partial(plot, kind="importance"),
        "Bar chart of the mean absolute contribution of the strongest features. drivers.csv holds "
        "the numbers.",
    ),
    Plot(
        "beeswarm",
        "Contributions to the forecast shift, flow by flow",
        partial(plot, kind="beeswarm"),
        "Beeswarm of the contributions of the strongest features, one point an explained flow, "
        "coloured by the feature's value.",
    ),
    Plot(
        "dependence",
        "Contributions by value: the strongest feature, and that of each technology channel",
        partial(plot, kind="dependence"),
        "Scatter plots of the contribution of a feature against its value, one point an explained "
        "flow: the strongest of all features, and the strongest of each technology channel.",
    ),
)
"""Every figure of a run's report, in its order."""


def save_figures(result: RunResult, folder: Path) -> dict[str, list[Path]]:
    """Draw and write every figure for which the run has data, as PNG and SVG.

    Returns
    -------
    dict
        Name to paths; a figure without data is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: dict[str, list[Path]] = {}
    for shown in PLOTS:
        try:
            figure = shown.build(result)
        except NoDataError as reason:
            log.info("figure %s is left out: %s", shown.name, reason)
            continue
        paths[shown.name] = [folder / f"{shown.name}.{suffix}" for suffix in ("png", "svg")]
        for path in paths[shown.name]:
            save_plot(figure, path)
    return paths
