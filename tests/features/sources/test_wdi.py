from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from fake_sources.server import Fake, Reply, Request, Server
from fake_sources.wdi import AREAS, COUNTRIES, TWO, YEARS, fake_wdi, message, ordered, tidy, toy

from features.data.indicators import Indicators
from features.download.client import Client
from features.errors import InputError, SourceError
from features.sources.indicator_sets import ready_of
from features.sources.wdi import Wdi
from features.store.dataset import Dataset
from features.store.store import Store

Get = Callable[..., Dataset]
Serve = Callable[[Fake], Server]
GDP, USERS = TWO
IDS = tuple(series.at_source for series in ready_of("wdi"))
two = Wdi(indicators=TWO)
from_archive = Wdi(indicators=TWO, via="bulk")


@pytest.mark.parametrize("via", ["api", "bulk"])
def test_every_ready_series_arrives_and_feeds_a_run(via, serve: Serve, get: Get):
    data = fake_wdi(*IDS)
    made = get(Wdi(via=via), serve(data))
    pd.testing.assert_frame_equal(ordered(made.read()), tidy(data))
    read = Indicators.from_frames(made.read(), made.catalogue, countries=COUNTRIES)
    assert set(read.specs) >= {series.name for series in ready_of("wdi")}
    gdp = data.series[GDP]["NAM", 2020]
    assert read.values["MACRO.GDP"][1, COUNTRIES.index("NAM")] == pytest.approx(gdp / 1e6)
    assert made.key == f"wdi:20261125:all:all:{via}"
    assert made.years == tuple(YEARS[:-1])  # nothing is known of the last year
    assert made.retrieved == "2026-11-25"
    assert made.licence.startswith("CC BY 4.0")


def test_totals_of_services_arrive_by_kind(serve: Serve, get: Get):
    series = ("BX.GSR.NFSV.CD", "BX.GSR.TRVL.ZS", "BM.GSR.NFSV.CD", "BM.GSR.CMCP.ZS")
    data = fake_wdi(*series)
    made = get(Wdi(indicators=series), serve(data))
    pd.testing.assert_frame_equal(ordered(made.read()), tidy(data))
    assert {line.indicator for line in made.indicators} == set(series)
    read = Indicators.from_frames(made.read(), made.catalogue, countries=COUNTRIES)
    spec = read.specs["BX.GSR.NFSV.CD"]
    assert (spec.unit, spec.publication_lag_months) == ("current USD", 9)
    exports = data.series["BX.GSR.NFSV.CD"]["NAM", 2020]
    assert read.values["BX.GSR.NFSV.CD"][1, COUNTRIES.index("NAM")] == pytest.approx(exports)


def test_what_is_no_country_and_what_is_empty_is_counted(serve: Serve, get: Get):
    made = get(two, serve(fake_wdi()))
    groups, years = sum(area[3] == "NA" for area in AREAS), len(YEARS)
    assert f"{2 * groups * years} rows of groups of countries (regions, income groups) dropped" in (
        made.statements
    )
    assert f"{2 * years} rows of areas that are not countries dropped" in made.statements
    gaps = sum(v is None for (c, _), v in toy(GDP).items() if c in COUNTRIES)
    assert f"{2 * gaps} empty cells left out" in made.statements
    assert any("Taiwan is absent" in text for text in made.statements)
    assert any(text.endswith("2026-07-13") for text in made.statements)
    assert "NAM" in set(made.read()["iso3"])  # whose alpha-2 code is NA


def test_a_row_without_any_known_code_is_dropped_and_counted(serve: Serve, get: Get):
    def nameless(head: dict, rows: list, number: int) -> None:
        rows[0] |= {"countryiso3code": "", "country": {"id": "XX", "value": "Not classified"}}

    made = get(two, serve(fake_wdi(spoil=nameless)))
    assert "2 rows without a country code dropped" in made.statements


