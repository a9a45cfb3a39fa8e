from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from features.countries.simulated import LOW_COST, NAMES, REGIONS
from features.data.input_output import read_table_year
from features.data.panel import TradePanel
from features.data.sectors import SectorAttributes
from features.world.countries import LEAD_YEARS
from features.world.sector_tables import LEAST_FINAL, write_tables
from features.world.sector_world import DEFAULT_EFFECTS, SectorWorld, simulate_sector_world
from features.world.sectors import INPUT_SHARES, SECTORS

SMALL = {"n_countries": 10, "n_years": 12}
SERVICES = ("TRAV", "DIGI")
EXPOSED = ("TEXT", "MACH", "ELEC")
MOVED = {
    "persistence": tuple(sector.code for sector in SECTORS),
    "trade_costs": tuple(sector.code for sector in SECTORS),
    "trade_policy": tuple(sector.code for sector in SECTORS),
    "automation": EXPOSED,
    "data_infrastructure": SERVICES,
    "ai_adoption": ("DIGI",),
}
"""Sectors whose flows each effect moves."""


@cache
def world(seed: int = 5, without: str = "") -> SectorWorld:
    return simulate_sector_world(seed=seed, effects={without: 0.0} if without else None, **SMALL)


def cube(frame: pd.DataFrame, year: int) -> np.ndarray:
    """Flows ``[exporter, importer, sector]`` in the order of the truth."""
    rows = frame[frame["year"] == year]
    truth = world().truth
    n, k = len(truth.countries), len(truth.sectors)
    return rows["value_usd"].to_numpy().reshape(n, n, k)


def test_a_seed_gives_one_world_and_another_seed_another():
    again, other = simulate_sector_world(seed=5, **SMALL), world(seed=6)
    frames = ("trade", "later", "sectors", "indicators", "geography", "agreements", "reports")
    for name in (*frames, "monthly", "catalogue"):
        pd.testing.assert_frame_equal(getattr(world(), name), getattr(again, name))
    assert not np.allclose(world().trade["value_usd"], other.trade["value_usd"])


@pytest.mark.parametrize("seed", [5, 6])
def test_tables_balance_and_their_rows_are_the_flows(seed):
    one = world(seed=seed)
    for year, table in one.tables.items():
        flows = cube(one.trade, year)
        np.testing.assert_allclose(table.flows(), flows, rtol=1e-9, atol=1e-3)
        assert (table.intermediate >= 0).all()
        assert (table.final >= 0).all()
        assert (table.value_added > 0).all()
        # What the world earns is what it spends in the end.
        np.testing.assert_allclose(table.value_added.sum(), table.final.sum(), rtol=1e-9)
        used = table.intermediate.reshape(*flows.shape[::2], *flows.shape[::2])
        inputs = used.sum(axis=0)  # [selling sector, user, using sector]
        shares = inputs / table.output.reshape(flows.shape[::2])
        # Sectors take less only where a country's final use would shrink too far.
        bought = flows.sum(axis=0)
        final = bought - inputs.transpose(1, 0, 2).sum(axis=2)
        assert (final > (1 - 1e-9) * LEAST_FINAL * bought).all()
        free = final > (1 + 1e-9) * LEAST_FINAL * bought
        assert free.mean() > 0.9
        expected = np.broadcast_to(INPUT_SHARES, (len(free), *INPUT_SHARES.shape))
        np.testing.assert_allclose(shares.transpose(1, 0, 2)[free], expected[free], rtol=1e-9)


def test_tables_are_read_back_as_they_were_written(tmp_path):
    one = world()
    year = max(one.tables)
    write_tables({year: one.tables[year]}, tmp_path)
    table = one.tables[year]
    read = read_table_year(tmp_path, year, countries=table.countries, sectors=table.sectors)
    np.testing.assert_allclose(read.intermediate, table.intermediate, rtol=1e-12)
    np.testing.assert_allclose(read.final, table.final, rtol=1e-12)
    assert read.notes.largest_gap < 1.0


