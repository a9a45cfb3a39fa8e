"""Figures of a scenario: where a change of exports comes from, and who moves most."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting.figures.country_shapes import check_shapes
from forecasting.figures.files import render
from forecasting.figures.map_plots import placed, shaded_map
from forecasting.figures.style import BLUE, GREY, ORANGE, VERMILLION, NoDataError, figure_style
from forecasting.results.subjects import country_name
from forecasting.scenarios.result import ScenarioResult
from forecasting.scenarios.words import flow_words
from forecasting.words.numbers import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 12
STEPS = {
    "partial": "the change itself,\nprices as they were",
    "resistance": "trade with third\ncountries (multilateral\nresistance)",
    "income": "incomes\nand prices",
}


def waterfall_steps(row: pd.Series[float]) -> dict[str, float]:
    """What a change is made of, USD: the steps add up to its difference.

    Parameters
    ----------
    row
        Of any table with ``baseline, partial, conditional, full``.
    """
    steps = {
        "partial": row["partial"] - row["baseline"],
        "resistance": row["conditional"] - row["partial"],
    }
    if np.isfinite(row["full"]):
        steps["income"] = row["full"] - row["conditional"]
    return {name: float(value) for name, value in steps.items()}


def largest_change(result: ScenarioResult) -> tuple[str, pd.Series[float]]:
    """What the waterfall shows, in words, and its row in the last year.

    A country's exports change only where incomes do; without a full equilibrium it is a flow.
    """
    is_full = result.answer == "full"
    table = result.countries if is_full else result.flows
    rows = table[table["target_year"] == table["target_year"].max()]
    if is_full:
        rows = rows[rows["side"] == "exports"]
    row = rows.loc[(rows["partial"] - rows["baseline"]).abs().idxmax()]
    if is_full:
        return f"exports of {country_name(row['unit'])}", row
    return flow_words(row, result.sectors), row


def plot_waterfall(result: ScenarioResult) -> Figure:
    """From the partial effect over multilateral resistance and incomes to the whole change."""
    from matplotlib.figure import Figure

    what, row = largest_change(result)
    steps = waterfall_steps(row)
    values = np.array(list(steps.values())) / 1e9
    bars = [*values, values.sum()]
    start = np.append(np.concatenate([[0.0], np.cumsum(values)[:-1]]), 0.0)
    with figure_style():
        figure = Figure(figsize=(7.0, 3.8), layout="constrained")
        axes = figure.subplots()
        colours = [BLUE if value >= 0 else VERMILLION for value in values]
        axes.bar(range(len(bars)), bars, bottom=start, color=[*colours, GREY], width=0.6)
        for place, (low, value) in enumerate(zip(start, bars, strict=True)):
            up, words = value >= 0, number(value, sign=True)
            axes.annotate(words, (place, low + value), xytext=(0, 3 if up else -3), ha="center",
                          va="bottom" if up else "top", textcoords="offset points")  # fmt: skip
        axes.axhline(0, color="black", linewidth=0.8)
        # Bars hold the axis to their ends, where there is no room for a label.
        axes.use_sticky_edges = False
        axes.margins(y=0.18)
        axes.set_xticks(range(len(bars)), [*(STEPS[name] for name in steps), "total"])
        axes.set_ylabel("billion USD")
        axes.set_title(f"{result.name}: {what}, {int(row['target_year'])}")
    return figure


def moved_rows(result: ScenarioResult) -> pd.DataFrame:
    """Rows of the last year that move most, largest first, named in a column ``label``.

    Countries' exports in a full equilibrium, where it lets them move; the largest flows otherwise.
    """
    is_full = result.answer == "full"
    table = result.countries if is_full else result.flows
    rows = table[(table["target_year"] == table["target_year"].max()) & (table["baseline"] > 0)]
    if is_full:
        rows = rows[rows["side"] == "exports"]
    else:
        rows = rows[rows["exporter"].astype(str) != rows["importer"].astype(str)]
    by = "percent" if is_full else "difference"
    order = rows[by].abs().sort_values(ascending=False, kind="stable").index[:SHOWN]
    rows = rows.loc[order]
    label = (
        rows["unit"].map(country_name)
        if is_full
        else rows.apply(flow_words, axis=1, sectors=result.sectors)
    )
    return rows.assign(label=label)


def plot_movers(result: ScenarioResult) -> Figure:
    """What moves most, with 90 % intervals."""
    from matplotlib.figure import Figure

    is_full = result.answer == "full"
    by, scale = ("percent", 1.0) if is_full else ("difference", 1e9)
    rows = moved_rows(result).iloc[::-1]
    with figure_style():
        figure = Figure(figsize=(7.0, 0.9 + 0.3 * max(len(rows), 3)), layout="constrained")
        axes = figure.subplots()
        places, values = np.arange(len(rows)), rows[by].to_numpy() / scale
        if f"{by}_lower_90" in rows:
            low, high = (rows[f"{by}_{side}_90"] / scale for side in ("lower", "upper"))
            axes.hlines(places, low, high, color=GREY, linewidth=2)
        axes.scatter(values, places, color=[BLUE if v >= 0 else ORANGE for v in values], zorder=3)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_yticks(places, list(rows["label"]))
        unit = "percent of the forecast" if is_full else "billion USD"
        axes.set_xlabel(f"change, {unit}; bars are 90 % intervals")
        year = int(result.countries["target_year"].max())
        what = "exports" if is_full else "flows"
        axes.set_title(f"{result.name}: {what} in {year} ({result.answer} effect)")
    return figure


def plot_map(result: ScenarioResult) -> Figure:
    """Where the exports that the scenario touches most go, shaded by what it does to them.

    Raises
    ------
    NoDataError
        If the package that ships the outlines is not installed, or no importer is on the map.
    """
    check_shapes()
    table = result.flows[result.flows["target_year"] == result.flows["target_year"].max()]
    table = table[table["exporter"].astype(str) != table["importer"].astype(str)]
    touched = (table["partial"] - table["baseline"]).abs().groupby(table["exporter"], observed=True)
    country = str(touched.sum().idxmax())
    rows = table[table["exporter"] == country]
    names = {"baseline": "base", result.answer: "forecast"}
    sums = rows.groupby("importer", observed=True)[list(names)].sum().rename(columns=names)
    sums.index = sums.index.astype(str)
    traded = (sums["base"] > 0) & (sums["forecast"] > 0)
    sums["percent"] = 100.0 * np.log(sums["forecast"].where(traded) / sums["base"].where(traded))
    partners = placed(sums)
    if not (partners["place"] != "none").any():
        raise NoDataError("no importer is on a map of the world", remedy="See the other figures")
    year = int(table["target_year"].iloc[0])
    title = f"{result.name}: exports of {country_name(country)} in {year} ({result.answer} effect)"
    return shaded_map(partners, country, title=title, before="forecast", after="scenario",
                      none="No trade forecast")  # fmt: skip


PLOTS: dict[str, Callable[[ScenarioResult], Figure]] = {
    "waterfall": plot_waterfall,
    "movers": plot_movers,
    "map": plot_map,
}
"""Every figure of a scenario by the name of its files; a map where there is one."""


def save_plots(result: ScenarioResult, folder: Path) -> None:
    """Write every figure as PNG and SVG."""
    for name, draw in PLOTS.items():
        for suffix in ("png", "svg"):
            try:
                figure = draw(result)
            except NoDataError:
                continue
            (folder / f"{name}.{suffix}").write_bytes(render(figure, suffix))
