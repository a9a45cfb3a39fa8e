"""Counterfactuals: closed forms, identities and properties of the equilibria."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from features.data.flows import FlowIndex
from models.counterfactual import (
    TOLERANCE,
    conditional,
    full,
    partial,
    real_income_by_own_share,
)


def economy(seed: int, n: int, *, balanced: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    flows = np.exp(rng.normal(0, 1.5, (n, n)))
    flows[np.diag_indices(n)] += flows.sum(axis=1)
    if balanced:
        flows = (flows + flows.T) / 2
    effect = np.exp(rng.normal(0, 0.4, (n, n)))
    effect[np.diag_indices(n)] = 1.0
    return flows, effect


@pytest.mark.parametrize("theta", [0.5, 4.0, 30.0])
def test_two_countries_have_the_price_of_one_equation(theta: float) -> None:
    flows, effect = np.array([[70.0, 20.0], [20.0, 140.0]]), np.array([[1.0, 0.4], [0.7, 1.0]])
    output, share = flows.sum(axis=1), flows / flows.sum(axis=0)

    def excess(log_ratio: float) -> float:
        price = np.array([np.exp(log_ratio), 1.0])
        weight = share * effect * price[:, None] ** -theta
        spent = weight / weight.sum(axis=0) * (price * output)
        return float(spent[0].sum() - price[0] * output[0])

    ratio = np.exp(brentq(excess, -3, 3, xtol=1e-14))
    found = full(flows, effect, theta=theta)
    assert found.converged
    assert found.price[0] / found.price[1] == pytest.approx(ratio, rel=1e-10)


@pytest.mark.parametrize("deficits", ["additive", "multiplicative"])
def test_no_change_changes_nothing(deficits: str) -> None:
    flows, _ = economy(1, 7)
    found = full(flows, np.ones_like(flows), theta=4.0, deficits=deficits)
    for ratio in (found.flows / flows, found.price, found.index, found.income, found.welfare):
        np.testing.assert_allclose(ratio, 1.0, rtol=0, atol=1e-12)
    index = FlowIndex(tuple("ABCDEFG"), diagonal=True)
    raked = conditional(flows.ravel(), np.ones(49), flows=index)
    np.testing.assert_allclose(raked.values, flows.ravel(), rtol=1e-12)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 8),
    theta=st.floats(0.3, 60.0),
    psi=st.floats(0.0, 3.0),
)
def test_an_equilibrium_clears_and_keeps_world_income(
    seed: int, n: int, theta: float, psi: float
) -> None:
    flows, effect = economy(seed, n)
    found = full(flows, effect, theta=theta, psi=psi)
    assert found.converged
    assert np.abs(found.residual).max() <= TOLERANCE
    earned = found.income * flows.sum(axis=1)
    np.testing.assert_allclose(found.flows.sum(axis=1), earned, rtol=1e-8)
    np.testing.assert_allclose(found.flows.sum(axis=0), found.spending, rtol=1e-12)
    assert earned.sum() == pytest.approx(flows.sum(), rel=1e-12)
    assert found.income == pytest.approx(found.price * (found.price / found.index) ** psi)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-6, 1e9))
def test_order_and_scale_do_not_matter(seed: int, scale: float) -> None:
    flows, effect = economy(seed, 6)
    order = np.random.default_rng(seed).permutation(6)
    way = np.ix_(order, order)
    found = full(flows, effect, theta=5.0, deficits="additive")
    moved = full(flows[way] * scale, effect[way], theta=5.0, deficits="additive")
    assert found.converged == moved.converged
    if found.converged:
        np.testing.assert_allclose(moved.flows / scale, found.flows[way], rtol=1e-8)
        np.testing.assert_allclose(moved.welfare, found.welfare[order], rtol=1e-8)


def test_an_embargo_gives_zero_there_and_only_there() -> None:
    flows, _ = economy(3, 6)
    effect = np.ones_like(flows)
    effect[1, 4] = effect[4, 1] = 0.0
    index = FlowIndex(tuple("ABCDEF"), diagonal=True)
    raked = conditional(flows.ravel(), effect.ravel(), flows=index)
    assert raked.converged
    for after in (
        partial(flows, effect),
        raked.values.reshape(6, 6),
        full(flows, effect, theta=4.0).flows,
    ):
        np.testing.assert_array_equal(after == 0, effect == 0)


@pytest.mark.parametrize("theta", [1.0, 5.0, 25.0])
def test_welfare_follows_from_the_own_share_where_trade_is_balanced(theta: float) -> None:
    flows, effect = economy(4, 8, balanced=True)
    found = full(flows, effect, theta=theta)
    expected = real_income_by_own_share(flows, found.flows, theta=theta)
    np.testing.assert_allclose(found.welfare, expected, rtol=1e-9)


def test_with_a_large_elasticity_prices_do_not_move() -> None:
    flows, effect = economy(5, 6)
    found = full(flows, effect, theta=1e5)
    assert found.converged
    np.testing.assert_allclose(found.price / found.price[0], 1.0, atol=1e-3)


def test_the_conditional_equilibrium_keeps_totals_and_the_shape_of_the_change() -> None:
    flows, effect = economy(6, 5)
    index = FlowIndex(tuple("ABCDE"), diagonal=True)
    after = conditional(flows.ravel(), effect.ravel(), flows=index).values.reshape(5, 5)
    np.testing.assert_allclose(after.sum(axis=0), flows.sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(after.sum(axis=1), flows.sum(axis=1), rtol=1e-10)
    odds = after / (flows * effect)
    np.testing.assert_allclose(odds * odds[0, 0], odds[:, :1] * odds[:1, :], rtol=1e-9)


def test_what_did_not_converge_says_so() -> None:
    flows, effect = economy(7, 6)
    cut = full(flows, effect, theta=4.0, max_rounds=1)
    assert not cut.converged
    assert np.abs(cut.residual).max() > TOLERANCE


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: x.__setitem__((slice(None), 2), 0.0), "buys nothing"),
        (lambda x: x.__setitem__((2, slice(None)), 0.0), "buys nothing"),
        (lambda x: x.__setitem__((0, 1), -1.0), "negative"),
        (lambda x: x.__setitem__((0, 1), np.nan), "not finite"),
    ],
)
def test_impossible_changes_are_refused(change: object, says: str) -> None:
    flows, effect = economy(8, 4)
    change(effect)  # type: ignore[operator]
    with pytest.raises(ValueError, match=says):
        full(flows, effect, theta=4.0)
