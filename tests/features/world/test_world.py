from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from features.world.countries import LEAD_YEARS
from features.world.gravity import gravity_flows, net_of_country_means
from features.world.world import (
    DEFAULT_EFFECTS,
    PLANTED_CHANNELS,
    World,
    simulate_world,
)

TECHNOLOGY = ("ai_adoption", "automation", "data_infrastructure")
FROM_FLOWS = ("TX.VAL.MRCH.XD.WD", "TM.VAL.MRCH.XD.WD")


@pytest.fixture(scope="module")
def world() -> World:
    started = time.perf_counter()
    simulated = simulate_world()
    print(f"simulated in {time.perf_counter() - started:.2f} s")
    return simulated


def flow_matrix(world: World) -> np.ndarray:
    """Published flows as ``[pair, year]``."""
    wide = world.trade.pivot(index=["exporter", "importer"], columns="year", values="value_usd")
    return wide.to_numpy()


def indicator(world: World, name: str, year: int) -> pd.Series:
    rows = world.indicators.query("indicator == @name and year == @year")
    return rows.set_index("iso3")["value"]


def test_a_seed_gives_one_world_and_another_seed_another():
    first, again, other = (simulate_world(seed=s, n_countries=12, n_years=6) for s in (7, 7, 8))
    for name in ("trade", "indicators", "catalogue", "geography", "agreements"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name))
    for channel in PLANTED_CHANNELS:
        np.testing.assert_array_equal(
            first.truth.contributions[channel], again.truth.contributions[channel]
        )
    assert not np.allclose(first.trade["value_usd"], other.trade["value_usd"])


def test_frames_have_the_promised_columns_rows_and_types(world):
    years, n = np.arange(1995, 2022), 60
    trade = world.trade
    assert list(trade.columns) == ["exporter", "importer", "year", "value_usd"]
    assert trade["year"].dtype == np.int16
    assert trade["value_usd"].dtype == np.float64
    assert pd.api.types.is_string_dtype(trade["exporter"])
    assert len(trade) == n * (n - 1) * len(years)
    assert not trade.duplicated(["exporter", "importer", "year"]).any()
    assert (trade["exporter"] != trade["importer"]).all()
    assert set(trade["exporter"]) == set(trade["importer"]) == set(world.truth.countries)
    assert all(code.startswith("X") and len(code) == 3 for code in world.truth.countries)

    assert list(world.indicators.columns) == ["iso3", "year", "indicator", "value"]
    assert world.indicators["year"].dtype == np.int16
    assert world.indicators["year"].agg(["min", "max"]).tolist() == [1990, 2021]
    assert not world.indicators.duplicated(["iso3", "year", "indicator"]).any()
    assert set(world.indicators["indicator"]) == set(world.catalogue["indicator"])
    assert world.catalogue["publication_lag_months"].dtype == np.int64

    assert len(world.geography) == n * n
    pairs = world.geography.set_index(["iso3_o", "iso3_d"])
    mirrored = pairs.swaplevel().loc[pairs.index]
    for column in pairs:
        np.testing.assert_allclose(pairs[column], mirrored[column])
    assert pairs["contig"].dtype == np.int64
    assert (world.agreements["rta"] == 1).all()
    assert (world.agreements["n_treaties"] >= 1).all()


def test_no_value_is_missing_infinite_or_negative(world):
    for frame in (world.trade, world.indicators, world.geography, world.agreements):
        numbers = frame.select_dtypes("number").to_numpy()
        assert np.isfinite(numbers).all()
        assert (numbers >= 0).all()
        assert not frame.isna().any().any()


def test_flows_exhaust_output_and_expenditure():
    rng = np.random.default_rng(0)
    openness = rng.normal(0.0, 3.0, (4, 20, 20))
    output = rng.lognormal(25.0, 2.0, (4, 20))
    expenditure = rng.lognormal(25.0, 2.0, (4, 20))
    expenditure *= (output.sum(axis=1) / expenditure.sum(axis=1))[:, None]
    flows = gravity_flows(openness, output=output, expenditure=expenditure)
    np.testing.assert_allclose(flows.sum(axis=2), output, rtol=1e-8)
    np.testing.assert_allclose(flows.sum(axis=1), expenditure, rtol=1e-8)
    # Margins leave the pattern as it was: only exporter and importer terms were added.
    added = np.log(flows) - openness
    against_first = added[:, 1:] - added[:, :1]
    np.testing.assert_allclose(against_first[..., 1:] - against_first[..., :1], 0.0, atol=1e-9)


