from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from fake_sources.owid import Chart, FakeOwid
from fake_sources.server import Fake, Server

from features.data.indicators import Indicators
from features.errors import InputError, SourceError
from features.sources.indicator_sets import ready_of
from features.sources.owid import Owid
from features.store.dataset import Dataset
from features.store.store import Store

Get = Callable[..., Dataset]
Serve = Callable[[Fake], Server]
ARTICLES, PATENTS, INVESTMENT, ROBOTS = (s.at_source for s in ready_of("owid"))
SHORT = "num_articles__field_all"
ROWS: list[tuple[str, str, int | str, str]] = [
    ("Germany", "DEU", 2020, "120"),
    ("Germany", "DEU", 2021, "130"),
    ("Namibia", "NAM", 2021, "4"),
    ("Kosovo", "OWID_KOS", 2021, "2"),
    ("Taiwan", "TWN", 2020, "90"),
    ("Taiwan", "TWN", 2022, ""),
    ("World", "OWID_WRL", 2021, "5000"),
    ("Europe, all of it", "OWID_EUR", 2021, "900"),
    ("High-income countries", "", 2021, "4000"),
]
articles = Owid(indicators=("AI.ARTICLES",))


def chart(**changes: object) -> Chart:
    plain = Chart(SHORT, "Publications - Field: All", "publications", list(ROWS))
    return replace(plain, **changes)


def fake(**changes: object) -> FakeOwid:
    return FakeOwid({ARTICLES: chart(**changes)})


def everything() -> FakeOwid:
    rows = [("Japan", "JPN", 2020, "2500000.0"), ("Taiwan", "TWN", 2020, "7")]
    money = "Estimated funding raised by privately held AI companies - Field: All"
    return FakeOwid(
        {
            ARTICLES: chart(),
            PATENTS: Chart("num_patent_applications__field_all", "Patents", "patents", rows),
            INVESTMENT: Chart("renamed_by_the_source", money, "constant 2021 US$", rows),
            ROBOTS: Chart("industrial_robot_installations", "Robots", "robots", rows),
        }
    )


def test_every_chart_arrives_and_feeds_a_run(serve: Serve, get: Get):
    made = get(Owid(), serve(everything()))
    countries = ("DEU", "JPN", "NAM", "TWN", "XKX")
    read = Indicators.from_frames(made.read(), made.catalogue, countries=countries)
    assert set(read.specs) >= {series.name for series in ready_of("owid")}
    at = {name: place for place, name in enumerate(countries)}
    assert read.values["AI.ARTICLES"][1, at["XKX"]] == 2
    assert read.values["AI.ARTICLES"][0, at["TWN"]] == 90
    assert read.values["AI.INVESTMENT"][0, at["JPN"]] == 2.5  # million
    assert read.values["AI.ROBOTS.INSTALLED"][0, at["JPN"]] == 2_500_000
    assert made.key == "owid:20261125:all:all"
    assert made.years == (2020, 2021)
    assert "CC BY-NC" in made.licence
    assert "CC BY-ND" in made.licence
    notes = made.catalogue.set_index("indicator")
    assert notes.loc["AI.ARTICLES", "note"].startswith("CC BY-NC")
    assert notes.loc["AI.ROBOTS.INSTALLED", "note"].startswith("CC BY-ND")


def test_codes_that_are_no_country_are_dropped_and_counted(serve: Serve, get: Get):
    made = get(articles, serve(fake()))
    expected = [("DEU", 2020, 120.0), ("DEU", 2021, 130.0), ("NAM", 2021, 4.0),
                ("TWN", 2020, 90.0), ("XKX", 2021, 2.0)]  # fmt: skip
    rows = made.read().astype({"iso3": "str"}).sort_values(["iso3", "year"])
    assert list(zip(rows["iso3"], rows["year"], rows["value"], strict=True)) == expected
    counted = [text for text in made.statements if text[0].isdigit()]
    assert counted == [
        "1 rows without a country code (regions, groups of countries) dropped",
        "2 rows of the source's own codes (OWID_...: the world, regions, former states) dropped",
        "1 empty cells left out",
    ]
    assert any("unit publications, years 2016-2024" in text for text in made.statements)


def test_a_code_that_no_table_knows_is_an_error(serve: Serve, get: Get, store: Store):
    rows = [*ROWS, ("Atlantis", "ATL", 2021, "1")]
    with pytest.raises(SourceError, match="which country 'ATL' is"):
        get(articles, serve(fake(rows=rows)))
    assert store.datasets() == []


def test_kosovo_under_two_codes_in_one_year_is_refused(serve: Serve, get: Get):
    rows = [*ROWS, ("Kosovo", "XKX", 2021, "3")]
    with pytest.raises(SourceError, match="of XKX in 2021 occurs twice"):
        get(articles, serve(fake(rows=rows)))


