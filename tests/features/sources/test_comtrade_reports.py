"""Comtrade as reports: both flows, months, and the day on which each came out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from fake_sources.comtrade import KEY, FakeComtrade, Flow
from fake_sources.server import Reply, Request, Server

from features.data.flows import FlowIndex
from features.data.reports import Reports
from features.errors import SourceError
from features.sources.comtrade import Comtrade
from features.store.dataset import Dataset

Get = Callable[..., Dataset]
Serve = Callable[..., Server]
CODES = {"BRA": 76, "CHN": 156, "DEU": 276, "FRA": 251, "IND": 699, "NAM": 516, "USA": 842}
BOTH: dict[str, Any] = {"reporters": tuple(CODES), "flow": "both"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMTRADE_API_KEY", KEY)


def everyone(*periods: int, without: tuple[str, ...] = ()) -> list[Flow]:
    """Imports and exports of each country with all others; exports are worth a tenth."""
    return [
        Flow(reporter, partner, period, scale * float(1000 * reporter + partner), flow=flow)
        for flow, scale in (("M", 1.0), ("X", 0.1))
        for period in periods
        for name, reporter in CODES.items()
        for partner in CODES.values()
        if reporter != partner and name not in without
    ]


def months(year: int, until: int) -> list[int]:
    return [100 * year + month for month in range(1, until + 1)]


def reports_of(made: Dataset) -> Reports:
    flows = FlowIndex(tuple(sorted(CODES)))
    return Reports.from_frame(made.read(), flows=flows, delays={}, file=made.key)


def test_both_flows_are_one_table_with_days_and_valuations(get: Get, serve: Serve) -> None:
    fake = FakeComtrade([*everyone(2019), *everyone(2020, without=("NAM",)),
                         Flow(842, 97, 2020, 5.0), Flow(842, 842, 2020, 5.0)])  # fmt: skip
    server = serve(fake)
    made = get(Comtrade(**BOTH, years=(2019, 2020)), server)
    assert made.kind == "reports"
    assert made.key.startswith("comtrade:20261125:both:annual:")
    table = made.read()
    assert "month" not in table
    assert len(table) == 2 * 42 + 2 * 36
    row = table[(table.reporter == "USA") & (table.partner == "DEU") & (table.year == 2020)]
    assert row.set_index("flow").loc["import", "value_usd"] == 842_276
    assert row.set_index("flow").loc["export", "value_usd"] == pytest.approx(84_227.6)
    assert dict(zip(row.flow, row.valuation, strict=True)) == {"import": "cif", "export": "fob"}
    assert set(row.published) == {"2021-06-15"}
    reports = reports_of(made)
    namibia = reports.flows.countries.index("NAM")
    assert str(reports.published["exporter"][1, 0]) == "2021-06-15"
    assert np.isnan(reports.values["exporter"][1, reports.flows.exporter == namibia]).all()
    assert any("groups and areas that are not countries" in said for said in made.statements)
    assert any(line.startswith("they came out: 26 on a stated day, 0 with")
               for line in reports.statements)  # fmt: skip


def test_months_are_kept_and_an_incomplete_year_is_growth(get: Get, serve: Serve) -> None:
    fake = FakeComtrade([*everyone(*months(2023, 12)), *everyone(*months(2024, 3))])
    made = get(Comtrade(**BOTH, years=(2023, 2024), frequency="monthly"), serve(fake))
    table = made.read()
    assert sorted(set(zip(table.year, table.month, strict=True)))[-1] == (2024, 3)
    reports = reports_of(made)
    assert reports.months["importer"].tolist() == [[12] * 7, [3] * 7]
    whole = reports.values["importer"]
    np.testing.assert_allclose(whole[0], whole[1], rtol=1e-6)
    seen = reports.seen(date(2025, 6, 14), origin=2022)
    assert np.isnan(seen.at("importer", 2024)).all()
    assert not np.isnan(seen.at("importer", 2023)).any()


def test_days_that_cannot_be_are_left_out_and_without_any_the_delay_counts(
    get: Get, serve: Serve
) -> None:
    fake = FakeComtrade(everyone(2019))

    def too_early(request: Request) -> Reply:
        if "getDa" not in request.path:
            return fake(request)
        rows = [
            {"reporterCode": code, "period": 2019, "firstReleased": "2019-11-01T00:00:00"}
            for code in CODES.values()
        ]
        return Reply(json.dumps({"data": rows}))

    def without(request: Request) -> Reply:
        return Reply("no", status=404) if "getDa" in request.path else fake(request)

    for fake_source, says in ((too_early, "before the end of their period"), (without, "7 ")):
        made = get(Comtrade(**BOTH, years=(2019,)), serve(fake_source), refresh=True)
        assert any(says in said for said in made.statements)
        assert str(reports_of(made).published["exporter"][0, 0]) == "2021-07-01"
    assert "7 reporters and periods without a day of release" in made.statements


def test_a_flow_that_comes_twice_or_cannot_be_is_refused(get: Get, serve: Serve, store) -> None:
    for flows, says in (
        ([*everyone(2019), Flow(842, 276, 2019, 1.0)], "comes twice|two rows|twice"),
        ([*everyone(2019, without=("USA",)), Flow(842, 276, 2019, -1.0)], "cannot trade -1 USD"),
    ):
        with pytest.raises(SourceError, match=says) as caught:
            get(Comtrade(**BOTH, years=(2019,)), serve(FakeComtrade(flows)), refresh=True)
        assert "\n" not in str(caught.value)
        assert store.datasets() == []
