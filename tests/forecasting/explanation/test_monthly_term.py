"""What monthly trade changes in a forecast is a step of its own on the way to the base."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecasting import load_forecaster, save_forecaster
from forecasting.explanation.explain import attribution_table, explain
from models.known_totals import Totals
from models.raking import rake

STEP = "total:monthly"


@pytest.fixture(scope="module")
def without(make_forecaster):
    """A forecaster of one and two years ahead that knows no monthly trade."""
    return make_forecaster()


@pytest.fixture(scope="module")
def forecaster(without):
    """Monthly trade has raised every total of two years ahead by a tenth, and some by more."""
    totals = without.totals[2]
    raised = np.linspace(1.1, 1.3, totals.exporter.size)
    before = Totals(totals.exporter / raised, totals.importer / 1.1)
    return replace(without, before_monthly={1: without.totals[1], 2: before})


def table_of(forecaster):
    forecasts = {horizon: forecaster.flow_forecast(horizon) for horizon in (1, 2)}
    return attribution_table(explain(forecaster, forecasts))


def test_it_leads_from_the_base_without_monthly_trade_to_the_base(forecaster):
    table = table_of(forecaster)
    names = [name for name in table if name.startswith("total:")]
    assert names[4:] == [STEP]
    moved = 100 * np.log(table["base"] / table["value_origin"])
    np.testing.assert_allclose(table[names].sum(axis=1), moved, atol=1e-9)
    ahead = table["horizon"] == 1
    assert table.loc[ahead, STEP].abs().max() < 1e-9
    totals, flows = forecaster.before_monthly[2], forecaster.flows
    sums = {"exporter_totals": totals.exporter, "importer_totals": totals.importer}
    before = rake(forecaster.value, flows=flows, **sums).values
    later, base = table[~ahead], forecaster.flow_forecast(2).base
    place = flows.position(
        *(later[side].cat.codes.to_numpy(np.int32) for side in ("exporter", "importer")),
        np.zeros(len(later), dtype=np.int32),
    )
    expected = 100 * np.log(base[place] / before[place])
    np.testing.assert_allclose(later[STEP], expected, atol=1e-9)


def test_there_is_none_without_monthly_trade(without):
    assert STEP not in table_of(without)


def test_it_survives_being_saved(forecaster, tmp_path):
    save_forecaster(forecaster, tmp_path)
    again = table_of(load_forecaster(tmp_path))
    np.testing.assert_array_equal(again[STEP], table_of(forecaster)[STEP])
