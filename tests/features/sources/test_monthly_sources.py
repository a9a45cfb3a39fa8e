"""Monthly trade of the CPB and the oil price of the EIA, from servers that misbehave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from fake_sources.cpb import BOOK, MONTHS, PAGE, fake_cpb, toy_series, toy_workbook
from fake_sources.eia import TOY, fake_eia
from fake_sources.eia import workbook as oil_workbook
from fake_sources.server import Fake, Reply, Request, Server, ranged

from features.countries.monitor_regions import REGIONS
from features.data.monthly import MonthlyTrade
from features.errors import SourceError
from features.sources.brent import Brent
from features.sources.cpb import Cpb
from features.store.dataset import Dataset

Serve = Callable[[Fake], Server]
Get = Callable[..., Dataset]


def test_values_are_volumes_times_prices(get: Get, serve: Serve) -> None:
    made = get(Cpb(), serve(fake_cpb()))
    assert (made.key, made.kind) == ("cpb:20261125", "monthly")
    table = made.read()
    assert len(table) == len(MONTHS) * (1 + 2 * (1 + len(REGIONS)))
    world = table[(table["region"] == "world") & (table["flow"] == "trade")]
    n = np.arange(len(MONTHS))
    np.testing.assert_allclose(world["value"], (50 + n / 4) * (100 - n / 8))
    assert world["month"].tolist()[:2] == ["2000-01", "2000-02"]
    # Two groups of regions, imports and exports, volumes and prices; freight; production.
    assert "10 series of groups of regions, production and commodity prices left out" in (
        made.statements
    )
    assert MonthlyTrade.from_frame(table).months(2004).size == 6


def test_the_newest_workbook_is_the_one_that_the_page_links(get: Get, serve: Serve) -> None:
    server = serve(fake_cpb())
    get(Cpb(), server)
    assert [request.path for request in server.requests] == [PAGE, BOOK]
    # It is in the store, so nothing is asked.
    get(Cpb(), server)
    assert len(server.requests) == 2


def test_a_cut_workbook_is_taken_up_where_it_broke_off(get: Get, serve: Serve) -> None:
    whole, cuts = toy_workbook(), iter([2_000, 3_000, None, None, None])

    def reply(request: Request) -> Reply:
        if request.path == PAGE:
            return fake_cpb(body=whole)(request)
        return ranged(whole, request, cut=next(cuts))

    assert get(Cpb(), serve(reply)).rows == get(Cpb(), serve(fake_cpb()), refresh=True).rows


def test_a_month_without_a_figure_is_left_out(get: Get, serve: Serve) -> None:
    series = toy_series()
    series["tgz_w1_pdmi_sn"] = [*series["tgz_w1_pdmi_sn"][:-1], None]
    table = get(Cpb(), serve(fake_cpb(series))).read()
    world = table[(table["region"] == "world") & (table["flow"] == "trade")]
    assert world["month"].tolist()[-1] == "2004-05"


@pytest.mark.parametrize(
    ("fake", "says"),
    [
        (fake_cpb(page="We are moving."), "the page links no workbook"),
        (fake_cpb(page=f'<a href="{BOOK.replace("july", "june")}">data</a>'), "404"),
        (fake_cpb(body=b"<html>Maintenance</html>"), "zip"),
        (fake_cpb({"tgz_w1_volume": [1.0] * 30}), "expected series such as tgz_w1_qnmi_sn"),
        (fake_cpb({"tgz_w1_qnmi_sn": ["n.a.", *[1.0] * 29]}), "'n.a.' of tgz_w1_qnmi_sn in 2000"),
    ],
    ids=["no link", "dead link", "page", "other series", "text"],
)
def test_what_the_monitor_may_send_instead(fake, says, get: Get, serve: Serve, store) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        get(Cpb(), serve(fake))
    assert "\n" not in str(caught.value)
    assert store.datasets() == []


def test_a_workbook_downloaded_by_hand_is_known_by_its_content(
    get: Get, serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "wtm.xlsx").write_bytes(toy_workbook())
    (tmp_path / "notes.txt").write_text("mine")
    server = serve(fake_cpb())
    made = get(Cpb(), server, given=tmp_path)
    assert made.read().equals(get(Cpb(), server, refresh=True).read())


def test_oil_prices_are_by_month_of_the_world(get: Get, serve: Serve) -> None:
    made = get(Brent(), serve(fake_eia()))
    assert (made.key, made.kind) == ("brent:20261125", "monthly")
    table = made.read()
    assert set(zip(table["region"], table["flow"], strict=True)) == {("world", "oil price")}
    assert table["month"].tolist() == [f"{day:%Y-%m}" for day, _ in TOY]
    assert table["value"].tolist() == [price for _, price in TOY]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>Service unavailable</html>", "not an Excel workbook"),
        (oil_workbook()[:3000], "not a complete Excel workbook"),
        (oil_workbook(series="RWTC"), "expected a sheet with series RBRTE"),
        (oil_workbook([(date(2020, 1, 15), "W")]), "'W' is not a price"),
    ],
    ids=["page", "cut", "other series", "text"],
)
def test_what_the_eia_may_send_instead(body, says, get: Get, serve: Serve, store) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        get(Brent(), serve(fake_eia(body)))
    assert "\n" not in str(caught.value)
    assert store.datasets() == []


def test_an_oil_price_downloaded_by_hand(get: Get, serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "oil.xls").write_bytes(oil_workbook())
    (tmp_path / "wtm.xlsx").write_bytes(toy_workbook())
    assert get(Brent(), serve(fake_eia()), given=tmp_path).rows == len(TOY)
