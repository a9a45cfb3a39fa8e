"""What technology in totals adds to a flow: all of it, and the mean over orders of the channels."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations, permutations

import numpy as np
import pytest

from forecasting import load_forecaster, save_forecaster
from forecasting.explanation.explain import attribution_table, explain
from forecasting.explanation.technology_totals import technology_in_totals
from models.known_totals import Totals
from models.raking import rake

CHANNELS = ("ai_adoption", "automation", "data_infrastructure")


@pytest.fixture(scope="module")
def forecaster(make_forecaster):
    """Totals of one year ahead are forecast with technology, those of two without."""
    fitted = make_forecaster(sectors=("goods", "services"))
    totals = fitted.totals[1]
    rng = np.random.default_rng(3)
    moves = {c: 0.1 * rng.normal(size=(2, totals.exporter.size)) for c in CHANNELS}

    def moved(kept: tuple[str, ...]) -> Totals:
        both = np.exp(sum((moves[c] for c in kept), np.zeros((2, totals.exporter.size))))
        return Totals(totals.exporter * both[0], totals.importer * both[1], kept)

    subsets = chain.from_iterable(combinations(CHANNELS, n) for n in range(3))
    with_technology = replace(moved(CHANNELS), coalitions={kept: moved(kept) for kept in subsets})
    return replace(fitted, totals={**fitted.totals, 1: with_technology})


@pytest.fixture(scope="module")
def table(forecaster):
    forecasts = {horizon: forecaster.flow_forecast(horizon) for horizon in (1, 2)}
    return attribution_table(explain(forecaster, forecasts))


def test_terms_sum_to_the_change_from_the_origin_to_the_base(table):
    names = [name for name in table if name.startswith("total:")]
    assert names[4:] == [f"total:{channel}" for channel in CHANNELS]
    moved = 100 * np.log(table["base"] / table["value_origin"])
    np.testing.assert_allclose(table[names].sum(axis=1), moved, atol=1e-9)
    ahead = table["horizon"] == 1
    for channel in CHANNELS:
        assert table.loc[ahead, f"total:{channel}"].abs().max() > 1
        assert not table.loc[~ahead, f"total:{channel}"].any()


def test_a_channel_adds_the_mean_over_the_orders_in_which_channels_may_join(forecaster):
    totals, flows = forecaster.totals[1], forecaster.flows
    base = forecaster.flow_forecast(1).base
    found = technology_in_totals(forecaster, base, 1)

    def logs(kept: tuple[str, ...]) -> np.ndarray:
        one = totals.with_only(kept)
        sums = {"exporter_totals": one.exporter, "importer_totals": one.importer}
        return 100 * np.log(rake(forecaster.value, flows=flows, **sums).values[base > 0])

    for channel in CHANNELS:
        added = []
        for order in permutations(CHANNELS):
            before = order[: order.index(channel)]
            added.append(logs((*before, channel)) - logs(before))
        expected = np.mean(added, axis=0)
        np.testing.assert_allclose(found.percent[channel][base > 0], expected, atol=1e-9)


def test_they_survive_being_saved(forecaster, tmp_path):
    save_forecaster(forecaster, tmp_path)
    again = load_forecaster(tmp_path)
    base = forecaster.flow_forecast(1).base
    for channel, percent in technology_in_totals(forecaster, base, 1).percent.items():
        found = technology_in_totals(again, base, 1).percent[channel]
        np.testing.assert_array_equal(found, percent)
