"""Restrictions on services trade: which row is the index, and how the OECD says no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest
from fake_sources.oecd_sdmx import FLOWS, HEADER, Cell, FakeOecd, toy_rows
from fake_sources.server import Server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.data.indicators import Indicators
from features.download.client import Client
from features.errors import InputError, SourceError, UnreachableError
from features.sources.stri import Stri
from features.store.dataset import Dataset
from features.store.fetching import fetch
from features.store.store import Store

Serve = Callable[..., Server]
Get = Callable[..., Dataset]
Values = dict[tuple[str, int], float]


def values_of(dataset: Dataset) -> Values:
    table = dataset.read()
    keys = zip(table["iso3"].astype(str), table["year"], strict=True)
    return dict(zip(keys, table["value"], strict=True))


def plain(*cells: tuple[str, int | str, float | str]) -> list[Cell]:
    return [(area, "STRI", "_T", year, value) for area, year, value in cells]


ROWS = toy_rows()


# What is read -----------------------------------------------------------------------------------


def test_the_digital_index_by_country_and_year(serve: Serve, get: Get) -> None:
    dataset = get(Stri(), serve(FakeOecd(ROWS)))
    assert dataset.key == "stri:20261125:digital:all"
    assert dataset.years == (2014, 2015, 2016, 2017, 2018)
    found = values_of(dataset)
    assert len(found) == 15
    assert found["DEU", 2014] == 0.15
    assert found["USA", 2018] == 0.09
    assert set(dataset.read()["indicator"]) == {"OECD.DSTRI"}
    assert dataset.licence.startswith("OECD terms")


def test_what_was_left_out_is_said(serve: Serve, get: Get) -> None:
    dataset = get(Stri(), serve(FakeOecd(ROWS)))
    assert dataset.statements == (
        "MEASURE is read at STRI, 40 other rows dropped",
        "ACTIVITY is read at _T, 40 other rows dropped",
        "Rows of FREQ=A, MEASURE=STRI, ACTIVITY=_T, UNIT_MEASURE=IX",
        "5 rows of groups of countries dropped",
    )


@pytest.mark.parametrize(
    ("what", "indicator", "channel", "flow"),
    [
        ("digital", "OECD.DSTRI", "data_infrastructure", "DIGITAL"),
        ("services", "OECD.STRI", "trade_policy", "MAIN"),
    ],
)
def test_each_index_has_its_flow_and_channel(
    what: str, indicator: str, channel: str, flow: str, serve: Serve, get: Get
) -> None:
    server = serve(FakeOecd(ROWS))
    dataset = get(Stri(what=what, years=(2015, 2017)), server)
    (line,) = dataset.catalogue.to_dict("records")
    assert (line["indicator"], line["channel"]) == (indicator, channel)
    assert line["publication_lag_months"] == 3
    assert "lag of 3 months is assumed" in line["note"]
    assert dataset.years == (2015, 2017)
    (request,) = server.requests
    assert request.path == f"{FLOWS}{flow},1.0/all"
    assert request.query == {
        "startPeriod": "2015", "endPeriod": "2017", "format": "csvfile",
        "dimensionAtObservation": "AllDimensions",
    }  # fmt: skip


def test_by_default_it_asks_from_the_first_year_on(serve: Serve, get: Get) -> None:
    server = serve(FakeOecd(ROWS))
    get(Stri(), server)
    assert server.requests[0].query["startPeriod"] == "2014"
    assert "endPeriod" not in server.requests[0].query


def test_other_years_are_another_file(serve: Serve, get: Get) -> None:
    server = serve(FakeOecd(ROWS))
    assert get(Stri(years=(2014,)), server).years == (2014,)
    assert get(Stri(years=(2016, 2018)), server).years == (2016, 2018)
    assert len(server.requests) == 2
    # The years between are in the second answer.
    assert get(Stri(years=(2016, 2018), pick=("MEASURE=STRI",)), server).years == (2016, 2018)
    assert len(server.requests) == 2


def test_columns_are_read_by_name(serve: Serve, get: Get) -> None:
    header = '\ufeffTIME_PERIOD,ACTIVITY,"REF_AREA",MEASURE,DATAFLOW,OBS_VALUE,OBS_STATUS'
    found = values_of(get(Stri(), serve(FakeOecd(ROWS, header=header))))
    assert found == values_of(get(Stri(years=tuple(range(2014, 2019))), serve(FakeOecd(ROWS))))


def test_an_answer_without_further_dimensions_needs_no_choice(serve: Serve, get: Get) -> None:
    fake = FakeOecd(plain(("DEU", 2020, 0.1)), header="DATAFLOW,REF_AREA,TIME_PERIOD,OBS_VALUE")
    assert values_of(get(Stri(), serve(fake))) == {("DEU", 2020): 0.1}


def test_an_attribute_that_differs_is_no_dimension(serve: Serve, get: Get) -> None:
    rows = [("DEU", "STRI", "J61", 2020, 0.1)]
    header = HEADER.replace("ACTIVITY,", "") + ",ACTIVITY"
    fake = FakeOecd([*rows, ("USA", "STRI", "J62", 2020, 0.2)], header=header)
    assert values_of(get(Stri(), serve(fake))) == {("DEU", 2020): 0.1, ("USA", 2020): 0.2}


# Which row is the index -------------------------------------------------------------------------


SECTORS: list[Cell] = [
    ("DEU", "STRI", "J61", 2020, 0.1), ("DEU", "STRI", "J62", 2020, 0.3),
    ("USA", "STRI", "J61", 2020, 0.2),
]  # fmt: skip


def test_sectors_without_a_total_are_never_averaged(serve: Serve, get: Get, store: Store) -> None:
    with pytest.raises(
        SourceError, match=r"differ by ACTIVITY, and none is marked.*: J61, J62"
    ) as e:
        get(Stri(what="services"), serve(FakeOecd(SECTORS)))
    assert "--pick, such as ACTIVITY=J61" in str(e.value)
    assert store.datasets() == []


def test_one_sector_each_is_no_total_either(serve: Serve, get: Get) -> None:
    rows = [("DEU", "STRI", "J61", 2020, 0.1), ("USA", "STRI", "J62", 2020, 0.2)]
    with pytest.raises(SourceError, match="differ by ACTIVITY"):
        get(Stri(), serve(FakeOecd(rows)))


def test_two_rows_that_could_both_be_the_total_are_refused(serve: Serve, get: Get) -> None:
    rows = [("DEU", "STRI", "_T", 2020, 0.1), ("DEU", "_T", "_T", 2020, 0.2)]
    with pytest.raises(SourceError, match=r"differ by MEASURE, and none is marked.*: STRI, _T"):
        get(Stri(), serve(FakeOecd(rows)))


def test_a_user_may_pick_a_row(serve: Serve, get: Get) -> None:
    connector = Stri(what="services", pick=("ACTIVITY=J61",))
    dataset = get(connector, serve(FakeOecd([*SECTORS, ("FRA", "STRI", "J62", 2020, 0.4)])))
    assert dataset.key == "stri:20261125:services:all:ACTIVITY-J61"
    assert values_of(dataset) == {("DEU", 2020): 0.1, ("USA", 2020): 0.2}
    assert "No such row of FRA" in dataset.statements
    assert "rows with ACTIVITY=J61" in dataset.catalogue["note"].iloc[0]


def test_a_pick_goes_before_the_total(serve: Serve, get: Get) -> None:
    dataset = get(Stri(years=(2014,), pick=("ACTIVITY=J62",)), serve(FakeOecd(ROWS)))
    assert values_of(dataset)["DEU", 2014] == 0.12


@pytest.mark.parametrize(
    ("pick", "problem"),
    [
        (("SECTOR=J61",), r"there is no dimension SECTOR. Choose among FREQ, MEASURE, ACTIVITY"),
        (("ACTIVITY=J99",), r"no row has ACTIVITY=J99.*Choose of J61, J62, _T"),
        (("ACTIVITY=J61", "MEASURE=CLAS1_6"), r"no row has MEASURE=CLAS1_6 \(beside what else"),
    ],
)
def test_picks_that_are_not_there(
    pick: tuple[str, ...], problem: str, serve: Serve, get: Get
) -> None:
    with pytest.raises(InputError, match=problem):
        get(Stri(pick=pick), serve(FakeOecd(ROWS)))


def test_months_beside_years_are_dropped(serve: Serve, get: Get) -> None:
    rows = plain(("DEU", 2020, 0.1), ("DEU", "2020-05", 0.2))
    dataset = get(Stri(), serve(FakeOecd(rows)))
    assert values_of(dataset) == {("DEU", 2020): 0.1}
    assert "FREQ is read at A, 1 other rows dropped" in dataset.statements


def test_the_world_as_counterpart_is_all_of_them(serve: Serve, get: Get) -> None:
    head = "DATAFLOW,REF_AREA,COUNTERPART_AREA,TIME_PERIOD,OBS_VALUE"
    flow = "OECD.TAD.TPD:DSD_STRI@DF_STRI_DIGITAL(1.0)"
    lines = [f"{flow},DEU,{who},2020,{value}" for who, value in (("FRA", 0.3), ("W", 0.1))]
    fake = FakeOecd(ROWS, body="\n".join([head, *lines, ""]))
    assert values_of(get(Stri(), serve(fake))) == {("DEU", 2020): 0.1}


areas = st.sampled_from(["DEU", "USA", "GBR", "EU", "EU27_2020", "OECD", "EA20"])
cells = st.dictionaries(
    st.tuples(areas, st.integers(2014, 2024)), st.floats(0, 1), min_size=1, max_size=25
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(index=cells)
def test_every_row_is_kept_or_counted(
    index: Values, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> None:
    index = {("FRA", 2020): 0.5, **index}
    server = serve(FakeOecd(plain(*((*key, value) for key, value in index.items()))))
    client = Client(mirror=server.url)
    dataset = fetch(Stri(), store=tmp_path_factory.mktemp("store"), client=client)
    client.close()
    dropped = sum(int(s.split()[0]) for s in dataset.statements if " rows of groups" in s)
    found = values_of(dataset)
    assert len(found) + dropped == len(index)
    assert all(index[key] == value for key, value in found.items())


# Who is not a country -----------------------------------------------------------------------------


def test_groups_are_counted_and_unknown_codes_refused(serve: Serve, get: Get) -> None:
    groups = ("EU", "EU28", "EU27_2020", "EA", "EA19", "OECD", "OECDE", "OECD_REP", "G20", "W")
    rows = plain(("DEU", 2020, 0.1), ("EST", 2020, 0.2), *((g, 2020, 0.3) for g in groups))
    dataset = get(Stri(), serve(FakeOecd(rows)))
    assert {code for code, _ in values_of(dataset)} == {"DEU", "EST"}
    assert "10 rows of groups of countries dropped" in dataset.statements
    with pytest.raises(SourceError, match=r"country code.*'EUX'"):
        get(Stri(years=(2020,)), serve(FakeOecd([*rows, *plain(("EUX", 2020, 0.1))])))


def test_groups_only_are_no_data(serve: Serve, get: Get) -> None:
    with pytest.raises(SourceError, match="no value of a country in these years"):
        get(Stri(), serve(FakeOecd(plain(("EU", 2020, 0.1), ("DEU", 2020, "")))))


# How it says no ---------------------------------------------------------------------------------


def test_it_is_paced_to_sixty_downloads_an_hour() -> None:
    assert Stri.INFO.pace_seconds * 60 >= 3600


def test_too_many_downloads_are_waited_for(serve: Serve, get: Get) -> None:
    for wait in ("7", None):
        fake = FakeOecd(ROWS, allowed=0, retry_after=wait, forgives=2)
        server = serve(fake)
        assert get(Stri(years=(2014,)), server, refresh=True).years == (2014,)
        assert len(server.requests) == 3


def test_an_hour_is_not_waited_for(serve: Serve, get: Get, store: Store) -> None:
    server = serve(FakeOecd(ROWS, allowed=1, retry_after="3500"))
    get(Stri(), server)
    with pytest.raises(UnreachableError, match=r"come back in 3,500 seconds.*stri:20261125") as e:
        get(Stri(what="services"), server)
    assert "\n" not in str(e.value)
    assert len(server.requests) == 2
    assert [dataset.key for dataset in store.datasets()] == ["stri:20261125:digital:all"]


def test_too_many_downloads_without_a_word_end_after_some_tries(serve: Serve, get: Get) -> None:
    server = serve(FakeOecd(ROWS, allowed=0))
    with pytest.raises(UnreachableError, match=r"after 5 tries .status 429: You have exceeded"):
        get(Stri(), server)
    assert len(server.requests) == 5


def test_a_second_data_set_of_the_same_file_asks_nothing(serve: Serve, get: Get) -> None:
    server = serve(FakeOecd(ROWS, allowed=1))
    get(Stri(), server)
    get(Stri(pick=("ACTIVITY=J61",)), server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("nothing", ["NoResultsFound", "NoRecordsFound"])
def test_nothing_found_is_an_error_with_a_remedy(
    nothing: str, serve: Serve, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match=rf"\(404 {nothing}\)\. Widen --years"):
        get(Stri(years=(2026,)), serve(FakeOecd(ROWS, nothing=nothing)))
    assert not list(store.raw_folder("stri", "20261125").glob("*.csv*"))


def test_a_flow_that_is_gone_is_another_error(serve: Serve, get: Get) -> None:
    fake = FakeOecd([], nothing="Could not find Dataflow")
    with pytest.raises(SourceError, match=r"no such file .404.: Could not find Dataflow"):
        get(Stri(), serve(fake))


def test_a_selection_too_large(serve: Serve, get: Get) -> None:
    with pytest.raises(SourceError, match=r"too large \(413\)\. Ask for fewer --years"):
        get(Stri(), serve(FakeOecd(ROWS, most=10)))


def test_a_vpn_is_told_what_to_do(serve: Serve, get: Get) -> None:
    with pytest.raises(SourceError, match=r"403.*without a VPN.*data-explorer.oecd.org.*--from"):
        get(Stri(), serve(FakeOecd(ROWS, vpn=True)))


def test_bare_clients_are_turned_away(serve: Serve, get: Get) -> None:
    server = serve(FakeOecd(ROWS))
    url = f"{server.url}{FLOWS}DIGITAL,1.0/all"
    assert httpx.get(url, headers={"User-Agent": "python-httpx"}).status_code == 403
    # Without a format it answers in XML, which nothing here reads.
    assert httpx.get(url, headers={"User-Agent": "Mozilla/5.0"}).text.startswith("<?xml")
    get(Stri(), server)


LINE = "OECD.TAD.TPD:DSD_STRI@DF_STRI_DIGITAL(1.0),A,DEU,STRI,_T,IX,2020,{},A,3"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "answer is not CSV"),
        ("<html>Maintenance</html>", "answer is not CSV"),
        ("<?xml version='1.0'?>\n<message/>", "answer is not CSV"),
        ('{"data": {}}', "answer is not CSV"),
        (HEADER, "a header and no row"),
        (f"{HEADER}\r\n\r\n", "a header and no row"),
        (HEADER.replace("REF_AREA", "COUNTRY") + "\nx", "expected column REF_AREA, found DATAFLOW"),
        (HEADER.replace("TIME_PERIOD", "YEAR") + "\nx", "expected column TIME_PERIOD"),
        (HEADER.replace("OBS_VALUE", "VALUE") + "\nx", "expected column OBS_VALUE"),
    ],
)
def test_bodies_that_are_no_data_are_never_cached(
    body: str, problem: str, serve: Serve, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match=problem) as caught:
        get(Stri(), serve(FakeOecd(ROWS, body=body)))
    assert "\n" not in str(caught.value)
    assert not list(store.raw_folder("stri", "20261125").glob("*.csv*"))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (f"{HEADER}\n{LINE.format('0.1')}\nOECD.TAD.TPD:DSD", "cannot be read"),
        (f"{HEADER}\n{LINE.format('much')}\n", "cannot be read"),
        (f"{HEADER}\n{LINE.format('15.2')}\n", "OBS_VALUE': 15.2 of DEU is not an index"),
        (f"{HEADER}\n{LINE.format('-0.1')}\n", "-0.1 of DEU is not an index"),
        (f"{HEADER}\n{LINE.format('inf')}\n", "inf of DEU is not an index"),
        (f"{HEADER}\n{LINE.format('0.1').replace('2020', '2020-S1')}\n", "2020-S1 of DEU is not a"),
        (f"{HEADER}\n{LINE.format('0.1')}\n{LINE.format('0.2')}\n", "of DEU in 2020 occurs twice"),
        (f"{HEADER}\n{LINE.format('0.1')}\n".replace("DIGITAL", "DIGITAL_HETERO"),
         "expected rows of DSD_STRI@DF_STRI_DIGITAL, found 'OECD.*DF_STRI_DIGITAL_HETERO"),
        ("DATAFLOW,OBS_VALUE,REF_AREA,TIME_PERIOD,MEASURE\nx,0.1,DEU,2020,STRI\n",
         "order of the columns does not tell dimensions"),
        ("DATAFLOW,REF_AREA,REF_AREA,TIME_PERIOD,OBS_VALUE\nx,DEU,Germany,2020,0.1\n",
         "order of the columns does not tell dimensions"),
    ],
)  # fmt: skip
def test_rows_that_are_not_what_they_should_be(
    body: str, problem: str, serve: Serve, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match=problem) as caught:
        get(Stri(), serve(FakeOecd(ROWS, body=body)))
    assert "\n" not in str(caught.value)
    assert store.datasets() == []


def test_bytes_that_are_no_text(serve: Serve, get: Get) -> None:
    body = f"{HEADER}\n{LINE.format('0.1')}\n".encode().replace(b"DEU", b"D\xff\xfe")
    with pytest.raises(SourceError, match="cannot be read"):
        get(Stri(), serve(FakeOecd(ROWS, body=body)))


# Kosovo, and the explorer's download


def test_kosovo_has_the_code_that_trade_has(serve: Serve, get: Get) -> None:
    rows = [("XKV", "STRI", "_T", 2020, 0.1), ("DEU", "STRI", "_T", 2020, 0.2)]
    assert set(values_of(get(Stri(), serve(FakeOecd(rows))))) == {("XKX", 2020), ("DEU", 2020)}


def test_an_unknown_economy_ends_the_fetch_or_is_dropped_and_counted(
    serve: Serve, get: Get
) -> None:
    rows = [("XAB", "STRI", "_T", 2020, 0.1), ("DEU", "STRI", "_T", 2020, 0.2)]
    with pytest.raises(SourceError, match=r"'XAB'.*--unknown-codes drop"):
        get(Stri(), serve(FakeOecd(rows)))
    made = get(Stri(), serve(FakeOecd(rows)), unknown_codes="drop")
    assert set(values_of(made)) == {("DEU", 2020)}
    assert any(said.startswith("1 rows of 'XAB'") for said in made.statements)


LABELLED = """\
STRUCTURE,STRUCTURE_ID,STRUCTURE_NAME,ACTION,FREQ,Frequency of observation,REF_AREA,Reference area,\
MEASURE,Measure,STRI_TYPE,STRI type,COUNTERPART_AREA,Counterpart area,TIME_PERIOD,Time period,\
OBS_VALUE,Observational value,UNIT_MULT,Unit multiplier,OBS_STATUS,Observation status
DATAFLOW,OECD.TAD.TPD:DSD_STRI@DF_STRI_{flow}(1.0),"Index, of services",I,A,Annual,CHN,"Chi, na",\
STRI,Index of services,DIGITAL,Digital services,_Z,Not applicable,2023,,0.2861581,,0,Units,,
DATAFLOW,OECD.TAD.TPD:DSD_STRI@DF_STRI_{flow}(1.0),"Index, of services",I,A,Annual,XKV,Kosovo,\
STRI,Index of services,DIGITAL,Digital services,_Z,Not applicable,2023,,0.0609123,,0,Units,,
"""


def test_the_explorers_download_is_read_whatever_its_name(
    serve: Serve, get: Get, tmp_path: Path
) -> None:
    server = serve(FakeOecd(ROWS))
    (tmp_path / "OECD.TAD.TPD,DSD_STRI (1).csv").write_text(LABELLED.format(flow="DIGITAL"))
    (tmp_path / "another.csv").write_text(LABELLED.format(flow="MAIN"))
    made = get(Stri(), server, given=tmp_path)
    assert values_of(made) == {("CHN", 2023): 0.2861581, ("XKX", 2023): 0.0609123}
    assert server.requests == []


# The user's own file, options, a run ------------------------------------------------------------


def test_a_file_of_the_users_own(serve: Serve, get: Get, tmp_path: Path) -> None:
    path, server = tmp_path / "digital-since2014.csv", serve(FakeOecd(ROWS))
    path.write_text(f"{HEADER}\n{LINE.format('0.1')}\n")
    assert values_of(get(Stri(), server, given=tmp_path)) == {("DEU", 2020): 0.1}
    assert server.requests == []
    path.write_text("<html></html>")
    with pytest.raises(SourceError, match="expected column DATAFLOW"):
        get(Stri(), server, given=tmp_path)
    path.write_text(f"{HEADER}\n")
    with pytest.raises(SourceError, match="no row"):
        get(Stri(), server, given=tmp_path)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"what": "goods"}, "'goods'. Choose --what digital, services"),
        ({"years": (22,)}, "22 is not a calendar year"),
        ({"years": (2013, 2014)}, "begins in 2014, not in 2013"),
        ({"pick": ("J61",)}, "'J61' is not a dimension's code"),
        ({"pick": ("OBS_VALUE=1",)}, "is not a dimension's code"),
        ({"pick": ("ACTIVITY=J61", "ACTIVITY=J62")}, "names its dimension twice"),
        ({"release": "2026"}, "is not a day"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Stri(**options)


def test_the_order_of_picks_is_not_part_of_the_key() -> None:
    picks: Sequence[str] = ("MEASURE=STRI", "ACTIVITY=J61")
    assert Stri(pick=tuple(picks)).key == Stri(pick=tuple(picks[::-1])).key
    assert Stri(pick=tuple(picks)).key.endswith(":ACTIVITY-J61.MEASURE-STRI")


def test_it_feeds_a_run(serve: Serve, get: Get) -> None:
    dataset = get(Stri(), serve(FakeOecd(ROWS)))
    read = Indicators.from_frames(dataset.read(), dataset.catalogue, countries=("DEU", "USA"))
    assert read.values["OECD.DSTRI"][0].tolist() == [0.15, 0.05]
    assert read.specs["OECD.DSTRI"].publication_lag_months == 3
    assert read.other_countries == ("NAM",)
