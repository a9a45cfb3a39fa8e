"""Figures of accuracy: skill, errors by origin, interval coverage, calibrated probabilities.

Markers differ as well as colours, so that the figures also work in black and white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting.evaluation.metric_labels import METRICS
from forecasting.figures.style import (
    BLUE,
    COLOURS,
    GREY,
    HORIZON_STYLES,
    ORANGE,
    VERMILLION,
    NoDataError,
    entitle,
    grid,
    legend,
    styled,
    take,
)
from forecasting.words.labels import (
    METRIC_LABELS,
    SETTING_LABELS,
    models_of,
    settings_of,
)
from forecasting.words.numbers import decimal, years
from models.registry import LAST_VALUE, MAIN_MODEL, model_label, model_marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGINS = {"births": "starts (no trade at the origin)", "deaths": "stops (trade at the origin)"}
FEWEST_FLOWS = 30
"""Flows below which a share in the reliability figure would be noise."""
MOST_PANELS = 3
"""Horizons side by side: with more of them the first, the middle and the last are shown."""
WORST_ERROR = 1.25
"""Multiple of the largest error of gravicast and of the last value; what is beyond is cut off."""
WORST_SKILL = -30.0
"""Percent; worse skills are drawn at the edge of the scoreboard, with their number."""


@styled
def scoreboard(scores: pd.DataFrame) -> Figure:
    """Skill against the last value by model and horizon, with a panel per setting and metric."""
    metrics = [m for m in METRIC_LABELS if f"skill_{m}" in scores]
    columns = [f"skill_{m}" for m in metrics]
    shown = take(scores, columns, needs=("setting", "model", "horizon"), stratum="all")
    shown = shown[shown["model"] != LAST_VALUE].dropna(subset=columns, how="all")
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
    legend(figure, columns=len(horizons))
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
        axes.plot(np.full(off.sum(), WORST_SKILL), y[off], "<", color=colour, markersize=5)
    axes.margins(x=0.08)
    _label_off_axis(axes, part, column, models)
    axes.set_yticks(range(len(models)), [model_label(m) for m in models])
    axes.set_ylim(len(models) - 0.5, -0.5)


def _label_off_axis(axes: Axes, part: pd.DataFrame, column: str, models: list[str]) -> None:
    """Write the range of the skills beyond the edge beside each model's markers.

    One label per model: with five horizons, labels per marker would overlap.
    """
    found = False
    for row, model in enumerate(models):
        skills = 100 * part.loc[part["model"] == model, column].to_numpy(dtype=np.float64)
        off = skills[skills < WORST_SKILL]
        if off.size:
            words = " to ".join(dict.fromkeys(decimal(v, 0) for v in (off.min(), off.max())))
            axes.annotate(words, (WORST_SKILL, row), (-7, 0), va="center", ha="right",
                          textcoords="offset points", fontsize=7, color="#333333")  # fmt: skip
            found = True
    if found:
        right = max(axes.get_xlim()[1], 5.0)
        axes.set_xlim(WORST_SKILL - 0.5 * (right - WORST_SKILL), right)


@styled
def error_by_origin(scores_by_origin: pd.DataFrame, *, metric: str = "wape") -> Figure:
    """Error of every model at every origin, with a panel per setting and horizon."""
    needs = ("setting", "model", "horizon", "origin")
    shown = take(scores_by_origin, [metric], needs=needs, stratum="all")
    drawn = METRICS[metric]
    figure, panels, left_out = _panels(
        shown, "Origin (last year seen)", f"{drawn.label}, {drawn.unit}"
    )
    mattering = shown.loc[shown["model"].isin((MAIN_MODEL, LAST_VALUE)), metric]
    top = drawn.factor * WORST_ERROR * float(mattering.max())
    for axes, part in panels:
        for model in reversed(models_of(shown)):
            colour, marker = model_marker(model)
            series = part[part["model"] == model].sort_values("origin")
            errors, style = drawn.factor * series[metric], {"color": COLOURS.get(colour, colour)}
            axes.plot(series["origin"], errors.clip(upper=top), marker=marker, markersize=4,
                      label=model_label(model), linewidth=2.2 if model == MAIN_MODEL else 1.2,
                      **style)  # fmt: skip
            if (over := errors > top).any():
                axes.plot(series["origin"][over], np.full(over.sum(), top), "^", markersize=7,
                          **style)  # fmt: skip
        axes.locator_params(axis="x", integer=True, nbins=5)
    figure.axes[0].set_ylim(bottom=0)  # shared, and last, when the top of every panel is known
    legend(figure, reverse=True)
    cut = "arrows: beyond the axis" * bool((drawn.factor * shown[metric] > top).any())
    remarks = _joined("lower is better", cut, left_out)
    return entitle(figure, f"{drawn.label} of every back-test origin{remarks}")


@styled
def coverage_by_decile(scores: pd.DataFrame) -> Figure:
    """Share of actual flows inside the intervals by size decile, against the nominal share."""
    needs = ("setting", "horizon", "stratum")
    shown = take(scores, ["coverage_50", "coverage_90"], needs=needs, model=MAIN_MODEL)
    decile = shown["stratum"].astype(str).str.extract(r"^decile_(\d+)$")[0].astype(float)
    shown = shown.assign(decile=decile).dropna(subset=["decile"]).sort_values("decile")
    if shown.empty:
        raise NoDataError("no size decile")
    figure, panels, left_out = _panels(
        shown, "Size decile of the origin value (10: largest)", "Actual flows inside, percent"
    )
    # Nothing is drawn below the lowest share: the distance from nominal is what matters.
    lowest = 100 * shown[["coverage_50", "coverage_90"]].min(axis=None)
    bottom = 10 * max(0, int(min(lowest, 50.0) - 5) // 10)
    for axes, part in panels:
        for level, colour, marker in ((90, BLUE, "o"), (50, ORANGE, "s")):
            axes.axhline(level, color=colour, linestyle="--", label=f"{level}% nominal")
            share = 100 * part[f"coverage_{level}"]
            axes.plot(part["decile"], share, color=colour, marker=marker, markersize=5,
                      label=f"{level}% interval")  # fmt: skip
        axes.set_xticks(range(1, 11))
        axes.set_ylim(bottom, 102)
    legend(figure)
    title = "Share of actual flows inside the intervals, by flow size"
    return entitle(figure, title + _joined(left_out))


@styled
def reliability(table: pd.DataFrame) -> Figure:
    """Share of flows that started or stopped, by forecast probability."""
    needs = ("setting", "horizon", "margin", "n")
    shown = take(table, ["mean_probability", "frequency"], needs=needs)
    shown = shown[shown["n"] >= FEWEST_FLOWS]
    if shown.empty:
        raise NoDataError("no probability of trade")
    figure, panels, left_out = _panels(shown, "Forecast probability, percent", "Happened, percent")
    for axes, part in panels:
        axes.plot([0, 100], [0, 100], color=GREY, linestyle="--", label="as forecast")
        for margin, colour, marker in (("births", BLUE, "o"), ("deaths", VERMILLION, "s")):
            points = part[part["margin"] == margin]
            axes.plot(100 * points["mean_probability"], 100 * points["frequency"], color=colour,
                      marker=marker, markersize=5, label=MARGINS[margin])  # fmt: skip
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 100)
    legend(figure)
    title = "Flows that start and stop: how often, where that had a probability"
    return entitle(figure, title + _joined(left_out))


# Pieces -------------------------------------------------------------------------------------------


def _panels(
    shown: pd.DataFrame, x: str, y: str
) -> tuple[Figure, list[tuple[Axes, pd.DataFrame]], str]:
    """Make a figure with one panel per setting and horizon.

    Returns
    -------
    tuple
        The figure; each panel with its rows; and a remark on horizons left out.
    """
    settings, every = settings_of(shown), sorted(int(h) for h in shown["horizon"].unique())
    horizons = [every[k] for k in sorted({0, len(every) // 2, len(every) - 1})]
    horizons = every if len(every) <= MOST_PANELS else horizons
    width = max(7.5, 0.6 + 3.1 * len(horizons))
    size = {"width": width, "height": 1.2 + 2.5 * len(settings)}
    figure, axes = grid(len(settings), len(horizons), **size, sharex=True, sharey=True)
    filled = []
    for line, setting in enumerate(settings):
        axes[line, 0].set_ylabel(y)
        for column, horizon in enumerate(horizons):
            panel = axes[line, column]
            panel.set_title(f"{SETTING_LABELS.get(setting, setting)}, {years(horizon)}")
            panel.locator_params(nbins=5)
            part = shown[(shown["setting"] == setting) & (shown["horizon"] == horizon)]
            filled.append((panel, part))
    for panel in axes[-1]:
        panel.set_xlabel(x)
    left_out = f"{len(horizons)} of {len(every)} horizons shown" if horizons != every else ""
    return figure, filled, left_out


def _joined(*remarks: str) -> str:
    """Remarks in brackets, or nothing where all are empty."""
    joined = "; ".join(remark for remark in remarks if remark)
    return f" ({joined})" if joined else ""
