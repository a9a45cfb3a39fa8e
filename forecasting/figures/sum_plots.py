"""Figures of sums of flows from a run's joint draws: fans, shares of partners, probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.errors import InputError
from forecasting.distribution.comparisons import shares
from forecasting.distribution.draws import draws
from forecasting.distribution.joint import RunDraws, joint_draws
from forecasting.distribution.past_outcomes import outcomes_by_origin
from forecasting.figures.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SKY,
    VERMILLION,
    NoDataError,
    apart,
    entitle,
    grid,
    styled,
)
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_year, country_name, origin_of, years_of
from forecasting.words.numbers import percent, scale_of, usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS, SHOWN_SHARES, SHOWN_CHANCES = 3, 8, 12
PAST_FORECASTS = 4
"""Earlier origins whose forecasts are drawn, as far apart as the longest horizon."""
HIGHEST = 2.0
"""Multiple of every value and forecast at which the axis is cut where an interval reaches it."""


def joint_of(run: RunResult | RunDraws) -> RunDraws:
    """Joint draws of a run.

    Raises
    ------
    NoDataError
        If it was not back-tested.
    """
    try:
        return run if isinstance(run, RunDraws) else joint_draws(run)
    except InputError as error:
        raise NoDataError(error.problem, remedy=error.remedy) from error


# Fans ---------------------------------------------------------------------------------------------


def sum_fans(run: RunResult | RunDraws, of: Sequence[tuple[str, str]]) -> Figure:
    """Sums over time: history, earlier forecasts, and the forecast with 50 and 90% fans.

    Parameters
    ----------
    run
        Finished, or its joint draws.
    of
        Name and selection of each sum, a panel each.
    """
    joint = joint_of(run)
    selected = [selection for _, selection in of]
    return fans_of(of, draws(joint, selected).table, outcomes_by_origin(joint.run, selected))


@styled
def fans_of(of: Sequence[tuple[str, str]], now: pd.DataFrame, past: pd.DataFrame) -> Figure:
    """Fans as of `sum_fans`, of the tables of `draws` and `outcomes_by_origin`.

    Parameters
    ----------
    of
        Name and selection of each sum, a panel each.
    now, past
        Tables that hold these selections, and maybe more.
    """
    across = min(ACROSS, len(of))
    down = -(-len(of) // across)
    width = 9.5 if across > 1 else 8.5
    figure, panels = grid(down, across, width=width, height=0.9 + (2.3 if across > 1 else 4) * down)
    for place, (name, selection) in enumerate(of):
        axes: Axes = panels[divmod(place, across)]
        rows = now[now["selection"] == selection]
        _fan(axes, rows, past[past["selection"] == selection])
        axes.set_title(name)
    for empty in panels.ravel()[len(of) :]:
        empty.set_axis_off()
    _fan_keys(figure, panels[0, 0], loc="outside lower center", columns=5)
    last = int(now["target_year"].max())
    what = of[0][0] if len(of) == 1 else "Levels"
    return entitle(figure, f"{what} to {last}, with forecasts made earlier")


@styled
def fan_panels(
    of: Sequence[tuple[str, str]], now: pd.DataFrame, past: pd.DataFrame
) -> list[Figure]:
    """The legend and the panels of `fans_of` as a figure each, for pages of any width."""
    from matplotlib.figure import Figure

    panels = []
    for name, selection in of:
        figure, axes = grid(1, 1, width=3.3, height=2.2)
        rows = now[now["selection"] == selection]
        _fan(axes[0, 0], rows, past[past["selection"] == selection])
        axes[0, 0].set_title(name)
        panels.append(figure)
    legend = Figure(figsize=(5.2, 0.6))
    _fan_keys(legend, panels[0].axes[0], loc="center", columns=3)
    return [legend, *panels]


def _fan_keys(figure: Figure, axes: Axes, *, loc: str, columns: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    first = dict(zip(labels, handles, strict=True))
    figure.legend(first.values(), first.keys(), loc=loc, ncols=columns)


def _fan(axes: Axes, now: pd.DataFrame, past: pd.DataFrame) -> None:
    origin = int(now["target_year"].iloc[0] - now["horizon"].iloc[0])
    value = float(now["last_known"].iloc[0])
    known = dict(zip(past["target_year"], past["actual"], strict=True))
    history = pd.Series({**known, origin: value}, dtype=np.float64).sort_index()
    earlier = _earlier(past, now, origin)
    middle = max(
        float(column.max())
        for column in (history, now["forecast"], now["upper_50"], earlier["forecast"])
        if len(column)
    )
    widest, top = float(now["upper_90"].max()), HIGHEST * middle
    scale, unit = scale_of(middle)
    when = np.append(origin, now["target_year"])
    for level, colour in ((90, SKY), (50, BLUE)):
        low, high = (np.append(value, now[f"{end}_{level}"]) for end in ("lower", "upper"))
        axes.fill_between(when, low / scale, high / scale, color=colour, alpha=0.35, linewidth=0,
                          label=f"{level}% interval")  # fmt: skip
    for made, rows in earlier.groupby("origin"):
        x = np.append(made, rows["target_year"])
        y = np.append(history.get(made, np.nan), rows["forecast"]) / scale
        axes.plot(x, y, "s--", color=VERMILLION, markersize=3, linewidth=1.1,
                  label="Earlier forecast")  # fmt: skip
    axes.plot(history.index, history / scale, "o-", color=BLACK, markersize=3, linewidth=1.6,
              label="Value")  # fmt: skip
    axes.plot(when, np.append(value, now["forecast"]) / scale, "D-", color=BLUE, markersize=4,
              linewidth=1.6, label="Forecast")  # fmt: skip
    axes.set_ylim(0, 1.03 * min(top, max(widest, middle)) / scale)
    axes.set_ylabel(unit + (f" (interval reaches {usd(widest)})" if widest > top else ""))
    axes.locator_params(axis="x", integer=True, nbins=6)


def _earlier(past: pd.DataFrame, now: pd.DataFrame, origin: int) -> pd.DataFrame:
    """Forecasts of the latest past origins that do not overlap."""
    have, step = set(past["origin"]), int(now["horizon"].max())
    wanted = [o for o in range(origin - step, min(have, default=origin) - 1, -step) if o in have]
    shown = past[past["origin"].isin(wanted[:PAST_FORECASTS])]
    return shown.sort_values(["origin", "target_year"])


# Shares -------------------------------------------------------------------------------------------


def share_slopes(run: RunResult | RunDraws, of: str, *, year: int | None = None) -> Figure:
    """Shares of the largest partners in a total, last known beside a target year.

    Parameters
    ----------
    run
        Finished, or its joint draws.
    of
        Total such as ``"DEU:exports"``.
    year
        Target year; by default the last.
    """
    joint = joint_of(run)
    wanted = years_of(joint.run)[-1] if year is None else year
    return slopes_of(of, shares(joint, of, years=[wanted]))


@styled
def slopes_of(of: str, table: pd.DataFrame) -> Figure:
    """Shares of the largest partners in a total, of a table of `shares` with one target year."""
    table = table.head(SHOWN_SHARES)
    wanted, horizon = (int(table[name].iloc[0]) for name in ("target_year", "horizon"))
    figure, panels = grid(1, 1, width=7.5, height=4.8)
    axes: Axes = panels[0, 0]
    ends = 100 * table["last_known"].to_numpy(), 100 * table["forecast"].to_numpy()
    room = 0.045 * max(float(side.max()) for side in ends)
    places = [apart(side, room) for side in ends]
    for number, row in enumerate(table.to_dict("records")):
        before, after = ends[0][number], ends[1][number]
        colour = BLUE if after >= before else VERMILLION
        axes.plot([0, 1], [before, after], "o-" if after >= before else "s--", color=colour)
        name = country_name(str(row["partner"]))
        axes.text(-0.04, places[0][number], f"{name} {percent(before / 100)}", ha="right",
                  va="center")  # fmt: skip
        interval = f"{percent(row['lower_90'], digits=0)} to {percent(row['upper_90'], digits=0)}"
        axes.text(
            1.04, places[1][number], f"{percent(after / 100)} ({interval}) {name}", va="center"
        )
    axes.set_xlim(-0.75, 2.0)
    axes.set_ylim(bottom=min(0.0, float(places[0].min()), float(places[1].min())) - room)
    axes.locator_params(axis="y", nbins=6)
    axes.set_xticks(
        [0, 1], [f"{wanted - horizon}, last known", f"{wanted}, forecast (90% interval)"]
    )
    axes.set_ylabel("Share of the total, percent")
    axes.grid(visible=False, axis="x")
    code, side = of.split(":")
    title = f"{country_name(code)}: shares of the largest partners in its {side}, percent"
    return entitle(figure, title)


# Probabilities ------------------------------------------------------------------------------------


@styled
def growth_chances(
    run: RunResult | RunDraws, of: Sequence[tuple[str, str]], *, title: str, year: int | None = None
) -> Figure:
    """Probability that each sum exceeds its last known value, likeliest first.

    Parameters
    ----------
    run
        Finished, or its joint draws.
    of
        Name and selection of each sum.
    title
        What they are.
    year
        Target year; by default the first that was not over.
    """
    joint = joint_of(run)
    wanted = check_year(joint.run.forecasts, year)
    table = draws(joint, [selection for _, selection in of], years=[wanted]).table
    table = table.assign(name=[name for name, _ in of]).dropna(subset="probability_of_growth")
    if table.empty:
        raise NoDataError("no sum has a last known value")
    table = table.sort_values("probability_of_growth", ascending=False, kind="stable")
    figure, panels = grid(1, 1, width=8.5, height=1.3 + 0.32 * len(table))
    axes: Axes = panels[0, 0]
    chance = 100 * table["probability_of_growth"].to_numpy()
    rows = np.arange(len(table))
    axes.barh(rows, chance, color=BLUE, height=0.65, label="grows")
    axes.barh(rows, 100 - chance, left=chance, color=ORANGE, hatch="////", edgecolor="white",
              linewidth=0, height=0.65, label="falls")  # fmt: skip
    axes.axvline(50, color=GREY, linewidth=1)
    axes.set_yticks(rows, table["name"])
    for row, value in enumerate(chance):
        axes.text(
            1, row, f"{value:.0f}%", color="white", va="center", fontweight="bold", fontsize=8
        )
    axes.set_xlim(0, 100)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("Probability, percent")
    figure.legend(loc="outside lower center", ncols=2)
    return entitle(
        figure, f"{title}: probability of more in {wanted} than in {origin_of(joint.run)}"
    )


def largest_partners(run: RunResult, code: str, *, side: str) -> list[tuple[str, str]]:
    """Name and selection of the flows with a country's largest partners of the last known year."""
    other = "importer" if side == "exporter" else "exporter"
    rows = run.forecasts[run.forecasts["horizon"] == run.forecasts["horizon"].min()]
    rows = rows[(rows[side].astype(str) == code) & (rows[other].astype(str) != code)]
    sums = rows.groupby(rows[other].astype(str))["value_origin"].sum()
    largest = sums.sort_values(ascending=False, kind="stable").index[:SHOWN_CHANCES]
    form = "{0}:{1}" if side == "exporter" else "{1}:{0}"
    return [(country_name(partner), form.format(code, partner)) for partner in largest]
