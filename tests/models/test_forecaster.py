from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.catalogue import NAMES
from features.data.flows import FlowIndex
from models.forecaster import LARGEST_LOSS, LEAST_CHANCE, forecast_flows
from models.known_totals import Totals
from models.shift import ShiftModel

FLOWS = FlowIndex(tuple(f"X{letter}A" for letter in "ABCDEF"))


class NoShift(ShiftModel):
    def predict(self, features):
        return np.zeros(features.shape[0])


@pytest.fixture
def value() -> np.ndarray:
    value = np.random.default_rng(0).lognormal(16, 0.5, FLOWS.size)
    value[[3, 9]] = value.min() * 1e-4
    return value


class AnyShift(ShiftModel):
    def predict(self, features):
        return np.random.default_rng(self.seed).uniform(-1.9, 1.9, features.shape[0])


def forecast(value: np.ndarray, chance: np.ndarray | None):
    totals = Totals(1.1 * FLOWS.exporter_totals(value), 1.1 * FLOWS.importer_totals(value))
    return totals, forecast_flows(
        value, np.zeros((FLOWS.size, len(NAMES)), dtype=np.float32), flows=FLOWS, totals=totals,
        shift=NoShift(), chance=chance, horizon=1,
    )  # fmt: skip


def test_small_flows_unlikely_to_be_traded_are_forecast_at_zero_and_totals_still_met(value):
    chance = np.full(FLOWS.size, 0.9)
    chance[3] = LEAST_CHANCE - 0.01
    chance[9] = LEAST_CHANCE
    totals, result = forecast(value, chance)
    assert np.flatnonzero(result.forecast == 0).tolist() == [3]
    assert (result.base > 0).all()
    np.testing.assert_allclose(FLOWS.exporter_totals(result.forecast), totals.exporter, rtol=1e-7)
    np.testing.assert_allclose(FLOWS.importer_totals(result.forecast), totals.importer, rtol=1e-7)


def test_a_flow_its_totals_rest_on_is_never_dropped(value):
    _, result = forecast(value, np.zeros(FLOWS.size))
    share = np.maximum(
        value / FLOWS.exporter_totals(value)[FLOWS.exporter_margin],
        value / FLOWS.importer_totals(value)[FLOWS.importer_margin],
    )
    np.testing.assert_array_equal(result.forecast == 0, share < LARGEST_LOSS)


def test_without_chances_nothing_is_dropped(value):
    assert (forecast(value, None)[1].forecast > 0).all()


@st.composite
def worlds(draw) -> tuple[np.ndarray, Totals, np.ndarray, int]:
    """Flows over ten orders of magnitude, half of them 0, other totals, and any chances."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    value = rng.lognormal(12, draw(st.sampled_from([0.5, 4.0])), FLOWS.size)
    value[rng.random(FLOWS.size) < draw(st.sampled_from([0.0, 0.5]))] = 0.0
    target = value * rng.lognormal(0, draw(st.sampled_from([0.0, 1.0])), FLOWS.size)
    totals = Totals(FLOWS.exporter_totals(target), FLOWS.importer_totals(target))
    edges = [0.0, LEAST_CHANCE, np.nextafter(LEAST_CHANCE, 0), 0.99, 1.0]
    chance = np.where(rng.random(FLOWS.size) < 0.5, rng.choice(edges, FLOWS.size), rng.random())
    return value, totals, chance, seed


@hypothesis_settings(max_examples=25, deadline=None)
@given(worlds())
def test_the_forecast_and_the_probability_of_trade_agree(world):
    """A flow with a base is forecast at 0 only where trade is less likely than not.

    And all such flows that are small beside both their totals are, if these can be met without
    them; otherwise none is.
    """
    value, totals, chance, seed = world
    result = forecast_flows(
        value, np.zeros((FLOWS.size, len(NAMES)), dtype=np.float32), flows=FLOWS, totals=totals,
        shift=AnyShift(seed=seed), chance=chance, horizon=1,
    )  # fmt: skip
    traded, zero = result.base > 0, result.forecast == 0
    assert not (traded & zero & (chance >= LEAST_CHANCE)).any()
    assert zero[~traded].all()
    sold, bought = FLOWS.exporter_totals(result.base), FLOWS.importer_totals(result.base)
    limit = LARGEST_LOSS * np.minimum(sold[FLOWS.exporter_margin], bought[FLOWS.importer_margin])
    dying = traded & (result.base < limit * (1 - 1e-6)) & (chance < LEAST_CHANCE)
    assert zero[dying].all() or not zero[dying].any()


def test_a_probability_that_collapses_kills_only_small_flows(value):
    """Even if every flow were called unlikely, the trade that totals rest on stays."""
    _, result = forecast(value, np.full(FLOWS.size, 0.4))
    assert result.forecast[value > value.sum() / 100].min() > 0
    assert result.forecast.sum() == pytest.approx(1.1 * value.sum())
