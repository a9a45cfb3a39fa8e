"""The measure_set: which measures the data allow, their units in order, and years as cubes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.data.input_output import read_table_year
from features.information import DataBundle
from features.measures.catalogue import MEASURES
from features.measures.value_chains import value_chains
from forecasting.measurement.measure_set import UNIT_KEYS, make_measure_set, unit_table
from models.table_update import update_table


def test_a_world_with_everything_allows_every_measure(measure_set):
    assert measure_set.measures == MEASURES
    assert measure_set.missing == {}
    assert {m.family for m in measure_set.measures} == {
        "sectors", "partners", "links", "reshoring", "value_chains", "digital", "platforms"
    }  # fmt: skip


def test_what_the_data_lack_is_named_with_its_remedy(make_bundle):
    poor = make_measure_set(make_bundle(pairs=False), tables=None)
    assert {m.name for m in poor.measures} | set(poor.missing) == {m.name for m in MEASURES}
    assert not {m.name for m in poor.measures} & set(poor.missing)
    assert "--pairs" in poor.missing["distance_of_exports"]
    assert "column `sector`" in poor.missing["revealed_advantage"]
    assert "--domestic include" in poor.missing["import_penetration"]
    assert "--tables" in poor.missing["upstreamness"]
    assert "market_share" not in poor.missing


def test_tables_must_cover_the_years_of_the_flows(chain_world, chain_bundle, tmp_path, stops):
    for file in chain_world.options["tables"].glob("*2004.parquet"):
        (tmp_path / file.name).symlink_to(file)
    stops(lambda: make_measure_set(chain_bundle, tables=tmp_path), says="wiot_1999")


def test_units_stand_in_the_order_of_the_values(measure_set):
    context = measure_set.context
    for measure in measure_set.measures:
        table, kept = unit_table(measure, context)
        assert list(table) == list(UNIT_KEYS)
        names = [context.sectors if d == "sector" else context.countries for d in measure.of]
        for row, place in enumerate(np.ndindex(*map(len, names))):
            words = [words[at] for words, at in zip(names, place, strict=True)]
            partners = [w for w, d in zip(words, measure.of, strict=True) if d != "sector"]
            sector = [w for w, d in zip(words, measure.of, strict=True) if d == "sector"]
            unit = (*[*partners, "", ""][:2], *(sector or [""]))
            assert tuple(table.iloc[row]) == unit
            reported = "ROW" not in partners and len(set(partners)) == len(partners)
            assert kept[row] == reported
        assert len(table) == row + 1


def test_a_cube_holds_every_flow_in_its_place_and_unknown_ones_as_nothing(
    measure_set, chain_bundle
):
    panel, flows = chain_bundle.panel, measure_set.flows
    values = panel.values[-1].copy()
    values[5] = np.nan
    cube = measure_set.cube(values)
    frame = replace(panel, values=np.tile(values, (panel.years.size, 1))).to_frame()
    frame = frame[frame["year"] == panel.last_year]
    assert len(frame) == flows.size - 1
    wanted = frame.set_index(["exporter", "importer", "sector"])["value_usd"]
    for i, j, k in np.ndindex(*cube.shape):
        key = (flows.countries[i], flows.countries[j], flows.sectors[k])
        assert cube[i, j, k] == wanted.get(key, 0.0)


def test_without_domestic_sales_the_diagonal_is_empty(sector_bundle):
    measure_set = make_measure_set(sector_bundle, tables=None)
    cube = measure_set.cube(np.ones(measure_set.flows.size))
    n = len(measure_set.flows.countries)
    np.testing.assert_array_equal(cube, np.tile(~np.eye(n, dtype=bool)[..., None], (1, 1, 2)))


def test_an_observed_year_takes_links_from_the_year_before_and_chains_from_its_table(
    measure_set, chain_world, chain_bundle
):
    panel = chain_bundle.panel
    year = measure_set.observed(panel, 2004, before=2001)
    np.testing.assert_array_equal(year.values, measure_set.cube(panel.values[5]))
    np.testing.assert_array_equal(year.chance, measure_set.cube(panel.values[5]) > 0)
    np.testing.assert_array_equal(year.before, measure_set.cube(panel.values[2]) > 0)
    flows = measure_set.flows
    table = read_table_year(
        chain_world.options["tables"], 2004, countries=flows.countries, sectors=flows.sectors
    )
    np.testing.assert_allclose(year.values, table.flows(), rtol=1e-6)
    # As a forecast has them: inventories that fall are not the state of a year.
    assert table.notes.negative_final_cells > 0
    table = update_table(table, year.values)
    goods = np.array([True, True, False, False])
    np.testing.assert_array_equal(year.chains.upstreamness, value_chains(table).upstreamness)
    np.testing.assert_array_equal(
        year.chains.origin_of_goods_exports,
        value_chains(table, goods=goods).origin_of_goods_exports,
    )


def test_a_forecast_year_moves_the_origins_table(measure_set, chain_bundle):
    values = 2.0 * measure_set.cube(chain_bundle.panel.values[-1])
    year = measure_set.forecast(values, chance=values, before=values > 0, origin=2010)
    # A table moved to twice its flows is twice the table, but for falling inventories.
    np.testing.assert_allclose(year.chains.output, values.sum(axis=1), rtol=1e-6)
    other = measure_set.forecast(values, chance=values, before=values > 0, origin=2003)
    assert (np.abs(other.chains.upstreamness / year.chains.upstreamness - 1) > 1e-3).any()
    bare = measure_set.without_tables()
    assert bare.forecast(values, chance=values, before=values > 0, origin=2010).chains is None


def test_a_country_of_the_rest_of_the_world_still_counts_as_a_partner(measure_set, chain_bundle):
    """ROW is not reported, and its trade is part of what others' measures are made of."""
    panel = chain_bundle.panel
    year = measure_set.observed(panel, 2010, before=2009)
    share = next(m for m in measure_set.measures if m.name == "largest_supplier").compute(year)
    frame = panel.to_frame()
    frame = frame[(frame["year"] == 2010) & (frame["exporter"] != frame["importer"])]
    flows = frame.groupby(["importer", "exporter"])["value_usd"].sum().unstack()
    wanted = (flows.max(axis=1) / flows.sum(axis=1)).loc[list(measure_set.flows.countries)]
    np.testing.assert_allclose(share, wanted, rtol=1e-9)