@pytest.mark.parametrize("seed", range(5))
def test_gdp_does_not_tell_what_the_world_sells(seed):
    """Growth of gross output differs from that of GDP by 1 to 3 %, as it does in real accounts."""
    one = world(seed=seed)
    gdp = one.indicators.query("indicator == 'MACRO.GDP'")
    ratio = one.trade.groupby("year")["value_usd"].sum() / gdp.groupby("year")["value"].sum()
    assert 0.007 < np.log(ratio.dropna()).diff().std() < 0.03
    assert abs(np.log(ratio.dropna())).diff().mean() < 0.01


@pytest.mark.parametrize("channel", sorted(DEFAULT_EFFECTS))
def test_an_effect_moves_the_flows_of_its_sectors_and_no_others(channel):
    planted, absent = world(), world(without=channel)
    moved = np.abs(planted.trade["value_usd"] - absent.trade["value_usd"])
    size = moved.groupby(planted.trade["sector"].astype(str)).max()
    assert set(size[size > 0].index) == set(MOVED[channel])


@pytest.mark.parametrize("channel", sorted(DEFAULT_EFFECTS))
def test_an_effect_changes_no_draw(channel):
    planted, absent = world(), world(without=channel)
    for name in ("sectors", "geography", "agreements", "catalogue"):
        pd.testing.assert_frame_equal(getattr(planted, name), getattr(absent, name))
    for other in set(DEFAULT_EFFECTS) - {channel}:
        np.testing.assert_array_equal(
            planted.truth.contributions[other], absent.truth.contributions[other]
        )
    own = [one.indicators[~one.indicators["indicator"].str.contains("MRCH")]
           for one in (planted, absent)]  # fmt: skip
    pd.testing.assert_frame_equal(*(frame.reset_index(drop=True) for frame in own))


def test_effects_scale_contributions_one_for_one():
    twice = simulate_sector_world(
        seed=5, effects={name: 2 * size for name, size in DEFAULT_EFFECTS.items()}, **SMALL
    )
    for channel, path in world().truth.contributions.items():
        np.testing.assert_allclose(twice.truth.contributions[channel], 2 * path)
    np.testing.assert_allclose(
        twice.truth.totals["ai_adoption"], 2 * world().truth.totals["ai_adoption"]
    )


@pytest.mark.parametrize("seed", [3, 4])
def test_automation_brings_production_home(seed):
    """Where machines are many, more of what is bought is made at home than without the effect."""
    planted, absent = (simulate_sector_world(seed=seed, effects=effects)
                       for effects in (None, {"automation": 0.0}))  # fmt: skip
    year, n, k = 2021, 20, len(SECTORS)
    odds = []
    for one in (planted, absent):
        flows = one.trade.loc[one.trade["year"] == year, "value_usd"].to_numpy().reshape(n, n, k)
        home = np.einsum("iik->ik", flows)
        odds.append(np.log(home / (flows.sum(axis=0) - home)))
    change = odds[0] - odds[1]
    machines = planted.truth.contributions["automation"][year - 1995, range(n), range(n)]
    for place, sector in enumerate(SECTORS):
        if sector.automation:
            assert spearmanr(change[:, place], machines[:, place]).statistic > 0.4
        else:
            assert not change[:, place].any()


def test_ai_raises_digital_exports_and_no_pattern():
    planted, absent = (simulate_sector_world(seed=3, effects=effects)
                       for effects in (None, {"ai_adoption": 0.0}))  # fmt: skip
    n, k = 20, len(SECTORS)
    outputs, exports = [], []
    for one in (planted, absent):
        flows = one.trade.loc[one.trade["year"] == 2021, "value_usd"].to_numpy()
        digital = flows.reshape(n, n, k)[..., -1]
        outputs.append(digital.sum(axis=1))
        exports.append(digital.sum(axis=1) - digital.diagonal())
    ai = planted.truth.totals["ai_adoption"][26, :, -1]
    # Output is in proportion, but for the flows too small to be published.
    assert np.corrcoef(np.log(outputs[0] / outputs[1]), ai)[0, 1] > 0.999
    # Exports follow: the more, the less of its output a country exported before.
    assert np.corrcoef(np.log(exports[0] / exports[1]), ai)[0, 1] > 0.7
    assert not planted.truth.contributions["ai_adoption"].any()