@pytest.mark.parametrize("rows", [1, 7, 20, 21, 62, 63, 64])
def test_pages_of_any_size_give_the_same(rows: int, serve: Serve, get: Get):
    data = fake_wdi(largest_page=rows)
    server = serve(data)
    made = get(two, server)
    pd.testing.assert_frame_equal(ordered(made.read()), tidy(data))
    total = len(AREAS) * len(YEARS)
    asked = [r for r in server.requests if r.path.endswith(GDP)]
    assert [r.query["page"] for r in asked] == [str(k + 1) for k in range(-(-total // rows))]
    assert {r.query["source"] for r in asked} == {"2"}
    assert len(made.raw) == 2 * len(asked) + -(-len(AREAS) // rows)


def _grows(head: dict, rows: list, number: int) -> None:
    head["total"] += number > 1


def _more_pages(head: dict, rows: list, number: int) -> None:
    head["pages"] += number > 1


def _updated(head: dict, rows: list, number: int) -> None:
    head["lastupdated"] = "2026-07-13" if number == 1 else "2026-07-14"


def _short(head: dict, rows: list, number: int) -> None:
    del rows[number - 1 :]


def _same_page(head: dict, rows: list, number: int) -> None:
    head["page"] = 1


def _miscounted(head: dict, rows: list, number: int) -> None:
    head["pages"] = 2


@pytest.mark.parametrize("spoil", [_grows, _more_pages, _updated, _short, _same_page, _miscounted])
def test_pages_that_do_not_belong_together_are_refused(spoil, serve: Serve, get: Get, store: Store):
    data = fake_wdi(largest_page=20, spoil=spoil)
    server = serve(data)
    with pytest.raises(SourceError, match=r"(?s)page.*--refresh"):
        get(two, server)
    assert store.datasets() == []
    data.spoil = None
    made = get(two, server, refresh=True)
    pd.testing.assert_frame_equal(ordered(made.read()), tidy(data))


def test_rows_that_moved_between_pages_are_not_counted_twice(serve: Serve, get: Get, store: Store):
    def shifted(head: dict, rows: list, number: int) -> None:
        if number == 2:
            rows[0] = dict(rows[1])

    with pytest.raises(SourceError, match=r"occurs twice.*--refresh"):
        get(two, serve(fake_wdi(largest_page=20, spoil=shifted)))
    assert store.datasets() == []


@pytest.mark.parametrize("others", [(), (GDP, "SP.POP.TOTL")])
def test_a_retired_series_is_an_error_that_names_it(others, serve: Serve, get: Get, store: Store):
    data = fake_wdi(USERS, *others, retired={USERS})
    server = serve(data)
    with pytest.raises(SourceError, match=rf"no longer has series {USERS} \(175: .*archived") as e:
        get(Wdi(indicators=(USERS, *others)), server)
    assert "\n" not in str(e.value)
    assert store.datasets() == []
    data.retired.clear()  # the error was not cached
    assert get(Wdi(indicators=(USERS, *others)), server).rows


def test_an_error_under_status_200_is_told_and_never_cached(serve: Serve, get: Get, store: Store):
    data = fake_wdi(GDP)
    server = serve(data)
    with pytest.raises(SourceError, match=f"{USERS} .*120: The provided parameter value"):
        get(two, server)
    data.series[USERS] = toy(USERS)
    pd.testing.assert_frame_equal(ordered(get(two, server).read()), tidy(data))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<!DOCTYPE html><html>Request Error</html>", "web page"),
        ('[{"page":1,"pages":1,"per_page":20000,"total":4},[{"indicator":', "broken JSON"),
        ("", "broken JSON"),
        ("{}", "has changed"),
        ("[]", "has changed"),
        ('[{"page":1,"pages":1,"total":1},[{}]]', "has changed"),
        ('[{"page":1,"pages":1,"per_page":"x","total":1},[{}]]', "has changed"),
        ('[{"page":1,"pages":1,"per_page":5,"total":1},[3]]', "has changed"),
        ('[{"page":1,"pages":1,"per_page":5,"total":1},[{"date":"2020"}]]', "expected rows of"),
        ('[{"message":"down for maintenance"}]', "no reason given"),
    ],
)
def test_a_body_that_is_no_data_is_one_line(body: str, told: str, serve: Serve, get: Get,
                                            store: Store):  # fmt: skip
    data = fake_wdi()
    server = serve(lambda request: Reply(body) if request.path.endswith(GDP) else data(request))
    with pytest.raises(SourceError, match=told) as raised:
        get(two, server)
    assert GDP in str(raised.value)
    assert "\n" not in str(raised.value)
    assert store.datasets() == []


def test_the_source_is_asked_for_json_and_for_pages_it_can_give(serve: Serve, get: Get):
    server = serve(fake_wdi())
    get(two, server)
    assert {r.query["format"] for r in server.requests} == {"json"}
    assert all(int(r.query["per_page"]) < 50_000 for r in server.requests)


def test_a_bad_gateway_is_asked_again(serve: Serve, get: Get):
    data = fake_wdi(bad_gateways=1)
    assert get(two, serve(data)).rows == len(tidy(data))


def test_years_narrow_the_request_and_the_result(serve: Serve, get: Get):
    server = serve(fake_wdi())
    made = get(Wdi(indicators=(GDP,), years=(2020, 2022, 2025)), server)
    assert made.years == (2020, 2022)
    assert server.requests[-1].query["date"] == "2020:2025"
    assert made.key == "wdi:20261125:MACRO.GDP:2020_2022_2025:api"
    assert "No series has a value in 2025" in made.statements
    both = get(Wdi(indicators=(GDP,), years=(2020, 2022, 2025), via="bulk"), server)
    pd.testing.assert_frame_equal(ordered(made.read()), ordered(both.read()))


@pytest.mark.parametrize("via", ["api", "bulk"])
def test_a_series_without_a_value_is_named_rather_than_left_out(via, serve, get, store: Store):
    data = fake_wdi()
    data.series[USERS] = {("DEU", 2020): None, ("WLD", 2020): 3.0}
    with pytest.raises(InputError, match=f"no value for any country of {USERS}"):
        get(Wdi(indicators=(GDP, USERS), via=via), serve(data))
    data.series[USERS] = {}
    with pytest.raises(InputError, match=rf"no value in 2019-2020 for any country of {USERS}"):
        get(Wdi(indicators=(GDP, USERS), via=via, years=(2019, 2020)), serve(data), refresh=True)
    assert store.datasets() == []


def test_figures_filled_without_a_new_date_are_another_content(serve: Serve, get: Get):
    """PPP series are filled weeks later while ``lastupdated`` stays."""
    data = fake_wdi()
    server = serve(data)
    before = get(two, server, today=date(2026, 7, 14))
    data.series[USERS] = dict(toy(USERS)) | {("VNM", 2021): 55.0}
    same_day = get(two, server, today=date(2026, 7, 14))
    assert same_day.digest == before.digest  # from the store
    after = get(two, server, today=date(2026, 8, 20))
    assert {before.release, after.release} == {"20260714", "20260820"}
    assert after.digest != before.digest
    assert after.rows == before.rows + 1
    sums = [{f["name"]: f["sha256"] for f in made.raw} for made in (before, after)]
    assert {name for name in sums[0] if sums[0][name] != sums[1][name]} == {
        f"{USERS}.all-years.p1.json"
    }


def test_a_code_that_no_table_knows_is_an_error(serve: Serve, get: Get, store: Store):
    def unknown(head: dict, rows: list, number: int) -> None:
        rows[0]["countryiso3code"] = "QQQ1"

    with pytest.raises(SourceError, match="which country 'QQQ1' is"):
        get(two, serve(fake_wdi(spoil=unknown)))
    assert store.datasets() == []


def test_another_series_than_the_one_asked_for_is_refused(serve: Serve, get: Get):
    def other(head: dict, rows: list, number: int) -> None:
        rows[3]["indicator"] = {"id": "SP.POP.TOTL", "value": "Population"}

    with pytest.raises(SourceError, match=f"SP.POP.TOTL came instead of {GDP}"):
        get(two, serve(fake_wdi(spoil=other)))


@pytest.mark.parametrize("value", [float("inf"), 1e400])
def test_a_number_that_is_not_finite_is_refused(value, serve: Serve, get: Get):
    def endless(head: dict, rows: list, number: int) -> None:
        next(row for row in rows if row["countryiso3code"] == "DEU")["value"] = value

    with pytest.raises(SourceError, match="of DEU in 2025 is not a finite number"):
        get(two, serve(fake_wdi(spoil=endless)))


def _unasked(request: Request) -> Reply:
    raise AssertionError(f"the source was asked for {request.target}")


def test_pages_downloaded_by_hand_are_taken_by_name(serve: Serve, get: Get, store: Store,
                                                    tmp_path: Path):  # fmt: skip
    made = get(two, serve(fake_wdi()))
    folder = store.raw_folder("wdi", "20261125")
    silent = serve(_unasked)
    again = get(two, silent, given=folder, today=date(2026, 11, 26))
    assert again.digest == made.digest
    page = folder / f"{GDP}.all-years.p1.json"
    page.write_text(message("175").body.decode())
    with pytest.raises(SourceError, match=f"no longer has series {GDP}"):
        get(two, silent, given=folder, today=date(2026, 11, 27))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"indicators": ("NY.GDP.MKTP.CN",)}, "--indicators.*NY.GDP.MKTP.CD"),
        ({"indicators": ("",)}, "--indicators"),
        ({"via": "ftp"}, "--via.*api, bulk"),
        ({"years": (95,)}, "--years: 95"),
        ({"release": "../../x"}, "--release"),
        ({"release": "2026-11-25"}, "--release.*YYYYMMDD"),
        ({"release": "20261301"}, "--release"),
    ],
)
def test_wrong_options_are_refused_before_any_work(options, told: str):
    with pytest.raises(InputError, match=told):
        Wdi(**options)


