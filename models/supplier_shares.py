"""Shares of suppliers: least cost, risk of shortfall and switching, within caps.

A linear programme, solved by HiGHS through `scipy.optimize.linprog`; smallest orders make it a
mixed-integer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack, vstack

Vector = NDArray[np.float64]
_SLACK = 1e-7
"""Excess over a limit that counts, in shares."""


@dataclass(frozen=True, slots=True)
class ShareLimit:
    """Largest sum of ``weights`` times shares; ``name`` says what it limits."""

    name: str
    weights: Vector
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierProblem:
    """What an item's buyer chooses among.

    Attributes
    ----------
    availability
        Part of an order that each supplier delivers, 0 to 1, equally likely draws, shape
        ``[draw, supplier]``.
    cost
        Of buying all from a supplier, as a share of the cheapest, shape ``[supplier]``.
    now
        Today's shares, summing to 1, shape ``[supplier]``.
    caps
        Largest shares, shape ``[supplier]``.
    smallest
        Smallest share of a supplier that is used at all, shape ``[supplier]``.
    limits
        Of groups and budgets.
    shortfall_cost
        Of orders not delivered, on average, in units of ``cost``: 1 is the price of the cheapest
        supplier.
    risk_weight
        Lambda: what a unit of CVaR of shortfall costs in units of ``cost``.
    level
        Of CVaR: the mean over the worst ``1 - level`` of draws counts.
    switching_cost
        Of each unit of share that is given up, and of each that is taken on, in units of ``cost``.
    """

    availability: Vector
    cost: Vector
    now: Vector
    caps: Vector
    smallest: Vector
    limits: tuple[ShareLimit, ...] = ()
    shortfall_cost: float = 1.0
    risk_weight: float = 1.0
    level: float = 0.9
    switching_cost: float = 0.02


@dataclass(frozen=True, slots=True)
class Shares:
    """Chosen shares and what they mean.

    Attributes
    ----------
    shares
        Shape ``[supplier]``.
    cost
        As `SupplierProblem.cost`, of the mix.
    shortfall, cvar
        Mean part of the orders not delivered, and its mean in the worst draws.
    moved
        Share that changes supplier.
    """

    shares: Vector
    cost: float
    shortfall: float
    cvar: float
    moved: float

    def objective(self, problem: SupplierProblem) -> float:
        """What `choose_shares` minimises."""
        return (
            self.cost
            + problem.shortfall_cost * self.shortfall
            + problem.risk_weight * self.cvar
            + problem.switching_cost * 2 * self.moved
        )


class InfeasibleLimitsError(ValueError):
    """No shares keep within the limits; ``names`` are those that must give way."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(f"no shares keep within {', '.join(names)}")


def assess(problem: SupplierProblem, shares: Vector) -> Shares:
    """What some shares mean: cost, shortfall, CVaR and the share that moves."""
    short = 1 - problem.availability @ shares
    return Shares(
        shares=shares,
        cost=float(problem.cost @ shares),
        shortfall=float(short.mean()),
        cvar=cvar(short, problem.level),
        moved=float(np.abs(shares - problem.now).sum() / 2),
    )


def cvar(losses: Vector, level: float) -> float:
    """Mean of the worst ``1 - level`` of equally likely losses.

    The minimum over t of ``t + E max(loss - t, 0) / (1 - level)`` (Rockafellar and Uryasev 2000,
    Journal of Risk 2(3), 21-41), which a draw that is only partly among the worst shares in.
    """
    ordered = np.sort(losses)[::-1]
    worst = (1 - level) * ordered.size
    weights = np.clip(worst - np.arange(ordered.size), 0, 1)
    return float(ordered @ weights / worst)


def choose_shares(problem: SupplierProblem) -> Shares:
    """Shares that cost least, with what falls short on average and in the worst draws.

    That is cost + shortfall cost x mean shortfall + lambda x CVaR of shortfall + cost of switching.

    Raises
    ------
    InfeasibleLimitsError
        If no shares keep within caps and limits.
    """
    return frontier(problem, [problem.risk_weight])[0]


def frontier(problem: SupplierProblem, risk_weights: Sequence[float]) -> list[Shares]:
    """Best shares for each weight of risk: from the cheapest mix to the safest.

    Raises
    ------
    InfeasibleLimitsError
        See `choose_shares`.
    """
    programme = _programme(problem)
    found = []
    for weight in risk_weights:
        shares = _solve(programme, replace(problem, risk_weight=weight))
        if shares is None:
            raise InfeasibleLimitsError(_culprits(problem))
        found.append(assess(problem, shares))
    return found


