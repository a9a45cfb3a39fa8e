"""The back-test of measures: what it compares, and that it sees nothing ahead of its time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t

from features.measures.value_chains import value_chains
from forecasting.measurement.backtest import (
    backtest_table,
    known_residuals,
    measured_folds,
)
from forecasting.measurement.measure_set import unit_table
from forecasting.measurement.past_changes import past_changes, usual_links

PAIRS = [(origin, horizon) for origin in range(2004, 2010) for horizon in (1, 2)
         if origin + horizon <= 2010]  # fmt: skip
KEYS = ["measure", "country", "partner", "sector", "origin", "horizon"]
SAID = ["value_origin", "base", "forecast", "lower_50", "upper_50", "lower_90", "upper_90",
        "chance_above"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write_backtest, chain_bundle):
    folder = tmp_path_factory.mktemp("record")
    write_backtest(folder, chain_bundle.panel, PAIRS)
    return folder


def record(measure_set, panel, folder):
    folds = list(measured_folds(measure_set, panel, folder, setting="totals_known", pairs=PAIRS))
    changes = past_changes(measure_set, panel, horizons=[1, 2])
    return folds, changes, backtest_table(measure_set, folds, changes)


@pytest.fixture(scope="module")
def recorded(measure_set, chain_bundle, folder):
    return record(measure_set, chain_bundle.panel, folder)


@pytest.fixture(scope="module")
def table(recorded):
    return recorded[2]


# Leaks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [2005, 2008])
def test_what_comes_after_an_origin_changes_nothing_of_what_is_said_there(
    measure_set, chain_bundle, folder, table, origin
):
    """Trade and tables of later years are scaled, stopped and started; only outcomes may differ."""
    panel = chain_bundle.panel
    rng = np.random.default_rng(origin)
    values = panel.values.copy()
    later = values[panel.row(origin) + 1 :]
    later *= rng.lognormal(0, 2, later.shape).astype(np.float32) * (rng.random(later.shape) < 0.8)
    later += (rng.random(later.shape) < 0.1) * 1e8
    tables = {
        year: found if year <= origin else replace(found, intermediate=found.intermediate * 0.7)
        for year, found in measure_set.tables.items()
    }
    chains = {
        year: value_chains(found, goods=measure_set.context.goods) for year, found in tables.items()
    }
    changed = replace(measure_set, tables=tables, chains=chains)
    _, _, again = record(changed, replace(panel, values=values), folder)
    # A unit may lose its outcome, and with it its row, but not change what was said of it.
    both = table.merge(again, on=KEYS, suffixes=("", "_again"))
    early = both[both["origin"] <= origin]
    assert len(early) > 0.9 * (table["origin"] <= origin).sum()
    for name in SAID:
        np.testing.assert_array_equal(early[name], early[f"{name}_again"], err_msg=name)
    now = early[early["origin"] == origin]
    assert now["lower_90"].notna().any()
    assert (now["actual"] != now["actual_again"]).mean() > 0.5
    late = both[both["origin"] > origin]
    assert (late["upper_90"] != late["upper_90_again"]).mean() > 0.5


def test_bounds_stand_where_an_outcome_of_the_same_horizon_was_known(table):
    for (origin, horizon), rows in table.groupby(["origin", "horizon"]):
        known = 2004 + horizon <= origin
        assert rows["lower_90"].notna().all() == known
        assert rows["lower_90"].notna().any() == known
    assert table["chance_above"].notna().any()
    has = table["measure"] == "revealed_advantage"
    assert table.loc[~has, "chance_above"].isna().all()
    np.testing.assert_array_equal(
        table.loc[has, "chance_above"].notna(), table.loc[has, "lower_90"].notna()
    )


def test_intervals_learn_from_known_origins_of_the_horizon_alone(measure_set, recorded):
    folds, changes, _ = recorded
    measure = next(m for m in measure_set.measures if m.name == "country_upstreamness")
    now = next(f for f in folds if (f.origin, f.horizon) == (2008, 2))
    found = known_residuals(folds, measure, now, changes)
    errors, variation = [], changes.variation(measure, horizon=2, until=2008)
    for fold in folds:
        if fold.horizon == 2 and fold.origin in (2004, 2005, 2006):
            error = (fold.actual[measure.name] - fold.forecast[measure.name]) / variation.scale
            errors.append(error - error.mean())
    wanted = np.sort((np.concatenate(errors)[:, None] + variation.shocks).ravel())
    assert len(found.errors) == 1
    np.testing.assert_allclose(found.errors[0], wanted)


# What is compared ---------------------------------------------------------------------------------


def test_a_fold_holds_the_measures_of_its_years_and_of_its_forecast_flows(
    measure_set, chain_bundle, folder, recorded
):
    panel, flows = chain_bundle.panel, measure_set.flows
    stored = pd.read_parquet(folder / "backtest.parquet")
    stored = stored[stored["setting"] == "totals_known"]
    assert [(f.origin, f.horizon) for f in recorded[0]] == PAIRS
    for fold in recorded[0]:
        chosen = (stored["origin"] == fold.origin) & (stored["horizon"] == fold.horizon)
        rows = stored[chosen]
        cubes = {}
        for name in ("value_origin", "base", "forecast", "probability_of_trade"):
            cubes[name] = np.zeros((6, 6, 4))
            cubes[name][flows.exporter, flows.importer, flows.sector] = rows[name]
        traded = cubes["value_origin"] > 0
        now = measure_set.compute(
            measure_set.forecast(cubes["forecast"], chance=cubes["probability_of_trade"],
                                 before=traded, origin=fold.origin)
        )  # fmt: skip
        later = fold.origin + fold.horizon
        actual = measure_set.compute(measure_set.observed(panel, later, before=fold.origin))
        since = max(fold.origin - fold.horizon, 1999)
        before = measure_set.compute(measure_set.observed(panel, fold.origin, before=since))
        # A base has the links of the origin: its own measures are those of its flows.
        base = measure_set.compute(
            measure_set.forecast(
                cubes["base"], chance=traded * 1.0, before=traded, origin=fold.origin
            )
        )
        for measure in measure_set.measures:
            name = measure.name
            np.testing.assert_array_equal(fold.forecast[name], now[name])
            np.testing.assert_array_equal(fold.actual[name], actual[name])
            np.testing.assert_array_equal(fold.before[name], before[name])
            wanted = before if measure.family == "links" else base
            np.testing.assert_array_equal(fold.base[name], wanted[name])


def test_births_before_the_origin_count_over_as_many_years_as_the_horizon(chain_bundle):
    panel = chain_bundle.panel
    assert usual_links(panel, 2008, 3) == 2005
    assert usual_links(panel, 2000, 3) == panel.first_year


def test_rows_are_the_reported_units_with_all_four_values(measure_set, recorded):
    folds, _, table = recorded
    blocks = dict(list(table.groupby(["measure", "origin", "horizon"])))
    for measure in measure_set.measures:
        units, kept = unit_table(measure, measure_set.context)
        for fold in folds:
            four = [getattr(fold, name)[measure.name].ravel()
                    for name in ("before", "base", "forecast", "actual")]  # fmt: skip
            kept_here = kept & np.isfinite(np.sum(four, axis=0))
            selected = blocks[measure.name, fold.origin, fold.horizon]
            assert len(selected) == kept_here.sum()
            np.testing.assert_array_equal(
                selected[["country", "partner", "sector"]].astype(str),
                units[kept_here].astype(str),
            )
            columns = ["value_origin", "base", "forecast", "actual"]
            np.testing.assert_array_equal(
                selected[columns].to_numpy().T, np.stack(four)[:, kept_here]
            )
            assert (selected["target_year"] == fold.origin + fold.horizon).all()
    assert "ROW" not in set(table["country"]) | set(table["partner"])


def test_a_unit_without_a_base_is_left_out(measure_set, recorded):
    """Errors of forecast and base are compared, and must be of the same units."""
    folds, changes, _ = recorded
    fold = folds[0]
    holed = {name: values.copy() for name, values in fold.base.items()}
    holed["market_concentration"][0] = np.nan
    table = backtest_table(measure_set, [replace(fold, base=holed)], changes)
    rows = table[table["measure"] == "market_concentration"]
    assert set(rows["country"]) == {"DEU", "FRA", "IND", "USA"}


# Past changes -------------------------------------------------------------------------------------


def test_past_changes_are_those_of_reported_units_by_window(measure_set, chain_bundle):
    panel = chain_bundle.panel
    found = past_changes(measure_set, panel, horizons=[1, 3])
    for horizon in (1, 3):
        for measure in measure_set.measures:
            _, kept = unit_table(measure, measure_set.context)
            windows = []
            for start in range(1999, 2010 - horizon + 1):
                if measure.family == "links" and start < 1999 + horizon:
                    continue
                then, now = (
                    measure.compute(
                        measure_set.observed(panel, year, before=max(year - horizon, 1999))
                    )
                    for year in (start, start + horizon)
                )
                windows.append(np.where(kept, (now - then).ravel(), np.nan))
            changes = found.changes(measure, horizon=horizon, until=2010)
            np.testing.assert_array_equal(changes, windows)


def test_shocks_come_from_windows_that_end_in_time(measure_set, recorded):
    _, changes, _ = recorded
    measure = next(m for m in measure_set.measures if m.name == "country_downstreamness")
    every = changes.changes(measure, horizon=2, until=2010)
    for until in (2003, 2007):
        found = changes.variation(measure, horizon=2, until=until)
        shocks, used = found.shocks, every[: until - 2000] / found.scale
        spread = np.sqrt(np.mean(np.square(np.nanmean(used, axis=1))))
        freedom = max(len(used) // 2, 3)
        assert shocks.max() == pytest.approx(spread * student_t.ppf(1 - 0.5 / 15, df=freedom))
    none = changes.variation(measure, horizon=2, until=2000)
    np.testing.assert_array_equal(none.shocks, [0.0])
    np.testing.assert_array_equal(none.scale, 1.0)
