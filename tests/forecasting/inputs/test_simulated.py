from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.countries.groups import find_group
from features.countries.regions import region_codes
from features.countries.simulated import NAMES, REGIONS
from features.errors import InputError
from features.measures.catalogue import MEASURES
from forecasting.inputs.load import LoadedData, load
from forecasting.measurement.measure_set import make_measure_set
from forecasting.options.run_config import RunConfig
from forecasting.promotion.evidence import seed_digest
from forecasting.results.subjects import check_country, country_name

SECTORS = RunConfig(world="sectors", experiment=None)


@pytest.fixture(scope="module")
def data() -> LoadedData:
    return load(SECTORS)


def test_the_world_with_sectors_allows_every_measure(data):
    found = make_measure_set(data.bundle, tables=data.tables)
    assert not found.missing
    assert len(found.measures) == len(MEASURES)
    panel = data.bundle.panel
    year = found.observed(panel, panel.last_year, before=panel.last_year - 1)
    for name, values in found.compute(year).items():
        assert np.isfinite(values).any(), name


def test_its_tables_have_the_flows_of_the_panel(data):
    found = make_measure_set(data.bundle, tables=data.tables)
    panel = data.bundle.panel
    values = found.cube(panel.values[panel.row(panel.last_year)])
    given = data.tables[panel.last_year].ordered(
        countries=panel.flows.countries, sectors=panel.flows.sectors
    )
    # The panel is in single precision.
    np.testing.assert_allclose(given.flows(), values, rtol=1e-6)


def test_nothing_looks_wrong_in_it(data):
    assert [finding for finding in data.findings if finding.level != "note"] == []


def test_goods_of_sixty_countries_are_the_other_world():
    goods = load(RunConfig(world="goods", experiment=None))
    assert len(goods.bundle.panel.flows.countries) == 60
    assert not goods.bundle.panel.flows.has_sectors
    assert goods.tables is None


def test_worlds_of_one_seed_are_different_data(data):
    goods = load(RunConfig(world="goods", experiment=None))
    digests = {seed_digest(one.sources[0].to_dict()) for one in (data, goods)}
    assert len(digests) == 2


def test_sales_at_home_are_flows_so_that_a_model_of_it_reads_them_elsewhere():
    assert SECTORS.domestic == "include"
    assert RunConfig.from_mapping(SECTORS.to_dict()) == SECTORS


def test_settings_are_those_that_its_data_allow():
    assert "totals_known" not in SECTORS.settings
    assert "totals_known" in replace(SECTORS, settings=("totals_known",)).settings


def test_a_world_is_refused_beside_a_trade_file(tmp_path):
    other = next(word for word in ("sectors", "goods") if word != RunConfig().world)
    with pytest.raises(InputError, match="world"):
        RunConfig(trade=tmp_path / "trade.csv", world=other)


def test_countries_are_found_by_their_names(data):
    import pandas as pd

    flows = data.bundle.panel.flows
    table = pd.DataFrame({"exporter": flows.countries, "importer": flows.countries})
    assert check_country(table, "Arvenia") == check_country(table, "xrv") == "XRV"
    assert [country_name(code) for code in NAMES] == list(NAMES.values())


def test_regions_are_groups_by_name():
    for name, codes in REGIONS.items():
        group = find_group(name.lower())
        assert group is not None
        assert group.members(2021) == tuple(sorted(codes.split()))


def test_countries_of_a_region_share_its_number():
    places = [set(region_codes(codes.split())) for codes in REGIONS.values()]
    assert all(len(place) == 1 for place in places)
    assert len(set.union(*places)) == len(REGIONS)
    assert -1 not in set.union(*places)
