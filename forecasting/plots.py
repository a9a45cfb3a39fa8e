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
    GREEN,
    GREY,
    METRIC_LABELS,
    MODEL_LABELS,
    ORANGE,
    PURPLE,
    SETTING_LABELS,
    SKY,
    VERMILLION,
    NoDataError,
    decimal,
    entitle,
    figure_style,
    grid,
    models_of,
    settings_of,
    styled,
    take,
    years,
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
    "save_figures",
    "scoreboard",
    "strongest_feature",
    "waterfall",
]

log = logging.getLogger(__name__)

MAIN_MODEL, REFERENCE = "gravicast", "last_value"
MODEL_STYLES: dict[str, tuple[str, str]] = {
    MAIN_MODEL: (BLACK, "o"),
    "without_technology": (ORANGE, "s"),
    "last_value_raked": (BLUE, "D"),
    REFERENCE: (VERMILLION, "v"),
    "drift": (GREEN, "^"),
    "lightgbm_levels": (PURPLE, "X"),
    "lightgbm_differences": (SKY, "P"),
}
HORIZON_STYLES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (VERMILLION, "D"), (PURPLE, "v"))
WORST_SKILL = -30.0
"""Percent; the scoreboard draws what is worse at its edge, with the number beside it."""
LARGEST_FLOWS, MOVERS = 40, 10


# Scores -------------------------------------------------------------------------------------------


@styled
def scoreboard(scores: pd.DataFrame) -> Figure:
    """Skill against the last value by model and horizon, a panel a setting and metric."""
    metrics = [m for m in METRIC_LABELS if f"skill_{m}" in scores]
    columns = [f"skill_{m}" for m in metrics]
    shown = take(scores, columns, needs=("setting", "model", "horizon"), stratum="all")
    shown = shown[shown["model"] != REFERENCE].dropna(subset=columns, how="all")
    if shown.empty:
        raise NoDataError("no skill")
    settings, horizons = settings_of(shown), sorted(shown["horizon"].unique())
    models = models_of(shown)
    figure, panels = grid(
        len(settings),
        len(metrics),
        width=2.2 + 2.5 * len(metrics),
        height=1.6 + (0.8 + 0.36 * len(models)) * len(settings),
        sharex="col",
        sharey=True,
    )
    for setting, line in zip(settings, panels, strict=True):
        for name, axes in zip(metrics, line, strict=True):
            part = shown[shown["setting"] == setting]
            _skill_panel(axes, part, f"skill_{name}", models, horizons)
            axes.set_title(f"{SETTING_LABELS.get(setting, setting)}: {METRIC_LABELS[name]}")
    for axes in panels[-1]:
        axes.set_xlabel("Skill, percent")
    _legend(figure)
    return entitle(figure, "Skill against repeating the last value (right of the line is better)")


def _skill_panel(
    axes: Axes, part: pd.DataFrame, column: str, models: list[str], horizons: list[int]
) -> None:
    axes.axvline(0, color=VERMILLION, linewidth=1.2)
    step = 0.6 / max(len(horizons), 1)
    for number, horizon in enumerate(horizons):
        colour, marker = HORIZON_STYLES[number % len(HORIZON_STYLES)]
        skill = 100 * part[part["horizon"] == horizon].set_index("model")[column].reindex(models)
        values = skill.to_numpy(dtype=np.float64)
        y = np.arange(len(models)) + (number - (len(horizons) - 1) / 2) * step
        seen = values >= WORST_SKILL
        axes.plot(values[seen], y[seen], marker, color=colour, markersize=5, label=years(horizon))
        off = values < WORST_SKILL
        for value, height in zip(values[off], y[off], strict=True):
            axes.plot(WORST_SKILL, height, marker="<", color=colour, markersize=5)
            axes.annotate(decimal(value, 0), (WORST_SKILL, height), (6, 0), va="center",
                          textcoords="offset points", fontsize=7, color="#333333")  # fmt: skip
    axes.set_yticks(range(len(models)), [MODEL_LABELS.get(m, m) for m in models])
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.margins(x=0.08)