@pytest.mark.parametrize(
    "changes",
    [
        {"header": SHORT.upper()},
        {"short": SHORT.upper()},
        {"short": "Num_Articles__Field_All", "header": "num_articles__field_all"},
        {"header": "Publications - Field: All"},  # the table by titles, as without short names
        {"title": "Publications, by another title"},
        {"others": (("num_articles__field_robotics", "Publications - Field: Robotics"),)},
    ],
)
def test_the_value_column_is_found_by_any_of_its_names(changes, serve: Serve, get: Get):
    plain = get(articles, serve(fake()))
    made = get(articles, serve(fake(**changes)), today=date(2026, 11, 26))
    pd.testing.assert_frame_equal(made.read(), plain.read())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"short": "articles_all", "title": "Articles"},
            rf"expected a column {SHORT}, found articles_all \(Articles\)",
        ),
        ({"header": "another"}, rf"expected one column .*{SHORT}.*, found Entity, .*another"),
        ({"time": "Day"}, "expected column Year, found Entity, Code, Day"),
        ({"rows": [("Germany", "DEU", "2021-01-01", "1")]}, "broken .*2021-01-01"),
        ({"rows": [("Germany", "DEU", 2021, "16.4%")]}, "broken .*16.4%"),
        ({"rows": [("Germany", "DEU", 2021, "1,2")]}, "row 2 has 5 of 4 cells"),
        ({"rows": [("Germany", "DEU", 2021, "inf")]}, "not a finite number"),
    ],
)
def test_a_changed_chart_is_one_line_that_says_how(changes, told, serve: Serve, get: Get,
                                                   store: Store):  # fmt: skip
    with pytest.raises(SourceError, match=told) as raised:
        get(articles, serve(fake(**changes)))
    assert "\n" not in str(raised.value)
    assert store.datasets() == []


def test_prices_of_another_year_are_refused(serve: Serve, get: Get):
    data = everything()
    data.charts[INVESTMENT].unit = "constant 2025 US$"
    with pytest.raises(SourceError, match=r"2021 USD, found its unit to be 'constant 2025 US\$'"):
        get(Owid(), serve(data))


@pytest.mark.parametrize("kind", ["csv", "metadata.json"])
@pytest.mark.parametrize("body", ["<!DOCTYPE html><title>Wait</title>", "", "[]", '{"columns":{}}',
                                  '{"columns":[1]}', "Entity,Code"])  # fmt: skip
def test_what_is_no_chart_is_never_cached(body, kind, serve: Serve, get: Get, store: Store):
    data = fake()
    data.instead[f"{ARTICLES}.{kind}"] = body
    server = serve(data)
    with pytest.raises(SourceError, match="has changed: expected") as raised:
        get(articles, server)
    assert "\n" not in str(raised.value)
    assert store.datasets() == []
    data.instead.clear()
    assert get(articles, server).rows == 5


def test_a_chart_that_is_gone_is_named(serve: Serve, get: Get):
    with pytest.raises(SourceError, match=f"{ARTICLES}.*no such file"):
        get(articles, serve(FakeOwid({})))


def test_an_unchanged_table_is_not_sent_again(serve: Serve, get: Get):
    data = fake()
    server = serve(data)
    before = get(articles, server, today=date(2026, 11, 1))
    data.day = "2026-11-25"
    after = get(articles, server)
    asked = [r.headers.get("if-none-match") for r in server.requests if r.path.endswith(".csv")]
    assert asked[0] is None
    assert asked[1]
    assert after.digest == before.digest
    data.charts[ARTICLES] = chart(rows=[*ROWS, ("Chile", "CHL", 2021, "8")])
    newer = get(articles, server, today=date(2026, 11, 27))
    assert newer.rows == before.rows + 1


def test_a_source_that_keeps_programs_out_gets_a_user_agent(serve: Serve, get: Get):
    server = serve(fake())
    get(articles, server)
    assert all("gravicast" in r.headers["user-agent"] for r in server.requests)
    import httpx

    bare = httpx.get(f"{server.url}/grapher/{ARTICLES}.csv", trust_env=False)
    assert bare.status_code == 403


def test_years_narrow_the_result(serve: Serve, get: Get):
    made = get(Owid(indicators=(ARTICLES,), years=(2020, 2022)), serve(fake()))
    assert made.years == (2020,)
    assert "No series has a value in 2022" in made.statements
    assert made.key == "owid:20261125:AI.ARTICLES:2020_2022"
    with pytest.raises(InputError, match=r"no value in 2015 for any country of AI\.ARTICLES"):
        get(Owid(indicators=(ARTICLES,), years=(2015,)), serve(fake()))


def test_files_downloaded_by_hand_are_taken_by_name(serve: Serve, get: Get, tmp_path: Path):
    (tmp_path / f"{ARTICLES}.csv").write_text("\ufeff" + chart().table(), encoding="utf-8")
    about = tmp_path / f"{ARTICLES}.metadata.json"
    server = serve(fake())
    with pytest.raises(InputError, match=r"no file .*metadata\.json"):
        get(articles, server, given=tmp_path)
    import json

    about.write_text(json.dumps(chart().metadata("2026-11-25")))
    assert get(articles, server, given=tmp_path).rows == 5
    assert server.requests == []
    about.write_bytes(b"\xff\xfe")
    with pytest.raises(SourceError, match="expected JSON"):
        get(articles, server, given=tmp_path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"indicators": ("AI.ARTICLE",)}, "--indicators: 'AI.ARTICLE' .*AI.ARTICLES"),
        ({"indicators": ("MACRO.GDP",)}, "not a ready series of owid"),
        ({"years": (20,)}, "--years: 20"),
        ({"release": "yesterday"}, "--release"),
    ],
)
def test_wrong_options_are_refused_before_any_work(options, told: str):
    with pytest.raises(InputError, match=told):
        Owid(**options)
