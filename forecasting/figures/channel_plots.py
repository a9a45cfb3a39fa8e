"""Channels: how much of the shift the model attributes to each, and what each is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.feature import TECHNOLOGY
from forecasting.evaluation.metrics import ratio_of_errors
from forecasting.figures.shap_plots import channel_keys
from forecasting.figures.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    entitle,
    grid,
    right_column,
    styled,
    take,
)
from forecasting.results.channel_evidence import TOGETHER
from forecasting.results.result import RunResult
from forecasting.words.labels import METRIC_LABELS, SETTING_LABELS
from forecasting.words.numbers import percent
from models.registry import ABLATION, MAIN_MODEL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST_WORTH = 0.5
"""Percent that the axis of changed errors reaches at least, either way."""
METRICS = {"wape": "o", "log_mae": "s"}
"""Metrics by which a channel's worth is shown, with their markers."""


def out_of_sample(run: RunResult) -> pd.DataFrame:
    """How the error changes when a channel is left out, in the first setting.

    Parameters
    ----------
    run
        Finished; without a study only all technology channels together were left out.

    Returns
    -------
    DataFrame
        ``channel`` (`TOGETHER` for all of technology), ``metric``, ``percent`` (mean over horizons;
        positive: leaving it out costs accuracy) and ``rejected`` (whether equal accuracy is
        rejected at one horizon at least; False where it was not tested).
    """
    setting = run.config.settings[0]
    if run.study is not None and len(run.study.ablation):
        table = run.study.ablation
        table = table[(table["setting"] == setting) & table["metric"].isin(list(METRICS))]
        channel = table["against"].str.removeprefix("without_")
        change = 100 * (ratio_of_errors(table["theirs"], table["ours"]) - 1)
        rejected = table["verdict"].isin(["better", "worse"])
        rows = table[["metric"]].assign(channel=channel, percent=change, rejected=rejected)
    else:
        rows = _technology(run, setting)
    return (
        rows.groupby(["channel", "metric"], sort=False)
        .agg(percent=("percent", "mean"), rejected=("rejected", "any"))
        .reset_index()
    )


def _technology(run: RunResult, setting: str) -> pd.DataFrame:
    parts = [pd.DataFrame({"channel": [], "metric": [], "percent": [], "rejected": []})]
    if {"setting", "stratum", "model", "horizon"} <= set(run.scores.columns):
        scores = run.scores[(run.scores["setting"] == setting) & (run.scores["stratum"] == "all")]
        errors = scores.set_index(["model", "horizon"])
        if {MAIN_MODEL, ABLATION} <= set(scores["model"]):
            for metric in METRICS:
                change = 100 * (
                    ratio_of_errors(errors.loc[ABLATION, metric], errors.loc[MAIN_MODEL, metric])
                    - 1
                )
                named = {"channel": TOGETHER, "metric": metric, "rejected": False}
                parts.append(pd.DataFrame({"percent": change.to_numpy()}).assign(**named))
    return pd.concat(parts, ignore_index=True)


@styled
def channels(run: RunResult) -> Figure:
    """Share of every channel in the contributions, and the error without it."""
    shown = take(run.channels, ["share"], needs=("channel", "label", "share_low", "share_high"))
    worth = out_of_sample(run)
    names = [*shown["channel"], *([TOGETHER] if (worth["channel"] == TOGETHER).any() else [])]
    labels = [*shown["label"], *(["Technology channels together"] * (len(names) - len(shown)))]
    figure, panels = grid(
        1, 2 if len(worth) else 1, width=10.0 if len(worth) else 7.5, sharey=True,
        height=2.0 + 0.33 * len(names), width_ratios=[3, 2] if len(worth) else [1],
    )  # fmt: skip
    _shares(panels[0, 0], shown, together=len(names) > len(shown))
    panels[0, 0].set_yticks(range(len(names)), labels)
    panels[0, 0].set_ylim(len(names) - 0.4, -0.6)
    if len(worth):
        _worth(panels[0, 1], worth, names, run)
        both = " / ".join(METRIC_LABELS[metric] for metric in METRICS)
        right_column(panels[0, 1], f"{both}, %", [_both(worth, name) for name in names])
    figure.legend(handles=_keys(worth), loc="outside lower center", ncols=3)
    what = " and what leaving it out costs" if len(worth) else ""
    return entitle(figure, f"Channels: share in the contributions to the shift{what}")