@styled
def error_by_origin(scores_by_origin: pd.DataFrame, *, metric: str = "wape") -> Figure:
    """Error of every model at every origin, a panel a setting and horizon."""
    needs = ("setting", "model", "horizon", "origin")
    shown = take(scores_by_origin, [metric], needs=needs, stratum="all")
    factor, unit = (100, "percent of trade") if metric == "wape" else (1, "log points")
    name = METRIC_LABELS.get(metric, metric)
    figure, panels = _panels(shown, "Origin (last year seen)", f"{name}, {unit}")
    for axes, part in panels:
        for model in reversed(models_of(shown)):
            colour, marker = MODEL_STYLES.get(model, (GREY, "."))
            series = part[part["model"] == model].sort_values("origin")
            axes.plot(series["origin"], factor * series[metric], color=colour, marker=marker,
                      markersize=4, linewidth=2.2 if model == MAIN_MODEL else 1.2,
                      label=MODEL_LABELS.get(model, model))  # fmt: skip
        axes.locator_params(axis="x", integer=True)
    figure.axes[0].set_ylim(bottom=0)  # shared, and only now does it know every panel's top
    _legend(figure, reverse=True)
    return entitle(figure, f"{name} of every back-test origin (lower is better)")


@styled
def coverage_by_decile(scores: pd.DataFrame) -> Figure:
    """How often the intervals held the actual flow, by size decile, against what they say."""
    needs = ("setting", "horizon", "stratum")
    shown = take(scores, ["coverage_50", "coverage_90"], needs=needs, model=MAIN_MODEL)
    decile = shown["stratum"].astype(str).str.extract(r"^decile_(\d+)$")[0].astype(float)
    shown = shown.assign(decile=decile).dropna(subset=["decile"]).sort_values("decile")
    if shown.empty:
        raise NoDataError("no size decile")
    figure, panels = _panels(
        shown, "Size decile of the origin value (10: largest)", "Actual flows inside, percent"
    )
    for axes, part in panels:
        for level, colour, marker in ((90, BLUE, "o"), (50, ORANGE, "s")):
            axes.axhline(level, color=colour, linestyle="--", label=f"{level}% nominal")
            share = 100 * part[f"coverage_{level}"]
            axes.plot(part["decile"], share, color=colour, marker=marker, markersize=5,
                      label=f"{level}% interval")  # fmt: skip
        axes.set_xticks(range(1, 11))
        axes.set_ylim(0, 102)
    _legend(figure)
    return entitle(figure, "Share of actual flows inside the intervals, by flow size")


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
    _legend(figure, reverse=True)
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


# Pieces -------------------------------------------------------------------------------------------


def _panels(shown: pd.DataFrame, x: str, y: str) -> tuple[Figure, list[tuple[Axes, pd.DataFrame]]]:
    """Make a figure of one panel a setting and horizon; give each panel with its rows."""
    settings, horizons = settings_of(shown), sorted(shown["horizon"].unique())
    width = max(7.5, 0.6 + 3.6 * len(horizons))
    size = {"width": width, "height": 1.2 + 2.6 * len(settings)}
    figure, axes = grid(len(settings), len(horizons), **size, sharex=True, sharey=True)
    filled = []
    for line, setting in enumerate(settings):
        axes[line, 0].set_ylabel(y)
        for column, horizon in enumerate(horizons):
            panel = axes[line, column]
            panel.set_title(f"{SETTING_LABELS.get(setting, setting)}, {years(horizon)}")
            part = shown[(shown["setting"] == setting) & (shown["horizon"] == horizon)]
            filled.append((panel, part))
    for panel in axes[-1]:
        panel.set_xlabel(x)
    return figure, filled


def _legend(figure: Figure, *, reverse: bool = False) -> None:
    """One legend below all panels."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    step = -1 if reverse else 1
    figure.legend(handles[::step], labels[::step], loc="outside lower center", ncols=4)
