"""WEO vintages: both formats, units, who is not a country, that no vintage sees a later one."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from fake_sources.server import Reply, Server
from fake_sources.weo import (
    ADDRESSES,
    FLOWS,
    FakeWeo,
    Series,
    changed,
    text,
    toy_rows,
    vintage_file,
    workbook,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.data.indicators import Indicators
from features.download.client import Client
from features.errors import InputError, SourceError
from features.information import last_published_year
from features.sources.weo import NEWEST, Weo
from features.store.dataset import Dataset
from features.store.fetching import fetch
from features.store.store import Store

Serve = Callable[..., Server]
Get = Callable[..., Dataset]


def rows_of(dataset: Dataset, indicator: str, iso3: str) -> dict[int, float]:
    table = dataset.read()
    there = table[(table["indicator"] == indicator) & (table["iso3"] == iso3)]
    return dict(zip(there["year"], there["value"], strict=True))


@pytest.mark.parametrize("vintage", sorted({**ADDRESSES, **FLOWS}))
def test_every_vintage_is_found_at_its_address(vintage: str, serve: Serve, get: Get) -> None:
    year = int(vintage[:4])
    server = serve(FakeWeo({vintage: toy_rows(year)}))
    dataset = get(Weo(vintages=(vintage,)), server)
    assert dataset.release == vintage
    # Billions in the file, millions here: 1000 + (year + 2) - 2000.5 billions.
    expected = (1000 + year + 2 - 2000.5) * 1000
    assert rows_of(dataset, "WEO.NGDPD.H2", "DEU") == {year: pytest.approx(expected)}
    assert rows_of(dataset, "WEO.NGDP_RPCH.H5", "USA")[year] == pytest.approx(
        1.0 + (year + 5 - 2000) / 10
    )


def test_the_newest_known_vintage_is_the_default(serve: Serve, get: Get) -> None:
    server = serve(FakeWeo({NEWEST: toy_rows(int(NEWEST[:4]))}))
    assert get(Weo(), server).key.startswith(f"weo:{NEWEST}:1v-")


@pytest.mark.parametrize("utf16", [True, False])
@pytest.mark.parametrize("mark", [b"", b"\xff\xfe"])
def test_the_bytes_decide_the_encoding(utf16: bool, mark: bytes, serve: Serve, get: Get) -> None:
    body = text("2015-04", toy_rows(2015), utf16=utf16)
    server = serve(FakeWeo({}, bodies={"2015-04": mark * utf16 + body}))
    assert rows_of(get(Weo(vintages=("2015-04",)), server), "WEO.LP", "DEU")[2013] == 10.25


def test_dashes_round_to_zero_and_unknown_cells_are_left_out(serve: Serve, get: Get) -> None:
    values = {2015: "--", 2016: "n/a", 2017: 1234567.5, 2014: ""}
    rows = changed(toy_rows(2015), "DEU", "NGDPD", values=values)
    dataset = get(Weo(vintages=("2015-04",)), serve(FakeWeo({"2015-04": rows})))
    assert rows_of(dataset, "WEO.NGDPD.H2", "DEU") == {2015: 1234567500.0}
    assert rows_of(dataset, "WEO.NGDPD.H0", "DEU") == {2015: 0.0}
    assert rows_of(dataset, "WEO.NGDPD", "DEU") == {}
    assert "1 cells '--' (rounds to zero) read as 0" in dataset.statements


@pytest.mark.parametrize(
    ("vintage", "kosovo"), [("2015-04", "UVK"), ("2026-04", "KOS"), ("2024-04", "KOS")]
)
def test_kosovo_palestine_and_groups(vintage: str, kosovo: str, serve: Serve, get: Get) -> None:
    areas = ("DEU", kosovo, "WBG", "G163", "G119", "GBR", "GRC")
    server = serve(FakeWeo({vintage: toy_rows(int(vintage[:4]), areas=areas)}))
    dataset = get(Weo(vintages=(vintage,)), server)
    assert set(dataset.read()["iso3"]) == {"DEU", "XKX", "PSE", "GBR", "GRC"}
    assert "10 series of groups of countries dropped" in dataset.statements


def test_a_group_without_a_code_is_counted_too(serve: Serve, get: Get) -> None:
    rows = [*toy_rows(2015), *toy_rows(2015, areas=("",))]
    dataset = get(Weo(vintages=("2015-04",)), serve(FakeWeo({"2015-04": rows})))
    assert "5 series of groups of countries dropped" in dataset.statements


@pytest.mark.parametrize("vintage", ["2015-04", "2026-04"])
def test_a_country_without_projections_keeps_its_actual_figures(
    vintage: str, serve: Serve, get: Get
) -> None:
    """As Sri Lanka in April 2026: its cells end before those of other countries."""
    year = int(vintage[:4])
    rows = [
        replace(row, values={y: v for y, v in row.values.items() if y < year})
        if row.area == "LKA"
        else row
        for row in toy_rows(year, areas=("DEU", "LKA"))
    ]
    dataset = get(Weo(vintages=(vintage,)), serve(FakeWeo({vintage: rows})))
    assert max(rows_of(dataset, "WEO.NGDPD", "LKA")) == year - 1
    assert rows_of(dataset, "WEO.NGDPD.H0", "LKA") == {}
    assert rows_of(dataset, "WEO.NGDPD.H5", "DEU")


def test_an_unknown_country_is_an_error(serve: Serve, get: Get, store: Store) -> None:
    server = serve(FakeWeo({"2026-04": toy_rows(2026, areas=("DEU", "QQ1"))}))
    with pytest.raises(SourceError, match="'QQ1'"):
        get(Weo(), server)
    assert store.datasets() == []


@pytest.mark.parametrize(
    ("said", "last"),
    [("FY2024/25", 2025), ("FY2023/2024", 2024), ("2024", 2024), (2023, 2023), ("2022.0", 2022)],
)
def test_actual_figures_end_where_estimates_start(
    said: object, last: int, serve: Serve, get: Get
) -> None:
    rows = changed(toy_rows(2026), "DEU", "NGDPD", last_actual=said)
    dataset = get(Weo(), serve(FakeWeo({"2026-04": rows})))
    assert max(rows_of(dataset, "WEO.NGDPD", "DEU")) == last
    fiscal = "1 series whose last actual fiscal year counts as the year it ends in"
    assert (fiscal in dataset.statements) == ("/" in str(said))


@pytest.mark.parametrize("vintage", ["2015-04", "2026-04"])
@pytest.mark.parametrize("nothing", ["", "0"])
def test_series_that_do_not_say_where_estimates_start(
    vintage: str, nothing: str, serve: Serve, get: Get
) -> None:
    rows = changed(toy_rows(int(vintage[:4])), "DEU", "LP", last_actual=nothing)
    dataset = get(Weo(vintages=(vintage,)), serve(FakeWeo({vintage: rows})))
    assert rows_of(dataset, "WEO.LP", "DEU") == {}
    assert rows_of(dataset, "WEO.LP", "USA")
    assert any(s.startswith("1 series of actual figures left out") for s in dataset.statements)


def test_an_odd_last_actual_year_is_an_error(serve: Serve, get: Get) -> None:
    rows = changed(toy_rows(2026), "DEU", "NGDPD", last_actual="soon")
    with pytest.raises(SourceError, match=r"WEO-2026-04-series.csv, row 2: 'soon' is not a last"):
        get(Weo(), serve(FakeWeo({"2026-04": rows})))


def test_october_wins_within_a_year_and_that_is_said(serve: Serve, get: Get) -> None:
    server = serve(FakeWeo({"2024-04": toy_rows(2024), "2024-10": toy_rows(2024, size=2000.0)}))
    dataset = get(Weo(vintages=("2024-10", "2024-04")), server)
    assert rows_of(dataset, "WEO.NGDPD.H0", "DEU")[2024] == pytest.approx(2023500.0)
    assert "Vintage 2024-04 is left out: 2024-10 is of the same year" in dataset.statements
    assert [r.path for r in server.requests] == [ADDRESSES["2024-10"]]


def test_a_vintage_without_long_projections_says_so(serve: Serve, get: Get) -> None:
    short = [
        Series(r.area, r.code, {y: v for y, v in r.values.items() if y <= 2021}, r.scale, 2019)
        for r in toy_rows(2020)
        if r.code != "TX_RPCH"
    ]
    fake = FakeWeo({"2020-04": short, "2023-10": toy_rows(2023)})
    dataset = get(Weo(vintages=("2020-04", "2023-10")), serve(fake))
    assert "Vintage 2020-04 has no NGDPD 2, 3, 4, 5 years ahead" in dataset.statements
    assert "Vintage 2020-04 has no TX_RPCH 0, 1, 2, 3, 4, 5 years ahead" in dataset.statements


def test_an_old_vintage_gives_what_it_has_and_says_what_lacks(serve: Serve, get: Get) -> None:
    """As April 2020, which has eight subjects and ends in 2021."""
    growth = {2018: 1.0, 2019: 0.5, 2020: -5.0, 2021: 4.0}
    rows = [Series(a, "NGDP_RPCH", growth, "", 2019) for a in ("DEU", "USA")]
    dataset = get(Weo(vintages=("2020-04",)), serve(FakeWeo({"2020-04": rows})))
    assert rows_of(dataset, "WEO.NGDP_RPCH.H1", "DEU") == {2020: 4.0}
    assert set(dataset.catalogue["indicator"]) == {"WEO.NGDP_RPCH.H0", "WEO.NGDP_RPCH.H1"}
    (said,) = (s for s in dataset.statements if s.startswith("No requested vintage has"))
    assert "WEO.NGDPD.H0," in said
    assert "WEO.NGDP_RPCH.H2," in said
    assert "WEO.LP:" in said
    with pytest.raises(SourceError, match="no requested vintage has a requested figure"):
        get(Weo(vintages=("2020-04",), codes=("BCA",), actuals=()),
            serve(FakeWeo({"2020-04": rows})))  # fmt: skip


def test_the_interface_is_asked_for_the_version_of_the_vintage(serve: Serve, get: Get) -> None:
    server = serve(FakeWeo({v: toy_rows(int(v[:4])) for v in FLOWS}))
    get(Weo(vintages=("2026-04",)), server)
    paths = [r.path.rpartition("IMF.RES/")[2] for r in server.requests]
    assert paths == [
        "*/*", "WEO/6.0.0/USA.NGDP_RPCH.A", "WEO/9.0.0/USA.NGDP_RPCH.A", "WEO/9.0.0/*",
        "WEO/9.0.0/*",
    ]  # fmt: skip
    assert server.requests[-1].query == {"attributes": "series", "firstNObservations": "1"}


def test_a_vintage_that_the_interface_lacks_is_told(serve: Serve, get: Get) -> None:
    server = serve(FakeWeo({v: toy_rows(int(v[:4])) for v in FLOWS}))
    with pytest.raises(SourceError, match=r"no vintage 2027-04; it has 2025-04, 2025-10, 2026-04"):
        get(Weo(vintages=("2027-04",)), server)


def test_a_figure_that_comes_twice_by_the_interface_is_refused(serve: Serve, get: Get) -> None:
    server = serve(FakeWeo({"2026-04": [*toy_rows(2026), *toy_rows(2026)]}))
    with pytest.raises(SourceError, match="of DEU in 2020 occurs twice"):
        get(Weo(), server)


def projections(dataset: Dataset) -> pd.DataFrame:
    table = dataset.read()
    there = table[table["indicator"].astype("str").str.contains(".H", regex=False)]
    return there.astype({"iso3": "str", "indicator": "str"}).reset_index(drop=True)


numbers = st.floats(1.0, 99999.0, width=32)
vintages = st.lists(
    st.sampled_from(sorted(v for v in {**ADDRESSES, **FLOWS} if v != "2011-09")),
    min_size=2,
    max_size=4,
    unique_by=lambda v: v[:4],
)


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(asked=vintages, data=st.data())
def test_a_later_vintage_never_changes_a_row_of_an_earlier_one(
    asked: list[str], data: st.DataObject, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fake = FakeWeo({v: toy_rows(int(v[:4]), size=data.draw(numbers)) for v in asked})
    server, store = serve(fake), Store(tmp_path_factory.mktemp("store"))
    client = Client(mirror=server.url, sleep=lambda _: None)
    before: pd.DataFrame | None = None
    for count in range(1, len(asked) + 1):
        seen = sorted(asked)[:count]
        after = projections(fetch(Weo(vintages=tuple(seen)), store=store, client=client))
        if before is not None:
            earlier = after[after["year"] < int(seen[-1][:4])].reset_index(drop=True)
            key = ["indicator", "iso3", "year"]
            pd.testing.assert_frame_equal(
                earlier.sort_values(key, ignore_index=True),
                before.sort_values(key, ignore_index=True),
            )
        before = after
    client.close()


@given(as_of=st.dates(date(2000, 1, 1), date(2040, 12, 31)), year=st.integers(2008, 2035))
def test_an_information_set_sees_published_vintages_only(as_of: date, year: int) -> None:
    line = Weo().indicator_lines()[0]
    seen = last_published_year(as_of, lag_months=line.publication_lag_months)
    # October is the last that a year has: published before the year is seen.
    assert seen < year or as_of > date(year, 10, 31)


def test_it_feeds_a_run(serve: Serve, get: Get) -> None:
    fake = FakeWeo({v: toy_rows(int(v[:4])) for v in ("2022-10", "2026-04")})
    dataset = get(Weo(vintages=("2022-10", "2026-04")), serve(fake))
    read = Indicators.from_frames(dataset.read(), dataset.catalogue, countries=("DEU", "USA"))
    assert read.specs["WEO.NGDPD.H5"].publication_lag_months == 0
    assert read.specs["WEO.NGDPD"].publication_lag_months == 6
    assert read.specs["WEO.NGDPD"].unit == "million USD"
    assert {spec.channel for spec in read.specs.values()} == {"economic_mass"}
    assert read.values["WEO.LP"][-3, 0] == 10.25
    assert dataset.licence.startswith("IMF terms")
    assert not dataset.catalogue["snapshot"].any()


def test_an_unknown_workbook_is_downloaded_by_hand(serve: Serve, get: Get, tmp_path: Path) -> None:
    server, weo = serve(FakeWeo({})), Weo(vintages=("2026-10",))
    with pytest.raises(SourceError, match=r"no vintage 2026-10; it has none.*--from"):
        get(weo, server)
    before = len(server.requests)
    (tmp_path / "another.xlsx").write_bytes(vintage_file("2026-04", toy_rows(2026)))
    (tmp_path / "download.xlsx").write_bytes(vintage_file("2026-10", toy_rows(2026)))
    dataset = get(weo, server, given=tmp_path)
    assert dataset.release == "2026-10"
    assert len(server.requests) == before


@pytest.mark.parametrize("scale", ["SCALE", "SCALE.ID"])
def test_the_portals_csv_is_read_as_its_workbook(
    serve: Serve, get: Get, tmp_path: Path, scale: str
) -> None:
    table = pd.read_excel(io.BytesIO(vintage_file("2026-04", toy_rows(2026))), dtype="str")
    if scale == "SCALE.ID":
        powers = {"Units": "0", "Millions": "6", "Billions": "9"}
        table = table.assign(SCALE=table["SCALE"].map(powers)).rename(columns={"SCALE": scale})
    table.to_csv(tmp_path / "dataset_2026-11-28T10.csv", index=False)
    server = serve(FakeWeo({"2026-04": toy_rows(2026)}))
    by_hand = get(Weo(), server, given=tmp_path).read()
    assert server.requests == []
    pd.testing.assert_frame_equal(by_hand, get(Weo(), server, refresh=True).read())


@pytest.mark.parametrize("vintage", ["2015-04", "2026-04"])
def test_a_page_served_in_place_of_a_file_is_never_cached(
    vintage: str, serve: Serve, get: Get, store: Store
) -> None:
    fake = FakeWeo({})
    page = Reply("<!DOCTYPE html><html><title>Maintenance</title></html>")
    with pytest.raises(SourceError, match="answer is not a"):
        get(Weo(vintages=(vintage,)), serve(lambda r: page if vintage > "2025" else fake(r)))
    assert not list(store.raw_folder("weo", vintage).glob("[!.]*"))


@pytest.mark.parametrize(
    ("vintage", "body", "problem"),
    [
        ("2015-04", text("2015-10", toy_rows(2015)), "of October 2015, not 2015-04"),
        ("2026-04", b"COUNTRY,INDICATOR,FREQUENCY,TIME_PERIOD\n1,2,3,4\n", "expected column OBS_V"),
        ("2026-04", b"COUNTRY,INDICATOR,FREQUENCY,TIME_PERIOD,OBS_VALUE\n", "header and no row"),
        ("2026-04", b"<html>Sign in</html>", "expected column COUNTRY"),
        ("2015-04", text("2015-04", toy_rows(2015), closing=False)[:-40], "row 13: the row has"),
        ("2015-04", text("2015-04", toy_rows(2015)).replace(b"\tScale\t", b"\tSize\t"),
         "expected column Scale, found WEO Country Code"),
        ("2015-04", text("2015-04", [*toy_rows(2015), *toy_rows(2015)]),
         "row 14: NGDPD of DEU occurs twice"),
        ("2015-04", text("2015-04", changed(toy_rows(2015), "USA", "LP", scale="Dozens")),
         "row 9: scale 'Dozens'"),
        ("2015-04", text("2015-04", changed(toy_rows(2015), "DEU", "LP", values={2012: "12,a"})),
         "column '2012', row 3: '12,a' is not a number"),
        ("2015-04", text("2015-04", toy_rows(2015)) + b"1\tDEU\r\n", "goes on after its closing"),
        ("2015-04", text("2015-04", toy_rows(2015)).replace(b'notes"""', b"x" * 140000),
         "the table cannot be read"),
        ("2015-04", text("2015-04", [])[:-3], "no requested vintage has a requested"),
    ],
)  # fmt: skip
def test_files_that_are_not_what_they_should_be(
    vintage: str, body: bytes, problem: str, serve: Serve, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match=problem) as caught:
        get(Weo(vintages=(vintage,)), serve(FakeWeo({}, bodies={vintage: body})))
    assert "\n" not in str(caught.value)
    assert store.datasets() == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (workbook("2026-04", toy_rows(2026), published="2025-10-14"), "of 2025-10-14, not 2026-04"),
        (workbook("2026-04", toy_rows(2026), sheet="Data"), "expected sheet Countries"),
        (workbook("2026-04", toy_rows(2026), names={"SCALE": "SIZE"}),
         "expected column SCALE, found DATASET, SERIES_CODE"),
        (workbook("2026-04", toy_rows(2026))[:3000], "the workbook cannot be read"),
    ],
)  # fmt: skip
def test_workbooks_that_are_not_what_they_should_be(
    body: bytes, problem: str, serve: Serve, get: Get, tmp_path: Path
) -> None:
    (tmp_path / "WEOApr2026all.xlsx").write_bytes(body)
    with pytest.raises(SourceError, match=problem):
        get(Weo(), serve(FakeWeo({})), given=tmp_path)


