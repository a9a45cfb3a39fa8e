"""The whole job on a world with sectors, domestic sales and tables: every family of measures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from features.data.input_output import read_table_year
from features.measures.catalogue import MEASURES
from features.measures.value_chains import value_chains
from forecasting import load_forecaster, read_run
from forecasting.measurement.intervals import NATURAL_LIMITS
from forecasting.measurement.measure_run import history_table
from forecasting.measurement.measure_set import unit_table
from forecasting.measurement.tables import MeasureTables
from models.table_update import update_table

KEYS = ["measure", "country", "partner", "sector"]
ORIGIN = 2010


@pytest.fixture(scope="module")
def finished(run_chains):
    return run_chains()


@pytest.fixture(scope="module")
def pattern(finished) -> MeasureTables:
    return finished.measures


def forecast_cube(finished, measure_set, horizon: int, column: str) -> np.ndarray:
    rows = finished.forecasts[finished.forecasts["horizon"] == horizon]
    return measure_set.cube(rows[column].to_numpy())


# Files --------------------------------------------------------------------------------------------


def test_a_run_reports_the_repairs_to_its_tables(finished, measure_set):
    assert measure_set.statements
    assert set(measure_set.statements) <= set(finished.provenance["notes"])


def test_a_run_read_back_has_the_same_tables(finished, pattern):
    again = read_run(finished.out).measures
    assert again.missing == pattern.missing == {}
    for name in ("history", "forecasts", "backtest", "scores", "drivers"):
        found, wanted = getattr(again, name), getattr(pattern, name)
        assert len(wanted)
        # Text comes back as another kind of text, and an empty word of a CSV as missing.
        pd.testing.assert_frame_equal(
            found, wanted, check_dtype=False, check_categorical=False, rtol=1e-15, obj=name
        )


@pytest.mark.slow
def test_two_runs_write_the_same_bytes_however_many_workers(finished, run_chains):
    other = run_chains(workers=2)
    files = sorted(path.name for path in finished.out.glob("measures_*"))
    assert len(files) == 5
    for name in files:
        assert (finished.out / name).read_bytes() == (other.out / name).read_bytes(), name


# Every measure ------------------------------------------------------------------------------------


def test_every_measure_is_past_forecast_tested_scored_and_explained(pattern):
    names = {m.name for m in MEASURES}
    for table in (pattern.history, pattern.forecasts, pattern.backtest, pattern.scores,
                  pattern.drivers):  # fmt: skip
        assert set(table["measure"]) == names
    pairs = [(m.name, h) for m in MEASURES for h in (1, 2)]
    assert list(pattern.scores[["measure", "horizon"]].itertuples(index=False)) == pairs
    assert set(pattern.scores["family"]) == {m.family for m in MEASURES}
    for table in (pattern.forecasts, pattern.backtest, pattern.drivers):
        unit = [*KEYS, *({"origin", "horizon"} & set(table))]
        assert not table.duplicated(unit).any()
        assert (table["country"] != "ROW").all()


def test_forecasts_are_the_measures_of_the_forecast_flows(finished, pattern, measure_set):
    chances = load_forecaster(finished.out / "model")
    traded = measure_set.cube(chances.value) > 0
    for horizon in (1, 2):
        flows = forecast_cube(finished, measure_set, horizon, "forecast")
        chance = forecast_cube(finished, measure_set, horizon, "probability_of_trade")
        year = measure_set.forecast(flows, chance=chance, before=traded, origin=ORIGIN)
        for measure in measure_set.measures:
            units, kept = unit_table(measure, measure_set.context)
            values = measure.compute(year).ravel()
            kept &= np.isfinite(values)
            selected = pattern.forecasts[
                (pattern.forecasts["measure"] == measure.name)
                & (pattern.forecasts["horizon"] == horizon)
            ]
            np.testing.assert_allclose(selected["forecast"], values[kept], rtol=1e-12)
            np.testing.assert_array_equal(selected["country"].astype(str), units["country"][kept])
            assert (selected["target_year"] == ORIGIN + horizon).all()


def test_value_chains_at_the_origin_are_those_of_its_table(
    finished, pattern, measure_set, chain_world
):
    flows = measure_set.flows
    table = read_table_year(
        chain_world.options["tables"], ORIGIN, countries=flows.countries, sectors=flows.sectors
    )
    # Moved to the flows that it has, as a forecast table is, it loses falling inventories alone.
    origin = forecast_cube(finished, measure_set, 1, "value_origin")
    np.testing.assert_allclose(origin, table.flows(), rtol=1e-6)
    chains = value_chains(update_table(table, origin))
    wanted = {
        "domestic_value_added": chains.domestic_value_added / chains.exports,
        "foreign_value_added": chains.foreign_content / chains.exports,
        "indirect_value_added": chains.indirect_value_added / chains.exports,
        "upstreamness": chains.upstreamness,
        "downstreamness": chains.downstreamness,
    }
    reported = np.array(measure_set.flows.countries) != "ROW"
    for name, values in wanted.items():
        for horizon in (1, 2):
            selected = pattern.forecasts[
                (pattern.forecasts["measure"] == name) & (pattern.forecasts["horizon"] == horizon)
            ]
            np.testing.assert_allclose(
                selected["value_origin"], values[reported].ravel(), rtol=1e-12
            )


def test_intervals_hold_the_forecast_inside_the_natural_limits(pattern):
    units = {m.name: m.unit for m in MEASURES}
    for table in (pattern.forecasts, pattern.backtest.dropna(subset="lower_90")):
        for low, inner in (("lower_90", "lower_50"), ("lower_50", "forecast"),
                           ("forecast", "upper_50"), ("upper_50", "upper_90")):  # fmt: skip
            assert (table[low] <= table[inner]).all()
        for name, rows in table.groupby("measure"):
            lowest, highest = NATURAL_LIMITS.get(units[str(name)], (-np.inf, np.inf))
            assert rows["lower_90"].min() >= lowest
            assert rows["upper_90"].max() <= highest
    has = pattern.forecasts["measure"] == "revealed_advantage"
    assert pattern.forecasts["chance_above"].notna().equals(has)


# Adding up ----------------------------------------------------------------------------------------


def test_terms_and_remainder_lead_from_the_origin_to_every_forecast(pattern):
    both = pattern.drivers.merge(pattern.forecasts, on=[*KEYS, "horizon"], how="outer")
    change = both["forecast"] - both["value_origin"]
    terms = [name for name in pattern.drivers if ":" in str(name)]
    total = both[[*terms, "remainder"]].sum(axis=1, min_count=1)
    np.testing.assert_array_equal(total.isna(), change.isna())
    scale = change.abs().groupby(both["measure"]).transform("max")
    assert ((total - change).abs() <= 1e-9 * change.abs() + 1e-9 * scale)[change.notna()].all()


def test_remainders_are_small_beside_the_changes(pattern):
    both = pattern.drivers.merge(pattern.forecasts, on=[*KEYS, "horizon"])
    left = both["remainder"].abs().groupby(both["measure"]).mean().dropna()
    moved = (both["forecast"] - both["value_origin"]).abs().groupby(both["measure"]).mean()
    kinked = ["largest_supplier", "largest_supplier_by_sector"]
    share = (left / moved)[left.index].drop(kinked)
    assert len(share) > 25
    # A measure may not move at all.
    assert (share.dropna() < 0.01).all()


def test_partners_and_sectors_of_the_forecast_sum_to_the_totals(finished):
    forecaster = load_forecaster(finished.out / "model")
    sectors = len(forecaster.flows.sectors)
    for horizon, totals in forecaster.totals.items():
        flow = forecaster.flow_forecast(horizon)
        assert flow.largest_gap < 1e-6
        table = finished.forecasts[finished.forecasts["horizon"] == horizon]
        for side in ("exporter", "importer"):
            base = table.groupby([side, "sector"], observed=True)["base"].sum().to_numpy()
            found = table.groupby([side, "sector"], observed=True)["forecast"].sum().to_numpy()
            np.testing.assert_allclose(found, base, rtol=1e-6)
            whole = table.groupby(side, observed=True)["forecast"].sum().to_numpy()
            np.testing.assert_allclose(whole, base.reshape(-1, sectors).sum(axis=1), rtol=1e-6)
            wanted = np.asarray(getattr(totals, side))
            world = [v.reshape(-1, sectors).sum(axis=0) for v in (found, wanted)]
            np.testing.assert_allclose(
                found / np.tile(world[0], 6), wanted / np.tile(world[1], 6), rtol=1e-6
            )


# History ------------------------------------------------------------------------------------------


def test_history_holds_every_year_as_measured_from_the_panel(pattern, measure_set, chain_bundle):
    panel, history = chain_bundle.panel, pattern.history
    assert set(history["year"]) == set(range(1999, ORIGIN + 1))
    for year in (1999, 2004, ORIGIN):
        before = max(year - 1, 1999)
        values = measure_set.compute(measure_set.observed(panel, year, before=before))
        for measure in measure_set.measures:
            selected = history[(history["measure"] == measure.name) & (history["year"] == year)]
            if measure.family == "links" and year == 1999:
                assert selected.empty
                continue
            _, kept = unit_table(measure, measure_set.context)
            flat = values[measure.name].ravel()
            np.testing.assert_array_equal(selected["value"], flat[kept & np.isfinite(flat)])


def test_history_ends_with_the_origin(measure_set, chain_bundle):
    assert history_table(measure_set, chain_bundle.panel, last_year=2003)["year"].max() == 2003


def test_unknown_flows_count_as_no_trade(measure_set, chain_bundle):
    panel = chain_bundle.panel
    rng = np.random.default_rng(0)
    unknown = rng.random(panel.values.shape) < 0.2
    holed = dataclasses.replace(panel, values=np.where(unknown, np.nan, panel.values))
    empty = dataclasses.replace(panel, values=np.where(unknown, 0, panel.values))
    bare = measure_set.without_tables()
    bare = dataclasses.replace(
        bare, measures=tuple(m for m in measure_set.measures if "tables" not in m.needs)
    )
    found = history_table(bare, holed, last_year=2003)
    pd.testing.assert_frame_equal(found, history_table(bare, empty, last_year=2003))
    assert np.isfinite(found["value"]).all()
