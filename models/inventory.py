"""Stock decisions from a distribution of demand: newsvendor, reorder points, lot sizes.

Quantities are in the item's own unit, costs in money a unit; times are in days and rates a year.
Everything is computed for many items at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Vector = NDArray[np.float64]

DAYS = 365.0
"""Days of a year of demand."""
ROUNDS = 200
TOLERANCE = 1e-10
"""Relative change of the lot size at which its iteration ends."""


class Demand(Protocol):
    """Demand of items over some time."""

    @property
    def mean(self) -> Vector:
        """Expected demand, shape ``[item]``."""

    def quantile(self, probability: ArrayLike) -> Vector:
        """Demand that is not exceeded with a probability, shape ``[item]``."""

    def probability(self, quantity: ArrayLike) -> Vector:
        """Probability that demand does not exceed a quantity, shape ``[item]``."""

    def loss(self, quantity: ArrayLike) -> Vector:
        """Expected demand above a quantity: the loss function, shape ``[item]``."""


@dataclass(frozen=True, slots=True)
class NormalDemand:
    """Normal demand; ``mean`` and ``sd`` have shape ``[item]``, ``sd`` above 0."""

    mean: Vector
    sd: Vector

    def quantile(self, probability: ArrayLike) -> Vector:
        """See `Demand`."""
        return np.asarray(norm.ppf(probability, self.mean, self.sd))

    def probability(self, quantity: ArrayLike) -> Vector:
        """See `Demand`."""
        return np.asarray(norm.cdf(quantity, self.mean, self.sd))

    def loss(self, quantity: ArrayLike) -> Vector:
        """See `Demand`; Snyder and Shen (2019), equation C.31."""
        z = (np.asarray(quantity) - self.mean) / self.sd
        return np.asarray(self.sd * (norm.pdf(z) - z * norm.sf(z)))


@dataclass(frozen=True, slots=True)
class DrawnDemand:
    """Demand as equally likely draws.

    Attributes
    ----------
    values
        Ascending in each row, shape ``[item, draw]``; `drawn_demand` sorts them.

    Notes
    -----
    Quantiles are Hazen's, as those of a run's intervals; probabilities invert them. The loss
    function is the mean over draws.
    """

    values: Vector

    @property
    def mean(self) -> Vector:
        """See `Demand`."""
        return np.asarray(self.values.mean(axis=1))

    def quantile(self, probability: ArrayLike) -> Vector:
        """See `Demand`."""
        items, count = self.values.shape
        wanted = np.broadcast_to(np.asarray(probability, dtype=np.float64), (items,))
        place = np.clip(wanted * count - 0.5, 0, count - 1)
        left = np.minimum(place.astype(np.intp), max(count - 2, 0))
        right = np.minimum(left + 1, count - 1)
        rows = np.arange(items)
        low, high = self.values[rows, left], self.values[rows, right]
        return np.asarray(low + (place - left) * (high - low))

    def probability(self, quantity: ArrayLike) -> Vector:
        """See `Demand`."""
        items, count = self.values.shape
        wanted = np.broadcast_to(np.asarray(quantity, dtype=np.float64), (items,))
        above = (self.values <= wanted[:, None]).sum(axis=1)
        rows = np.arange(items)
        low = self.values[rows, np.clip(above - 1, 0, count - 1)]
        high = self.values[rows, np.clip(above, 0, count - 1)]
        step = np.divide(wanted - low, high - low, out=np.zeros(items), where=high > low)
        chance = np.clip((above - 0.5 + step) / count, 0, 1)
        return np.asarray(np.select([above == 0, above == count], [0.0, 1.0], chance))

    def loss(self, quantity: ArrayLike) -> Vector:
        """See `Demand`."""
        wanted = np.broadcast_to(np.asarray(quantity, dtype=np.float64), self.values.shape[:1])
        return np.asarray(np.maximum(self.values - wanted[:, None], 0).mean(axis=1))


def drawn_demand(values: NDArray[np.floating]) -> DrawnDemand:
    """Demand of draws in any order, shape ``[item, draw]``."""
    return DrawnDemand(np.sort(values.astype(np.float64), axis=1))


# One order for one period -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Newsvendor:
    """Orders for one period: best quantity, its expected cost and critical ratio, ``[item]``."""

    quantity: Vector
    cost: Vector
    critical_ratio: Vector


def newsvendor(demand: Demand, *, underage: ArrayLike, overage: ArrayLike) -> Newsvendor:
    """Best order for one period: the quantile of demand at the critical ratio.

    Parameters
    ----------
    demand
        Of the period.
    underage, overage
        Cost of a unit too few and of a unit too many, above 0, shape ``[item]``.

    Notes
    -----
    ``Q* = F^-1(cu / (cu + co))`` (Snyder and Shen 2019, Fundamentals of Supply Chain Theory, 4.3).
    """
    few, many = np.asarray(underage, dtype=np.float64), np.asarray(overage, dtype=np.float64)
    ratio = np.broadcast_to(few / (few + many), demand.mean.shape)
    quantity = demand.quantile(ratio)
    cost = newsvendor_cost(demand, quantity, underage=few, overage=many)
    return Newsvendor(quantity, cost, ratio)


def newsvendor_cost(
    demand: Demand, quantity: ArrayLike, *, underage: ArrayLike, overage: ArrayLike
) -> Vector:
    """Expected cost of units too few and too many, shape ``[item]``."""
    short = demand.loss(quantity)
    left = np.asarray(quantity) - demand.mean + short
    return np.asarray(np.asarray(underage) * short + np.asarray(overage) * left)


# Continuous review --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReorderPolicy:
    """Order ``order_quantity`` whenever stock on hand and on order falls to ``reorder_point``.

    Attributes
    ----------
    order_quantity, reorder_point, safety_stock
        In units; the safety stock is the reorder point less the mean demand until delivery.
    cycle_service
        Probability that stock lasts until an order arrives.
    fill_rate
        Share of demand served from stock.
    cost
        Expected cost a year of ordering, holding and, where it is known, being short.
    """

    order_quantity: Vector
    reorder_point: Vector
    safety_stock: Vector
    cycle_service: Vector
    fill_rate: Vector
    cost: Vector


@dataclass(frozen=True, slots=True)
class StockCosts:
    """Costs of items, each above 0 or NaN where unknown, shape ``[item]``.

    Attributes
    ----------
    order
        Of placing one order.
    holding
        Of holding a unit for a year.
    stockout
        Of each unit that is not there when asked for; NaN where a service level is asked instead.
    """

    order: Vector
    holding: Vector
    stockout: Vector


def economic_order_quantity(rate: Vector, costs: StockCosts) -> Vector:
    """Lot size of certain demand (Harris 1913); ``rate`` is demand a year, shape ``[item]``."""
    return np.asarray(np.sqrt(2 * rate * costs.order / costs.holding))


def best_policy(rate: Vector, lead: Demand, costs: StockCosts) -> ReorderPolicy:
    """Lot size and reorder point of least cost.

    Parameters
    ----------
    rate
        Demand a year, shape ``[item]``.
    lead
        Demand from an order to its delivery.
    costs
        With a stock-out cost.

    Notes
    -----
    ``Q = sqrt(2 d (K + p n(R)) / h)`` and ``1 - F(R) = Q h / (p d)`` in turn, ``n`` the loss
    function, from the economic order quantity on (Hadley and Whitin 1963, Analysis of Inventory
    Systems, 4-2; Snyder and Shen 2019, 5.3: the expected-inventory-level approximation). A ratio
    above 1 means that being short is cheaper than any stock: the reorder point is then the lowest
    demand drawn.
    """
    quantity = economic_order_quantity(rate, costs)
    for _ in range(ROUNDS):
        point = lead.quantile(_service(rate, quantity, costs))
        short = np.maximum(lead.loss(point), 0)
        new = np.sqrt(2 * rate * (costs.order + costs.stockout * short) / costs.holding)
        done = np.allclose(new, quantity, rtol=TOLERANCE, atol=0)
        quantity = new
        if done:
            break
    point = lead.quantile(_service(rate, quantity, costs))
    return policy_of(rate, lead, costs, order_quantity=quantity, reorder_point=point)


def _service(rate: Vector, quantity: Vector, costs: StockCosts) -> Vector:
    return np.asarray(np.clip(1 - quantity * costs.holding / (costs.stockout * rate), 1e-9, 1))


def service_policy(
    rate: Vector, lead: Demand, costs: StockCosts, *, service: ArrayLike
) -> ReorderPolicy:
    """The economic order quantity with the reorder point of an asked cycle service, below 1."""
    quantity = economic_order_quantity(rate, costs)
    point = lead.quantile(service)
    return policy_of(rate, lead, costs, order_quantity=quantity, reorder_point=point)


def policy_of(
    rate: Vector,
    lead: Demand,
    costs: StockCosts,
    *,
    order_quantity: Vector,
    reorder_point: Vector,
) -> ReorderPolicy:
    """Service and cost of a lot size and a reorder point.

    Notes
    -----
    Fill rate: ``1 - (n(R) - n(R + Q)) / Q``, what is short in a cycle over what a cycle sells.
    Cost: ``h (R - E D + Q / 2) + (K + p n(R)) d / Q``.
    """
    short = lead.loss(reorder_point)
    missed = short - lead.loss(reorder_point + order_quantity)
    safety = reorder_point - lead.mean
    penalty = np.where(np.isnan(costs.stockout), 0, costs.stockout) * short
    holding = costs.holding * (safety + order_quantity / 2)
    return ReorderPolicy(
        order_quantity=order_quantity,
        reorder_point=reorder_point,
        safety_stock=safety,
        cycle_service=lead.probability(reorder_point),
        fill_rate=np.asarray(1 - missed / order_quantity),
        cost=np.asarray(holding + (costs.order + penalty) * rate / order_quantity),
    )


# Lead times ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeadTimes:
    """Log-normal lead times of each item's suppliers.

    Attributes
    ----------
    mean, sd
        Days, shape ``[item, supplier]``; ``mean`` above 0. NaN where an item has fewer.
    shares
        Of orders placed with each, shape ``[item, supplier]``, 0 where there is none.
    """

    mean: Vector
    sd: Vector
    shares: Vector


def lead_time_demand(
    annual: NDArray[np.floating],
    times: LeadTimes,
    *,
    review: Vector,
    daily_sd: Vector,
    seed: int,
    paths: int = 10,
) -> DrawnDemand:
    """Demand over a random lead time and the review period, by simulation.

    Parameters
    ----------
    annual
        Draws of demand a year, shape ``[item, draw]``.
    times
        Lead times; each simulated order goes to one supplier, drawn by shares.
    review
        Days between two looks at the stock, shape ``[item]``; 0 under continuous review.
    daily_sd
        Standard deviation of a day's demand around its rate, independent between days, in units,
        shape ``[item]``; 0 where only the year's total varies.
    seed
        Of the simulation.
    paths
        Lead times drawn with each draw of demand.

    Notes
    -----
    Where lead time and demand vary together ``z sqrt(L) sd`` is too little stock; the simulation
    needs no formula. A log-normal time with mean m and sd s has ``sigma^2 = log(1 + s^2 / m^2)``.
    """
    rng = np.random.default_rng(seed)
    items, draws = annual.shape
    count = draws * paths
    ratio = np.divide(times.sd, times.mean, out=np.zeros_like(times.sd), where=times.mean > 0)
    sigma = np.sqrt(np.log1p(np.nan_to_num(ratio) ** 2))
    middle = np.log(np.where(times.mean > 0, times.mean, 1)) - sigma**2 / 2
    rows = np.arange(items)[:, None]
    # Every quantile of each item's lead times once: few paths then give a steady reorder point.
    places = rng.permuted(np.tile((np.arange(count) + 0.5) / count, (items, 1)), axis=1)
    edges = np.cumsum(times.shares, axis=1)
    last = times.shares.shape[1] - 1
    chosen = (places[:, :, None] >= edges[:, None, :last]).sum(axis=2)
    scores = norm.ppf(rng.permuted(places, axis=1))
    days = np.exp(middle[rows, chosen] + sigma[rows, chosen] * scores) + review[:, None]
    noise = rng.standard_normal((items, count)) * np.sqrt(days) * daily_sd[:, None]
    demand = np.repeat(annual.astype(np.float64), paths, axis=1) / DAYS * days + noise
    return drawn_demand(np.maximum(demand, 0))