@pytest.mark.parametrize("name", ["export_structure", "market_share"])
def test_every_measure_is_computed_under_its_name(measure_set, chain_bundle, name):
    year = measure_set.observed(chain_bundle.panel, 2010, before=2009)
    measure = next(m for m in measure_set.measures if m.name == name)
    np.testing.assert_array_equal(measure_set.compute(year)[name], measure.compute(year))


def test_repairs_to_the_tables_are_reported(measure_set, chain_world):
    """Falling inventories are negative in the tables, and nothing in the flows."""
    flows = measure_set.flows
    cells = sum(
        read_table_year(
            chain_world.options["tables"], year, countries=flows.countries, sectors=flows.sectors
        ).notes.negative_final_cells
        for year in measure_set.tables
    )
    assert cells > 0
    (statement,) = [line for line in measure_set.statements if "falling inventories" in line]
    assert f" {cells:,} cells" in statement
    assert all(" 0 " not in line for line in measure_set.statements)


def test_shares_of_hosts_must_be_shares(chain_bundle, stops):
    static = chain_bundle.pairs.static
    context = make_measure_set(chain_bundle, tables=None).context
    np.testing.assert_array_equal(context.hosting, static["hosting"].astype(np.float64))
    pairs = replace(chain_bundle.pairs, static={**static, "hosting": 100.0 * static["hosting"]})
    percent = DataBundle(chain_bundle.panel, pairs=pairs)
    error = stops(lambda: make_measure_set(percent, tables=None), says="hosted web content")
    assert error.column == "hosting"
