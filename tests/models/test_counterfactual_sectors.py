"""Counterfactuals of many sectors: identities, and one sector without inputs as the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from features.data.input_output import InputOutputTable
from models.counterfactual import full
from models.counterfactual_sectors import full_sectors


def table(n: int = 4, k: int = 3, *, inputs: float = 0.4, seed: int = 0) -> InputOutputTable:
    rng = np.random.default_rng(seed)
    flows = np.exp(rng.normal(0, 1, (n, n, k)))
    flows[np.arange(n), np.arange(n)] *= 5
    use = rng.dirichlet(np.ones(k), size=(n, k)) * inputs  # of what a country buys, by user
    rows = flows.transpose(0, 2, 1).reshape(n * k, n)
    intermediate = (rows[:, :, None] * np.tile(use.transpose(1, 0, 2), (n, 1, 1))).reshape(
        n * k, -1
    )
    final = rows - intermediate.reshape(n * k, n, k).sum(axis=2)
    names = tuple("ABCDEFGH"[:n])
    return InputOutputTable(2000, names, tuple("xyz"[:k]), intermediate, final)


def test_no_change_changes_nothing() -> None:
    base = table()
    found = full_sectors(base, np.ones((4, 4, 3)), theta=np.array([2.0, 5.0, 9.0]))
    assert found.converged
    np.testing.assert_allclose(found.flows, base.flows(), rtol=1e-12)
    np.testing.assert_allclose(found.welfare, 1.0, atol=1e-12)


def test_one_sector_without_inputs_is_the_equilibrium_of_one_sector() -> None:
    base = table(n=5, k=1, inputs=0.0)
    effect = np.exp(np.random.default_rng(1).normal(0, 0.3, (5, 5, 1)))
    found = full_sectors(base, effect, theta=np.array([4.0]))
    single = full(base.flows()[:, :, 0], effect[:, :, 0], theta=4.0, deficits="additive")
    assert found.converged
    np.testing.assert_allclose(found.flows[:, :, 0], single.flows, rtol=1e-7)
    np.testing.assert_allclose(found.welfare, single.welfare, rtol=1e-7)


def test_an_equilibrium_keeps_world_income_and_embargoes() -> None:
    base, effect = table(), np.ones((4, 4, 3))
    effect[0, 1, 2] = 0.0
    effect[:, 2] = 1.2**-4
    effect[2, 2] = 1.0
    found = full_sectors(base, effect, theta=np.array([3.0, 4.0, 8.0]))
    assert found.converged
    np.testing.assert_array_equal(found.flows == 0, effect == 0)
    added = base.value_added.reshape(4, 3).sum(axis=1)
    assert found.wage @ added == pytest.approx(added.sum(), rel=1e-9)
    assert found.welfare[2] < 1


def test_what_did_not_converge_says_so() -> None:
    effect = np.ones((4, 4, 3))
    effect[0, 1] = 0.3
    found = full_sectors(table(), effect, theta=np.full(3, 4.0), max_rounds=2)
    assert not found.converged


def test_a_sector_without_any_supplier_is_refused() -> None:
    effect = np.ones((4, 4, 3))
    effect[:, 1, 0] = 0.0
    with pytest.raises(ValueError, match="every supplier"):
        full_sectors(table(), effect, theta=np.full(3, 4.0))