@dataclass(frozen=True, slots=True)
class _Programme:
    """What shares must satisfy, whatever risk weighs: ``matrix x <= most``, in bounds.

    Columns: shares w, moves d >= abs(w - now), value at risk t, excesses u, used or not y.
    """

    matrix: csr_array
    most: Vector
    total: csr_array
    bounds: Sequence[tuple[float | None, float | None]]
    whole: Vector | None


def _programme(problem: SupplierProblem) -> _Programme:
    draws, n = problem.availability.shape
    used = np.flatnonzero(problem.smallest > 0)
    k = used.size
    one, none = eye_array(n), csr_array((n, 1 + draws + k))
    rows = [
        # u >= 1 - a w - t
        hstack([csr_array(-problem.availability), csr_array((draws, n)),
                csr_array(-np.ones((draws, 1))), -eye_array(draws), csr_array((draws, k))]),
        hstack([one, -one, none]),
        hstack([-one, -one, none]),
    ]  # fmt: skip
    most = [-np.ones(draws), problem.now, -problem.now]
    for limit in problem.limits:
        rows.append(hstack([csr_array(limit.weights[None]), csr_array((1, n + 1 + draws + k))]))
        most.append(np.array([limit.largest]))
    if k:
        pick, blank = one.tocsr()[used], csr_array((k, n + 1 + draws))
        largest = csr_array(np.diag(np.minimum(problem.caps[used], 1)))
        rows.append(hstack([pick, blank, -largest]))
        rows.append(hstack([-pick, blank, csr_array(np.diag(problem.smallest[used]))]))
        most += [np.zeros(k), np.zeros(k)]
    bounds = [*((0, cap) for cap in np.minimum(problem.caps, 1)), *[(0, None)] * n, (None, None),
              *[(0, None)] * draws, *[(0, 1)] * k]  # fmt: skip
    return _Programme(
        matrix=vstack(rows).tocsr(),
        most=np.concatenate(most),
        total=csr_array(np.concatenate([np.ones(n), np.zeros(n + 1 + draws + k)])[None]),
        bounds=bounds,
        whole=np.concatenate([np.zeros(n + n + 1 + draws), np.ones(k)]) if k else None,
    )


def _solve(programme: _Programme, problem: SupplierProblem) -> Vector | None:
    """Best shares; None where there are none."""
    draws, n = problem.availability.shape
    tail = problem.risk_weight / ((1 - problem.level) * draws)
    price = np.zeros(programme.matrix.shape[1])
    price[:n] = problem.cost + problem.shortfall_cost * (1 - problem.availability.mean(axis=0))
    price[n : 2 * n] = problem.switching_cost
    price[2 * n] = problem.risk_weight
    price[2 * n + 1 : 2 * n + 1 + draws] = tail
    answer = linprog(
        price,
        A_ub=programme.matrix,
        b_ub=programme.most,
        A_eq=programme.total,
        b_eq=[1.0],
        bounds=programme.bounds,
        integrality=programme.whole,
        method="highs",
    )
    if answer.status != 0:
        return None
    shares = np.maximum(answer.x[:n], 0)
    return np.asarray(shares / shares.sum())


def _culprits(problem: SupplierProblem) -> tuple[str, ...]:
    """Limits that must give way: those exceeded where exceeding in all is least."""
    n, m = problem.now.size, len(problem.limits)
    # Limits in units of their size, so that a budget in money is no dearer than a share.
    sizes = np.array([max(abs(limit.largest), _SLACK) for limit in problem.limits])
    price = np.concatenate([np.zeros(n), np.ones(n + m)])
    rows = [np.hstack([np.eye(n), -np.eye(n), np.zeros((n, m))])]
    most = [problem.caps]
    for place, limit in enumerate(problem.limits):
        slack = np.zeros(m)
        slack[place] = -sizes[place]
        rows.append(np.concatenate([limit.weights, np.zeros(n), slack])[None])
        most.append(np.array([limit.largest]))
    total = np.concatenate([np.ones(n), np.zeros(n + m)])[None]
    answer = linprog(price, A_ub=np.vstack(rows), b_ub=np.concatenate(most), A_eq=total,
                     b_eq=[1.0], bounds=(0, None), method="highs")  # fmt: skip
    slacks = answer.x[n:]
    # Which cap gives way is the solver's choice: together they are too small.
    names = ["the largest shares of single suppliers"] * bool(slacks[:n].max() > _SLACK)
    names += [limit.name for limit, slack in zip(problem.limits, slacks[n:], strict=True)
              if slack > _SLACK]  # fmt: skip
    return tuple(names) or ("smallest orders",)
