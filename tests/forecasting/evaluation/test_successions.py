"""A back-test does not score forecasts across the year in which a country changes its code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.data.panel import TradePanel
from features.information import DataBundle
from forecasting.evaluation.prepared import prepare
from forecasting.options.run_config import RunConfig

BREAK = 2011
CODES = ("AUT", "BEL", "DEU", "FRA", "ITA")


@pytest.fixture(scope="module")
def bench():
    rng = np.random.default_rng(5)
    rows = []
    for year in range(2000, 2016):
        ours = ("SCG",) if year <= BREAK else ("MNE", "SRB")
        everyone = (*CODES, *ours)
        rows += [(a, b, year, rng.lognormal(16, 0.3)) for a in everyone for b in everyone if a != b]
    table = pd.DataFrame(rows, columns=["exporter", "importer", "year", "value_usd"])
    config = RunConfig(horizons=(1, 2), settings=("ex_ante",), experiment=None)
    return prepare(DataBundle(TradePanel.from_frame(table)), config)


@pytest.mark.parametrize(
    ("origin", "horizon", "across"),
    [(2010, 1, False), (2010, 2, True), (2011, 1, True), (2011, 2, True), (2012, 1, False)],
)
def test_flows_of_the_country_that_changed_are_unknown_across_the_break(
    bench, origin, horizon, across
):
    flows = bench.panel.flows
    ours = np.isin(flows.countries, ("SCG", "MNE", "SRB"))
    touched = ours[flows.exporter] | ours[flows.importer]
    known = ~np.isnan(bench.outcome(origin, horizon))
    assert known[~touched].all()
    assert set(known[touched]) == {not across}
