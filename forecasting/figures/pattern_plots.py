"""Figures of measures of the trade pattern: past, forecast and accuracy."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.measures.measure import Measure
from forecasting.figures.style import (
    BLACK,
    BLUE,
    GREY,
    HORIZON_STYLES,
    VERMILLION,
    NoDataError,
    entitle,
    grid,
    legend,
    styled,
)
from forecasting.results.measures import ALL, FAMILIES, FAMILY_LABELS, Measures, measures
from forecasting.results.result import RunResult
from forecasting.results.subjects import country_name
from forecasting.words.measures import is_share, sector_names, sector_words, unit_name
from forecasting.words.numbers import years

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_UNITS = 6
NARROWEST = 8.0
"""Inches that the legend takes."""
COLUMNS = 3
TITLE_LETTERS = 40
"""Letters of a panel's title on one line."""
WORST_SKILL = -60.0
"""Percent; what is worse is drawn at the edge with the number beside it."""
MOST_ROWS = 18
"""Most measures in one panel of skills; more are shown in two."""
_KEYS = ["country", "partner", "sector"]


# Paths --------------------------------------------------------------------------------------------


def first_measure(run: RunResult) -> str:
    """The first measure of the catalogue that the run holds."""
    return _measured(run, ALL).measures[0].name


def _measured(run: RunResult, kind: str, country: str | None = None) -> Measures:
    if run.measures is None:
        raise NoDataError(
            "this is a forecast by a trained model, which measures no pattern",
            remedy="Give the output folder of `gravicast run`",
        )
    return measures(run, kind, country=country)


