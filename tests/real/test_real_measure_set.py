"""Measures of the real sector panel and tables, moved to stand-in forecasts: what must hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.data.pairs import PairAttributes
from features.data.panel import TradePanel
from features.data.sectors import SectorAttributes
from features.information import DataBundle
from features.measures.catalogue import MEASURES
from forecasting.measurement.contributions import FlowParts, contributions
from forecasting.measurement.measure_set import MeasureSet, make_measure_set, unit_table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data, and {DATA} is not there"),
]
ORIGIN = 2007


@pytest.fixture(scope="module")
def panel() -> TradePanel:
    """The year of the origin and the one before it, so that two tables are read of fifteen."""
    whole = TradePanel.read(
        DATA / "trade" / "sector_flows.parquet", domestic="include", negatives="zero"
    )
    rows = slice(whole.row(ORIGIN - 1), whole.row(ORIGIN) + 1)
    return replace(whole, years=whole.years[rows], values=whole.values[rows])


@pytest.fixture(scope="module")
def measure_set(panel) -> MeasureSet:
    flows = panel.flows
    bundle = DataBundle(
        panel,
        pairs=PairAttributes.read(
            [DATA / "pairs" / "geography.parquet"], countries=flows.countries
        ),
        sectors=SectorAttributes.read(DATA / "trade" / "sectors.csv", sectors=flows.sectors),
    )
    return make_measure_set(bundle, tables=DATA / "icio")


@pytest.fixture(scope="module")
def origin(measure_set, panel) -> np.ndarray:
    return measure_set.cube(panel.values[panel.row(ORIGIN)])


@pytest.fixture(scope="module")
def before(measure_set, panel) -> dict[str, np.ndarray]:
    return measure_set.compute(measure_set.observed(panel, ORIGIN, before=ORIGIN - 1))


@pytest.fixture(scope="module")
def parts(origin) -> FlowParts:
    """Countries grow at rates of their own; then flows shift by a few percent, split in two."""
    rng = np.random.default_rng(5)
    rate = rng.normal(0.08, 0.03, len(origin))[:, None, None]
    base = origin * np.exp(rate)
    moved = {name: base * rng.normal(0, 0.04, base.shape) for name in ("net:a", "net:b")}
    forecast = base + sum(moved.values())
    assert (forecast >= 0).all()
    return FlowParts(origin, base, forecast, {"total:exporter": base - origin}, moved)


def forecast_year(measure_set, values):
    traded = values > 0
    return measure_set.forecast(values, chance=traded * 1.0, before=traded, origin=ORIGIN)


def test_the_real_data_allow_every_measure(measure_set, before):
    needs = {"data", "hosting"}
    assert measure_set.measures == tuple(m for m in MEASURES if not m.needs & needs)
    assert set(measure_set.missing) == {m.name for m in MEASURES if m.needs & needs}
    for measure in measure_set.measures:
        _, kept = unit_table(measure, measure_set.context)
        assert np.isfinite(before[measure.name].ravel()[kept]).mean() > 0.5, measure.name


def test_a_world_that_grows_evenly_has_no_shifts(measure_set, origin, before):
    found = measure_set.compute(forecast_year(measure_set, 1.3 * origin))
    for measure in measure_set.measures:
        if measure.family != "links":
            np.testing.assert_allclose(
                found[measure.name], before[measure.name], rtol=1e-6, atol=1e-9,
                err_msg=measure.name,
            )  # fmt: skip


def test_a_forecast_year_keeps_the_identities_of_its_table(measure_set, parts):
    year = forecast_year(measure_set, parts.forecast)
    chains = year.chains
    np.testing.assert_allclose(chains.output, parts.forecast.sum(axis=1), rtol=1e-9)
    exports = parts.forecast.sum(axis=(1, 2)) - np.einsum("iik->i", parts.forecast)
    np.testing.assert_allclose(chains.exports, exports, rtol=1e-9)
    split = chains.domestic_value_added + chains.double_counted + chains.foreign_content
    np.testing.assert_allclose(split, exports, rtol=1e-9)
    world = [np.nansum(stages * chains.output) for stages in
             (chains.upstreamness, chains.downstreamness)]  # fmt: skip
    assert world[0] == pytest.approx(world[1], rel=1e-9)
    assert np.nanmin(chains.upstreamness) >= 1 - 1e-12
    measured = measure_set.compute(year)
    np.testing.assert_allclose(np.nansum(measured["market_share"], axis=0), 1.0, rtol=1e-9)
    np.testing.assert_allclose(np.nansum(measured["export_structure"], axis=1), 1.0, rtol=1e-9)


def test_contributions_add_up_with_a_small_remainder(measure_set, parts, before):
    others = [m for m in measure_set.measures if m.family != "links"]
    table = contributions(measure_set, parts, before, origin=ORIGIN, measures=others)
    end = measure_set.compute(forecast_year(measure_set, parts.forecast))
    total = table.loc[:, "total:exporter":].sum(axis=1)
    shares = {}
    for measure in others:
        _, kept = unit_table(measure, measure_set.context)
        change = (end[measure.name] - before[measure.name]).ravel()
        change = change[kept & np.isfinite(change)]
        mine = table["measure"] == measure.name
        scale = np.abs(change).max()
        np.testing.assert_allclose(total[mine], change, rtol=1e-9, atol=1e-9 * scale)
        shares[measure.name] = table.loc[mine, "remainder"].abs().mean() / np.abs(change).mean()
    share = pd.Series(shares)
    # Where the largest supplier changes there is a kink; a ratio of inputs nearly without foreign
    # ones is a pole.
    rough = [
        "largest_supplier", "largest_supplier_by_sector", "three_largest_exporters", "input_ratio",
    ]  # fmt: skip
    assert (share.drop(rough) < 0.01).all()
    assert (share[rough] < 0.1).all()
