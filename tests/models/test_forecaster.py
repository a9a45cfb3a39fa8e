from __future__ import annotations

import numpy as np
import pytest

from features.catalogue import NAMES
from features.flows import FlowIndex
from models.forecaster import LARGEST_LOSS, LEAST_CHANCE, forecast_flows
from models.shift import ShiftModel
from models.totals import Totals

FLOWS = FlowIndex(tuple(f"X{letter}A" for letter in "ABCDEF"))


class NoShift(ShiftModel):
    def predict(self, features):
        return np.zeros(features.shape[0])


@pytest.fixture
def value() -> np.ndarray:
    value = np.random.default_rng(0).lognormal(16, 0.5, FLOWS.size)
    value[[3, 9]] = value.min() * 1e-4
    return value


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