def _shares(axes: Axes, shown: pd.DataFrame, *, together: bool) -> None:
    """Bars with the range over other origins and seeds as whiskers, the numbers beside them.

    ``together`` adds a bar of all technology channels, which has no range of its own.
    """
    share = {name: 100 * shown[name].to_numpy(np.float64) for name in
             ("share", "share_low", "share_high")}  # fmt: skip
    technology = shown["channel"].isin(TECHNOLOGY)
    bars = axes.barh(
        np.arange(len(shown)),
        share["share"],
        height=0.62,
        color=[ORANGE if new else BLUE for new in technology],
        edgecolor="white",
        linewidth=0,
    )
    for bar, new in zip(bars, technology, strict=True):
        bar.set_hatch("////" if new else "")
    low, high = share["share_low"], share["share_high"]
    y = np.arange(len(shown))
    axes.hlines(y, low, high, color=BLACK, linewidth=1.3)
    for ends in (low, high):
        axes.plot(ends, y, "|", color=BLACK, markersize=7)
    for place, value in enumerate(share["share"]):
        axes.annotate(f"{value:.1f}%", (max(value, high[place]), place), (6, 0), va="center",
                      textcoords="offset points")  # fmt: skip
    if together:
        whole = float(share["share"][technology.to_numpy()].sum())
        axes.barh(len(shown), whole, height=0.62, color=ORANGE, edgecolor="white", linewidth=0,
                  hatch="////")  # fmt: skip
        axes.annotate(f"{whole:.1f}%", (whole, len(shown)), (6, 0), va="center",
                      textcoords="offset points")  # fmt: skip
    axes.set_xlim(0, 1.14 * max(share["share"].max(), high.max()))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("Share of mean absolute contributions, percent")
    axes.set_title("How much the model uses it")


def _worth(axes: Axes, worth: pd.DataFrame, names: list[str], run: RunResult) -> None:
    axes.axvline(0, color=BLACK, linewidth=0.9)
    place = {name: k for k, name in enumerate(names)}
    for number, (metric, marker) in enumerate(METRICS.items()):
        rows = worth[(worth["metric"] == metric) & worth["channel"].isin(names)]
        for row in rows.itertuples():
            axes.plot(row.percent, place[row.channel] + 0.24 * (number - 0.5), marker,
                      markersize=6.5, color=BLACK,
                      markerfacecolor=BLACK if row.rejected else "white")  # fmt: skip
    # Changes in the third digit must not look like findings.
    widest = max(LEAST_WORTH, 1.15 * float(worth["percent"].abs().max()))
    axes.set_xlim(-widest, widest)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    setting = run.config.settings[0]
    axes.set_xlabel("Error when it is left out, percent\n(right of 0: leaving it out costs)")
    axes.set_title(f"What it is worth: {SETTING_LABELS.get(setting, setting).lower()}")
    if set(worth["channel"]) == {TOGETHER}:
        axes.text(0.5, 0.55, "Not left out\none by one", transform=axes.transAxes,
                  ha="center", color=GREY, backgroundcolor="white")  # fmt: skip


def _both(worth: pd.DataFrame, channel: str) -> str:
    found = worth[worth["channel"] == channel].set_index("metric")["percent"]
    return " / ".join(
        percent(found[metric] / 100, digits=2, sign=True) for metric in METRICS if metric in found
    ).replace("%", "")


def _keys(worth: pd.DataFrame) -> list[Any]:
    from matplotlib.lines import Line2D

    def line(marker: str, face: str, label: str) -> Line2D:
        return Line2D([], [], marker=marker, linestyle="", color=BLACK, markerfacecolor=face,
                      label=label)  # fmt: skip

    keys: list[Any] = [
        *channel_keys(),
        Line2D([], [], color=BLACK, label="Range over this model, origins and seeds"),
    ]
    if len(worth):
        keys += [line(marker, "white", METRIC_LABELS[m]) for m, marker in METRICS.items()]
        keys.append(line("D", BLACK, "Filled: tests reject a tie"))
    return keys
