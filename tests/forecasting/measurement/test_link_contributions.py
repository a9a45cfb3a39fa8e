"""Births and deaths of links: channels that add up to the chances, and a world without any."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.feature import CHANNELS
from features.information import DataBundle
from forecasting.explanation.explain import attribution_table, explain
from forecasting.measurement.contribution_terms import TERMS
from forecasting.measurement.link_contributions import AVERAGE, chance_parts, link_contributions
from forecasting.measurement.measure_run import Measured, measure_past, measure_run
from forecasting.measurement.measure_set import make_measure_set, unit_table
from forecasting.progress import Progress

SECTORS = ("goods", "services")
HORIZONS = (1, 2)


@pytest.fixture(scope="module")
def forecaster(make_forecaster):
    return make_forecaster(sectors=SECTORS, domestic=True)


@pytest.fixture(scope="module")
def panel(diagonal_bundle):
    return diagonal_bundle.panel


@pytest.fixture(scope="module")
def links_set(diagonal_bundle):
    return make_measure_set(diagonal_bundle, tables=None)


@pytest.fixture(scope="module")
def links(links_set):
    return [m for m in links_set.measures if m.family == "links"]


def explained(measure_set, forecaster, panel, links, horizon):
    start = measure_set.compute(measure_set.observed(panel, forecaster.origin, before=2008))
    table = link_contributions(measure_set, forecaster, start, horizon=horizon, measures=links)
    return start, table


@pytest.mark.parametrize("horizon", HORIZONS)
def test_contributions_sum_to_the_forecast_change(links_set, forecaster, panel, links, horizon):
    start, table = explained(links_set, forecaster, panel, links, horizon)
    chance = links_set.cube(forecaster.probability_of_trade(horizon))
    traded = links_set.cube(forecaster.value) > 0
    year = links_set.forecast(np.zeros(chance.shape), chance=chance, before=traded, origin=0)
    terms = [name for name in table if str(name).startswith("chance:")]
    assert set(terms) <= set(TERMS)
    assert len(terms) > 2
    assert [m.name for m in links] == list(table["measure"].unique())
    for measure in links:
        change = measure.compute(year) - start[measure.name]
        units, kept = unit_table(measure, links_set.context)
        kept &= np.isfinite(change)
        selected = table[table["measure"] == measure.name]
        assert list(selected["country"].astype(str)) == list(units["country"][kept].astype(str))
        np.testing.assert_allclose(selected[terms].sum(axis=1), change[kept], atol=1e-12)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_parts_of_a_chance_sum_to_it_flow_by_flow(forecaster, horizon):
    parts = chance_parts(forecaster, horizon)
    total = np.sum(list(parts.values()), axis=0)
    wanted = forecaster.probability_of_trade(horizon)
    np.testing.assert_allclose(total, wanted, atol=1e-12)
    assert set(parts) - {AVERAGE} <= {f"chance:{channel}" for channel in CHANNELS}
    average = parts[AVERAGE]
    assert ((average > 0) & (average < 1)).all()


def test_a_channel_is_measured_over_the_links_it_is_about(links_set, forecaster, panel, links):
    """Births over flows without trade, deaths over the others: slow sums over the flows."""
    _, table = explained(links_set, forecaster, panel, links, 1)
    part, flows = chance_parts(forecaster, 1)["chance:persistence"], links_set.flows
    abroad = flows.exporter != flows.importer
    traded = forecaster.value > 0
    wanted = {"active_links": (abroad, 1), "link_births": (abroad & ~traded, 1),
              "link_deaths": (abroad & traded, -1)}  # fmt: skip
    for name, (chosen, sign) in wanted.items():
        selected = table[table["measure"] == name].set_index("country")["chance:persistence"]
        for code, found in selected.items():
            own = chosen & (flows.exporter == flows.countries.index(code))
            assert found == pytest.approx(sign * part[own].mean(), rel=1e-9, abs=1e-12)


# Where every flow is traded -----------------------------------------------------------------------


def test_a_constant_chance_leaves_the_table_empty_and_the_rest_as_it_is(
    make_forecaster, make_bundle, write_backtest, tmp_path
):
    forecaster = make_forecaster(all_trade=True)
    bundle = make_bundle()
    panel = replace(bundle.panel, values=bundle.panel.values + np.float32(1.0))
    measure_set = make_measure_set(DataBundle(panel, pairs=bundle.pairs), tables=None)
    assert forecaster.probability.booster_ is None
    links = [m for m in measure_set.measures if m.family == "links"]
    assert explained(measure_set, forecaster, panel, links, 1)[1].empty
    pairs = [(origin, h) for origin in (2007, 2008) for h in HORIZONS]
    write_backtest(tmp_path, panel, pairs)
    forecasts = {horizon: forecaster.flow_forecast(horizon) for horizon in HORIZONS}
    past = measure_past(
        measure_set, panel, tmp_path, setting="totals_known", origin=forecaster.origin,
        horizons=HORIZONS, pairs=pairs,
    )  # fmt: skip
    attributions = attribution_table(explain(forecaster, forecasts))
    measured = Measured(forecaster, forecasts, attributions)
    found = measure_run(measure_set, panel, past, measured, Progress(show=False))
    assert set(found.drivers["measure"]) == {m.name for m in measure_set.measures} - {
        m.name for m in links
    }
    assert not any(str(name).startswith("chance:") for name in found.drivers)
    assert {m.name for m in links} <= set(found.forecasts["measure"])
    keys = ["measure", "country", "partner", "sector", "horizon"]
    both = found.drivers.merge(found.forecasts, on=keys)
    assert len(both) == len(found.drivers)
    terms = [name for name in found.drivers if ":" in str(name)]
    total = both[[*terms, "remainder"]].sum(axis=1)
    change = both["forecast"] - both["value_origin"]
    np.testing.assert_allclose(total, change, rtol=1e-9, atol=1e-9)
