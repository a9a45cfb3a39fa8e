"""Figures of explanations, drawn by SHAP.

SHAP draws through pyplot and NumPy's global random state; `_shap_figure` leaves both as they were.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.catalogue import channel_of
from features.feature import TECHNOLOGY
from forecasting.figures.style import (
    BLUE,
    ORANGE,
    PERCENT_UNIT,
    PURPLE,
    VERMILLION,
    NoDataError,
    entitle,
    grid,
    styled,
)
from forecasting.results.subjects import rows_of_flow
from forecasting.words.features import feature_words
from forecasting.words.flows import flow_label
from forecasting.words.numbers import decimal, plain, usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from forecasting.explanation.explain import Explanation

SWARM_ROWS = 3_000
"""Most rows in a figure of single points."""
WATERFALL_STEPS = 14


@styled
def beeswarm(explanation: Explanation, *, max_display: int = 15) -> Figure:
    """Every explained flow's contributions, coloured by the feature's value.

    At most `SWARM_ROWS` rows are drawn, the same ones every time.
    """
    total = _size(explanation)
    rows = drawn_rows(total)
    drawn = f"{rows.size:,} of {total:,}" if rows.size < total else f"all {total:,}"
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("gravicast", [BLUE, PURPLE, ORANGE])
    with _shap_figure() as (figure, shap):
        axes = shap.plots.beeswarm(
            _shap_explanation(shap, explanation, rows),
            max_display=max_display,
            color=colours,
            color_bar_label="Feature value (grey: not known)",
            show=False,
        )
        axes.set_xlabel(f"Contribution to the forecast shift, {PERCENT_UNIT}", fontsize=11)
        axes.tick_params(axis="y", labelsize=10, length=0)
        axes.grid(visible=False)
    return entitle(figure, f"Contributions to the forecast shift ({drawn} explained rows)")


def drawn_rows(total: int) -> NDArray[np.intp]:
    """At most `SWARM_ROWS` of the rows, the same ones every time."""
    if total <= SWARM_ROWS:
        return np.arange(total)
    return np.sort(np.random.default_rng(0).choice(total, SWARM_ROWS, replace=False))


@styled
def importance(explanation: Explanation, *, max_display: int = 15) -> Figure:
    """Mean absolute contribution of the strongest features, technology in another colour."""
    rows = _size(explanation)
    strength = np.abs(explanation.values).mean(axis=0)
    top = np.argsort(-strength, kind="stable")[:max_display]
    figure, panels = grid(1, 1, width=8.5, height=1.6 + 0.3 * top.size)
    axes: Axes = panels[0, 0]
    names = [explanation.feature_names[column] for column in top]
    technology = [channel_of(name) in TECHNOLOGY for name in names]
    bars = axes.barh(
        range(top.size),
        strength[top],
        height=0.66,
        color=[ORANGE if new else BLUE for new in technology],
        edgecolor="white",
        linewidth=0,
    )
    for bar, new in zip(bars, technology, strict=True):
        bar.set_hatch("////" if new else "")
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set_yticks(range(top.size), [feature_words(name) for name in names])
    axes.set_ylim(top.size - 0.4, -0.6)
    axes.margins(x=0.1)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"Mean absolute contribution, {PERCENT_UNIT}")
    figure.legend(handles=channel_keys(), loc="outside lower center", ncols=2)
    total = len(explanation.feature_names)
    return entitle(figure, f"Strongest {top.size} of {total} features ({rows:,} explained rows)")


def channel_keys() -> list[Patch]:
    """What the colours of technology and other channels mean."""
    from matplotlib.patches import Patch

    return [
        Patch(facecolor=ORANGE, hatch="////", edgecolor="white", label="Technology channel"),
        Patch(facecolor=BLUE, edgecolor="white", label="Other channel"),
    ]


@styled
def waterfall_features(
    explanation: Explanation, row: int, *, sectors: Mapping[str, str] = MappingProxyType({})
) -> Figure:
    """How the contributions to one flow's shift add up, the raking to the totals included.

    ``sectors`` are names of sectors by code.
    """
    _size(explanation)
    about = explanation.rows.iloc[row]
    start = float(explanation.base_values[row])
    values, names = _steps(explanation, row)
    end = start + float(values.sum())
    with _shap_figure() as (figure, shap):
        one = shap.Explanation(values, start, feature_names=names)
        shap.plots.waterfall(one, max_display=len(values), show=False)
        main, bottom, top = figure.axes
        bottom.set_xticks([start], [f"\naverage training row {decimal(start, 1)}"], fontsize=10)
        top.set_xticks([end], [f"this flow {decimal(end, 1)}"], fontsize=10)
        main.set_xlabel(f"Forecast against base, {PERCENT_UNIT}", fontsize=11, labelpad=20)
        main.tick_params(labelsize=10)
        for axes in figure.axes:
            axes.grid(visible=False)
        _recolour(figure)
    flow = [str(about[name]) for name in ("exporter", "importer", "sector") if name in about]
    what = f"{flow_label(flow, sectors)}, {about['target_year']}"
    money = f"base {usd(about['base'])}, forecast {usd(about['forecast'])} USD"
    return entitle(figure, f"{what}: {money}")


def _steps(explanation: Explanation, row: int) -> tuple[NDArray[np.float64], list[str]]:
    """Strongest features of a row, the others together, and the raking, with their names."""
    values, data = explanation.values[row].astype(np.float64), explanation.data[row]
    order = np.argsort(-np.abs(values), kind="stable")
    strongest, others = order[: WATERFALL_STEPS - 2], order[WATERFALL_STEPS - 2 :]
    names = [
        # No equals sign: SHAP splits labels at it.
        f"{feature_words(explanation.feature_names[i])}: "
        + (plain(data[i]) if np.isfinite(data[i]) else "not known")
        for i in strongest
    ]
    rest = [values[others].sum()] if others.size else []
    names += [f"{others.size} other features"] if others.size else []
    steps = [*values[strongest], *rest, explanation.raking[row]]
    return np.array(steps), [*names, "raking to the totals"]


def strongest_feature(explanation: Explanation, channel: str | None = None) -> str:
    """Name the feature with the largest mean absolute contribution, of a channel or of all.

    Raises
    ------
    NoDataError
        If no feature of the channel contributes.
    """
    _size(explanation)
    strength = np.abs(explanation.values).mean(axis=0)
    ranked = [str(explanation.feature_names[i]) for i in np.argsort(-strength, kind="stable")]
    used = {n for n, s in zip(explanation.feature_names, strength, strict=True) if s > 0}
    for name in ranked:
        if name in used and channel in (None, channel_of(name)):
            return name
    raise NoDataError(f"no feature of {channel or 'any channel'} contributes")


def explained_row(explanation: Explanation, flow: Sequence[str], *, year: int) -> int:
    """Row of a flow and target year.

    Raises
    ------
    NoDataError
        If it was not explained.
    """
    rows = explanation.rows
    found = np.flatnonzero(rows_of_flow(rows, flow) & (rows["target_year"] == year))
    if not found.size:
        raise NoDataError(f"{' -> '.join(flow)} in {year} is not among the explained rows")
    return int(found[0])


def _size(explanation: Explanation) -> int:
    """Count the explained rows; there must be at least one."""
    if not explanation.values.size:
        raise NoDataError("no row was explained")
    return int(explanation.values.shape[0])


def _shap_explanation(shap: Any, explanation: Explanation, rows: NDArray[np.intp]) -> Any:
    return shap.Explanation(
        explanation.values[rows].astype(np.float64),
        explanation.base_values[rows],
        explanation.data[rows].astype(np.float64),
        feature_names=[feature_words(name) for name in explanation.feature_names],
    )


@contextmanager
def _shap_figure() -> Iterator[tuple[Figure, Any]]:
    """Give SHAP and a pyplot figure to draw on; close it afterwards."""
    import matplotlib

    if matplotlib.get_backend(auto_select=False) is None:
        matplotlib.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import matplotlib.pyplot as plt
        import shap

    state = np.random.get_state()
    np.random.seed(0)
    figure = plt.figure(layout="constrained")
    try:
        with plt.ioff(), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # features without a known value
            yield figure, shap
    finally:
        plt.close(figure)
        np.random.set_state(state)


def _recolour(figure: Figure) -> None:
    """Blue up and vermillion down in place of SHAP's pink and blue; white and grey stay."""
    from matplotlib.colors import to_rgb

    def ours(colour: Any) -> str | None:
        red, _, blue = to_rgb(colour)
        return None if red == blue else BLUE if red > blue else VERMILLION

    for axes in figure.axes:
        for patch in axes.patches:
            if patch.get_alpha() != 0 and (colour := ours(patch.get_facecolor())):
                patch.set_color(colour)
        for text in axes.texts:
            text.set_fontsize(10)
            if colour := ours(text.get_color()):
                text.set_color(colour)
