"""One flow's forecast step by step: totals, channels, interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.choices import REPORTS_KNOWN
from features.feature import TECHNOLOGY
from forecasting.figures.style import (
    BLACK,
    BLUE,
    GREY,
    VERMILLION,
    NoDataError,
    entitle,
    grid,
    right_column,
    styled,
)
from forecasting.results.decompose import decompose
from forecasting.results.result import RunResult
from forecasting.results.subjects import rows_of_flow
from forecasting.words.flows import flow_label
from forecasting.words.measures import sector_names
from forecasting.words.numbers import percent, scale_of, usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALL = 0.05
"""Parts of the shift below this share of what all of them move are one bar."""
INTERVAL_ROOM = 0.8
"""Multiple of the steps' span that an interval may add to the axis at either end."""
NOTHING = 0.5
"""USD below which a part of the base is what rounding leaves of nothing."""
RISE, FALL = (BLUE, ""), (VERMILLION, "////")


def flow_steps(run: RunResult, flow: Sequence[str], *, year: int) -> pd.DataFrame:
    """Steps from a flow's last known value over its base to its forecast.

    Parameters
    ----------
    run
        Finished.
    flow
        Exporter, importer and any sector.
    year
        Target year.

    Returns
    -------
    DataFrame
        ``kind`` (total, step), ``term``, ``label``, ``start`` and ``end``, USD, and ``usd``, their
        difference (the amount itself for a total). Channels that move little are one step,
        ``small``. Steps lead from total to total without a remainder.

    Raises
    ------
    NoDataError
        If the flow has no parts: it is zero at the origin or forecast to stop.
    """
    row = forecast_row(run, flow, year=year)
    check_explained(row)
    parts = decompose(run, rows_of_flow(run.forecasts, flow), year=year)
    base = parts[(parts["stage"] == "base") & (parts["usd"].abs() >= NOTHING)]
    shift = _small_together(parts[parts["stage"] == "shift"])
    ends = {
        "origin": (f"Value in {row['origin']}, the last year known", row["value_origin"]),
        "base": (_base_words(run, row), row["base"]),
        "forecast": (f"Forecast {year}", row["forecast"]),
    }
    totals = {
        name: pd.DataFrame(
            {"kind": "total", "term": [name], "label": [label], "usd": [value], "end": [value]}
        )
        for name, (label, value) in ends.items()
    }
    table = pd.concat(
        [
            totals["origin"],
            base.assign(kind="step", end=row["value_origin"] + base["usd"].cumsum()),
            totals["base"],
            shift.assign(kind="step", end=row["base"] + shift["usd"].cumsum()),
            totals["forecast"],
        ],
        ignore_index=True,
    )
    table["start"] = np.where(table["kind"] == "total", 0.0, table["end"] - table["usd"])
    return table[["kind", "term", "label", "start", "end", "usd"]]


def _small_together(shift: pd.DataFrame) -> pd.DataFrame:
    """Parts by size, the small ones as one step that says how many they are."""
    order = shift["usd"].abs().sort_values(ascending=False, kind="stable").index
    shift = shift.loc[order]
    shift = shift[shift["usd"] != 0]
    small = shift["usd"].abs() < SMALL * shift["usd"].abs().sum()
    if small.sum() < 2:
        return shift
    together = pd.DataFrame(
        {
            "term": ["small"],
            "label": [f"{small.sum()} smaller parts"],
            "usd": [shift.loc[small, "usd"].sum()],
        }
    )
    return pd.concat([shift[~small], together], ignore_index=True)


def forecast_row(run: RunResult, flow: Sequence[str], *, year: int) -> pd.Series[Any]:
    """Row of the forecasts of a flow and target year, which must exist."""
    rows = run.forecasts[rows_of_flow(run.forecasts, flow)]
    return rows[rows["target_year"] == year].iloc[0]


def _base_words(run: RunResult, row: pd.Series[Any]) -> str:
    """What the base of a row is."""
    year = row["target_year"]
    if run.provenance["setting"] != REPORTS_KNOWN:
        return f"Base {year}: the same pattern, the totals of {year}"
    if row["horizon"] == 1:
        return f"Nowcast {year}"
    return f"Base {year}: the nowcast at the totals of {year}"


def check_explained(row: pd.Series[Any]) -> None:
    """Refuse a row of the forecasts that has no parts.

    Raises
    ------
    NoDataError
        If the flow is zero at the origin or forecast to stop, with its probability of trade.
    """
    traded = row["value_origin"] > 0 and row["base"] > 0
    if traded and row["forecast"] > 0:
        return
    why = "is forecast to stop" if traded else f"is zero in {row['origin']}"
    chance = percent(float(row["probability_of_trade"]))
    raise NoDataError(
        f"{row['exporter']} -> {row['importer']} {why} and has no parts to show; its probability "
        f"of trade in {row['target_year']} is {chance}",
        remedy="Choose a flow that is forecast to be traded, or draw the fan of this one",
    )


