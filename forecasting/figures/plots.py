"""Every plot: its kinds, and the figures of a run's own report.

A kind takes a finished run and some options and returns a matplotlib figure. Markers and hatches
differ as colours do, so that the figures survive a black-and-white printer. Importing this module
is cheap: matplotlib and SHAP are imported by the functions.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from features.errors import InputError
from forecasting.figures.channel_plots import channels
from forecasting.figures.country_plots import Side, movers
from forecasting.figures.dependence_plots import dependence, technology_features
from forecasting.figures.fan_plots import fan
from forecasting.figures.files import save_plot
from forecasting.figures.flow_plots import check_explained, forecast_row, waterfall
from forecasting.figures.map_plots import world_map
from forecasting.figures.matrix_plots import heatmap
from forecasting.figures.plot_options import PlotOptions, check_options
from forecasting.figures.score_plots import (
    coverage_by_decile,
    error_by_origin,
    reliability,
    scoreboard,
)
from forecasting.figures.shap_plots import (
    beeswarm,
    explained_row,
    importance,
    strongest_feature,
    waterfall_features,
)
from forecasting.style import METRIC_LABELS, NoDataError

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from forecasting.results import RunResult

__all__ = [
    "KINDS",
    "PLOTS",
    "Kind",
    "NoDataError",
    "Plot",
    "find_kind",
    "plot",
    "save_figures",
    "save_plot",
]

log = logging.getLogger(__name__)

# Kinds --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of plot.

    Attributes
    ----------
    name
        What ``gravicast plot`` calls it.
    shows
        What it shows, in a line.
    options
        Names of the options of `plot` that it takes.
    build
        Draws it for checked options.
    """

    name: str
    shows: str
    options: tuple[str, ...]
    build: Callable[[RunResult, PlotOptions], Figure]


def _waterfall_features(run: RunResult, asked: PlotOptions) -> Figure:
    check_explained(forecast_row(run, asked.flow, year=asked.year))
    row = explained_row(run.explanation, asked.flow, year=asked.year)
    return waterfall_features(run.explanation, row)


def _dependence(run: RunResult, asked: PlotOptions) -> Figure:
    if asked.feature:
        return dependence(run, [asked.feature])
    if asked.channel:
        return dependence(run, [strongest_feature(run.explanation, asked.channel)])
    return dependence(run, technology_features(run))


KINDS: tuple[Kind, ...] = (
    Kind(
        "waterfall",
        "one flow step by step: last value, totals, base, channels, forecast and its interval",
        ("flow", "year"),
        lambda run, asked: waterfall(run, asked.flow, year=asked.year),
    ),
    Kind(
        "waterfall_features",
        "the shift of one flow by feature, from the average flow to the forecast",
        ("flow", "year"),
        _waterfall_features,
    ),
    Kind(
        "fan",
        "one flow over time: history, earlier forecasts, the forecast with 50 and 90% fans",
        ("flow",),
        lambda run, asked: fan(run, asked.flow),
    ),
    Kind(
        "movers",
        "gainers and losers among a country's partners, with intervals",
        ("country", "side", "year"),
        lambda run, asked: movers(run, asked.country, side=asked.side, year=asked.year),
    ),
    Kind(
        "map",
        "world map of a country's partners, shaded by shift (needs gravicast[maps])",
        ("country", "side", "year"),
        lambda run, asked: world_map(run, asked.country, side=asked.side, year=asked.year),
    ),
    Kind(
        "heatmap",
        "shifts between the largest traders, exporter by importer",
        ("year",),
        lambda run, asked: heatmap(run, year=asked.year),
    ),
    Kind(
        "channels",
        "share of every channel in the contributions, and what leaving it out costs",
        (),
        lambda run, _: channels(run),
    ),
    Kind(
        "importance",
        "size of the contributions of the strongest features",
        (),
        lambda run, _: importance(run.explanation),
    ),
    Kind(
        "beeswarm",
        "contributions of the strongest features, one point a flow",
        (),
        lambda run, _: beeswarm(run.explanation),
    ),
    Kind(
        "dependence",
        "contribution of a feature, or of the strongest of a channel, by its value",
        ("feature", "channel"),
        _dependence,
    ),
    Kind(
        "scoreboard",
        "skill of every model against the last value, by horizon",
        (),
        lambda run, _: scoreboard(run.scores),
    ),
    Kind(
        "errors",
        "error of every model at every back-test origin",
        ("metric",),
        lambda run, asked: error_by_origin(run.scores_by_origin, metric=asked.metric),
    ),
    Kind(
        "coverage",
        "how often the intervals held the actual flow, by size of flow",
        (),
        lambda run, _: coverage_by_decile(run.scores),
    ),
    Kind(
        "reliability",
        "how often flows started and stopped, by forecast probability",
        (),
        lambda run, _: reliability(run.reliability),
    ),
)
"""Every kind of plot, in the order of help texts."""


def plot(
    run: RunResult,
    kind: str,
    *,
    flow: Sequence[str] | None = None,
    country: str | None = None,
    side: Side | None = None,
    year: int | None = None,
    feature: str | None = None,
    channel: str | None = None,
    metric: str | None = None,
) -> Figure:
    """Draw a plot of a finished run.

    Parameters
    ----------
    run
        Finished; of a folder, give ``read_run(folder)``.
    kind
        One of `KINDS`, which say which of the options each takes.
    flow
        Exporter, importer and, where there are sectors, sector; by default the flow that the run
        was asked to explain, else the largest.
    country, side
        Whose partners, as ``exporter`` (default) or ``importer``; by default those of the country
        that trades most. Countries are given by ISO 3166 code or English name.
    year
        Target year; by default the nearest.
    feature, channel
        Whose contributions; of a channel its strongest feature.
    metric
        Of the errors: ``wape`` (default), ``pattern_distance``, ``midpoint_mae``, ``log_mae``.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. `files.render` turns it into the content of a file.

    Raises
    ------
    InputError
        If the kind is unknown or does not take an option, if the run does not know what is asked
        for, or (its subclass `NoDataError`) if there is nothing to draw.
    """
    options = {
        "flow": flow,
        "country": country,
        "side": side,
        "year": year,
        "feature": feature,
        "channel": channel,
        "metric": metric,
    }
    given = {name: value for name, value in options.items() if value is not None}
    chosen = find_kind(kind, given)
    return chosen.build(run, check_options(run, given, takes=chosen.options))


def find_kind(name: str, options: Collection[str]) -> Kind:
    """Kind of a name that takes all of these options.

    Raises
    ------
    InputError
        If there is none of that name, or it does not take one of them.
    """
    known = {kind.name: kind for kind in KINDS}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        raise InputError(
            f"there is no plot {name!r}", remedy=f"Choose from {', '.join(near or known)}"
        )
    takes = known[name].options
    if other := [option for option in options if option not in takes]:
        taken = ", ".join(f"--{option}" for option in takes)
        raise InputError(
            f"plot {name!r} does not take --{other[0]}",
            remedy=f"It takes {taken}" if taken else "It takes no options",
        )
    return known[name]


# Figures of a run ---------------------------------------------------------------------------------


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
