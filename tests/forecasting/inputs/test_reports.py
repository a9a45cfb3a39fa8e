"""Reports and monthly trade of a run: read, stated with their sums, and refused in one line."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from forecasting import RunConfig
from forecasting.inputs.check import check_file
from forecasting.inputs.load import load

MONTHS = [f"{year}-{month:02d}" for year in (2009, 2010) for month in range(1, 13)]


@pytest.fixture
def files(make_trade, tmp_path) -> dict[str, Path]:
    """A trade file, what its exporters declare of it, delays, monthly trade and an oil price."""
    made = {name: tmp_path / f"{name}.csv" for name in
            ("trade", "reports", "report_delays", "monthly", "brent")}  # fmt: skip
    trade = make_trade()
    trade.to_csv(made["trade"], index=False)
    reports = trade.rename(columns={"exporter": "reporter", "importer": "partner"})
    reports.assign(flow="export").to_csv(made["reports"], index=False)
    made["report_delays"].write_text("reporter,months\nDEU,2\nUSA,3\n")
    for name, flow in (("monthly", "trade"), ("brent", "oil price")):
        frame = pd.DataFrame({"month": MONTHS, "value": 100.0})
        frame.assign(region="world", flow=flow).to_csv(made[name], index=False)
    return made


def given(files: dict[str, Path], **options: Any) -> RunConfig:
    return RunConfig(trade=files["trade"], **options)


def test_all_are_read_and_their_files_are_sources(files):
    data = load(
        given(files, reports=files["reports"], report_delays=files["report_delays"],
              monthly=(files["monthly"], files["brent"]))
    )  # fmt: skip
    reports, monthly = data.bundle.reports, data.bundle.monthly
    assert reports.flows is data.bundle.panel.flows
    assert np.nanmax(reports.values["exporter"]) > 0
    assert np.isnan(reports.values["importer"]).all()
    assert set(monthly.values) == {("world", "trade"), ("world", "oil price")}
    sources = {source.path: source for source in data.sources}
    roles = ("trade", "reports", "report delays", "monthly trade", "monthly trade")
    assert [source.role for source in data.sources] == [*roles]
    for path in files.values():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert sources[str(path)].sha256 == digest
    said = "\n".join(sources[str(files["reports"])].statements)
    assert f"usual delays of 2 reporters: {files['report_delays']}" in said
    assert "8 reporters have filed" in said


def test_without_them_there_are_none(files):
    bundle = load(given(files)).bundle
    assert bundle.reports is None
    assert bundle.monthly is None


def test_the_table_of_delays_decides_what_is_out(files):
    days = [
        load(given(files, reports=files["reports"], **more)).bundle.reports.published["exporter"]
        for more in ({}, {"report_delays": files["report_delays"]})
    ]
    germany, france = 2, 3
    last = days[0].shape[0] - 1
    assert [str(day[last, germany]) for day in days] == ["2011-07-01", "2011-03-01"]
    assert [str(day[last, france]) for day in days] == ["2011-07-01", "2012-07-01"]


def test_smaller_traders_that_are_one_are_one_partner_of_reports_too(files):
    bundle = load(given(files, reports=files["reports"], report_revisions=0, largest=5)).bundle
    panel, reports = bundle.panel, bundle.reports
    countries = panel.flows.countries
    rest = countries.index("ROW")
    filed = reports.months["exporter"] == 12
    declared = reports.values["exporter"]
    to_rest = panel.flows.importer == rest
    out = ~np.isnan(declared[:, to_rest])
    np.testing.assert_array_equal(out, filed[:, panel.flows.exporter[to_rest]])
    # What the trade file says, since the reports repeat it; a cell without a row counts as none.
    actual = panel.values[reports.years - panel.first_year][:, to_rest]
    known = out & ~np.isnan(actual)
    assert known.any()
    np.testing.assert_allclose(declared[:, to_rest][known], actual[known], rtol=1e-5)


@pytest.mark.parametrize(
    "key", ["baci:HS92:202601:total", "itpde", "gravity:202211:geography", "indicators:technology"]
)
def test_sources_that_reconcile_are_no_reports(key, files, tmp_path):
    with pytest.raises(InputError, match="does not hold what each country declares") as caught:
        load(given(files, reports=key, store=tmp_path / "store"))
    assert "imts or comtrade" in caught.value.remedy or "comtrade or imts" in caught.value.remedy
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"report_delays": "delays.csv"}, "Give the reports as well"),
        ({"reports": "reports.csv", "universe": "active"}, "Reports may name any flow"),
        ({"trade": None, "reports": "reports.csv"}, "need a trade file"),
        ({"trade": None, "monthly": "monthly.csv"}, "need a trade file"),
    ],
)
def test_options_that_need_another(options, says, files):
    with pytest.raises(InputError, match=says):
        RunConfig(**{"trade": files["trade"], **options})


def test_panels_with_sectors_and_domestic_sales_take_reports_by_sector(
    files, make_trade, tmp_path, refused
):
    path = tmp_path / "flows.csv"
    make_trade(sectors=("goods", "tours"), domestic=True).to_csv(path, index=False)
    config = RunConfig(trade=path, reports=files["reports"], domestic="include")
    refused(lambda: load(config), file=files["reports"], column="sector", says="Add the column")
    pd.read_csv(files["reports"]).assign(sector="goods").to_csv(files["reports"], index=False)
    panel, reports = (bundle := load(config).bundle).panel, bundle.reports
    flows, declared = panel.flows, reports.values["exporter"]
    assert flows.diagonal
    assert np.isnan(declared[:, flows.domestic | (flows.sector == 1)]).all()
    assert not np.isnan(declared[:, ~flows.domestic & (flows.sector == 0)]).all()


def test_an_error_of_the_second_file_names_its_row(files, refused):
    text = files["brent"].read_text().replace("2009-03,100.0", "2009-03,n.a.")
    files["brent"].write_text(text)
    both = given(files, monthly=(files["monthly"], files["brent"]))
    refused(lambda: load(both), file=files["brent"], column="value", row=4, says="not a finite")


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("reports", "reports", "8 reporters have filed"),
        ("report_delays", "report delays", "2 reporters, 2 to 3 months"),
        ("monthly", "monthly trade", "1 series, 2009-01 to 2010-12"),
    ],
)
def test_check_knows_them_by_their_columns(name, kind, says, files):
    found, statements = check_file(files[name], RunConfig())
    assert found == kind
    assert any(says in line for line in statements)