@styled
def measure_paths(run: RunResult, name: str, *, country: str = "") -> Figure:
    """History and forecast of a measure, one panel per unit, with 50 and 90% intervals.

    Of all units (or the country's) those whose forecast change is largest are shown.

    Parameters
    ----------
    run
        Finished.
    name
        Of a measure, or of a kind that holds just one.
    country
        ISO 3166 code; empty for every country.
    """
    found = _measured(run, name, country or None)
    if len(found.measures) > 1:
        names = ", ".join(measure.name for measure in found.measures)
        raise NoDataError(
            f"{name!r} is more than one measure", remedy=f"Give --measure, one of {names}"
        )
    (measure,) = found.measures
    units = _largest_changes(found)
    rows = -(-len(units) // COLUMNS)
    columns = min(len(units), COLUMNS)
    figure, panels = grid(
        rows, columns, width=max(2.0 + 3.2 * columns, NARROWEST), height=1.5 + 2.5 * rows
    )
    for axes in panels.ravel()[len(units) :]:
        axes.set_visible(False)
    for axes, unit in zip(panels.ravel(), units, strict=False):
        _draw_path(axes, measure, _of(found.history, unit), _of(found.forecasts, unit))
        axes.set_title(_panel_title(run, unit, country))
    for axes in panels[:, 0]:
        axes.set_ylabel(textwrap.fill(unit_name(measure), 22))
    legend(figure, columns=5)
    whose = f"{country_name(country)}: " if country else ""
    chosen = ", largest forecast changes" if len(units) == MOST_UNITS else ""
    return entitle(figure, f"{whose}{measure.label}{_since(measure, found)}{chosen}")


def _since(measure: Measure, found: Measures) -> str:
    """Births and deaths count from another year in the past than in forecasts."""
    if measure.name not in ("link_births", "link_deaths"):
        return ""
    return f" (past: within a year; forecast: since {int(found.forecasts['origin'].iloc[0])})"


def _panel_title(run: RunResult, unit: tuple[str, ...], country: str) -> str:
    place, partner, sector = unit
    words = [" in ".join(country_name(code) for code in (place, partner) if code)]
    if sector:
        words.append(sector_words(sector, sector_names(run)))
    # A sector of the world has no country.
    words = [word for word in words if word]
    # The title of the figure names the country already.
    shown = words[1:] if country and sector else words
    return textwrap.fill(", ".join(shown), TITLE_LETTERS)


def _largest_changes(found: Measures) -> list[tuple[str, ...]]:
    table = found.forecasts
    if table.empty:
        raise NoDataError(
            f"no unit has a value of {found.kind!r}", remedy="Ask for another country or measure"
        )
    last = table[table["horizon"] == table["horizon"].max()]
    change = (last["forecast"] - last["value_origin"]).abs().fillna(0.0)
    top = last.loc[change.sort_values(ascending=False, kind="stable").index[:MOST_UNITS], _KEYS]
    return [tuple(map(str, row)) for row in top.to_numpy()]


def _of(table: pd.DataFrame, unit: tuple[str, ...]) -> pd.DataFrame:
    selected = np.ones(len(table), dtype=np.bool_)
    for key, value in zip(_KEYS, unit, strict=True):
        selected &= table[key].astype(str).to_numpy() == value
    return table[selected]


def _draw_path(
    axes: Axes, measure: Measure, history: pd.DataFrame, forecasts: pd.DataFrame
) -> None:
    from matplotlib.ticker import MaxNLocator

    scale = 100.0 if is_share(measure) else 1.0
    axes.plot(history["year"], scale * history["value"], color=BLACK, linewidth=1.4, label="Past")
    ahead = forecasts.sort_values("horizon")
    first = ahead.iloc[0]
    year = np.r_[int(first["origin"]), ahead["target_year"]]

    def path(column: str) -> NDArray[np.float64]:
        return scale * np.r_[first["value_origin"], ahead[column]]

    for level, shade in ((90, 0.18), (50, 0.35)):
        axes.fill_between(
            year, path(f"lower_{level}"), path(f"upper_{level}"), color=BLUE, alpha=shade,
            linewidth=0, label=f"{level}% interval",
        )  # fmt: skip
    axes.plot(year, path("forecast"), "o-", color=BLUE, markersize=4, label="Forecast")
    axes.plot(year, path("base"), "--", color=VERMILLION, linewidth=1.4, label="Base", zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


# Skill --------------------------------------------------------------------------------------------


@styled
def measure_skill(run: RunResult, kind: str) -> Figure:
    """Skill of every measure against no change, by horizon; filled where a test rejects equality.

    Parameters
    ----------
    run
        Finished.
    kind
        A measure, a family or ``all``.
    """
    found = _measured(run, kind)
    scores = found.scores.dropna(subset=["skill"])
    if scores.empty:
        raise NoDataError("no measure was scored", remedy="Give a run with more years of trade")
    measures = [m for m in found.measures if m.name in set(scores["measure"])]
    columns = _split(measures)
    tallest = max(len(_lines(column)) for column in columns)
    figure, panels = grid(
        1, len(columns), width=1.5 + 6.5 * len(columns), height=1.9 + 0.27 * tallest, sharex=True
    )
    horizons = sorted(int(h) for h in scores["horizon"].unique())
    for axes, column in zip(panels[0], columns, strict=True):
        _draw_column(axes, scores, column, horizons, height=tallest)
    # Skills are relative to no change, so the axis must include it.
    low, high = panels[0, 0].get_xlim()
    panels[0, 0].set_xlim(min(low, -5.0), max(high, 5.0))
    legend(figure, columns=min(len(horizons) + 1, COLUMNS * len(columns)))
    return entitle(figure, f"{_subject(kind, measures)}: skill against no change")


def _subject(kind: str, measures: Sequence[Measure]) -> str:
    if len(measures) == 1:
        return measures[0].label
    return next((FAMILY_LABELS[f] for f in FAMILIES if f == kind), "Measures of the trade pattern")


def _split(measures: list[Measure]) -> list[list[Measure]]:
    """One column, or two of about equal length that each start with a family."""
    starts = [k for k in range(1, len(measures)) if measures[k].family != measures[k - 1].family]
    if len(measures) <= MOST_ROWS or not starts:
        return [measures]
    middle = min(starts, key=lambda k: abs(len(measures) - 2 * k))
    return [measures[:middle], measures[middle:]]


def _lines(measures: list[Measure]) -> list[Measure | str]:
    """Measures under the name of their family, top to bottom; one family needs no name."""
    if len({m.family for m in measures}) == 1:
        return list(measures)
    lines: list[Measure | str] = []
    for family in FAMILIES:
        members = [m for m in measures if m.family == family]
        lines += [FAMILY_LABELS[family], *members] if members else []
    return lines


def _draw_column(
    axes: Axes, scores: pd.DataFrame, measures: list[Measure], horizons: list[int], *, height: int
) -> None:
    lines = _lines(measures)
    place = {line.name: height - 1 - k for k, line in enumerate(lines) if isinstance(line, Measure)}
    axes.axvline(0, color=BLACK, linewidth=0.9)
    for number, horizon in enumerate(horizons):
        shown = scores[(scores["horizon"] == horizon) & scores["measure"].isin(place)]
        _draw_skill(axes, shown, place, horizons, number)
    axes.plot([], [], "o", color=GREY, linestyle="none", label="filled: a test decides")
    labels = [line if isinstance(line, str) else line.label for line in lines]
    ticks = [height - 1 - k for k in range(len(lines))]
    axes.set_yticks(ticks, labels)
    axes.tick_params(axis="y", length=0)
    for line, label in zip(lines, axes.get_yticklabels(), strict=True):
        if isinstance(line, str):
            label.set_fontweight("bold")
    for tick, rule in zip(ticks, axes.yaxis.get_gridlines(), strict=True):
        rule.set_visible(tick in place.values())
    axes.set_ylim(-0.7, height - 0.3)
    axes.set_xlabel("Error saved against no change, percent")


def _draw_skill(
    axes: Axes, rows: pd.DataFrame, place: dict[str, int], horizons: list[int], number: int
) -> None:
    colour, marker = HORIZON_STYLES[number % len(HORIZON_STYLES)]
    spread = 0.5 * (number / max(len(horizons) - 1, 1) - 0.5)
    skill = 100.0 * rows["skill"].to_numpy(dtype=np.float64)
    y = np.array([place[name] for name in rows["measure"]]) - spread
    decided = rows["verdict_no_change"].isin(["better", "worse"]).to_numpy()
    shown = np.maximum(skill, WORST_SKILL)
    for mask, face in ((decided, colour), (~decided, "white")):
        axes.plot(
            shown[mask], y[mask], marker, color=colour, markerfacecolor=face, markersize=5.5,
            linestyle="none",
        )  # fmt: skip
    # One legend entry per horizon, whatever its markers.
    axes.plot(
        [], [], marker, color=colour, markerfacecolor="white", linestyle="none",
        label=years(horizons[number]),
    )  # fmt: skip
    for value, height in zip(skill, y, strict=True):
        if value < WORST_SKILL:
            axes.annotate(f"{value:.0f}", (WORST_SKILL, height), (6, -3), fontsize=7,
                          textcoords="offset points", color=GREY)  # fmt: skip
