"""Demand of items in a plan's year: the market's growth, shifted to their own history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.evaluation.backtest_file import read_backtest
from forecasting.planning.binding import BoundPlan
from forecasting.planning.markets import MarketDraws
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import flow_columns
from models.inventory import DAYS

Vector = NDArray[np.float64]
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the market's growth against the item's own."""
FEWEST_YEARS = 4
"""Past forecasts that a weight other than 1 rests on."""
MONTHS = 12
_LEVELS = {"lower_90": 0.05, "lower_50": 0.25, "median": 0.5, "upper_50": 0.75, "upper_90": 0.95}


@dataclass(frozen=True, slots=True)
class ItemDemand:
    """Demand of items in a plan's year.

    Attributes
    ----------
    annual
        Draws, units, shape ``[item, draw]``.
    weight
        Of the market's growth against the item's own, 1 where there is too little history.
    own_sd
        Standard deviation of log growth beside the market's.
    has_past
        Whether an own history over `FEWEST_YEARS` past forecasts stands behind the two.
    profile
        Share of each month in a year's demand, shape ``[item, month]``; NaN without months.
    daily_sd
        Of a day's demand around its rate, units, shape ``[item]``; 0 without months.
    """

    annual: Vector
    weight: Vector
    own_sd: Vector
    has_past: NDArray[np.bool_]
    profile: Vector
    daily_sd: Vector


def item_demand(bound: BoundPlan, drawn: MarketDraws, run: RunResult) -> ItemDemand:
    """Draw the demand of every item."""
    items, market = bound.tables.items, bound.links.item_market
    level = items["demand"].to_numpy(dtype=np.float64)
    growth, forecast = np.log(np.maximum(drawn.growth, 1e-9)), np.log(drawn.median_growth)
    count = len(items)
    weight, own_sd, own = np.ones(count), np.zeros(count), forecast[market]
    has_past = np.zeros(count, dtype=np.bool_)
    profile, relative_sd = np.full((count, MONTHS), np.nan), np.zeros(count)
    history = {str(name): block for name, block in bound.tables.history.groupby("item")}
    past = _past_growth(bound, run) if history else {}
    ahead = bound.year - bound.demand_year
    for row, name in enumerate(items["item"]):
        if name not in history:
            continue
        block = history[name]
        annual = _annual(block)
        fitted = _fit(annual, past[market[row]], ahead)
        if fitted is not None:
            weight[row], own_sd[row], own[row] = fitted
            has_past[row] = True
        profile[row], relative_sd[row] = _season(block)
    rng = np.random.default_rng([run.config.seed, bound.year])
    noise = rng.standard_normal((count, growth.shape[1])) * own_sd[:, None]
    shift = (1 - weight) * (own - forecast[market])
    annual = level[:, None] * np.exp(growth[market] + shift[:, None] + noise)
    monthly = annual.mean(axis=1) / MONTHS
    daily = relative_sd * monthly / np.sqrt(DAYS / MONTHS)
    return ItemDemand(annual, weight, own_sd, has_past, profile, daily)


def _annual(block: pd.DataFrame) -> pd.Series:
    """Whole years of a history, by year."""
    sums = block.groupby("year")["quantity"].agg(["sum", "size"])
    whole = sums["size"] == (MONTHS if (block["month"] > 0).any() else 1)
    return sums.loc[whole & (sums["sum"] > 0), "sum"].astype(float)


