"""Measures of the sector panel against what a few lines of pandas make of the file itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.countries.regions import REGIONS, region_codes
from features.data.pairs import PairAttributes
from features.data.panel import TradePanel
from features.data.sectors import SectorAttributes
from features.measures.catalogue import MEASURES, available, missing
from features.measures.measure import PanelContext, TradeYear
from features.measures.reshoring import LOW_COST, kearney_index

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data, and {DATA} is not there"),
]
FLOWS = DATA / "trade" / "sector_flows.parquet"
YEARS = (1995, 2009)


@pytest.fixture(scope="module")
def panel() -> TradePanel:
    return TradePanel.read(FLOWS, domestic="include", negatives="zero")


@pytest.fixture(scope="module")
def context(panel) -> PanelContext:
    flows = panel.flows
    attributes = SectorAttributes.read(DATA / "trade" / "sectors.csv", sectors=flows.sectors)
    pairs = PairAttributes.read([DATA / "pairs" / "geography.parquet"], countries=flows.countries)
    return PanelContext(
        countries=flows.countries,
        sectors=flows.sectors,
        domestic=True,
        distance=pairs.static["dist"].astype(np.float64),
        region=region_codes(flows.countries),
        manufacturing=attributes.manufacturing,
        services=attributes.services,
        digital=attributes.digital,
    )


@pytest.fixture(scope="module")
def found(panel, context) -> dict[int, dict[str, np.ndarray]]:
    """Every measure of the flows, of both years; links are counted from 1995."""
    flows = panel.flows

    def cube(year):
        out = np.zeros((41, 41, 35))
        out[flows.exporter, flows.importer, flows.sector] = panel.values[panel.row(year)]
        return out

    before, measures = cube(YEARS[0]) > 0, available(context, tables=False)
    out = {}
    for year in YEARS:
        values = cube(year)
        trade = TradeYear(context, values, (values > 0).astype(np.float64), before)
        out[year] = {measure.name: measure.compute(trade) for measure in measures}
    return out


@pytest.fixture(scope="module")
def rows() -> dict[int, pd.DataFrame]:
    """Rows of the file itself by year, negative values as 0, with what is known of the sectors."""
    frame = pd.read_parquet(FLOWS, columns=["exporter", "importer", "sector", "year", "value_usd"])
    frame = frame[frame["year"].isin(YEARS)].assign(x=lambda f: f["value_usd"].clip(lower=0))
    frame = frame.astype({"exporter": str, "importer": str, "sector": str})
    frame = frame.merge(pd.read_csv(DATA / "trade" / "sectors.csv"), on="sector")
    return {int(year): block for year, block in frame.groupby("year")}


@pytest.fixture(scope="module")
def abroad(rows) -> dict[int, pd.DataFrame]:
    return {year: block[block["exporter"] != block["importer"]] for year, block in rows.items()}


@pytest.fixture
def same(found, context):
    """Hold a measure against a series (or table) by its units; what it lacks must be unknown."""

    def check(year, name, expected):
        (measure,) = (m for m in MEASURES if m.name == name)
        names = [context.sectors if d == "sector" else context.countries for d in measure.of]
        table = expected.unstack() if isinstance(expected.index, pd.MultiIndex) else expected
        for axis, labels in enumerate(names):
            table = table.reindex(list(labels), axis=axis)
        # The panel holds float32.
        np.testing.assert_allclose(found[year][name], table.to_numpy(), rtol=1e-5, err_msg=name)

    return check


def share(part: pd.Series, whole: pd.Series) -> pd.Series:
    """A part of a whole, unknown where there is none."""
    return part / whole.where(whole > 0)


@pytest.mark.parametrize("year", YEARS)
def test_structures_and_revealed_advantage(abroad, same, year):
    trade = abroad[year]
    world = trade.groupby("sector")["x"].sum() / trade["x"].sum()
    for name, whose in (("export_structure", "exporter"), ("import_structure", "importer")):
        by = trade.groupby([whose, "sector"])["x"].sum()
        shares = share(by, by.groupby(whose).transform("sum"))
        same(year, name, shares)
        if whose == "exporter":
            index = shares / shares.index.get_level_values("sector").map(world.where(world > 0))
            same(year, "revealed_advantage", (index - 1) / (index + 1))


@pytest.mark.parametrize("year", YEARS)
def test_market_shares_and_concentration(abroad, same, year):
    trade = abroad[year]
    by = trade.groupby(["exporter", "importer"])["x"].sum().unstack(fill_value=0.0)
    shares, markets = by / by.sum(), by.div(by.sum(axis=1), axis=0)
    same(year, "market_share", shares.stack())
    index = (shares**2).sum()
    same(year, "supplier_concentration", normalised(index))
    same(year, "effective_suppliers", 1 / index)
    same(year, "largest_supplier", shares.max())
    same(year, "market_concentration", normalised((markets**2).sum(axis=1)))
    cells = trade.groupby(["importer", "sector", "exporter"])["x"].sum()
    of_sector = share(cells, cells.groupby(["importer", "sector"]).transform("sum"))
    by_sector = of_sector.groupby(["importer", "sector"])
    same(year, "largest_supplier_by_sector", by_sector.max())
    squares = (of_sector**2).groupby(["importer", "sector"]).sum(min_count=1)
    same(year, "supplier_concentration_by_sector", normalised(squares))


def normalised(index: pd.Series) -> pd.Series:
    """Herfindahl and Hirschman's index with 40 possible partners."""
    return (index - 1 / 40) / (1 - 1 / 40)


