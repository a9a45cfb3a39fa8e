"""What changed trade costs do to every flow of one sector: partial, conditional and full effect.

Exact hat algebra of structural gravity (Dekle, Eaton and Kortum 2008, doi:10.3386/w13846; Anderson,
Larch and Yotov 2018, doi:10.1111/twec.12664). All quantities but flows are ratios to the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from features.data.flows import FlowIndex
from models.raking import Raked, rake

Deficits = Literal["multiplicative", "additive"]
"""A country spends a constant multiple of its income, or its income and a constant amount."""

TOLERANCE = 1e-10
"""Largest log gap between sales and output in an equilibrium."""
TARGET = 1e-14
"""Gap at which iteration stops early; rounding may keep it above."""
RAKING_TOLERANCE = 1e-12
MAX_ROUNDS = 500
LARGEST_STEP = 1.0
"""Log points by which a price moves in a round at most."""
STALLED = 5
"""Rounds without progress, once within the tolerance, after which rounding is all that is left."""

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Equilibrium:
    """A full equilibrium after a change, as ratios to the baseline unless said otherwise.

    Attributes
    ----------
    flows
        USD at unchanged world income, shape ``[exporter, importer]``.
    price
        Of what a country produces, at the factory gate, shape ``[country]``.
    index
        Price index of what a country buys (inward multilateral resistance), shape ``[country]``.
    income
        Of factors, nominal, shape ``[country]``.
    spending
        USD, shape ``[country]``.
    welfare
        Spending over price index, shape ``[country]``.
    residual
        Log of sales over output, shape ``[country]``: 0 in an equilibrium.
    rounds
        Until it was found.
    converged
        Whether no residual exceeds `TOLERANCE`.
    """

    flows: Matrix
    price: Vector
    index: Vector
    income: Vector
    spending: Vector
    welfare: Vector
    residual: Vector
    rounds: int
    converged: bool


def partial(flows: Matrix, effect: Matrix) -> Matrix:
    """Flows after a change with every price and income as it was, same shape as ``flows``."""
    return flows * effect


def conditional(values: Vector, effect: Vector, *, flows: FlowIndex) -> Raked:
    """Flows after a change with multilateral resistance solved and incomes as they were.

    Parameters
    ----------
    values
        Baseline, USD, shape ``[flow]``.
    effect
        Partial effect of the change, a ratio, shape ``[flow]``.
    flows
        Their keys.

    Returns
    -------
    Raked
        Scaled to the baseline's totals: that is the conditional equilibrium. It has not converged
        where zeros leave totals out of reach.
    """
    totals = [
        np.bincount(
            margin, weights=values, minlength=len(flows.countries) * len(flows.sectors)
        ).astype(np.float64)
        for margin in (
            flows.exporter * len(flows.sectors) + flows.sector,
            flows.importer * len(flows.sectors) + flows.sector,
        )
    ]
    return rake(
        values * effect,
        flows=flows,
        exporter_totals=totals[0],
        importer_totals=totals[1],
        tolerance=RAKING_TOLERANCE,
    )


def full(
    flows: Matrix,
    effect: Matrix,
    *,
    theta: float,
    psi: float = 0.0,
    deficits: Deficits = "multiplicative",
    max_rounds: int = MAX_ROUNDS,
) -> Equilibrium:
    """Flows, prices and incomes after a change, all adjusted.

    Parameters
    ----------
    flows
        Baseline, USD, shape ``[exporter, importer]``, domestic sales on the diagonal.
    effect
        Partial effect of the change on each flow at given prices, a ratio, same shape; 0 for an
        embargo.
    theta
        Trade elasticity, positive: the elasticity of substitution less 1.
    psi
        Supply elasticity, at least 0; 0 for an endowment economy.
    deficits
        How a trade deficit moves with income.
    max_rounds
        Rounds after which what was found is returned as not converged.

    Returns
    -------
    Equilibrium
        Check ``converged``.

    Raises
    ------
    ValueError
        If a country sells or buys nothing, before or after the change, or a parameter is out of
        range.

    Notes
    -----
    Factory prices ``p`` solve ``sum_j X_ij B_ij p_i^-theta P_j^theta e_j = p_i (p_i/P_i)^psi Y_i``
    with ``P_j^-theta = sum_i pi_ij B_ij p_i^-theta`` and world income as it was (universal gravity:
    Allen, Arkolakis and Takahashi 2020, doi:10.1086/704385). Newton's method on the logs of ``p``;
    where it does not bring sales closer to output, prices rise in proportion to excess demand.
    """
    economy = _Economy.of(flows, effect, theta=theta, psi=psi, deficits=deficits)
    state = found = economy.at(np.zeros(len(flows)))
    rounds = stalled = 0
    while rounds < max_rounds and found.largest > TARGET and stalled < STALLED:
        rounds += 1
        state = _better(economy, state) or _damped(economy, state)
        stalled = stalled + 1 if state.largest >= found.largest <= TOLERANCE else 0
        found = min(found, state, key=lambda one: one.largest)
    return economy.equilibrium(found, rounds)


def _better(economy: _Economy, state: _State) -> _State | None:
    """The state after Newton's step, or a part of it, that narrows the gap; None if none does."""
    step = _clipped(economy.newton_step(state))
    for part in (1.0, 0.5, 0.25):
        ahead = economy.at(state.prices + part * step)
        if ahead.largest < state.largest:
            return ahead
    return None