def _fit(annual: pd.Series, past: pd.DataFrame, ahead: int) -> tuple[float, float, float] | None:
    """Weight of the market, own standard deviation, and own growth ahead; None for little history.

    Each past year forecasts ``ahead`` years on with what was known then; the weight is the one
    whose forecasts came nearest. The own standard deviation is what their errors vary beyond the
    market's.
    """
    logs = np.log(annual)
    rows = []
    for year in logs.index:
        before = logs.loc[:year]
        if year + ahead in logs.index and year in past.index and len(before) > 1:
            own = ahead * float(before.diff().dropna().mean())
            growth = float(logs[year + ahead] - logs[year])
            rows.append((growth, own, past["forecast"][year], past["error"][year]))
    if len(rows) < FEWEST_YEARS:
        return None
    growth, own, market, error = np.array(rows).T
    losses = [np.abs(growth - w * market - (1 - w) * own).mean() for w in WEIGHTS]
    # A tie goes to the market.
    weight = WEIGHTS[len(WEIGHTS) - 1 - int(np.argmin(losses[::-1]))]
    left = growth - weight * market - (1 - weight) * own
    variance = max(float(np.mean(left**2) - np.mean(error**2)), 0.0)
    return weight, float(np.sqrt(variance)), ahead * float(logs.diff().dropna().mean())


def _past_growth(bound: BoundPlan, run: RunResult) -> Mapping[int, pd.DataFrame]:
    """By market, log growth forecast at each past origin and the error of that forecast."""
    horizons = run.forecasts["horizon"].unique()
    ahead = min(horizons, key=lambda h: (abs(h - (bound.year - bound.demand_year)), h))
    names = flow_columns(run)
    rows = read_backtest(
        run.out,
        columns=["origin", *names, "value_origin", "forecast", "actual"],
        where=[("setting", "==", record_setting(run)), ("horizon", "==", int(ahead))],
    ).dropna(subset=["actual"])
    foreign = rows["exporter"].astype(str) != rows["importer"].astype(str)
    found = {}
    for market, (importer, sector) in enumerate(bound.links.markets.itertuples(index=False)):
        mask = foreign & (rows["importer"] == importer)
        if sector:
            mask &= rows["sector"] == sector
        sums = rows[mask].groupby("origin")[["value_origin", "forecast", "actual"]].sum()
        logs = np.log(sums[(sums > 0).all(axis=1)].astype(float))
        found[market] = pd.DataFrame({"forecast": logs["forecast"] - logs["value_origin"],
                                      "error": logs["actual"] - logs["forecast"]})  # fmt: skip
    return found


def _season(block: pd.DataFrame) -> tuple[Vector, float]:
    """Share of each month in a year, and how far months stray from it, relative to their mean."""
    months = block[block["month"] > 0]
    table = months.pivot(index="year", columns="month", values="quantity").dropna()
    table = table[table.sum(axis=1) > 0]
    if table.empty or table.shape[1] < MONTHS:
        return np.full(MONTHS, np.nan), 0.0
    shares = table.div(table.sum(axis=1), axis=0)
    profile = shares.mean().to_numpy()
    spread = (shares - profile).to_numpy() * MONTHS
    freedom = (len(table) - 1) * (MONTHS - 1)
    return profile, float(np.sqrt((spread**2).sum() / freedom)) if freedom else 0.0


def demand_table(bound: BoundPlan, demand: ItemDemand, drawn: MarketDraws) -> pd.DataFrame:
    """One row an item and period, the plan's year first and then its months where they are known.

    Columns: ``item, importer, sector, period, demand_before`` (as given), ``mean``, ``lower_90`` to
    ``upper_90`` (units), ``market_growth`` (share), ``weight_of_market, own_sd``.
    """
    items, market = bound.tables.items, bound.links.item_market
    values = {"mean": demand.annual.mean(axis=1)}
    for name, place in _LEVELS.items():
        values[name] = np.quantile(demand.annual, place, axis=1, method="hazen")
    year = items[["item", "importer", "sector"]].assign(
        period=str(bound.year),
        demand_before=items["demand"],
        **values,
        market_growth=drawn.median_growth[market] - 1,
        weight_of_market=demand.weight,
        own_sd=demand.own_sd,
    )
    months = []
    for row in np.flatnonzero(np.isfinite(demand.profile).all(axis=1)):
        for month, share in enumerate(demand.profile[row], start=1):
            one = year.iloc[row].copy()
            one["period"] = f"{bound.year}-{month:02d}"
            one[["demand_before", *values]] *= share
            months.append(one)
    return pd.concat([year, pd.DataFrame(months)], ignore_index=True) if months else year