@pytest.mark.parametrize("year", YEARS)
def test_regions_and_distances(abroad, same, year):
    trade = abroad[year]
    region = {code: name for name, codes in REGIONS.items() for code in codes.split()}
    own, other = trade["exporter"].map(region), trade["importer"].map(region)
    total = trade.groupby("exporter")["x"].sum()
    inside = trade[own == other].groupby("exporter")["x"].sum()
    bought = trade[own == other].groupby("importer")["x"].sum()
    imports = bought / trade.groupby("importer")["x"].sum()
    same(year, "intra_regional_imports", imports.where(lambda s: s.index != "AUS"))
    expected = (inside / total).where(lambda s: s.index != "AUS")
    same(year, "intra_regional_share", expected)
    km = pd.read_parquet(
        DATA / "pairs" / "geography.parquet", columns=["iso3_o", "iso3_d", "dist"]
    ).rename(columns={"iso3_o": "exporter", "iso3_d": "importer"})
    far = trade.merge(km.astype({"exporter": str, "importer": str}), on=["exporter", "importer"])
    far = far[far["dist"].notna()].assign(travelled=lambda f: f["x"] * f["dist"])
    for name, whose in (("distance_of_exports", "exporter"), ("distance_of_imports", "importer")):
        sums = far.groupby(whose)[["x", "travelled"]].sum()
        same(year, name, sums["travelled"] / sums["x"])


def test_links_born_and_dead_since_1995(abroad, same):
    keys = ["exporter", "importer", "sector"]
    before, now = (abroad[year].set_index(keys)["x"] > 0 for year in YEARS)
    both = pd.DataFrame({"before": before, "now": now})
    of = both.groupby("exporter")
    same(2009, "active_links", of["now"].mean())
    same(2009, "link_births", both[~both["before"]].groupby("exporter")["now"].mean())
    same(2009, "link_deaths", 1.0 - both[both["before"]].groupby("exporter")["now"].mean())
    same(1995, "active_links", of["before"].mean())