def test_a_file_without_its_closing_line_is_taken_with_a_warning(serve: Serve, get: Get) -> None:
    body = text("2015-04", toy_rows(2015), closing=False)
    dataset = get(Weo(vintages=("2015-04",)), serve(FakeWeo({}, bodies={"2015-04": body})))
    assert "WEOApr2015all.xls lacks its closing line: it may be cut off" in dataset.statements


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"vintages": ()}, "vintages is empty"),
        ({"vintages": ("2024-10", "2024-10")}, "names one twice"),
        ({"vintages": ("2024-07",)}, "'2024-07' is not a vintage"),
        ({"vintages": ("2011-10",)}, "in 2011 the second one is 2011-09"),
        ({"vintages": ("2001-10",)}, "from 2007-10 on"),
        ({"codes": ("NGDPX",)}, "codes names 'NGDPX'"),
        ({"actuals": ("LP", "LP")}, "actuals names 'LP', which is unknown or named twice"),
        ({"codes": (), "actuals": ()}, "no series is requested"),
        ({"horizon": 6}, "Give 0 to 5"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Weo(**options)


def test_keys_tell_selections_apart() -> None:
    keys = {
        Weo(vintages=("2024-10", "2023-10")).key,
        Weo(vintages=("2024-10", "2022-10")).key,
        Weo(vintages=("2024-10",)).key,
        Weo(vintages=("2024-10",), horizon=1).key,
        Weo(vintages=("2024-10",), codes=("NGDPD",)).key,
        Weo(vintages=("2024-10",), actuals=()).key,
    }
    assert len(keys) == 6
    assert Weo(vintages=("2023-10", "2024-10")).key in keys
