"""Figures of a plan: demand, supplier risk, the frontier of cost and risk, stock against cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from forecasting.figures.files import render
from forecasting.figures.style import BLUE, GREY, ORANGE, SKY, VERMILLION, grid, styled
from forecasting.planning.result import PlanResult
from forecasting.results.subjects import country_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_ITEMS, SHOWN_SUPPLIERS = 12, 25
NEEDS = {
    "demand_fan": "demand",
    "risk_matrix": "risk",
    "frontier": "frontier",
    "stock_cost": "inventory",
}
"""The table that each figure shows."""


@styled
def demand_fan(plan: PlanResult) -> Figure:
    """Demand of the plan's year against the demand given, by item, with 50 and 90 % intervals."""
    year = plan.demand["period"].iloc[0]
    rows = plan.demand[plan.demand["period"] == year].head(SHOWN_ITEMS).iloc[::-1]
    figure, axes = grid(1, 1, width=7.0, height=1.4 + 0.32 * max(len(rows), 3))
    axis, places = axes[0, 0], np.arange(len(rows))
    before = rows["demand_before"].to_numpy()
    for level, colour, width in ((90, SKY, 4), (50, BLUE, 7)):
        low, high = (100 * (rows[f"{side}_{level}"] / before - 1) for side in ("lower", "upper"))
        axis.hlines(places, low, high, color=colour, linewidth=width, label=f"{level} % interval")
    axis.plot(100 * (rows["median"] / before - 1), places, "o", color="black", label="median")
    axis.axvline(0, color=GREY, linewidth=0.8)
    axis.set_yticks(places, list(rows["item"]))
    axis.set_xlabel(f"demand of {year} against the demand given, percent")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@styled
def risk_matrix(plan: PlanResult) -> Figure:
    """Share of orders against the chance that supply falls by more than a tenth."""
    rows = plan.risk.nlargest(SHOWN_SUPPLIERS, "share")
    figure, axes = grid(1, 1, width=7.0, height=4.5)
    axis = axes[0, 0]
    x, y = 100 * rows["probability_of_fall_10"], 100 * rows["share"]
    size = 30 + 600 * rows["expected_shortfall"]
    axis.scatter(x, y, s=size, color=ORANGE, edgecolor="black", alpha=0.8)
    for place, (_, row) in enumerate(rows.iterrows()):
        axis.annotate(country_name(str(row["country"])), (x.iloc[place], y.iloc[place]),
                      (5, 4), textcoords="offset points", fontsize=8)  # fmt: skip
    axis.set_xlabel("chance that the country's sales fall by more than 10 %, percent")
    axis.set_ylabel("share of today's orders, percent")
    axis.set_title("Larger dots: larger expected shortfall")
    return figure


@styled
def frontier(plan: PlanResult) -> Figure:
    """Cost against shortfall in the worst draws, of the first item with suppliers."""
    item = plan.frontier["item"].iloc[0]
    rows = plan.frontier[plan.frontier["item"] == item]
    figure, axes = grid(1, 1, width=7.0, height=4.2)
    axis = axes[0, 0]
    curve = rows[rows["mix"] == "frontier"]
    axis.plot(100 * curve["cvar"], 100 * (curve["total_cost"] - 1), "-o", color=BLUE,
              label="best mixes")  # fmt: skip
    for mix, colour, marker in (("today", VERMILLION, "s"), ("chosen", "black", "D")):
        one = rows[rows["mix"] == mix]
        axis.plot(100 * one["cvar"], 100 * (one["total_cost"] - 1), marker, color=colour,
                  markersize=9, linestyle="", label=mix)  # fmt: skip
    axis.set_xlabel("shortfall in the worst draws (CVaR), percent of orders")
    axis.set_ylabel("cost and mean shortfall above the cheapest, percent")
    axis.set_title(str(item))
    axis.legend()
    return figure


@styled
def stock_cost(plan: PlanResult) -> Figure:
    """Safety stock against the cost of a year, by item, beside the textbook's safety stock."""
    rows = plan.inventory.head(SHOWN_ITEMS).iloc[::-1]
    figure, axes = grid(1, 2, width=8.0, height=1.6 + 0.32 * max(len(rows), 3), sharey=True)
    left, right = axes[0]
    places = np.arange(len(rows))
    days = 365 / rows["demand"]
    left.barh(places + 0.2, rows["safety_stock"] * days, 0.38, color=BLUE, label="simulated")
    left.barh(places - 0.2, rows["textbook_safety_stock"] * days, 0.38, color=SKY,
              hatch="//", label="textbook")  # fmt: skip
    left.set_yticks(places, list(rows["item"]))
    left.set_xlabel("safety stock, days of demand")
    right.barh(places, rows["cost"], 0.6, color=GREY)
    right.set_xlabel("expected cost a year")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


PLOTS: dict[str, Callable[[PlanResult], Figure]] = {
    "demand_fan": demand_fan,
    "risk_matrix": risk_matrix,
    "frontier": frontier,
    "stock_cost": stock_cost,
}
"""Every figure of a plan by the name of its files."""


def draw_plots(plan: PlanResult) -> dict[str, bytes]:
    """Content of each figure's PNG and SVG file, of the tables that the plan has."""
    known, out = plan.tables(), {}
    for name, draw in PLOTS.items():
        if NEEDS[name] in known:
            for suffix in ("png", "svg"):
                out[f"{name}.{suffix}"] = render(draw(plan), suffix)
    return out