def test_country_means_are_least_squares_effects_over_foreign_pairs():
    rng = np.random.default_rng(1)
    n = 7
    foreign = ~np.eye(n, dtype=bool)
    values = rng.normal(size=(n, n))
    dummies = np.concatenate([np.repeat(np.eye(n), n, axis=0), np.tile(np.eye(n), (n, 1))], axis=1)
    design = dummies[foreign.ravel()]
    fitted = design @ np.linalg.lstsq(design, values[foreign], rcond=None)[0]
    net = net_of_country_means(np.stack([values, 2.0 * values]))
    np.testing.assert_allclose(net[0][foreign], values[foreign] - fitted, atol=1e-12)
    np.testing.assert_allclose(net[1], 2.0 * net[0])
    assert (net[:, ~foreign] == 0).all()


@pytest.mark.parametrize("seed", [20260101, 1, 2])
def test_flows_move_like_real_ones(seed):
    flows = flow_matrix(simulate_world(seed=seed))
    zeros = (flows == 0).mean(axis=0)
    assert zeros[0] == pytest.approx(0.25, abs=0.01)
    assert 0.08 <= zeros[-1] <= 0.10
    before, after = flows[:, :-1], flows[:, 1:]
    assert 0.02 <= ((before == 0) & (after > 0)).mean() <= 0.04
    assert 0.01 <= ((before > 0) & (after == 0)).mean() <= 0.04
    for horizon, lowest, highest in ((1, 0.10, 0.16), (3, 0.20, 0.27)):
        old, new = flows[:, :-horizon], flows[:, horizon:]
        wape = (np.abs(old - new).sum(axis=0) / new.sum(axis=0)).mean()
        assert lowest <= wape <= highest
    mean = (before + after) / 2.0
    midpoint = np.divide(np.abs(after - before), mean, out=np.zeros_like(mean), where=mean > 0)
    assert 0.33 <= midpoint.mean() <= 0.45
    assert flows[:, 0].sum() == pytest.approx(4.5e12, rel=0.02)
    assert 1.2e13 <= flows[:, -1].sum() <= 2.1e13


def test_a_channel_switched_off_leaves_flows_but_not_measurements():
    size = {"n_countries": 20, "n_years": 12}
    full = simulate_world(**size)
    off = simulate_world(**size, effects=dict.fromkeys(TECHNOLOGY, 0.0))
    for channel in PLANTED_CHANNELS:
        silent = not off.truth.contributions[channel].any()
        assert silent == (channel in TECHNOLOGY)
        assert full.truth.contributions[channel].any()
    assert not np.allclose(full.trade["value_usd"], off.trade["value_usd"])
    pd.testing.assert_frame_equal(full.geography, off.geography)
    pd.testing.assert_frame_equal(full.agreements, off.agreements)
    # USD amounts are scaled so that the first year's trade is the same; planted effects start at
    # nothing there, so not even the scale differs.
    measured = [w.indicators[~w.indicators["indicator"].isin(FROM_FLOWS)] for w in (full, off)]
    pd.testing.assert_frame_equal(
        measured[0].reset_index(drop=True), measured[1].reset_index(drop=True)
    )


def test_effects_scale_contributions_one_for_one():
    size = {"n_countries": 12, "n_years": 6}
    once, twice = (
        simulate_world(**size, effects={name: k * x for name, x in DEFAULT_EFFECTS.items()}).truth
        for k in (1, 2)
    )
    for channel in PLANTED_CHANNELS:
        np.testing.assert_allclose(
            twice.contributions[channel], 2.0 * once.contributions[channel], atol=1e-12
        )


@pytest.mark.parametrize("seed", [20260101, 1, 2])
def test_importance_of_the_channels_is_well_separated(seed):
    truth = simulate_world(seed=seed).truth
    importance = truth.importance(origins=range(2003, 2019), horizons=(1, 2, 3))
    order = sorted(importance, key=importance.__getitem__, reverse=True)
    assert order == [
        "persistence",
        "data_infrastructure",
        "trade_costs",
        "ai_adoption",
        "automation",
        "trade_policy",
    ]
    ranked = np.array([importance[channel] for channel in order])
    assert (ranked[:-1] / ranked[1:]).min() >= 1.5


