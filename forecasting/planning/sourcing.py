"""Risk of an item's supplier countries, and the shares that weigh it against cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError, listed
from forecasting.inputs.run_tables import run_tables, table_of_origin
from forecasting.planning.binding import BoundPlan
from forecasting.planning.demand import ItemDemand
from forecasting.planning.markets import MarketDraws
from forecasting.results.result import RunResult
from forecasting.results.subjects import countries_of, origin_of
from models.supplier_dependence import origin_of_use
from models.supplier_shares import (
    InfeasibleLimitsError,
    ShareLimit,
    Shares,
    SupplierProblem,
    assess,
    choose_shares,
    frontier,
)

FALLS = (10, 25)
"""Percent by which supply may fall."""
RISK_WEIGHTS = (0.0, 0.2, 0.5, 2.0, 20.0)
"""Weights of risk along the frontier."""


def risk_table(
    bound: BoundPlan, drawn: MarketDraws, dependence: NDArray[np.float64] | None = None
) -> pd.DataFrame:
    """One row an item and supplier country.

    Columns: ``item, country, share, probability_of_stop, probability_of_fall_10,
    probability_of_fall_25`` (of the country's sales to the importer against the last known year),
    ``expected_shortfall`` (share of orders), ``sales_growth`` (forecast), ``market_share,
    market_share_forecast`` (of the importer's market) and ``concentration,
    concentration_forecast`` (Herfindahl index of that market, 0 to 1). With ``dependence``, by
    pair, a column ``dependence``: see `dependence_of`.
    """
    suppliers, pair = bound.tables.suppliers, bound.links.supplier_pair
    if suppliers.empty:
        return pd.DataFrame()
    market = bound.links.pairs["market"].to_numpy()[pair]
    level = drawn.availability[pair]
    median = np.median(drawn.market, axis=1)[market]
    table = suppliers[["item", "country", "share"]].assign(
        probability_of_stop=drawn.stops[pair],
        **{f"probability_of_fall_{fall}": (level < 1 - fall / 100).mean(axis=1) for fall in FALLS},
        expected_shortfall=1 - level.mean(axis=1),
        sales_growth=drawn.pair_growth[pair] - 1,
        market_share=drawn.last_pair[pair] / drawn.last_market[market],
        market_share_forecast=drawn.pair_growth[pair] * drawn.last_pair[pair] / median,
        concentration=drawn.concentration[0, market],
        concentration_forecast=drawn.concentration[1, market],
    )
    if dependence is not None:
        table["dependence"] = dependence[pair]
    return table.reset_index(drop=True)


def dependence_of(bound: BoundPlan, run: RunResult) -> NDArray[np.float64] | None:
    """Share of what a market uses that is made in a supplier country, by pair.

    At home included, and through third countries too: of the last known input-output table, see
    `models.supplier_dependence`. None where the run has no tables.
    """
    tables = run_tables(run)
    if tables is None or "sector" not in run.forecasts or bound.tables.suppliers.empty:
        return None
    countries = tuple(countries_of(run.forecasts))
    sectors = tuple(sorted(run.forecasts["sector"].astype(str).unique()))
    table = table_of_origin(tables, origin_of(run), countries=countries, sectors=sectors)
    origin = origin_of_use(table)
    found = []
    for exporter, market in bound.links.pairs.itertuples(index=False):
        importer, sector = bound.links.markets.iloc[market]
        chosen = [sectors.index(sector)] if sector else range(len(sectors))
        used = origin[:, countries.index(importer)][:, list(chosen)].sum(axis=1)
        found.append(used[countries.index(exporter)] / used.sum())
    return np.array(found)


def problems(
    bound: BoundPlan, demand: ItemDemand, drawn: MarketDraws
) -> dict[str, tuple[SupplierProblem, pd.DataFrame]]:
    """Each item's choice among its suppliers, with their rows."""
    suppliers = bound.tables.suppliers.reset_index(drop=True)
    wanted = dict(zip(bound.tables.items["item"], demand.annual.mean(axis=1), strict=True))
    return {
        str(item): (_problem(bound, block, drawn, units=float(wanted[item])), block)
        for item, block in suppliers.groupby("item", sort=False)
    }


def _problem(
    bound: BoundPlan, block: pd.DataFrame, drawn: MarketDraws, *, units: float
) -> SupplierProblem:
    risk, limits = bound.plan.risk, bound.plan.limits
    price = block["unit_price"].to_numpy(dtype=np.float64)
    now = block["share"].to_numpy(dtype=np.float64)
    caps = np.fmin(limits.largest_share, block["capacity"].to_numpy(dtype=np.float64) / units)
    caps = np.fmin(caps, now + block["ramp_up"].to_numpy(dtype=np.float64))
    smallest = np.nan_to_num(block["minimum_order"].to_numpy(dtype=np.float64)) / units
    found = [
        ShareLimit(f"the largest share of {name} ({largest:.0%})",
                   block["country"].isin(bound.groups[name]).to_numpy(dtype=np.float64), largest)
        for name, largest in limits.groups.items()
    ]  # fmt: skip
    if np.isfinite(limits.budget):
        found.append(ShareLimit(f"the budget of {limits.budget:,.0f}", price * units,
                                limits.budget))  # fmt: skip
    return SupplierProblem(
        availability=drawn.availability[bound.links.supplier_pair[block.index]].T,
        cost=price / price.min(),
        now=now,
        caps=caps,
        smallest=smallest,
        limits=tuple(found),
        shortfall_cost=risk.shortfall_cost,
        risk_weight=risk.weight,
        level=risk.level,
        switching_cost=risk.switching_cost,
    )


def share_tables(
    bound: BoundPlan, demand: ItemDemand, drawn: MarketDraws
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shares that cost least, and the frontier between cost and risk.

    Returns
    -------
    tuple
        Shares, one row an item and country: ``item, country, share_now, share, change, cap``; and
        the frontier, one row an item and weight of risk, with today's mix and the chosen one:
        ``item, mix`` (today, chosen, frontier) ``, risk_weight, cost`` (relative to the cheapest
        supplier) ``, shortfall, cvar, moved`` and ``total_cost``, with what falls short on average.

    Raises
    ------
    InputError
        If an item's limits leave no shares, with the limits that must give way.
    """
    rows, mixes = [], []
    for item, (problem, block) in problems(bound, demand, drawn).items():
        try:
            chosen = choose_shares(problem)
            curve = frontier(replace(problem, switching_cost=0.0), RISK_WEIGHTS)
        except InfeasibleLimitsError as error:
            raise _infeasible(bound, item, problem, block, error) from None
        rows.append(
            pd.DataFrame(
                {
                    "item": item,
                    "country": block["country"].to_numpy(),
                    "share_now": problem.now,
                    "share": chosen.shares,
                    "change": chosen.shares - problem.now,
                    "cap": np.minimum(problem.caps, 1),
                }
            )
        )
        today = assess(problem, problem.now)
        found = [("today", np.nan, today), ("chosen", np.nan, chosen)]
        found += [("frontier", w, one) for w, one in zip(RISK_WEIGHTS, curve, strict=True)]
        mixes += [_mix(item, *one, shortfall_cost=problem.shortfall_cost) for one in found]
    if not rows:
        return pd.DataFrame(), pd.DataFrame()
    return pd.concat(rows, ignore_index=True), pd.DataFrame(mixes)


def _mix(
    item: str, mix: str, weight: float, found: Shares, *, shortfall_cost: float
) -> dict[str, object]:
    total = found.cost + shortfall_cost * found.shortfall
    return {"item": item, "mix": mix, "risk_weight": weight, "cost": found.cost,
            "shortfall": found.shortfall, "cvar": found.cvar, "moved": found.moved,
            "total_cost": total}  # fmt: skip


def _infeasible(
    bound: BoundPlan,
    item: str,
    problem: SupplierProblem,
    block: pd.DataFrame,
    error: InfeasibleLimitsError,
) -> InputError:
    caps = [f"{country} {cap:.0%}" for country, cap in
            zip(block["country"], np.minimum(problem.caps, 1), strict=True)]  # fmt: skip
    return InputError(
        f"item {item!r}: no shares keep within {listed(error.names)}; its suppliers can have "
        f"{listed(caps)}",
        remedy="Raise one of them (limits, capacity, ramp_up, minimum_order), or add a supplier",
        file=bound.plan.file,
    )