def _damped(economy: _Economy, state: _State) -> _State:
    """The state after prices rise with excess demand, no further than spending stays positive."""
    step = _clipped(state.residual / (1.0 + economy.theta + economy.psi))
    ahead = economy.at(state.prices + step)
    while not np.isfinite(ahead.largest) and np.abs(step).max() > TOLERANCE:
        step = step / 2
        ahead = economy.at(state.prices + step)
    return ahead if np.isfinite(ahead.largest) else state


def real_income_by_own_share(flows: Matrix, after: Matrix, *, theta: float) -> Vector:
    """Welfare of a balanced endowment economy by its own share alone, shape ``[country]``.

    Arkolakis, Costinot and Rodriguez-Clare (2012), doi:10.1257/aer.102.1.94: the share of spending
    on what is made at home, after over before, to the power ``-1/theta``.
    """
    own = [np.diagonal(x) / x.sum(axis=0) for x in (flows, after)]
    welfare: Vector = (own[1] / own[0]) ** (-1.0 / theta)
    return welfare


def _clipped(step: Vector) -> Vector:
    return step / max(1.0, float(np.abs(step).max()) / LARGEST_STEP)


@dataclass(frozen=True, slots=True)
class _State:
    """Everything that follows from log prices; incomes and prices are at unchanged world income."""

    prices: Vector
    index: Vector
    income: Vector
    spending: Vector
    flows: Matrix
    residual: Vector

    @property
    def largest(self) -> float:
        """Largest gap, infinite where spending is not positive."""
        gap = float(np.abs(self.residual).max())
        return gap if np.isfinite(gap) else np.inf


@dataclass(frozen=True, slots=True)
class _Economy:
    """The baseline and the change; logs of shares are kept so that no power overflows."""

    output: Vector
    demand: Vector
    log_share: Matrix
    theta: float
    psi: float
    additive: bool

    @classmethod
    def of(
        cls, flows: Matrix, effect: Matrix, *, theta: float, psi: float, deficits: Deficits
    ) -> _Economy:
        if not theta > 0 or not psi >= 0:
            raise ValueError(f"theta {theta:g} must be positive and psi {psi:g} not negative")
        changed = flows * effect
        for matrix in (flows, changed):
            if not (np.isfinite(matrix).all() and matrix.min() >= 0):
                raise ValueError("a flow is negative or not finite")
            if not (matrix.sum(axis=1) > 0).all() or not (matrix.sum(axis=0) > 0).all():
                raise ValueError("a country sells or buys nothing")
        with np.errstate(divide="ignore"):
            log_share = np.log(changed) - np.log(flows.sum(axis=0))
        return cls(
            output=flows.sum(axis=1),
            demand=flows.sum(axis=0),
            log_share=log_share,
            theta=theta,
            psi=psi,
            additive=deficits == "additive",
        )

    def at(self, prices: Vector) -> _State:
        """The state at log prices, of which only differences matter."""
        weighted = self.log_share - self.theta * prices[:, None]
        total = logsumexp(weighted, axis=0)
        index = -total / self.theta
        income = prices + self.psi * (prices - index)
        world = self.output.sum()
        level = np.log(world) - logsumexp(income, b=self.output)
        prices, index, income = prices + level, index + level, income + level
        earned = np.exp(income) * self.output
        if self.additive:
            spending = earned + (self.demand - self.output)
        else:
            spending = np.exp(income) * self.demand
            spending *= world / spending.sum()
        flows = np.exp(weighted - total) * spending
        with np.errstate(invalid="ignore", divide="ignore"):
            residual = np.log(flows.sum(axis=1) / earned)
        if not (spending > 0).all():
            residual = np.full(len(prices), np.nan)
        return _State(prices, index, income, spending, flows, residual)

    def newton_step(self, state: _State) -> Vector:
        """Change of log prices that closes the gap to first order; zero where there is none.

        The Jacobian is singular, since one price is free: prices are kept at a constant mean,
        weighted by income.
        """
        n = len(state.prices)
        bought = state.flows / state.spending  # how a price moves each index
        sold = state.flows / state.flows.sum(axis=1)[:, None]
        earned = np.exp(state.income) * self.output
        weight = earned / earned.sum()
        income = (1.0 + self.psi) * np.eye(n) - self.psi * bought.T
        income -= weight @ income
        if self.additive:
            spending = (earned / state.spending)[:, None] * income
        else:
            spending = income - (state.spending / state.spending.sum()) @ income
        slope = sold @ (self.theta * bought.T + spending) - self.theta * np.eye(n) - income
        try:
            step = np.linalg.solve(slope - weight, -state.residual)
        except np.linalg.LinAlgError:
            return np.zeros(n)
        return step if np.isfinite(step).all() else np.zeros(n)

    def equilibrium(self, state: _State, rounds: int) -> Equilibrium:
        """The state as ratios."""
        index = np.exp(state.index)
        return Equilibrium(
            flows=state.flows,
            price=np.exp(state.prices),
            index=index,
            income=np.exp(state.income),
            spending=state.spending,
            welfare=state.spending / self.demand / index,
            residual=state.residual,
            rounds=rounds,
            converged=state.largest <= TOLERANCE,
        )
