"""What changed trade costs do where sectors buy from each other: many sectors, input-output tables.

Caliendo and Parro (2015), doi:10.1093/restud/rdu007, in changes, without tariff revenue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import quotient
from features.data.input_output import InputOutputTable

TOLERANCE = 1e-9
"""Largest log gap between what a country's factors are paid and earn in an equilibrium."""
INNER_TOLERANCE = 1e-12
MAX_ROUNDS = 2_000
MAX_INNER = 2_000
LARGEST_STEP = 0.5

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SectorEquilibrium:
    """A full equilibrium of many sectors after a change, ratios unless said otherwise.

    Attributes
    ----------
    flows
        USD at unchanged world income, shape ``[exporter, importer, sector]``.
    wage
        Income of a country's factors, shape ``[country]``.
    index
        Price of what a country buys of a sector, shape ``[country, sector]``.
    welfare
        Spending on final use over its price index, shape ``[country]``.
    residual
        Log of what factors are paid over what they earn, shape ``[country]``: 0 in an equilibrium.
    rounds
        Until it was found.
    converged
        Whether no residual exceeds `TOLERANCE`.
    """

    flows: Array
    wage: Array
    index: Array
    welfare: Array
    residual: Array
    rounds: int
    converged: bool


def full_sectors(
    table: InputOutputTable,
    effect: Array,
    *,
    theta: Array,
    max_rounds: int = MAX_ROUNDS,
) -> SectorEquilibrium:
    """Flows, prices and incomes after a change, inputs included.

    Parameters
    ----------
    table
        Of the baseline, without negative cells. Every user of a country buys the same mix of
        origins of a sector.
    effect
        Partial effect of the change, a ratio, shape ``[exporter, importer, sector]``.
    theta
        Trade elasticity by sector, positive, shape ``[sector]``.
    max_rounds
        Rounds after which what was found is returned as not converged.

    Raises
    ------
    ValueError
        If a country's factors earn nothing, or a sector that a country uses loses every supplier.

    Notes
    -----
    Unit cost is ``w^g_js prod_k P_jk^g_jks`` with the table's cost shares; final spending is a
    country's factor income and a constant deficit, split by constant shares. World factor income is
    kept. Wages rise in proportion to excess demand for factors.
    """
    economy = _Sectors.of(table, effect, theta)
    n = len(table.countries)
    log_wage, cost, spending = np.zeros(n), np.zeros(theta.size * n).reshape(n, -1), economy.demand
    best = np.full(n, np.inf)
    found: tuple[Array, ...] = ()
    rounds = 0
    damping = 1.0 / (1.0 + float(np.average(theta)))
    while rounds < max_rounds and np.abs(best).max() > TOLERANCE / 100:
        rounds += 1
        log_wage = log_wage - np.log(np.exp(log_wage) @ economy.added / economy.added.sum())
        cost, index, share = economy.prices(log_wage, cost)
        final = np.exp(log_wage) * economy.added + economy.deficit
        spending = economy.spending(share, final, spending)
        sold = np.einsum("ijs,js->is", share, spending)
        gap = np.log((sold * economy.value_added).sum(axis=1) / economy.added) - log_wage
        if np.abs(gap).max() < np.abs(best).max():
            best, found = gap, (log_wage, index, share, spending, final)
        log_wage = log_wage + np.clip(gap * damping, -LARGEST_STEP, LARGEST_STEP)
    log_wage, index, share, spending, final = found
    price_level = (economy.final_share * index).sum(axis=1)
    return SectorEquilibrium(
        flows=share * spending,
        wage=np.exp(log_wage),
        index=np.exp(index),
        welfare=final / (economy.added + economy.deficit) / np.exp(price_level),
        residual=best,
        rounds=rounds,
        converged=bool(np.abs(best).max() <= TOLERANCE),
    )


@dataclass(frozen=True, slots=True)
class _Sectors:
    """The baseline as shares, and the change."""

    log_share: Array  # [exporter, importer, sector], -inf where nothing is bought
    theta: Array
    demand: Array  # [country, sector], USD
    inputs: Array  # cost share [country, input, using sector]
    value_added: Array  # cost share [country, sector]
    added: Array  # [country], USD
    final_share: Array  # [country, sector]
    deficit: Array  # [country], USD

    @classmethod
    def of(cls, table: InputOutputTable, effect: Array, theta: Array) -> _Sectors:
        n, k = len(table.countries), len(table.sectors)
        flows = table.flows()
        demand = flows.sum(axis=0)
        changed = flows * effect
        if ((demand > 0) & (changed.sum(axis=0) <= 0)).any():
            raise ValueError("a sector that a country uses loses every supplier")
        used = table.intermediate.reshape(n, k, n, k).sum(axis=0).transpose(1, 0, 2)
        output = flows.sum(axis=1)
        inputs = quotient(used, np.broadcast_to(output[:, None, :], used.shape))
        value_added = np.where(output > 0, 1.0 - inputs.sum(axis=1), 0.0)
        added = (value_added * output).sum(axis=1)
        final = table.final.reshape(n, k, n).sum(axis=0).T
        if not (added > 0).all() or not (final.sum(axis=1) > 0).all():
            raise ValueError("a country's factors earn nothing, or it has no final use")
        with np.errstate(divide="ignore", invalid="ignore"):
            log_share = np.where(changed > 0, np.log(changed) - np.log(demand), -np.inf)
        return cls(
            log_share=log_share,
            theta=theta,
            demand=demand,
            inputs=inputs,
            value_added=value_added,
            added=added,
            final_share=final / final.sum(axis=1)[:, None],
            deficit=final.sum(axis=1) - added,
        )

    def prices(self, log_wage: Array, cost: Array) -> tuple[Array, Array, Array]:
        """Log unit costs and price indices ``[country, sector]``, and new shares of origins."""
        own = self.value_added * log_wage[:, None]
        for _ in range(MAX_INNER):
            weighted = np.exp(self.log_share - (self.theta * cost)[:, None, :])
            total = weighted.sum(axis=0)
            with np.errstate(divide="ignore"):
                index = np.where(total > 0, -np.log(total) / self.theta, 0.0)
            ahead = own + np.einsum("jks,jk->js", self.inputs, index)
            moved = float(np.abs(ahead - cost).max())
            cost = ahead
            if moved < INNER_TOLERANCE:
                break
        return cost, index, quotient(weighted, np.broadcast_to(total, weighted.shape))

    def spending(self, share: Array, final: Array, start: Array) -> Array:
        """What countries spend on each sector, USD, for final use and as inputs."""
        wanted = self.final_share * final[:, None]
        spending = start
        for _ in range(MAX_INNER):
            sold = np.einsum("ijs,js->is", share, spending)
            ahead = wanted + np.einsum("jks,js->jk", self.inputs, sold)
            moved = float(np.abs(ahead - spending).max()) / float(ahead.max())
            spending = ahead
            if moved < INNER_TOLERANCE:
                break
        return spending
