"""Bilateral totals of the IMF: requests it understands, dollars, and who is not a country."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fake_sources.imf_api import FLOW, HEADER, FakeSdmx, Trade
from fake_sources.server import Server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.data.panel import TradePanel
from features.download.answers import Answer
from features.download.client import Client
from features.errors import InputError, SourceError
from features.sources.imf_explorer import _country
from features.sources.imts import Imts
from features.store.dataset import Dataset
from features.store.fetching import fetch
from features.store.store import Store

Serve = Callable[..., Server]
Get = Callable[..., Dataset]
Flows = dict[tuple[str, str, int], float]


def sales(*flows: tuple[str, str, int, object], indicator: str = "XG_FOB_USD") -> list[Trade]:
    return [(a, indicator, b, "A", str(year), str(value)) for a, b, year, value in flows]


ROWS = [
    *sales(
        ("DEU", "USA", 2022, 160000000000), ("USA", "DEU", 2022, "7.2e10"),
        ("DEU", "USA", 2023, 170500000000.5), ("USA", "DEU", 2023, 73000000000),
        ("DEU", "USA", 2009, 1), ("DEU", "G001", 2022, 999), ("G163", "USA", 2022, 998),
    ),
    *sales(("DEU", "USA", 2022, 77), ("USA", "DEU", 2022, 88), indicator="MG_CIF_USD"),
    ("DEU", "XG_FOB_USD", "USA", "M", "2022-M05", "5"),
]  # fmt: skip


def flows_of(dataset: Dataset) -> Flows:
    table = dataset.read()
    keys = zip(table["exporter"], table["importer"], table["year"], strict=True)
    return dict(zip(keys, table["value_usd"], strict=True))


def test_exports_are_dollars_of_the_reporter(serve: Serve, get: Get) -> None:
    server = serve(FakeSdmx(ROWS))
    dataset = get(Imts(years=(2022, 2023)), server)
    assert dataset.key == "imts:20261125:exports:all:2022-2023"
    # SCALE is 6 in every row of the answer, and changes nothing.
    assert flows_of(dataset) == {
        ("DEU", "USA", 2022): 160e9,
        ("USA", "DEU", 2022): 72e9,
        ("DEU", "USA", 2023): 170500000000.5,
        ("USA", "DEU", 2023): 73e9,
    }
    assert "2 rows of groups of countries dropped" in dataset.statements
    assert dataset.licence.startswith("IMF terms")


def test_imports_are_the_importers_report(serve: Serve, get: Get) -> None:
    dataset = get(Imts(flow="imports", years=(2022,)), serve(FakeSdmx(ROWS)))
    assert flows_of(dataset) == {("USA", "DEU", 2022): 77.0, ("DEU", "USA", 2022): 88.0}
    assert any("CIF" in statement for statement in dataset.statements)


def test_the_request_is_one_the_service_understands(serve: Serve, get: Get) -> None:
    fake = FakeSdmx(ROWS)
    server = serve(fake)
    get(Imts(years=(2022, 2023)), server)
    (request,) = server.requests
    assert request.target.startswith(f"{FLOW}/%2B/*.XG_FOB_USD.*.A?")
    assert "c%5BTIME_PERIOD%5D=ge" in request.target
    assert request.query == {"c[TIME_PERIOD]": "ge:2022"}
    assert fake.headers_seen == ["application/vnd.sdmx.data+csv;version=2.0.0"]


def test_reporters_are_asked_one_by_one(serve: Serve, get: Get) -> None:
    rows = [*ROWS, *sales(("KOS", "DEU", 2022, 5))]
    server = serve(FakeSdmx(rows))
    connector = Imts(years=(2022,), reporters=("XKX", "DEU"))
    dataset = get(connector, server)
    assert dataset.key == "imts:20261125:exports:DEU_XKX:2022"
    assert flows_of(dataset) == {("DEU", "USA", 2022): 160e9, ("XKX", "DEU", 2022): 5.0}
    assert [r.path.rpartition("/")[2] for r in server.requests] == [
        "DEU.XG_FOB_USD.*.A",
        "KOS.XG_FOB_USD.*.A",
    ]
    assert len(connector.locate()) == 2


def test_the_first_byte_may_take_half_an_hour(
    serve: Serve, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = []
    ask = Client.get

    def get_and_note(self: Client, url: str, **options: Any) -> Answer:
        patience.append(options["read_timeout"])
        return ask(self, url, **options)

    monkeypatch.setattr(Client, "get", get_and_note)
    get(Imts(years=(2022,)), serve(FakeSdmx(ROWS)))
    assert patience == [1800.0]


def test_countries_that_begin_with_g_stay(serve: Serve, get: Get) -> None:
    rows = sales(*[(a, "USA", 2022, 5) for a in ("GBR", "GHA", "GRC", "GX170", "GCANCEX", "G7",
                                             "NAM")],
                 ("TWN", "TX898", 2022, 5))  # fmt: skip
    dataset = get(Imts(), serve(FakeSdmx(rows)))
    assert {exporter for exporter, _, _ in flows_of(dataset)} == {"GBR", "GHA", "GRC", "NAM"}
    assert "1 rows of groups of countries dropped" in dataset.statements
    assert "3 rows of areas that are not countries dropped" in dataset.statements
    assert "COUNTERPART_COUNTRY names areas that are not countries: TX898" in dataset.statements


def test_by_default_it_begins_in_2000(serve: Serve, get: Get) -> None:
    rows = sales(("DEU", "USA", 1999, 5), ("DEU", "USA", 2000, 6))
    dataset = get(Imts(), serve(FakeSdmx(rows)))
    assert (dataset.key, dataset.years) == ("imts:20261125:exports:all:since2000", (2000,))


@pytest.mark.parametrize("late", [0, 1, 2])
def test_a_last_year_of_few_reporters_is_called_partial(late: int, serve: Serve, get: Get) -> None:
    areas = ("BRA", "CHL", "DEU", "FRA", "ITA", "JPN", "KEN", "NAM", "PER", "THA")
    rows = sales(
        *((a, "USA", 2022, 5) for a in areas), *((a, "USA", 2023, 5) for a in areas[late:])
    )
    said = [s for s in get(Imts(), serve(FakeSdmx(rows))).statements if "partial" in s]
    partial = ["2023 seems partial: 8 countries report it so far, 10 the year before"]
    assert said == (partial if late == 2 else [])


def test_what_was_not_asked_for_is_dropped_and_counted(serve: Serve, get: Get) -> None:
    more = [
        *sales(("DEU", "USA", 2021, 1), ("DEU", "USA", 2024, 1), ("DEU", "FRA", 2022, "NaN"),
               ("DEU", "ITA", 2022, ""), ("DEU", "DEU", 2022, 3)),
        ("DEU", "TBG_USD", "USA", "A", "2022", "1"),
        ("DEU", "XG_FOB_USD", "USA", "Q", "2022-Q1", "1"),
    ]  # fmt: skip
    dataset = get(Imts(years=(2022, 2025)), serve(FakeSdmx(ROWS, more=more)))
    assert flows_of(dataset) == {("DEU", "USA", 2022): 160e9, ("USA", "DEU", 2022): 72e9}
    assert {s for s in dataset.statements if "groups" not in s} == {
        "No figures of 2025",
        "2 rows of other indicators or frequencies dropped",
        # 2023 twice, as the service knows a first year only.
        "4 rows of years not asked for dropped",
        "2 rows without a value left out",
        "1 rows of a country's trade with itself (returned goods) dropped",
    }


def test_columns_are_read_by_name(serve: Serve, get: Get) -> None:
    header = "\ufeffOBS_VALUE,DATAFLOW,TIME_PERIOD,FREQUENCY,COUNTERPART_COUNTRY,INDICATOR,COUNTRY"
    line = '5,IMF.STA:IMTS(1.0.0),2022,A,USA,XG_FOB_USD,"DEU"'
    dataset = get(Imts(), serve(FakeSdmx([], body=f"{header}\n{line}\n".encode())))
    assert flows_of(dataset) == {("DEU", "USA", 2022): 5.0}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (HEADER.encode(), "a header and no row"),
        (HEADER.encode() + b"\r\n\r\n", "a header and no row"),
        (b"<html>Service</html>", "answer is not CSV"),
        (b"", "answer is not CSV"),
    ],
)
def test_empty_answers_are_errors_and_never_cached(
    body: bytes, problem: str, serve: Serve, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match=problem):
        get(Imts(), serve(FakeSdmx([], body=body)))
    assert not list(store.raw_folder("imts", "20261125").glob("[!.]*"))


def test_a_country_without_data_is_an_error(serve: Serve, get: Get) -> None:
    with pytest.raises(SourceError, match=r"ATA.XG_FOB_USD.*no row, .* Check --reporters"):
        get(Imts(reporters=("ATA",)), serve(FakeSdmx(ROWS)))


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (sales(("DEU", "QRX9", 2022, 1)), "COUNTERPART_COUNTRY.*'QRX9'"),
        (sales(("DEU", "USA", 2022, 1)), "trade of DEU with USA in 2022 occurs twice"),
        (sales(("DEU", "FRA", 2022, "much")), "the CSV cannot be read"),
        ([("DEU", "XG_FOB_USD", "FRA", "A", "2022-M01", "1")], "'2022-M01' is not a year"),
    ],
)
def test_rows_that_are_not_what_they_should_be(
    more: Sequence[Trade], problem: str, serve: Serve, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match=problem) as caught:
        get(Imts(years=(2022,)), serve(FakeSdmx(ROWS, more=more)))
    assert "\n" not in str(caught.value)
    assert store.datasets() == []


def test_changed_columns_are_named(serve: Serve, get: Get) -> None:
    header = HEADER.replace("COUNTERPART_COUNTRY", "PARTNER")
    with pytest.raises(SourceError, match="expected column COUNTERPART_COUNTRY, found STRUCTURE"):
        get(Imts(), serve(FakeSdmx(ROWS, header=header)))


def test_a_file_of_the_users_own(get: Get, serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "exports-all-since2022.csv").write_text(
        f"{HEADER}\ndataflow,X,R,DEU,XG_FOB_USD,USA,A,2022,5,6,,,,,,,,\n"
    )
    server = serve(FakeSdmx([]))
    assert flows_of(get(Imts(years=(2022,)), server, given=tmp_path)) == {("DEU", "USA", 2022): 5.0}
    assert server.requests == []


EXPLORER = (
    "COUNTRY.ID,COUNTRY,INDICATOR.ID,INDICATOR,COUNTERPART_COUNTRY.ID,COUNTERPART_COUNTRY,"
    "FREQUENCY.ID,FREQUENCY,SCALE.ID,SCALE,2023,2024\n"
    'USA,United States,XG_FOB_USD,"Exports of goods, Free on board (FOB), US dollar",CAN,Canada,A,'
    "Annual,6,Millions,354355,349397.894619\n"
    'KOS,Kosovo,XG_FOB_USD,"Exports of goods, Free on board (FOB), US dollar",G001,World,A,'
    "Annual,6,Millions,1,2\n"
    'KOS,"Kosovo, Rep. of",XG_FOB_USD,"Exports of goods, Free on board (FOB), US dollar",KOR,'
    '"Korea, Rep. of",A,Annual,6,Millions,,2\n'
)


@pytest.mark.parametrize("names_only", [False, True])
def test_the_explorers_download_is_read_in_its_scale(
    get: Get, serve: Serve, tmp_path: Path, *, names_only: bool
) -> None:
    table = pd.read_csv(io.StringIO(EXPLORER), dtype="str")
    if names_only:
        ids = [name for name in table if name.endswith(".ID")]
        table = table[table["COUNTERPART_COUNTRY"] != "World"].drop(columns=ids)
    table.to_csv(tmp_path / "dataset_2026-11-28T10.csv", index=False)
    (tmp_path / "notes.txt").write_text("nothing")
    server = serve(FakeSdmx([]))
    flows = flows_of(get(Imts(), server, given=tmp_path))
    assert flows == pytest.approx(
        {("USA", "CAN", 2023): 354355e6, ("USA", "CAN", 2024): 349397.894619e6,
         ("XKX", "KOR", 2024): 2e6}
    )  # fmt: skip
    only = get(Imts(reporters=("XKX",)), server, given=tmp_path)
    assert set(flows_of(only)) == {("XKX", "KOR", 2024)}
    assert server.requests == []


@pytest.mark.parametrize(
    ("name", "code"),
    [("China, P.R.: Mainland", "CHN"), ("China, P.R.: Hong Kong", "HKG"), ("Congo, Rep. of", "COG"),
     ("Türkiye, Rep. of", "TUR"), ("Côte d'Ivoire", "CIV"), ("St. Lucia", "LCA"),
     ("Iran, Islamic Rep. of", "IRN"), ("Atlantis, Rep. of", "Atlantis, Rep. of"),
     ("Bahamas, The", "BHS"), ("Curaçao, Kingdom of the Netherlands", "CUW"), ("World", "World"),
     ("São Tomé and Príncipe, Dem. Rep. of", "STP"), ("Guinea", "GIN"), ("Vietnam", "VNM")],
)  # fmt: skip
def test_names_of_the_explorer(name: str, code: str) -> None:
    assert _country(name) == code


def test_a_folder_without_such_a_table_says_what_would_do(
    get: Get, serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "imports.csv").write_text(EXPLORER.replace("XG_FOB", "MG_CIF"))
    with pytest.raises(InputError, match=r"table of XG_FOB_USD.*found imports\.csv"):
        get(Imts(), serve(FakeSdmx([])), given=tmp_path)


def test_it_feeds_a_run(serve: Serve, get: Get) -> None:
    panel = TradePanel.from_frame(get(Imts(years=(2022, 2023)), serve(FakeSdmx(ROWS))).read())
    assert panel.flows.countries == ("DEU", "USA")
    assert panel.values.shape == (2, 2)


codes = st.sampled_from(["DEU", "USA", "GBR", "GHA", "KOS", "G001", "G163", "TX898"])
flows = st.dictionaries(
    st.tuples(codes, codes, st.integers(2020, 2024)), st.floats(0, 1e12), min_size=1, max_size=30
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(trade=flows)
def test_every_row_is_kept_or_counted(
    trade: Flows, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> None:
    trade = {("DEU", "FRA", 2022): 1.0, **trade}
    server = serve(FakeSdmx(sales(*((*key, value) for key, value in trade.items()))))
    client = Client(mirror=server.url)
    dataset = fetch(Imts(), store=tmp_path_factory.mktemp("store"), client=client)
    client.close()
    dropped = [s.split()[0] for s in dataset.statements if " rows of " in s]
    assert dataset.rows + sum(map(int, dropped)) == len(trade)
    for (exporter, importer, year), value in flows_of(dataset).items():
        there = {"XKX": "KOS"}
        assert trade[there.get(exporter, exporter), there.get(importer, importer), year] == value


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"flow": "transit"}, "unknown --flow 'transit'.*exports, imports, both"),
        ({"years": (22,)}, "22 is not a calendar year"),
        ({"reporters": ("DE",)}, "'DE' is not a country's code"),
        ({"reporters": ("DEU", "DEU")}, "named twice"),
        ({"release": "last week"}, "is not a day"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Imts(**options)


def test_many_reporters_make_a_short_key() -> None:
    areas = ("DEU", "USA", "FRA", "ITA", "ESP", "GBR", "JPN", "CHN", "IND", "BRA", "ZAF")
    key = Imts(reporters=areas, release="20261125").key
    assert key.startswith("imts:20261125:exports:11-")
    assert key == Imts(reporters=areas[::-1], release="20261125").key
    assert key != Imts(reporters=(*areas[1:], "NAM"), release="20261125").key