def test_keys_name_what_decides_the_content():
    a = Wdi(indicators=("MACRO.GDP", USERS), years=(2019, 2020), release="20261125")
    b = Wdi(indicators=(USERS, GDP), years=(2020, 2019), release="20261125")
    assert a.key == b.key
    keys = {
        Wdi(**o).key
        for o in (
            {},
            {"via": "bulk"},
            {"years": (2019,)},
            {"indicators": (GDP,)},
            {"indicators": (GDP, USERS)},
            {"indicators": (GDP, "SP.POP.TOTL")},
        )
    }
    assert len(keys) == 6
    words = a.key.split(":")
    assert words[:2] == ["wdi", "20261125"]
    assert words[3:] == ["2019-2020", "api"]
    assert all(c.isalnum() or c in "-_." for word in words for c in word)


def test_addresses_are_known_beforehand(serve: Serve, get: Get):
    server = serve(fake_wdi())
    get(two, server)
    paths = [r.path for r in server.requests]
    assert paths == [url.removeprefix("https://api.worldbank.org") for url in two.locate()]
    assert from_archive.locate() == ("https://databank.worldbank.org/data/download/WDI_CSV.zip",)


def test_the_fake_refuses_what_the_source_refuses(serve: Serve):
    """Otherwise the tests above could pass without asking as the source demands."""
    client = Client(mirror=serve(fake_wdi()).url)
    url = f"https://api.worldbank.org/v2/country/all/indicator/{GDP}"
    assert client.get(url).text.startswith("<?xml")
    huge = client.get(url, params={"format": "json", "per_page": "50000"})
    assert huge.status == 200
    assert huge.text.startswith("<!DOCTYPE html")
    listing = client.get("https://api.worldbank.org/v2/country", params={"format": "json"})
    assert json.loads(listing.text)[0]["per_page"] == "50"
    client.close()