def test_the_panel_and_the_sector_table_read_it():
    one = world()
    panel = TradePanel.from_frame(one.trade, domestic="include")
    assert panel.flows.diagonal
    attributes = SectorAttributes.from_frame(one.sectors, sectors=panel.flows.sectors)
    assert attributes.digital.sum() == 1
    assert attributes.services.sum() == 2
    assert attributes.automation_exposure.max() == 1.0


def test_the_year_after_is_known_to_reporters_and_months_alone():
    one = world()
    last = 1995 + SMALL["n_years"] - 1
    assert int(one.trade["year"].max()) == max(one.tables) == last
    assert set(one.later["year"]) == {last + 1}
    assert int(one.reports["year"].max()) == last + 1
    assert one.monthly["month"].max().startswith(str(last + 2))
    assert int(one.indicators["year"].max()) == last + 1
    assert int(one.indicators["year"].min()) == 1995 - LEAD_YEARS
    assert one.truth.years[-1] == last + 2


def test_no_value_is_missing_infinite_or_negative():
    one = world()
    for frame, column in ((one.trade, "value_usd"), (one.indicators, "value")):
        assert np.isfinite(frame[column]).all()
    assert (one.trade["value_usd"] >= 0).all()
    at_home = one.trade[one.trade["exporter"] == one.trade["importer"]]
    assert (at_home["value_usd"] > 0).all()


@pytest.mark.parametrize("seed", range(1, 8))
def test_importance_of_the_channels_is_well_separated(seed):
    truth = simulate_sector_world(seed=seed).truth
    sizes = truth.importance(origins=range(2003, 2019), horizons=(1, 2, 3))
    order = ("persistence", "trade_costs", "automation", "data_infrastructure", "trade_policy")
    for larger, smaller in pairwise(order):
        assert sizes[larger] > 1.15 * sizes[smaller]
    assert sizes["ai_adoption"] == 0.0


def test_names_and_regions_cover_the_same_countries():
    assert {code for codes in REGIONS.values() for code in codes.split()} == set(NAMES)
    assert len(set(NAMES.values())) == len(NAMES)


@pytest.mark.parametrize("seed", [5, 6])
def test_the_low_cost_countries_are_the_poorest(seed):
    rows = world(seed=seed).indicators.query("year == 1995")
    wide = rows.pivot(index="iso3", columns="indicator", values="value")
    income = (wide["MACRO.GDP.REAL"] / wide["MACRO.POP"]).sort_values()
    low = [code for code in income.index if code in LOW_COST]
    assert set(income.index[: len(low)]) == set(low)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed"),
        ({"n_countries": 7}, "n_countries"),
        ({"n_countries": 21}, "n_countries"),
        ({"n_years": 2}, "n_years"),
        ({"first_year": 95}, "first_year"),
        ({"effects": {"robots": 1.0}}, "unknown effects"),
        ({"effects": {"automation": float("nan")}}, "finite"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate_sector_world(**arguments)


@pytest.mark.parametrize("channel", sorted(set(DEFAULT_EFFECTS) - {"persistence"}))
def test_a_channel_that_ends_moves_nothing_later_and_all_else_goes_on(channel):
    year = 2001
    ended = simulate_sector_world(seed=5, until={channel: year}, **SMALL)
    truths = world().truth, ended.truth
    last = year - int(truths[0].years[0])
    for name, path in truths[0].contributions.items():
        found = truths[1].contributions[name]
        if name == channel:
            np.testing.assert_array_equal(found[: last + 1], path[: last + 1])
            np.testing.assert_array_equal(
                found[last:], np.broadcast_to(found[last], found[last:].shape)
            )
        else:
            np.testing.assert_array_equal(found, path)
    totals = truths[1].totals["ai_adoption"]
    assert (channel == "ai_adoption") == bool((totals[-1] == totals[last]).all())
