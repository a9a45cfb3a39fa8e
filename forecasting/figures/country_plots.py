"""A country's partners furthest above and below the base, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from forecasting.figures.style import (
    BLACK,
    BLUE,
    GREY,
    VERMILLION,
    NoDataError,
    entitle,
    grid,
    legend,
    right_column,
    styled,
)
from forecasting.results.result import RunResult
from forecasting.results.subjects import abroad, country_name
from forecasting.words.flows import sector_label
from forecasting.words.measures import sector_names
from forecasting.words.numbers import usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Side = Literal["exporter", "importer"]
MOVERS = 10
FURTHEST = 1.5
"""Multiple of the middle 90% bound at which those further out are cut."""
_BOUNDS = ("lower_90", "lower_50", "upper_50", "upper_90")


def ranked_movers(run: RunResult, country: str, *, side: Side, year: int) -> pd.DataFrame:
    """Flows of a country with the largest forecast gains and losses against the base.

    Parameters
    ----------
    run
        Finished.
    country, side
        Whose flows, as exporter or as importer.
    year
        Target year.

    Returns
    -------
    DataFrame
        ``partner`` (its name and any sector), ``usd`` (forecast less base), and ``change,
        lower_50, upper_50, lower_90, upper_90``, percent of the base; from the furthest below
        in USD to the furthest above, at most `MOVERS` of each.

    Raises
    ------
    NoDataError
        If no flow of the country has a base.
    """
    flows = run.forecasts
    flows = flows[(flows[side] == country) & (flows["target_year"] == year) & (flows["base"] > 0)]
    flows, sectors = flows[abroad(flows)], sector_names(run)
    if flows.empty:
        raise NoDataError(f"{country} has no trade as {side} in the origin year")
    against = {name: 100 * (flows[name] / flows["base"] - 1) for name in _BOUNDS}
    table = pd.DataFrame(
        {
            "partner": [_partner(row, side, sectors) for _, row in flows.iterrows()],
            "usd": flows["forecast"] - flows["base"],
            "change": 100 * (flows["forecast"] / flows["base"] - 1),
            **against,
        }
    ).sort_values("usd", kind="stable")
    below = table[table["usd"] < 0].head(MOVERS)
    return pd.concat([below, table[table["usd"] >= 0].tail(MOVERS)], ignore_index=True)


def _partner(row: pd.Series[Any], side: Side, sectors: Mapping[str, str]) -> str:
    name = country_name(str(row["importer" if side == "exporter" else "exporter"]))
    return f"{name}, {sector_label(row['sector'], sectors)}" if "sector" in row.index else name


@styled
def movers(run: RunResult, country: str, *, side: Side = "exporter", year: int) -> Figure:
    """Partners of a country ranked by forecast less base, with 50 and 90% intervals."""
    ranked = ranked_movers(run, country, side=side, year=year)
    figure, panels = grid(1, 1, width=9.5, height=1.9 + 0.27 * len(ranked))
    axes: Axes = panels[0, 0]
    left, right = _limits(ranked)
    _draw(axes, ranked, left, right)
    axes.set_yticks(range(len(ranked)), list(ranked["partner"]))
    axes.set_ylim(-0.7, len(ranked) - 0.3)
    axes.grid(visible=False, axis="y")
    margin = 0.02 * (right - left)
    axes.set_xlim(left - margin, right + margin)
    cut = (ranked["lower_90"] < left).any() or (ranked["upper_90"] > right).any()
    note = "; an arrow: it goes on" if cut else ""
    axes.set_xlabel(f"Forecast against base, percent (thick: 50% interval, thin: 90%{note})")
    right_column(axes, "USD", [usd(value, sign=True) for value in ranked["usd"]])
    legend(figure, reverse=True)
    flows = "exports" if side == "exporter" else "imports"
    return entitle(
        figure,
        f"{country_name(country)}, {year}: partners furthest above and below the "
        f"base in its {flows}, ranked by USD",
    )


def _limits(ranked: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: every forecast and 50% interval, and the 90% ones that are not extreme."""
    low, high = ranked["lower_90"], ranked["upper_90"]
    left = min(ranked["lower_50"].min(), max(low.min(), FURTHEST * min(low.median(), 0.0)))
    right = max(ranked["upper_50"].max(), min(high.max(), FURTHEST * max(high.median(), 0.0)))
    return min(float(left), 0.0), max(float(right), 0.0)


def _draw(axes: Axes, ranked: pd.DataFrame, left: float, right: float) -> None:
    y = np.arange(len(ranked))
    axes.axvline(0, color=BLACK, linewidth=0.9)
    for chosen, colour, marker, label in (
        (ranked["change"] < 0, VERMILLION, "s", "Forecast below base"),
        (ranked["change"] >= 0, BLUE, "o", "Forecast above base"),
    ):
        if not chosen.any():
            continue
        rows = ranked[chosen]
        inside = rows["lower_90"].clip(left), rows["upper_90"].clip(upper=right)
        axes.hlines(y[chosen], *inside, color=colour, linewidth=1.1)
        axes.hlines(y[chosen], rows["lower_50"], rows["upper_50"], color=colour, linewidth=4.0,
                    alpha=0.55)  # fmt: skip
        axes.plot(rows["change"], y[chosen], marker, color=colour, markeredgecolor="white",
                  markersize=7.5, label=label)  # fmt: skip
        for over, edge, arrow in (
            (rows["lower_90"] < left, left, "<"),
            (rows["upper_90"] > right, right, ">"),
        ):
            axes.plot(np.full(over.sum(), edge), y[chosen][over], arrow, color=GREY, markersize=5)
