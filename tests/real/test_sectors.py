"""The sector panel with services, domestic sales, ROW and a few negatives, through every step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.catalogue import FEATURES, origin_matrix, positions
from features.channels.history import HISTORY_COLUMNS
from features.data.indicators import Indicators
from features.data.pairs import PairAttributes
from features.data.panel import TradePanel
from features.data.sectors import SectorAttributes
from features.errors import InputError
from features.information import AsOfRule, DataBundle, InformationSet
from features.sources.aipi import Aipi
from features.sources.owid import Owid
from features.sources.stri import Stri
from features.sources.technology import Technology
from features.sources.wdi import Wdi
from features.sources.weo import Weo
from models.baselines import last_value, last_value_raked
from models.design import pattern_base
from models.known_totals import published_totals
from models.raking import rake
from models.totals import forecast_totals

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data, and {DATA} is not there"),
]
FLOWS = DATA / "trade" / "sector_flows.parquet"
ORIGIN = 2005


@pytest.fixture(scope="module")
def panel() -> TradePanel:
    return TradePanel.read(FLOWS, negatives="zero")


@pytest.fixture(scope="module")
def diagonal() -> TradePanel:
    return TradePanel.read(FLOWS, negatives="zero", domestic="include")


@pytest.fixture(scope="module")
def info(panel) -> InformationSet:
    return InformationSet(bundle_of(panel), as_of=AsOfRule().date(ORIGIN))


def bundle_of(panel: TradePanel) -> DataBundle:
    countries = panel.flows.countries
    folder = DATA / "indicators"
    indicators = Indicators.read(
        folder / "country_year.parquet", folder / "catalogue.csv", countries=countries
    )
    pairs = PairAttributes.read(
        [DATA / "pairs" / "geography.parquet", DATA / "pairs" / "trade_agreements.parquet"],
        countries=countries,
    )
    sectors = SectorAttributes.read(DATA / "trade" / "sectors.csv", sectors=panel.flows.sectors)
    return DataBundle(panel, indicators=indicators, pairs=pairs, sectors=sectors)


def test_the_panel_holds_every_sector_and_keeps_domestic_sales_apart(panel):
    flows = panel.flows
    assert (len(flows.countries), len(flows.sectors)) == (41, 35)
    assert "ROW" in flows.countries
    assert (panel.first_year, panel.last_year) == (1995, 2009)
    assert panel.domestic.shape == (15, 41 * 35)
    assert panel.domestic.sum() > panel.values.sum()
    assert panel.notes.negatives_set_to_zero == 193
    assert set(panel.notes.ignored_columns) == {"intermediate_usd", "final_usd"}
    assert 0.4 < (panel.values == 0).mean() < 0.6
    assert (panel.values >= 0).all()


def test_included_domestic_flows_are_the_bulk_of_the_matrix(panel, diagonal):
    flows = diagonal.flows
    assert flows.size == 41 * 41 * 35
    assert diagonal.domestic is None
    np.testing.assert_array_equal(diagonal.values[:, flows.domestic], panel.domestic)
    np.testing.assert_array_equal(diagonal.values[:, ~flows.domestic], panel.values)
    pairs = PairAttributes.read(
        [DATA / "pairs" / "geography.parquet"], countries=flows.countries
    ).static  # fmt: skip
    here = np.array([code != "ROW" for code in flows.countries])
    assert (np.diag(pairs["dist"])[here] > 0).all()


def test_totals_with_domestic_flows_add_up_and_raking_meets_both_sides(diagonal):
    """Most services are sold at home only: output and absorption forecast apart cannot be met."""
    data, flows = bundle_of(diagonal), diagonal.flows
    infos = {
        origin: InformationSet(data, as_of=AsOfRule().date(origin), origin=origin)
        for origin in range(diagonal.first_year, ORIGIN + 1)
    }
    for totals in forecast_totals(infos, origin=ORIGIN, horizons=(1, 3)).values():
        sold, bought = (
            side.reshape(-1, 35).sum(axis=0) for side in (totals.exporter, totals.importer)
        )
        np.testing.assert_allclose(bought, sold, rtol=1e-9)
        raked = rake(
            last_value(infos[ORIGIN]), flows=flows, exporter_totals=totals.exporter,
            importer_totals=totals.importer,
        )  # fmt: skip
        assert raked.converged
        np.testing.assert_allclose(
            flows.importer_totals(raked.values), raked.importer_totals, rtol=1e-6
        )


def test_negatives_are_refused_unless_asked_for():
    with pytest.raises(InputError, match="is negative") as caught:
        TradePanel.read(FLOWS)
    assert caught.value.column == "value_usd"


def test_features_are_built_and_none_is_infinite(info):
    matrix = origin_matrix(info)
    assert matrix.shape == (41 * 40 * 35, len(FEATURES))
    assert not np.isinf(matrix).any()
    assert np.isfinite(matrix[:, positions(HISTORY_COLUMNS)]).mean() > 0.8
    sector = matrix[:, positions(["sector_share_of_pair", "comparative_advantage"])]
    assert (np.nanstd(sector, axis=0) > 0.1).all()


def test_every_series_of_the_catalogue_is_in_the_real_data_or_a_source_gives_it(info):
    wanted = {series for feature in FEATURES for series in feature.series}
    there = (info.has_series, info.has_pair, info.has_sector_attribute)
    sources = (Wdi(), Owid(), Weo(), Aipi(), Technology(), Stri())
    given = {line.indicator for source in sources for line in source.indicator_lines()}
    lacking = {s for s in wanted if not any(has(s) for has in there)}
    assert lacking - given == set()


def test_the_last_value_is_raked_to_the_published_totals_of_goods(info):
    totals, found = published_totals(info), last_value_raked(info, horizon=1)
    flows = info.flows
    before = flows.exporter_totals(last_value(info))
    services = np.isnan(totals.exporter)
    assert 0 < services.sum() < services.size
    wanted = np.where(services, before, totals.exporter)[before > 0]
    np.testing.assert_allclose(flows.exporter_totals(found)[before > 0], wanted, rtol=1e-6)
    np.testing.assert_array_equal(found == 0, last_value(info) == 0)


def test_a_sector_panel_rakes_to_the_totals_of_a_later_year(panel):
    flows = panel.flows
    start, target = (panel.values[panel.row(year)] for year in (2007, 2008))
    raked = rake(
        start, flows=flows, exporter_totals=flows.exporter_totals(target),
        importer_totals=flows.importer_totals(target), tolerance=1e-6,
    )  # fmt: skip
    assert np.isfinite(raked.values).all()
    assert raked.largest_gap <= 1e-6
    np.testing.assert_allclose(
        flows.exporter_totals(raked.values), raked.exporter_totals, rtol=1e-5
    )
    np.testing.assert_allclose(
        flows.importer_totals(raked.values), raked.importer_totals, rtol=1e-5
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_training_base_of_sectors_has_the_exporter_totals_of_its_target_year(panel):
    flows = panel.flows
    base = pattern_base(panel, origin=1995, horizon=1)
    assert np.isfinite(base).all()
    reachable = flows.exporter_totals(panel.values[0]) > 0
    wanted = flows.exporter_totals(panel.values[1])[reachable]
    np.testing.assert_allclose(flows.exporter_totals(base)[reachable], wanted, rtol=1e-5)
