"""Figures of a run for reports: each takes tables and returns a matplotlib figure.

Markers differ as colours do, so that the figures survive a black-and-white printer. Importing this
module is cheap: matplotlib and SHAP are imported by the functions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.feature import CHANNELS, TECHNOLOGY, Channel
from forecasting.report_style import (
    BLACK,
    BLUE,
    METRIC_LABELS,
    VERMILLION,
    NoDataError,
    entitle,
    figure_style,
    grid,
    styled,
    take,
)
from forecasting.score_plots import (
    coverage_by_decile,
    error_by_origin,
    legend,
    reliability,
    scoreboard,
)
from forecasting.shap_plots import (
    beeswarm,
    channel_bar,
    dependence,
    explained_row,
    flow_name,
    importance_bar,
    strongest_feature,
    waterfall,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from forecasting.results import RunResult

__all__ = [
    "PLOTS",
    "NoDataError",
    "Plot",
    "beeswarm",
    "channel_bar",
    "coverage_by_decile",
    "dependence",
    "error_by_origin",
    "explained_row",
    "gainers_and_losers",
    "importance_bar",
    "largest_exporter",
    "reliability",
    "save_figures",
    "scoreboard",
    "strongest_feature",
    "waterfall",
]

log = logging.getLogger(__name__)

LARGEST_FLOWS, MOVERS = 40, 10


# Forecasts ----------------------------------------------------------------------------------------


@styled
def gainers_and_losers(
    forecasts: pd.DataFrame, country: str, *, horizon: int | None = None
) -> Figure:
    """Largest changes of pattern of an exporter, forecast against base, with 90% intervals.

    Ranked in percent among its `LARGEST_FLOWS` largest flows; by default at the shortest horizon.
    """
    shown = take(forecasts, ["base", "forecast"], needs=("horizon", "lower_90", "upper_90"))
    shown = shown[(shown["exporter"].astype(str) == country) & (shown["base"] > 0)]
    shown = shown[shown["horizon"] == (shown["horizon"].min() if horizon is None else horizon)]
    if shown.empty:
        raise NoDataError(f"no forecast of {country}")
    shown = shown.nlargest(LARGEST_FLOWS, "base")
    against = {
        name: 100 * (shown[name] / shown["base"] - 1)
        for name in ("forecast", "lower_90", "upper_90")
    }
    shown = shown.assign(**against).sort_values("forecast")
    losers = shown[shown["forecast"] < 0].head(MOVERS)
    ranked = pd.concat([losers, shown[shown["forecast"] >= 0].tail(MOVERS)])
    figure, panels = grid(1, 1, width=8.5, height=1.4 + 0.26 * len(ranked))
    axes: Axes = panels[0, 0]
    _movers(axes, ranked)
    axes.set_xlabel("Forecast against base, percent (bar: 90% interval)")
    axes.axvline(0, color=BLACK, linewidth=0.8)
    legend(figure, reverse=True)
    target = ranked["target_year"].iloc[0] if "target_year" in ranked else "the target year"
    among = f"among its {len(shown)} largest flows"
    return entitle(figure, f"{country}, {target}: largest forecast changes of pattern {among}")


def _movers(axes: Axes, ranked: pd.DataFrame) -> None:
    y = np.arange(len(ranked))
    change = ranked["forecast"].to_numpy(dtype=np.float64)
    low, high = (ranked[name].to_numpy(dtype=np.float64) for name in ("lower_90", "upper_90"))
    for chosen, colour, marker, label in (
        (change < 0, VERMILLION, "s", "Forecast below base"),
        (change >= 0, BLUE, "o", "Forecast above base"),
    ):
        if chosen.any():
            axes.hlines(y[chosen], low[chosen], high[chosen], color=colour, linewidth=1.6)
            axes.plot(change[chosen], y[chosen], marker, color=colour, markersize=6, label=label)
    axes.set_yticks(y, [flow_name(row, short=True) for _, row in ranked.iterrows()])
    axes.set_ylim(-0.7, len(ranked) - 0.3)


def largest_exporter(forecasts: pd.DataFrame) -> str:
    """Name the exporter that sold most in the origin year."""
    shown = take(forecasts, ["value_origin"], needs=("exporter", "horizon"))
    shown = shown[shown["horizon"] == shown["horizon"].min()]
    return str(shown["value_origin"].groupby(shown["exporter"].astype(str)).sum().idxmax())


# All of them --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure of the report: file name, what it shows in words, how it is drawn."""

    name: str
    title: str
    build: Callable[[RunResult], Figure]
    alt: str