def test_shift_is_the_change_in_contributionnet_of_country_means(world):
    shift = world.truth.shift(origin=2010, horizon=3)
    assert set(shift) == set(PLANTED_CHANNELS)
    foreign = 59
    for values in shift.values():
        assert np.abs(values.sum(axis=0)).max() / foreign < 1e-12
        assert np.abs(values.sum(axis=1)).max() / foreign < 1e-12
    paths = world.truth.contributions
    change = paths["ai_adoption"][18] - paths["ai_adoption"][15]
    np.testing.assert_allclose(shift["ai_adoption"], change, atol=1e-12)  # planted net already
    reversion = net_of_country_means((0.6**3 - 1.0) * paths["persistence"][15])
    np.testing.assert_allclose(shift["persistence"], reversion)


def test_deviations_revert_as_the_truth_says(world):
    deviation = world.truth.contributions["persistence"]
    foreign = ~np.eye(60, dtype=bool)
    now, later = deviation[:-2][:, foreign].ravel(), deviation[2:][:, foreign].ravel()
    assert (now @ later) / (now @ now) == pytest.approx(0.6**2, abs=0.03)


def test_indicators_measure_the_drivers_and_tell_them_apart(world):
    measures = pd.DataFrame(
        {
            "income": indicator(world, "MACRO.GDP.REAL", 2012)
            / indicator(world, "MACRO.POP", 2012),
            "data": indicator(world, "IT.NET.USER.ZS", 2012),
            "ai": indicator(world, "NSF.AI.ARTICLES", 2012) / indicator(world, "MACRO.POP", 2012),
            "automation": indicator(world, "PWT.cn", 2012) / indicator(world, "PWT.emp", 2012),
        }
    )
    correlation = np.log(measures.clip(lower=1e-3)).corr().to_numpy()[np.triu_indices(4, 1)]
    assert ((correlation > 0.1) & (correlation < 0.6)).all()

    # What a bilateral driver adds in a year is what its own indicator predicts it to add.
    countries = list(world.truth.countries)
    ai = np.log((measures["ai"] + 0.05).reindex(countries).to_numpy())
    language = world.geography["comlang_off"].to_numpy().reshape(60, 60)
    expected = net_of_country_means((ai - ai.mean())[:, None] * (1.0 - language))
    planted = world.truth.shift(origin=2012, horizon=1)["ai_adoption"]
    assert np.corrcoef(expected.ravel(), planted.ravel())[0, 1] > 0.9


def test_published_totals_follow_the_published_flows(world):
    totals = world.trade.groupby(["exporter", "year"])["value_usd"].sum().unstack()
    index = indicator(world, "TX.VAL.MRCH.XD.WD", 2015) / indicator(
        world, "TX.VAL.MRCH.XD.WD", 2000
    )
    np.testing.assert_allclose(index, (totals[2015] / totals[2000]).loc[index.index], rtol=0.025)


def test_agreements_raise_trade_only_after_they_start(world):
    path = world.truth.contributions["trade_policy"]
    position = {code: k for k, code in enumerate(world.truth.countries)}
    start = world.agreements.groupby(["iso3_o", "iso3_d"])["year"].min()
    started = start[start == 2005]
    assert len(started) > 0
    exporter, importer = (started.index.get_level_values(k).map(position) for k in (0, 1))
    gained = path[:, exporter, importer] / DEFAULT_EFFECTS["trade_policy"]
    np.testing.assert_allclose(
        gained[[10, 11, 20, 26]], [[0.0], [1.0], [10.0], [10.0]] + 0 * gained[:4]
    )


def test_a_world_of_another_size_and_calendar_is_complete():
    small = simulate_world(n_countries=10, n_years=3, first_year=2010, seed=3)
    assert len(small.trade) == 10 * 9 * 3
    assert small.indicators["year"].min() == 2010 - LEAD_YEARS
    assert np.isfinite(small.trade["value_usd"]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"effects": {"robots": 1.0}}, "unknown effects"),
        ({"effects": {"automation": float("nan")}}, "finite"),
        ({"effects": {"persistence": -1.0}}, "negative"),
        ({"n_countries": 3}, "n_countries"),
        ({"n_years": 1}, "n_years"),
        ({"seed": -1}, "seed"),
        ({"first_year": 95}, "first_year"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate_world(**arguments)


def test_truth_refuses_years_outside_the_world(world):
    with pytest.raises(ValueError, match="leave the simulated years"):
        world.truth.shift(origin=2020, horizon=3)
    with pytest.raises(ValueError, match="at least one origin"):
        world.truth.importance(origins=(), horizons=(1,))
