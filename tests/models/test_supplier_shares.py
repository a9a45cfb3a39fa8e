"""Shares of suppliers against brute force and properties."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.supplier_shares import (
    InfeasibleLimitsError,
    ShareLimit,
    SupplierProblem,
    assess,
    choose_shares,
    cvar,
    frontier,
)


def problem_of(seed=0, n=3, draws=60, **changes):
    rng = np.random.default_rng(seed)
    fields = {
        "availability": np.clip(rng.normal(0.95, 0.15, (draws, n)), 0, 1),
        "cost": 1 + rng.uniform(0, 0.2, n),
        "now": rng.dirichlet(np.ones(n)),
        "caps": np.ones(n),
        "smallest": np.zeros(n),
        **changes,
    }
    return SupplierProblem(**fields)


def grid(n, steps=40):
    for parts in product(range(steps + 1), repeat=n - 1):
        if sum(parts) <= steps:
            yield np.array([*parts, steps - sum(parts)]) / steps


def is_allowed(problem, shares):
    return bool(
        (shares <= problem.caps + 1e-9).all()
        and all(limit.weights @ shares <= limit.largest + 1e-9 for limit in problem.limits)
        and ((shares >= problem.smallest - 1e-9) | (shares <= 1e-12)).all()
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"caps": np.array([0.5, 0.5, 0.6])},
        {"risk_weight": 0.2, "switching_cost": 0.1},
        {"smallest": np.array([0.3, 0.3, 0.3]), "switching_cost": 0.0},
        {"limits": (ShareLimit("two", np.array([1.0, 1.0, 0.0]), 0.7),)},
    ],
)
def test_the_programme_finds_what_brute_force_finds(seed, changes):
    problem = problem_of(seed, **changes)
    found = choose_shares(problem)
    assert is_allowed(problem, found.shares)
    best = min(assess(problem, shares).objective(problem)
               for shares in grid(3) if is_allowed(problem, shares))  # fmt: skip
    ours = found.objective(problem)
    assert ours <= best + 1e-9
    assert ours >= best - 0.01  # a grid of a fortieth comes that close


def test_cvar_is_the_mean_of_the_worst_draws():
    losses = np.arange(10.0)
    assert cvar(losses, 0.8) == pytest.approx(8.5)
    # Two and a half draws are the worst quarter.
    assert cvar(losses, 0.75) == pytest.approx((9 + 8 + 0.5 * 7) / 2.5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 5), st.floats(0, 0.5))
def test_shares_sum_to_one_and_beat_todays(seed, risk_weight, switching):
    problem = problem_of(seed, n=5, risk_weight=risk_weight, switching_cost=switching)
    found = choose_shares(problem)
    assert found.shares.sum() == pytest.approx(1)
    assert (found.shares >= 0).all()
    assert found.objective(problem) <= assess(problem, problem.now).objective(problem) + 1e-9


def test_costly_switching_keeps_shares():
    problem = problem_of(switching_cost=100.0)
    assert choose_shares(problem).shares == pytest.approx(problem.now)


def test_the_frontier_trades_cost_for_risk():
    problem = problem_of(3, n=6, switching_cost=0.0, shortfall_cost=0.0)
    found = frontier(problem, [0, 0.1, 0.3, 1, 10])
    costs, risks = [one.cost for one in found], [one.cvar for one in found]
    assert costs == sorted(costs)
    assert risks == sorted(risks, reverse=True)
    assert costs[0] == pytest.approx(problem.cost.min())


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"caps": np.full(3, 0.3)}, "single suppliers"),
        ({"limits": (ShareLimit("the budget", np.ones(3) * 1e6, 9e5),)}, "the budget"),
        (
            {
                "smallest": np.array([0.6, 0.95, 0.95]),
                "caps": np.full(3, 0.9),
                "limits": (ShareLimit("x", np.eye(3)[0], 0.59),),
            },
            "smallest orders",
        ),
    ],
)
def test_limits_that_cannot_be_kept_are_named(changes, names):
    problem = problem_of(**changes)
    with pytest.raises(InfeasibleLimitsError) as caught:
        choose_shares(problem)
    assert names in str(caught.value)