@pytest.mark.parametrize("year", YEARS)
def test_reshoring(rows, same, year):
    trade = rows[year]
    home = trade["exporter"] == trade["importer"]
    bought = trade.groupby(["importer", "sector"])["x"].sum()
    at_home = trade[home].groupby(["importer", "sector"])["x"].sum()
    same(year, "domestic_sourcing", share(at_home, bought))
    made = trade[trade["kind"] == "manufacturing"]
    output = made.groupby("exporter")["x"].sum()
    abroad = made[made["exporter"] != made["importer"]]
    exports, imports = (abroad.groupby(side)["x"].sum() for side in ("exporter", "importer"))
    same(year, "import_penetration", imports / (output - exports + imports))
    cheap = made[made["exporter"].isin(LOW_COST)].groupby("importer")["x"].sum()
    same(year, "low_cost_import_ratio", (cheap / output)[lambda s: ~s.index.isin(LOW_COST)])
    trade = trade[~home]
    cheap, every = (
        block.groupby("importer")["x"].sum()
        for block in (trade[trade["exporter"].isin(LOW_COST)], trade)
    )
    same(year, "low_cost_import_share", (cheap / every)[lambda s: ~s.index.isin(LOW_COST)])


@pytest.mark.parametrize("year", YEARS)
def test_digital_slices(abroad, same, year):
    trade = abroad[year]
    total, services, digital = (
        block.groupby("exporter")["x"].sum()
        for block in (
            trade,
            trade[trade["kind"] == "services"],
            trade[trade["digitally_deliverable"] == 1],
        )
    )
    same(year, "digital_share_of_exports", digital / total)
    same(year, "digital_share_of_services", digital / services)
    same(year, "digital_market_share", digital / digital.sum())


@pytest.mark.parametrize("year", YEARS)
def test_platforms_and_trade_in_digital_output(rows, abroad, same, year):
    trade = abroad[year]
    exports = trade.groupby(["sector", "exporter"])["x"].sum().unstack()
    world = exports.sum(axis=1)
    shares = exports.drop(columns="ROW").div(world.where(world > 0), axis=0)
    traded = shares[world > 0]
    same(year, "exporter_concentration", (traded**2).sum(axis=1))
    same(year, "three_largest_exporters", traded.apply(lambda s: s.nlargest(3).sum(), axis=1))
    deliverable = rows[year].query("digitally_deliverable == 1")
    made, bought = (deliverable.groupby(side)["x"].sum() for side in ("exporter", "importer"))
    sold_abroad, from_abroad = (
        trade.query("digitally_deliverable == 1").groupby(side)["x"].sum()
        for side in ("exporter", "importer")
    )
    same(year, "digital_balance", (sold_abroad - from_abroad) / (sold_abroad + from_abroad))
    same(year, "digital_export_intensity", sold_abroad / made)
    same(year, "digital_import_penetration", from_abroad / bought)


def test_every_measure_of_flows_is_there_and_known_for_most_units(found, context):
    lacking = missing(context, tables=False)
    assert {m.name for m in MEASURES if m.needs & {"tables", "data", "hosting"}} == set(lacking)
    for name, values in found[2009].items():
        assert not np.isinf(values).any(), name
        assert np.isfinite(values).mean() > 0.7, name


def test_what_everybody_knows_of_1995_to_2009(found, context):
    """China's rise, offshoring from the United States, India's and Ireland's services."""
    place = {code: number for number, code in enumerate(context.countries)}
    then, now = found[1995], found[2009]
    china, america = place["CHN"], place["USA"]
    assert now["market_share"][china, america] > 2.0 * then["market_share"][china, america]
    electrical = context.sectors.index("c14")
    advantage = now["revealed_advantage"][china, electrical]
    assert advantage > max(0.2, then["revealed_advantage"][china, electrical])
    ratios = then["low_cost_import_ratio"][america], now["low_cost_import_ratio"][america]
    assert kearney_index(*ratios) < -300
    assert now["import_penetration"][america] > then["import_penetration"][america]
    for code in ("IND", "IRL", "GBR"):
        digital = now["digital_share_of_exports"][place[code]]
        assert digital > max(0.15, then["digital_share_of_exports"][place[code]])
    # Europe trades with itself, and Australia's exports travel farthest or nearly so.
    members = [place[code] for code in ("AUT", "BEL", "CZE", "NLD", "POL")]
    assert (now["intra_regional_share"][members] > 0.6).all()
    assert now["distance_of_exports"][place["AUS"]] > np.nanquantile(
        now["distance_of_exports"], 0.9
    )
