"""Order quantities, reorder points and safety stocks of a plan's items."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from forecasting.planning.binding import BoundPlan
from forecasting.planning.demand import MONTHS, ItemDemand
from models.inventory import (
    DAYS,
    DrawnDemand,
    LeadTimes,
    ReorderPolicy,
    StockCosts,
    best_policy,
    drawn_demand,
    lead_time_demand,
    newsvendor,
    service_policy,
)

Vector = NDArray[np.float64]


def lead_times(bound: BoundPlan) -> LeadTimes:
    """Lead times of each item's suppliers at today's shares; its own where it has none."""
    items, suppliers = bound.tables.items, bound.tables.suppliers
    counts = suppliers.groupby("item").size()
    width = max(1, int(counts.max()) if len(counts) else 1)
    shape = (len(items), width)
    mean, sd, shares = np.full(shape, np.nan), np.zeros(shape), np.zeros(shape)
    blocks = dict(iter(suppliers.groupby("item", sort=False)))
    for row, name in enumerate(items["item"]):
        if name in blocks:
            block = blocks[name]
            n = len(block)
            mean[row, :n] = block["lead_time_days"]
            sd[row, :n] = block["lead_time_sd_days"]
            shares[row, :n] = block["share"]
        else:
            mean[row, 0] = items["lead_time_days"].iloc[row]
            sd[row, 0] = np.nan_to_num(items["lead_time_sd_days"].iloc[row])
            shares[row, 0] = 1
    return LeadTimes(mean, sd, shares)


def stock_table(bound: BoundPlan, demand: ItemDemand, *, seed: int) -> pd.DataFrame:
    """Reorder table, one row an item.

    Columns: ``item, importer, sector, demand`` (units a year), ``order_quantity, reorder_point,
    safety_stock`` (units), ``cycle_service, fill_rate`` (shares), ``cost`` (a year),
    ``one_order_quantity, critical_ratio`` (a single order for the year), ``lead_time_days``
    (mean), ``textbook_safety_stock`` (z times the root of the mean lead time's variance, for
    comparison) and, with a monthly history, ``peak_month, peak_reorder_point``.
    """
    items = bound.tables.items
    times = lead_times(bound)
    costs = StockCosts(*(items[name].to_numpy(dtype=np.float64)
                         for name in ("order_cost", "holding_cost", "stockout_cost")))  # fmt: skip
    review = np.nan_to_num(items["review_days"].to_numpy(dtype=np.float64))
    rate = demand.annual.mean(axis=1)
    lead = lead_time_demand(demand.annual, times, review=review, daily_sd=demand.daily_sd,
                            seed=seed)  # fmt: skip
    level = items["service_level"].to_numpy(dtype=np.float64)
    policy = _policies(rate, lead, costs, level)
    year = drawn_demand(demand.annual)
    ratio = np.where(np.isnan(level), costs.stockout / (costs.stockout + costs.holding), level)
    single = newsvendor(year, underage=ratio, overage=1 - ratio)
    mean = np.nansum(times.shares * times.mean, axis=1)
    table = items[["item", "importer", "sector"]].assign(
        demand=rate,
        order_quantity=policy.order_quantity,
        reorder_point=policy.reorder_point,
        safety_stock=policy.safety_stock,
        cycle_service=policy.cycle_service,
        fill_rate=policy.fill_rate,
        cost=policy.cost,
        one_order_quantity=single.quantity,
        critical_ratio=ratio,
        lead_time_days=mean,
        textbook_safety_stock=_textbook(demand, times, review, policy.cycle_service),
    )
    seasonal = np.isfinite(demand.profile).all(axis=1)
    peak = np.where(seasonal, np.nan_to_num(demand.profile).argmax(axis=1) + 1, 0)
    factor = np.where(seasonal, np.nan_to_num(demand.profile).max(axis=1) * MONTHS, np.nan)
    return table.assign(peak_month=peak, peak_reorder_point=policy.reorder_point * factor)


def _policies(rate: Vector, lead: DrawnDemand, costs: StockCosts, level: Vector) -> ReorderPolicy:
    """Least cost where being short has a cost, the asked service elsewhere."""
    asked = ~np.isnan(level)
    merged: dict[str, Vector] = {}
    for rows in (np.flatnonzero(asked), np.flatnonzero(~asked)):
        if not rows.size:
            continue
        part = DrawnDemand(lead.values[rows])
        own = StockCosts(costs.order[rows], costs.holding[rows], costs.stockout[rows])
        found = (
            service_policy(rate[rows], part, own, service=level[rows])
            if asked[rows[0]]
            else best_policy(rate[rows], part, own)
        )
        for field in fields(ReorderPolicy):
            merged.setdefault(field.name, np.empty(rate.size))[rows] = getattr(found, field.name)
    return ReorderPolicy(**merged)


def _textbook(demand: ItemDemand, times: LeadTimes, review: Vector, service: Vector) -> Vector:
    """``z sqrt(L var(d) + d^2 var(L))``, daily demand as if a year's days were independent."""
    mean = np.nansum(times.shares * times.mean, axis=1)
    second = np.nansum(times.shares * (times.mean**2 + times.sd**2), axis=1)
    daily = demand.annual.mean(axis=1) / DAYS
    variance = demand.annual.var(axis=1) / DAYS + demand.daily_sd**2
    spread = np.sqrt((mean + review) * variance + daily**2 * (second - mean**2))
    return np.asarray(norm.ppf(np.clip(service, 1e-6, 1 - 1e-6)) * spread)