def _errors(metric: str) -> Plot:
    label = METRIC_LABELS[metric]
    return Plot(
        f"error_by_origin_{metric}",
        f"{label} by origin",
        lambda result: error_by_origin(result.scores_by_origin, metric=metric),
        f"Line chart of the {label} of every model by back-test origin, one panel a setting and "
        "horizon.",
    )


def _dependence(channel: Channel | None) -> Plot:
    label = CHANNELS[channel] if channel else "all channels"
    return Plot(
        f"dependence_{channel or 'overall'}",
        f"Strongest feature of {label}",
        lambda result: dependence(
            result.explanation, strongest_feature(result.explanation, channel)
        ),
        f"Scatter plot of the contribution of the strongest feature of {label} against its value, "
        "one point an explained flow.",
    )


PLOTS: tuple[Plot, ...] = (
    Plot(
        "scoreboard",
        "Skill against the last value",
        lambda result: scoreboard(result.scores),
        "Dot plot of the skill of every model against repeating the last value, by horizon, one "
        "panel a setting and metric. The scoreboard table holds the numbers.",
    ),
    *(_errors(metric) for metric in ("wape", "log_mae")),
    Plot(
        "coverage_by_decile",
        "Interval coverage by flow size",
        lambda result: coverage_by_decile(result.scores),
        "Line chart of the share of actual flows inside the 50 and 90 percent intervals by size "
        "decile, against the nominal shares. The coverage table holds the numbers.",
    ),
    Plot(
        "reliability",
        "Calibration of the probability of trade",
        lambda result: reliability(result.reliability),
        "Line chart of how often flows started or stopped against the forecast probability, one "
        "panel a setting and horizon. reliability.csv holds the numbers.",
    ),
    Plot(
        "channel_bar",
        "Contributions to the forecast shift, by channel",
        lambda result: channel_bar(result.channels),
        "Bar chart of the mean absolute contribution by channel, technology channels hatched. The "
        "drivers table holds the numbers.",
    ),
    Plot(
        "importance_bar",
        "Strongest features",
        lambda result: importance_bar(result.explanation),
        "Bar chart of the mean absolute contribution of the strongest features.",
    ),
    Plot(
        "beeswarm",
        "Contributions to the forecast shift, flow by flow",
        lambda result: beeswarm(result.explanation),
        "Beeswarm of the contributions of the strongest features, one point an explained flow, "
        "coloured by the feature's value.",
    ),
    Plot(
        "waterfall",
        "How one forecast shift adds up",
        lambda result: waterfall(
            result.explanation, explained_row(result.explanation, result.config.explain_flow)
        ),
        "Waterfall of the contributions that add up to the forecast shift of one flow.",
    ),
    _dependence(None),
    *(_dependence(channel) for channel in CHANNELS if channel in TECHNOLOGY),
    Plot(
        "gainers_and_losers",
        "Gainers and losers of the largest exporter",
        lambda result: gainers_and_losers(result.forecasts, largest_exporter(result.forecasts)),
        "Ranked dot plot of the largest forecast changes of pattern of the largest exporter by "
        "partner, percent against base, with 90 percent intervals.",
    ),
)
"""Every figure of a report, in its order."""


def save_figures(result: RunResult, folder: Path) -> dict[str, list[Path]]:
    """Draw and write every figure for which the run has data, as PNG and SVG.

    Returns
    -------
    dict
        Name to paths; a figure without data is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: dict[str, list[Path]] = {}
    for plot in PLOTS:
        try:
            figure = plot.build(result)
        except NoDataError as reason:
            log.info("figure %s is left out: %s", plot.name, reason)
            continue
        paths[plot.name] = [folder / f"{plot.name}.{suffix}" for suffix in ("png", "svg")]
        for path in paths[plot.name]:
            # Without a date the same run writes the same bytes.
            metadata = {"Date": None} if path.suffix == ".svg" else {}
            with figure_style():
                figure.savefig(path, dpi=150, bbox_inches="tight", metadata=metadata)
    return paths
