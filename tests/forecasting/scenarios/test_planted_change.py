"""A cost change made inside the simulated world, predicted from the world without it.

With sales at home the conditional equilibrium is the world's own. Without them totals of foreign
trade are held, which they are not in the world: a scenario then says so.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from features.data.flows import FlowIndex
from features.world import world as simulated
from models.counterfactual import conditional

Simulate = Callable[[float], tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def simulate(monkeypatch) -> Simulate:
    """The last year's flows, those not traded 0, and the log effect, by strength of agreements."""
    publish = simulated._publish

    def go(strength: float) -> tuple[np.ndarray, np.ndarray]:
        seen: list[np.ndarray] = []

        def keep(rng: np.random.Generator, flows: np.ndarray) -> np.ndarray:
            published = publish(rng, flows)
            home = np.eye(flows.shape[1], dtype=bool)
            seen.append(np.where(home, flows, published)[-1])
            return published

        monkeypatch.setattr(simulated, "_publish", keep)
        world = simulated.simulate_world(
            n_countries=20, n_years=16, seed=7, effects={"trade_policy": strength}
        )
        return seen[0], world.truth.contributions["trade_policy"][-1]

    return go


def test_flows_after_a_planted_change_are_predicted_from_before(simulate: Simulate):
    before, _ = simulate(0.0)
    after, log_effect = simulate(0.05)
    index = FlowIndex(tuple(f"X{chr(65 + i)}A" for i in range(20)), diagonal=True)
    predicted = conditional(before.ravel(), np.exp(log_effect.ravel()), flows=index).values
    traded = ((before > 0) & (after > 0) & ~np.eye(20, dtype=bool)).ravel()
    error, unchanged = (
        np.median(np.abs(values[traded] / after.ravel()[traded] - 1))
        for values in (predicted, before.ravel())
    )
    assert error <= 0.05
    assert error < 0.1 * unchanged
