"""Value chains of the real tables: identities, the sector panel, and what has been published.

The tables are WIOD's 2013 release, 41 economies (ROW is one) by 35 industries. Of the papers named
here abstracts, and what others cite of them, were at hand, not their tables of numbers.

What agrees, and is asserted:

- Electrical equipment (c14) has the most foreign content in exports of all manufactures but refined
  petroleum (c8), which is made of imported crude: .25 in 1995, .32 in 2009.
- Electrical equipment and textiles (c4) are among the six manufactures furthest from primary
  factors, second and fourth in 2009, and among the three whose chains, upstreamness and
  downstreamness together, grew longest from 1995 to 2009.
- Mining (c2) is the most upstream of the 35 sectors, more than a stage above retail (c21);
  education, health, public administration and households are the least.
- Antras and Chor (2018, doi:10.3386/w24185; same tables) find, as a puzzle, that countries far
  upstream are far downstream, with a slope near 1. Here the correlation is .80 to .87 and the slope
  of upstreamness on downstreamness .90 to .95. China is first in both in each year looked at, and
  its chains grew.
- Miller and Temurshoev (2017, doi:10.1177/0160017615608095; same tables): chains grew longer in
  most countries. Here in 34 of 41 from 1995 to 2009.
- Koopman, Wang and Wei (2012, doi:10.1016/j.jdeveco.2011.12.004): of China's manufactures
  electronics hold little domestic content. Here electrical equipment has the least of them, or the
  second least after refined petroleum.
- Koopman, Powers, Wang and Wei (2010, NBER w16426): raw materials (Russia, Australia) upstream,
  assembly (Mexico, Hungary, Czechia) downstream. China stands between; its position fell after it
  joined the WTO, from .00 in 2002 to -.06 in 2005, and came back to .00 in 2009, as its foreign
  content went from .18 to .26 and to .19.

What does not agree, and is not asserted:

- Textiles are not among the most fragmented by foreign content: fourth of 14 manufactures in 1995,
  fifth in 2002, ninth in 2009. They came to be made in China, whose own have little of it. By the
  whole length of chains metals and rubber lead; electrical equipment is ninth in 1995 and fifth in
  2009, textiles tenth and ninth.
- Koopman, Wang and Wei find about half of China's manufactured exports to be foreign content before
  2001 and a little over 40 % after. Here it is 17 % in 1995, 20 % in 2002 and 21 % in 2009: the
  tables do not keep processing trade apart, which takes most of the imported inputs, and so show
  neither the level nor the fall.
- Koopman, Powers, Wang and Wei find East Asia the most integrated of emerging regions. Here eastern
  Europe is, with Taiwan; Korea comes behind, and China is among the last by participation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.data.input_output import InputOutputTable, read_table_year
from features.measures.value_chains import ValueChains, value_chains
from models.table_update import update_table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data, and {DATA} is not there"),
]
YEARS = (1995, 2002, 2009)


@dataclass(frozen=True)
class Year:
    table: InputOutputTable
    chains: ValueChains

    def country(self, code: str) -> int:
        return self.table.countries.index(code)

    def sector(self, code: str) -> int:
        return self.table.sectors.index(code)

    def by_sector(self, stages: np.ndarray) -> np.ndarray:
        """Mean over countries weighted by output, shape ``[sector]``."""
        return np.nansum(stages * self.chains.output, axis=0) / self.chains.output.sum(axis=0)

    def by_country(self, stages: np.ndarray) -> np.ndarray:
        """Mean over sectors weighted by output, shape ``[country]``."""
        return np.nansum(stages * self.chains.output, axis=1) / self.chains.output.sum(axis=1)

    def foreign_share(self) -> np.ndarray:
        """Foreign content over exports of the world, shape ``[sector]``."""
        chains = self.chains
        return chains.foreign_content_by_sector.sum(axis=0) / chains.exports_by_sector.sum(axis=0)

    def length(self) -> np.ndarray:
        """Upstreamness and downstreamness together, shape ``[sector]``."""
        chains = self.chains
        return self.by_sector(chains.upstreamness) + self.by_sector(chains.downstreamness)

    def position(self, code: str) -> float:
        chains, c = self.chains, self.country(code)
        indirect, foreign = chains.indirect_value_added[c], chains.foreign_content[c]
        return float(np.log1p(indirect / chains.exports[c]) - np.log1p(foreign / chains.exports[c]))


@pytest.fixture(scope="module")
def sectors() -> pd.DataFrame:
    return pd.read_csv(DATA / "trade" / "sectors.csv", index_col="sector")


@pytest.fixture(scope="module")
def world(sectors) -> dict[int, Year]:
    out = {}
    for year in (*YEARS, 2005, 2008):
        table = read_table_year(DATA / "icio", year)
        goods = (sectors["kind"] != "services").loc[list(table.sectors)].to_numpy()
        out[year] = Year(table, value_chains(table, goods=goods))
    return out


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    columns = ["exporter", "importer", "sector", "year", "value_usd"]
    return pd.read_parquet(DATA / "trade" / "sector_flows.parquet", columns=columns)


def ranked(values: np.ndarray, year: Year, among: list[str]) -> list[str]:
    """Sectors from the highest value to the lowest."""
    return sorted(among, key=lambda code: -values[year.sector(code)])


@pytest.fixture(scope="module")
def manufactures(sectors) -> list[str]:
    return list(sectors.index[sectors["kind"] == "manufacturing"])


# The tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", YEARS)
def test_identities_hold_on_the_full_tables(world, sectors, year):
    table, found = world[year].table, world[year].chains
    kinds = sectors["kind"].loc[list(table.sectors)].to_numpy()
    assert table.intermediate.shape == (1435, 1435)
    close = {"rtol": 1e-9}
    np.testing.assert_allclose(
        found.domestic_value_added + found.double_counted + found.foreign_content,
        found.exports, **close,
    )  # fmt: skip
    np.testing.assert_allclose(found.origin_of_exports.sum(axis=1), found.exports, **close)
    np.testing.assert_allclose(
        found.domestic_origin_of_exports.sum(axis=1), found.exports - found.foreign_content, **close
    )
    np.testing.assert_allclose(
        found.foreign_content_by_sector.sum(axis=1), found.foreign_content, **close
    )
    assert found.indirect_value_added.sum() == pytest.approx(found.foreign_content.sum(), rel=1e-9)
    assert table.value_added.sum() == pytest.approx(table.final.sum(), rel=1e-9)
    np.testing.assert_allclose(
        found.domestic_inputs + found.foreign_inputs,
        table.intermediate.sum(axis=0).reshape(41, 35), **close,
    )  # fmt: skip
    works = found.output > 0
    weight = found.output[works]
    up, down = found.upstreamness[works], found.downstreamness[works]
    assert min(up.min(), down.min()) >= 1 - 1e-12
    assert weight @ up == pytest.approx(weight @ down, rel=1e-9)
    assert (found.double_counted > -1e-9 * found.exports).all()
    goods = found.exports_by_sector[:, kinds != "services"].sum(axis=1)
    np.testing.assert_allclose(found.origin_of_goods_exports.sum(axis=1), goods, **close)


@pytest.mark.parametrize("year", YEARS)
def test_rows_equal_the_sector_panel(world, panel, year):
    """But for sectors that falling inventories leave no output: their negatives are cleared."""
    table = world[year].table
    flows = table.flows()
    here = panel[panel["year"] == year].set_index(["exporter", "importer", "sector"])["value_usd"]
    keys = pd.MultiIndex.from_product([table.countries, table.countries, table.sectors])
    told = here.loc[keys].to_numpy().reshape(flows.shape)
    cleared = (told < 0) & (flows == 0)
    assert 0 < cleared.any(axis=1).sum() == table.notes.cleared_rows
    np.testing.assert_allclose(flows[~cleared], told[~cleared], rtol=1e-12, atol=1e-3)


def test_rounding_and_inventories_are_counted(world):
    for this in world.values():
        notes, added = this.table.notes, this.table.value_added
        assert 20 <= notes.negative_final_cells <= 70
        assert 90e6 < notes.largest_gap < 115e6
        assert notes.largest_gap_at
        # By no more than rounding explains.
        assert notes.negative_value_added == (added < 0).sum() <= 4
        assert added.min() > -20e6


def test_domestic_value_added_is_what_gdp_would_lose_without_exports(world):
    """Hypothetical extraction (Los, Timmer and de Vries 2016), for some countries."""
    table, found = world[2005].table, world[2005].chains
    k = len(table.sectors)
    working = np.where(table.output > 0, table.output, 1.0)
    share = table.value_added / working
    for country in range(0, 41, 8):
        own = slice(country * k, (country + 1) * k)
        at_home = table.intermediate[own, own] / working[own]
        without = np.linalg.solve(np.eye(k) - at_home, table.final[own, country])
        lost = share[own] @ (table.output[own] - without)
        assert found.domestic_value_added[country] == pytest.approx(lost, rel=1e-9)


# Moved tables -----------------------------------------------------------------------------------


def test_own_flows_move_a_table_by_its_falling_inventories_only(world):
    table, chains = world[2005].table, world[2005].chains
    moved = update_table(table, np.maximum(table.flows(), 0.0))
    assert np.abs(moved.intermediate - table.intermediate).sum() < 1e-3 * table.intermediate.sum()
    assert moved.notes.short_of_final_use == 0
    assert moved.notes.largest_input_gap < 1e-8
    again = value_chains(moved)
    change = np.abs(again.foreign_content / again.exports - chains.foreign_content / chains.exports)
    # What stores gave is gone: nearly a hundredth of exports at worst, in Lithuania.
    assert change.max() < 0.01
    assert np.median(change) < 1e-5


def test_moved_tables_come_nearer_to_a_later_year_than_tables_that_stand_still(world):
    flows = np.maximum(world[2008].table.flows(), 0.0)
    moved = update_table(world[2005].table, flows)
    np.testing.assert_allclose(moved.flows(), flows, rtol=1e-12)
    assert moved.notes.largest_input_gap < 1e-3
    ahead, still, truth = value_chains(moved), world[2005].chains, world[2008].chains
    for name in ("foreign_content", "indirect_value_added", "domestic_value_added"):
        found, before, after = (getattr(c, name) / c.exports for c in (ahead, still, truth))
        assert np.abs(found - after).mean() < 0.75 * np.abs(before - after).mean(), name


# What has been published ------------------------------------------------------------------------


@pytest.mark.parametrize("year", YEARS)
def test_electrical_equipment_has_the_most_foreign_content_after_petroleum(
    world, manufactures, year
):
    assert ranked(world[year].foreign_share(), world[year], manufactures)[:2] == ["c8", "c14"]


@pytest.mark.parametrize("year", YEARS)
def test_electrical_equipment_and_textiles_are_far_from_primary_factors(world, manufactures, year):
    this = world[year]
    order = ranked(this.by_sector(this.chains.downstreamness), this, manufactures)
    assert order.index("c4") < 5
    assert order.index("c14") < 6


def test_electrical_equipment_and_textiles_grew_longest(world, manufactures):
    growth = world[2009].length() - world[1995].length()
    assert {"c14", "c4"} < set(ranked(growth, world[2009], manufactures)[:3])
    assert (growth[[world[2009].sector(code) for code in manufactures]] > 0).all()


@pytest.mark.parametrize("year", YEARS)
def test_mining_is_upstream_and_services_to_households_are_not(world, year):
    this = world[year]
    stages = this.by_sector(this.chains.upstreamness)
    order = ranked(stages, this, list(this.table.sectors))
    assert order[0] == "c2"
    assert set(order[-4:]) == {"c31", "c32", "c33", "c35"}
    assert stages[this.sector("c2")] > 1 + stages[this.sector("c21")]
    # Country by country too, where both are there.
    both = this.chains.upstreamness[:, [this.sector("c2"), this.sector("c21")]]
    above = both[np.isfinite(both).all(axis=1)]
    assert (above[:, 0] > above[:, 1]).mean() > 0.9


@pytest.mark.parametrize("year", YEARS)
def test_countries_far_upstream_are_far_downstream(world, year):
    this = world[year]
    up, down = (
        this.by_country(stages) for stages in (this.chains.upstreamness, this.chains.downstreamness)
    )
    assert 0.75 < np.corrcoef(up, down)[0, 1] < 0.95
    assert 0.85 < np.polyfit(down, up, 1)[0] < 1.15
    assert this.table.countries[int(np.argmax(up))] == "CHN"
    assert this.table.countries[int(np.argmax(down))] == "CHN"


def test_chains_grew_longer_in_most_countries(world):
    first, last = (this.by_country(this.chains.upstreamness) for this in (world[1995], world[2009]))
    assert (last > first).sum() >= 33
    china = world[1995].country("CHN")
    assert last[china] - first[china] > 0.3


def test_the_worlds_chains_grew_longer_and_more_foreign_until_the_crisis(world):
    foreign, stages = {}, {}
    for year, this in world.items():
        chains = this.chains
        foreign[year] = chains.foreign_content.sum() / chains.exports.sum()
        stages[year] = np.nansum(chains.upstreamness * chains.output) / chains.output.sum()
    for measure in (foreign, stages):
        assert measure[1995] < measure[2002] < measure[2005] < measure[2008]
        assert measure[2009] < measure[2008]


@pytest.mark.parametrize("year", YEARS)
def test_electrical_equipment_has_the_least_domestic_content_of_chinas_manufactures(
    world, manufactures, year
):
    this = world[year]
    china = this.country("CHN")
    content, exports = this.chains.foreign_content_by_sector, this.chains.exports_by_sector
    share = content[china] / np.maximum(exports[china], 1.0)
    order = [code for code in ranked(share, this, manufactures) if code != "c8"]
    assert order[0] == "c14"


@pytest.mark.parametrize("year", YEARS)
def test_china_stands_between_sellers_of_materials_and_assemblers(world, year):
    china = world[year].position("CHN")
    assert min(world[year].position(code) for code in ("RUS", "AUS", "USA", "JPN")) > china
    assert max(world[year].position(code) for code in ("MEX", "HUN", "CZE")) < china


def test_chinas_foreign_content_rose_after_it_joined_the_wto_and_fell_again(world):
    share, position = {}, {}
    for year, this in world.items():
        china = this.country("CHN")
        share[year] = this.chains.foreign_content[china] / this.chains.exports[china]
        position[year] = this.position("CHN")
    assert share[1995] < share[2002] < share[2009] < share[2008] < share[2005]
    assert position[2005] < position[2008] < position[2009] < position[2002]