@styled
def waterfall(run: RunResult, flow: Sequence[str], *, year: int) -> Figure:
    """A flow's whole forecast: last value, totals, base, channels, forecast with its interval."""
    steps, row = flow_steps(run, flow, year=year), forecast_row(run, flow, year=year)
    scale, unit = scale_of(float(steps["end"].max()))
    figure, panels = grid(1, 1, width=9.5, height=1.9 + 0.3 * len(steps))
    axes: Axes = panels[0, 0]
    _draw_steps(axes, steps, scale)
    _draw_end(axes, steps, row, scale)
    _name_rows(axes, steps)
    axes.ticklabel_format(axis="x", useOffset=False, style="plain")
    interval = f"{usd(row['lower_90'])} to {usd(row['upper_90'])}"
    axes.set_xlabel(f"{unit} (line at the forecast: 90% interval, {interval} USD)")
    origin, forecast = float(row["value_origin"]), float(row["forecast"])
    right_column(axes, f"USD (percent of {row['origin']})", _amounts(steps, origin))
    _keys(figure)
    change = percent(forecast / origin - 1, sign=True)
    name = flow_label(flow, sector_names(run))
    return entitle(
        figure,
        f"{name}: {usd(origin)} USD in {row['origin']}, {usd(forecast)} forecast for "
        f"{year} ({change})",
    )


def _name_rows(axes: Axes, steps: pd.DataFrame) -> None:
    technology = {f"net:{channel}" for channel in TECHNOLOGY}
    names = [
        f"{line.label} (technology)" if line.term in technology else line.label
        for line in steps.itertuples()
    ]
    axes.set_yticks(range(len(steps)), names)
    for label, kind in zip(axes.get_yticklabels(), steps["kind"], strict=True):
        label.set_fontweight("bold" if kind == "total" else "normal")
    axes.set_ylim(len(steps) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def _amounts(steps: pd.DataFrame, origin: float) -> list[str]:
    return [
        usd(line.usd)
        if line.kind == "total"
        else f"{usd(line.usd, sign=True)} ({percent(line.usd / origin, sign=True)})"
        for line in steps.itertuples()
    ]


def _draw_steps(axes: Axes, steps: pd.DataFrame, scale: float) -> None:
    for place, line in enumerate(steps.itertuples()):
        if line.kind == "total":
            axes.plot(line.end / scale, place, "D", color=BLACK, markersize=7, zorder=3)
        else:
            colour, hatch = RISE if line.usd >= 0 else FALL
            axes.barh(place, line.usd / scale, left=line.start / scale, height=0.62, color=colour,
                      hatch=hatch, edgecolor="white", linewidth=0)  # fmt: skip
        if place + 1 < len(steps):
            axes.plot([line.end / scale] * 2, [place, place + 1], color=GREY, linewidth=0.8,
                      zorder=1)  # fmt: skip


def _draw_end(axes: Axes, steps: pd.DataFrame, row: pd.Series[Any], scale: float) -> None:
    """Draw the interval of the forecast, cut with an arrow where it would dwarf the steps."""
    ends = pd.concat([steps["end"], steps.loc[steps["kind"] == "step", "start"]]) / scale
    low, high = ends.min(), ends.max()
    room = INTERVAL_ROOM * max(high - low, 1e-9)
    bounds = [row["lower_90"] / scale, row["upper_90"] / scale]
    left, right = max(min(low, bounds[0]), low - room), min(max(high, bounds[1]), high + room)
    place = len(steps) - 1
    axes.hlines(place, max(bounds[0], left), min(bounds[1], right), color=BLACK, linewidth=1.6)
    for bound, edge, arrow in ((bounds[0], left, "<"), (bounds[1], right, ">")):
        cut = bound < edge if arrow == "<" else bound > edge
        marker = arrow if cut else "|"
        axes.plot(edge if cut else bound, place, marker, color=BLACK, markersize=9)
    margin = 0.04 * (right - left)
    axes.set_xlim(left - margin, right + margin)


def _keys(figure: Figure) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Line2D([], [], marker="D", color=BLACK, linestyle="", label="Value"),
            Patch(facecolor=RISE[0], label="Adds"),
            Patch(facecolor=FALL[0], hatch=FALL[1], edgecolor="white", label="Takes away"),
        ],
        loc="outside lower center",
        ncols=3,
    )
