"""Volatility and main flows, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.data.flows import FlowIndex
from models.flow_traits import MAIN, flow_volatility, main_flows


def test_a_flow_that_grows_with_the_world_has_none():
    history = np.outer(1.1 ** np.arange(8), [1.0, 20.0])
    assert flow_volatility(history) == pytest.approx([0.0, 0.0])


def test_a_flow_that_stops_and_starts_varies_most_and_an_unknown_one_not():
    steady = np.full(6, 1e9)
    on_and_off = np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.0])
    unknown = np.full(6, np.nan)
    found = flow_volatility(np.stack([steady, on_and_off, unknown, 0 * steady], axis=1))
    assert found == pytest.approx([0.0, 2.0, 0.0, 0.0], abs=1e-6)


def test_years_before_the_last_six_do_not_count():
    history = np.random.default_rng(1).lognormal(size=(9, 4))
    assert np.array_equal(flow_volatility(history), flow_volatility(history[-6:]))


def test_main_flows_are_the_largest_of_each_exporter_in_each_sector():
    flows = FlowIndex(tuple(f"{n:02d}" for n in range(15)), sectors=("a", "b"))
    value = np.random.default_rng(1).lognormal(size=flows.size)
    value[flows.exporter == 3] = 0
    value[(flows.exporter == 4) & (flows.importer < 12)] = np.nan
    table = pd.DataFrame({"exporter": flows.exporter, "sector": flows.sector, "value": value})
    rank = table.groupby(["exporter", "sector"])["value"].rank(ascending=False)
    assert np.array_equal(main_flows(value, flows), (rank <= MAIN) & (table["value"] > 0))
