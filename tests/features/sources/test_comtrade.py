"""UN Comtrade: cut and empty answers, keys, quotas, expired codes, and what is zero or unknown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_sources.comtrade import KEY, PARTNERS, FakeComtrade, Flow, area
from fake_sources.server import Reply, Request, Server

from features.errors import InputError, SourceError, UnreachableError
from features.panel import TradePanel
from features.sources.comtrade import Comtrade
from features.sources.comtrade_reading import Wanted
from features.sources.comtrade_requests import Access, plan, quarters
from features.store.client import Client
from features.store.dataset import Dataset
from features.store.fetching import fetch
from features.store.store import Store

Get = Callable[..., Dataset]
Serve = Callable[..., Server]
CODES = {"BRA": 76, "CHN": 156, "DEU": 276, "FRA": 251, "IND": 699, "USA": 842}
VARIABLE = "COMTRADE_API_KEY"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(VARIABLE, KEY)
    return KEY


def everyone(years: tuple[int, ...] = (2019, 2020), **options: Any) -> list[Flow]:
    """Each of six countries imports from the five others."""
    return [
        Flow(reporter, partner, year, float(1000 * reporter + partner + year), **options)
        for year in years
        for reporter in CODES.values()
        for partner in CODES.values()
        if reporter != partner
    ]


def by_chapter(chapters: int, *, year: int = 2020, reporter: int = 842) -> list[Flow]:
    """Imports of one reporter from eight partners in so many chapters."""
    partners = (76, 156, 251, 276, 490, 516, 579, 699)
    return [
        Flow(reporter, partner, year, float(partner + chapter), f"{chapter:02d}")
        for partner in partners
        for chapter in range(1, chapters + 1)
    ]


def asked(server: Server) -> list[Request]:
    return [r for r in server.requests if "reference" not in r.path]


def value(dataset: Dataset, exporter: str, importer: str, year: int) -> float:
    table = dataset.read()
    here = (table.exporter == exporter) & (table.importer == importer) & (table.year == year)
    found = table[here].value_usd
    assert len(found) == 1
    return float(found.iloc[0])


def test_declared_imports_become_trade_from_partner_to_reporter(get: Get, serve: Serve) -> None:
    server = serve(FakeComtrade(everyone()))
    made = get(Comtrade(reporters=tuple(CODES), years=(2019, 2020)), server)
    assert made.kind == "trade"
    assert made.years == (2019, 2020)
    assert value(made, "DEU", "USA", 2019) == 1000 * 842 + 276 + 2019
    assert value(made, "USA", "DEU", 2020) == 1000 * 276 + 842 + 2020
    assert "values as declared by importers, with freight and insurance, in current USD" in (
        made.statements
    )
    panel = TradePanel.from_frame(made.read())
    assert set(panel.flows.countries) == set(CODES)
    assert made.key == "comtrade:20261125:imports:HS-total:BRA_CHN_DEU_FRA_IND_USA:2019-2020"


def test_declared_exports_go_from_reporter_to_partner(get: Get, serve: Serve) -> None:
    server = serve(FakeComtrade([*everyone(flow="X"), Flow(842, 76, 2019, 1.0)]))
    made = get(Comtrade(reporters=("USA", "DEU"), years=(2019,), flow="exports"), server)
    assert value(made, "USA", "BRA", 2019) == 1000 * 842 + 76 + 2019
    assert "values as declared by exporters, without freight and insurance, in current USD" in (
        made.statements
    )


def test_every_call_is_pinned_and_short(get: Get, serve: Serve, key: str) -> None:
    server = serve(FakeComtrade(everyone(tuple(range(2000, 2021)))))
    get(Comtrade(years=tuple(range(2000, 2021))), server)
    for request in asked(server):
        pins = {name: request.query[name] for name in ("partner2Code", "motCode", "customsCode")}
        assert pins == {"partner2Code": "0", "motCode": "0", "customsCode": "C00"}
        assert len(request.query["period"].split(",")) <= 12
        assert len(request.target) < 1_000
    assert len(asked(server)) == 2


def test_rows_of_other_transport_modes_are_refused(get: Get, serve: Serve) -> None:
    fake = FakeComtrade(everyone())

    def unpinned(request: Request) -> Reply:
        request.query = {n: v for n, v in request.query.items() if n != "motCode"}
        return fake(request)

    with pytest.raises(SourceError, match=r"rows are not what was asked for.*motCode 1000"):
        get(Comtrade(reporters=("USA",), years=(2019,)), serve(unpinned))


def test_a_cut_preview_is_split_until_nothing_is_lost(get: Get, serve: Serve) -> None:
    flows = by_chapter(97)
    assert len(flows) > 500
    server = serve(FakeComtrade(flows))
    made = get(Comtrade(reporters=("USA",), years=(2020,), level="hs2"), server)
    table = made.read()
    assert len(table) == len(flows)
    expected = sum(flow.value or 0.0 for flow in flows)
    assert table.value_usd.sum() == pytest.approx(expected)
    assert set(table.sector) == {f"{n:02d}" for n in range(1, 98)}
    assert any("partnerCode" in request.query for request in asked(server))


def test_years_and_reporters_are_split_first(
    get: Get, serve: Serve, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = FakeComtrade(everyone())
    whole = get(Comtrade(reporters=tuple(CODES), years=(2019, 2020)), serve(plain)).read()
    monkeypatch.setattr(Access, "cap", 7)
    monkeypatch.setattr("features.sources.comtrade.ROWS_A_YEAR", {"total": 1})
    server = serve(FakeComtrade(everyone()))
    made = get(Comtrade(reporters=tuple(CODES), years=(2019, 2020)), server, refresh=True)
    pd.testing.assert_frame_equal(made.read(), whole)
    queries = [request.query for request in asked(server)]
    assert not any("partnerCode" in query for query in queries)
    assert {query["maxRecords"] for query in queries} == {"7"}


@pytest.mark.parametrize("cap", [2, 5, 12, 1000])
def test_no_row_is_lost_whatever_the_cap(
    cap: int, get: Get, serve: Serve, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Access, "cap", cap)
    rng = np.random.default_rng(cap)
    cells = [
        (reporter, partner, f"{code:04d}")
        for reporter in (76, 842)
        for partner in (156, 251, 276)
        for code in (101, 102, 2709, 8542, 8703)
    ]
    flows = [Flow(r, p, 2020, float(rng.integers(1, 99)), c) for r, p, c in cells]
    commodities = sorted({c for _, _, c in cells})
    server = serve(FakeComtrade(flows, commodities=["01", *commodities, "854232"]))
    made = get(Comtrade(reporters=("BRA", "USA"), years=(2020,), level="hs4"), server)
    assert len(made.read()) == len(cells)
    assert made.read().value_usd.sum() == sum(flow.value or 0.0 for flow in flows)


def test_an_answer_that_cannot_be_split_is_refused(
    get: Get, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Access, "cap", 1)
    server = serve(FakeComtrade(everyone()))
    with pytest.raises(SourceError, match=r"cuts its answers at 1 rows.*COMTRADE_API_KEY"):
        get(Comtrade(reporters=("USA",), years=(2019,)), server)


def test_a_partner_absent_from_the_list_shows_in_the_total(
    get: Get, serve: Serve, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Access, "cap", 4)
    listed = [entry for entry in PARTNERS if entry["id"] != 699]
    server = serve(FakeComtrade(everyone((2019,)), partners=listed))
    made = get(Comtrade(reporters=("USA",), years=(2019,)), server)
    assert any(
        "partners of reporter 842 add up to 80 %" in statement for statement in made.statements
    )


@pytest.mark.parametrize(
    "empty",
    [
        '{"elapsedTime":"0.02 secs","count":0,"data":[],"error":""}',
        '{"elapsedTime":"0.02 secs","count":0,"data":null,"error":""}',
        '{"elapsedTime":"0.02 secs","count":0}',
    ],
)
def test_no_data_is_said_and_is_not_zero(empty: str, get: Get, serve: Serve) -> None:
    flows = [
        f for f in everyone() if f.reporter != CODES["IND"] and f.value != 842 * 1000 + 76 + 2019
    ]
    made = get(
        Comtrade(reporters=("DEU", "IND", "USA"), years=(2018, 2019, 2020)),
        serve(FakeComtrade(flows, empty=empty)),
    )
    assert "5 reporters and years without data, which is not zero trade" in made.statements
    assert "no data from any reporter for 2018" in made.statements
    assert made.years == (2019, 2020)
    table = made.read()
    assert "IND" not in set(table.importer)
    panel = TradePanel.from_frame(table)
    assert panel.notes.absent_means == made.absent == "missing"


def test_a_year_that_few_have_reported_is_called_partial(get: Get, serve: Serve) -> None:
    late = [f for f in everyone() if f.year == 2019 or f.reporter in (842, 276)]
    made = get(Comtrade(reporters=tuple(CODES), years=(2019, 2020)), serve(FakeComtrade(late)))
    said = [statement for statement in made.statements if "partial" in statement]
    assert said == ["2020 is partial: no data from 4 of 6 reporters (BRA, CHN, FRA, IND)"]
    one = [f for f in everyone() if f.year == 2019 or f.reporter != 842]
    made = get(
        Comtrade(reporters=tuple(CODES), years=(2019, 2020)),
        serve(FakeComtrade(one)),
        refresh=True,
    )
    assert "2020 no data from 1 of 6 reporters (USA)" in made.statements


def test_nothing_at_all_is_an_error(get: Get, serve: Serve, store: Store) -> None:
    with pytest.raises(SourceError, match="no data at all"):
        get(Comtrade(reporters=("USA",), years=(2020,)), serve(FakeComtrade([])))
    assert store.datasets() == []


def test_what_a_reporter_did_not_declare_is_zero(get: Get, serve: Serve) -> None:
    flows = [f for f in everyone() if (f.reporter, f.partner, f.year) != (842, 76, 2020)]
    made = get(Comtrade(reporters=("DEU", "USA"), years=(2019, 2020)), serve(FakeComtrade(flows)))
    assert value(made, "BRA", "USA", 2020) == 0.0
    assert "1 flows without a row, of reporters with data, stated as zero" in made.statements


def test_expired_twins_are_asked_only_in_their_time(get: Get, serve: Serve) -> None:
    flows = [
        Flow(736, 842, 2010, 5.0), Flow(729, 842, 2013, 6.0),
        Flow(842, 699, 2010, 7.0), Flow(842, 736, 2010, 8.0), Flow(842, 729, 2013, 9.0),
        Flow(841, 699, 2010, 1e9), Flow(699, 842, 2013, 3.0), Flow(280, 842, 1990, 2.0),
    ]  # fmt: skip
    server = serve(FakeComtrade(flows))
    made = get(Comtrade(reporters=("DEU", "IND", "SDN", "USA"), years=(1990, 2010, 2013)), server)
    by_year = {
        year: {c for r in asked(server) if year in r.query["period"].split(",")
               for c in r.query["reporterCode"].split(",")}
        for year in ("1990", "2010", "2013")
    }  # fmt: skip
    assert by_year == {
        "1990": {"280", "699", "736", "842"},
        "2010": {"276", "699", "736", "842"},
        "2013": {"276", "699", "729", "842"},
    }
    assert value(made, "USA", "SDN", 2010) == 5.0
    assert value(made, "SDN", "USA", 2010) == 8.0
    assert value(made, "SDN", "USA", 2013) == 9.0
    assert "Sudan stands for Sudan with South Sudan to 2011" in made.statements


def test_all_reporters_leave_out_groups_and_what_ended_before(get: Get, serve: Serve) -> None:
    server = serve(FakeComtrade(everyone()))
    made = get(Comtrade(years=(2019,)), server)
    codes = {c for r in asked(server) for c in r.query["reporterCode"].split(",")}
    assert codes == {"76", "156", "251", "276", "490", "516", "579", "699", "729", "757", "842"}
    assert made.key == "comtrade:20261125:imports:HS-total:all:2019"
    assert "NAM" in "".join(made.statements)


def test_groups_and_areas_are_counted_and_dropped(get: Get, serve: Serve) -> None:
    odd = [
        Flow(842, 97, 2019, 1e6), Flow(842, 975, 2019, 1e6), Flow(842, 899, 2019, 10.0),
        Flow(842, 837, 2019, 5.0),
        Flow(842, 842, 2019, 3.0), Flow(842, 490, 2019, 77.0), Flow(842, 579, 2019, None),
    ]  # fmt: skip
    made = get(Comtrade(reporters=("USA",), years=(2019,)), serve(FakeComtrade(everyone() + odd)))
    assert "4 rows of groups and areas that are no country dropped" in made.statements
    assert "1 rows of the world as partner dropped" in made.statements
    assert "1 rows of a country's re-imports from itself dropped" in made.statements
    assert "1 rows without a value dropped" in made.statements
    assert value(made, "TWN", "USA", 2019) == 77.0
    assert not any("add up to" in statement for statement in made.statements)
    assert set(made.read().exporter) >= {"FRA", "IND"}


NO_COUNTRIES = (97, 290, 471, 472, 473, 492, 527, 568, 577, 636, 637, 697, 837, 838, 839, 879, 899)
"""Areas that are no country, next to the world (0)."""


def test_every_area_that_is_no_country_is_dropped(get: Get, serve: Serve) -> None:
    odd = [Flow(842, code, 2019, 1e6) for code in NO_COUNTRIES]
    listed = [*(p for p in PARTNERS if p["id"] not in NO_COUNTRIES),
              *(area(code, "_X") for code in NO_COUNTRIES)]  # fmt: skip
    fake = FakeComtrade([*everyone((2019,)), *odd], partners=listed, with_world=False)
    made = get(Comtrade(reporters=("USA",), years=(2019,)), serve(fake))
    assert set(made.read().exporter) == set(CODES) - {"USA"}
    assert "17 rows of groups and areas that are no country dropped" in made.statements


def test_two_codes_of_one_partner_are_added(get: Get, serve: Serve) -> None:
    both = [Flow(842, 736, 2011, 5.0), Flow(842, 729, 2011, 6.0)]
    made = get(Comtrade(reporters=("USA",), years=(2011,)), serve(FakeComtrade(both)))
    assert value(made, "SDN", "USA", 2011) == 11.0
    assert any("which has two codes" in statement for statement in made.statements)


def test_an_unknown_partner_is_an_error(get: Get, serve: Serve) -> None:
    flows = [*everyone(), Flow(842, 999, 2019, 1.0)]
    server = serve(FakeComtrade(flows, partners=[*PARTNERS, area(999, "ZZZ")]))
    with pytest.raises(SourceError, match=r"partnerCode.*'999'"):
        get(Comtrade(reporters=("USA",), years=(2019,)), server)


def test_the_key_is_in_a_header_and_nowhere_else(
    store: Store, serve: Serve, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server = serve(FakeComtrade(everyone()))
    client = Client(mirror=server.url, sleep=[].append)
    made = fetch(Comtrade(reporters=("USA",), years=(2019,)), store=store, client=client)
    (request,) = asked(server)
    assert request.headers["ocp-apim-subscription-key"] == KEY
    assert request.path == "/data/v1/get/C/A/HS"
    assert not any(KEY in r.target for r in server.requests)
    assert all("ocp-apim-subscription-key" not in r.headers for r in server.requests[:2])
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    assert len(files) > 4
    assert not any(KEY.encode() in path.read_bytes() for path in files)
    assert KEY not in caplog.text + made.key + repr(Access.from_environment())
    assert made.rows


def test_without_a_key_the_preview_is_asked(get: Get, serve: Serve) -> None:
    server = serve(FakeComtrade(everyone()))
    get(Comtrade(reporters=("USA",), years=(2019,)), server)
    (request,) = asked(server)
    assert request.path == "/public/v1/preview/C/A/HS"
    assert "ocp-apim-subscription-key" not in request.headers


def test_a_wrong_key_says_which_variable_to_set(
    get: Get, serve: Serve, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "0ther")
    with pytest.raises(SourceError, match=r"does not accept the key.*COMTRADE_API_KEY") as caught:
        get(Comtrade(reporters=("USA",), years=(2019,)), serve(FakeComtrade(everyone())))
    assert "0ther" not in str(caught.value)
    assert not list(store.folder.rglob("HS-*"))


def test_an_echoed_key_is_blotted_out(get: Get, serve: Serve, key: str) -> None:
    fake = FakeComtrade(everyone())

    def echo(request: Request) -> Reply:
        if "reference" in request.path:
            return fake(request)
        return Reply(json.dumps({"message": f"no subscription {KEY}"}), status=403)

    with pytest.raises(SourceError, match=r"no subscription \*\*\*") as caught:
        get(Comtrade(reporters=("USA",), years=(2019,)), serve(echo))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "käse"])
def test_what_cannot_be_a_key_is_refused_unseen(
    key: str, get: Get, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, key)
    server = serve(FakeComtrade(everyone()))
    with pytest.raises(InputError, match="COMTRADE_API_KEY is no key") as caught:
        get(Comtrade(reporters=("USA",), years=(2019,)), server)
    assert key not in str(caught.value)
    assert server.requests == []


def test_a_redirect_does_not_take_the_key_along(get: Get, serve: Serve, key: str) -> None:
    fake = FakeComtrade(everyone())
    other = serve(FakeComtrade(everyone()))

    def redirect(request: Request) -> Reply:
        if "reference" in request.path:
            return fake(request)
        return Reply(status=302, headers={"Location": f"{other.url}/elsewhere"})

    with pytest.raises(SourceError, match="redirects"):
        get(Comtrade(reporters=("USA",), years=(2019,)), serve(redirect))
    assert other.requests == []


def test_a_used_up_quota_says_when_it_refills_and_the_fetch_goes_on(
    get: Get, serve: Serve, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.sources.comtrade.ROWS_A_YEAR", {"total": 60_000})
    fake = FakeComtrade(everyone(), quota=5)
    server = serve(fake)
    wanted = Comtrade(reporters=tuple(CODES), years=(2019, 2020))
    with pytest.raises(SourceError, match=r"05:12:10.*--release 20261125") as caught:
        get(wanted, server)
    assert "\n" not in str(caught.value)
    assert len(asked(server)) == 6
    fake.quota = 500
    again = Comtrade(reporters=tuple(CODES), years=(2019, 2020), release="20261125")
    made = get(again, server, today=pd.Timestamp("2026-11-26").date())
    assert len(asked(server)) == 6 + 12 - 5
    assert made.release == "20261125"
    assert len(made.read()) == 60


def test_a_quota_with_a_waiting_time_is_told_as_well(get: Get, serve: Serve, key: str) -> None:
    fake = FakeComtrade(everyone(), quota=0, refusal_headers={"Retry-After": "18730"})
    with pytest.raises(UnreachableError, match=r"18,730 seconds.*--release 20261125"):
        get(Comtrade(reporters=("USA",), years=(2019,)), serve(fake))


def test_too_many_calls_are_waited_for(store: Store, serve: Serve, key: str) -> None:
    waits: list[float] = []
    server = serve(FakeComtrade(everyone(), busy=2))
    client = Client(mirror=server.url, sleep=waits.append)
    made = fetch(Comtrade(reporters=("USA",), years=(2019,)), store=store, client=client)
    assert [seconds for seconds in waits if seconds] == [2.0, 2.0]
    assert made.rows


def test_an_answer_that_breaks_off_is_asked_for_again(get: Get, serve: Serve) -> None:
    fake, places = FakeComtrade(everyone()), iter([0, 1, 700])

    def broken(request: Request) -> Reply:
        reply = fake(request)
        reply.cut = next(places, None) if "reference" not in request.path else None
        return reply

    server = serve(broken)
    made = get(Comtrade(reporters=("USA",), years=(2019,)), server)
    assert len(asked(server)) == 4
    assert len(made.read()) == 5


def test_being_turned_away_without_a_key_is_explained(get: Get, serve: Serve) -> None:
    server = serve(FakeComtrade(everyone(), preview_calls=2))
    with pytest.raises(SourceError, match=r"after about 70 calls.*COMTRADE_API_KEY.*--release"):
        get(Comtrade(reporters=tuple(CODES), years=(2019, 2020)), server)
    assert len(asked(server)) == 3


def _unlike_data(reply: Reply) -> Callable[[Request], Reply]:
    fake = FakeComtrade(everyone())
    return lambda request: fake(request) if "reference" in request.path else reply


ROW = {"period": "2019", "reporterCode": 842, "flowCode": "M", "partnerCode": 76,
       "partner2Code": 0, "cmdCode": "TOTAL", "customsCode": "C00", "motCode": 0,
       "primaryValue": 5}  # fmt: skip


def envelope(*rows: dict[str, Any], count: int | None = None, error: str = "") -> str:
    number = len(rows) if count is None else count
    return json.dumps({"count": number, "data": rows, "error": error})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply("<html>maintenance</html>"), "no data of Comtrade"),
        (Reply('{"count": 3, "data": [{"per'), "no data of Comtrade"),
        (Reply(""), "no data of Comtrade"),
        (Reply('{"statusCode": 200, "message": "x"}'), "no data of Comtrade"),
        (Reply(envelope(error="Result set is too big")), "Result set is too big"),
        (Reply(envelope(ROW, count=9)), "counts 9 rows and has 1"),
        (Reply(envelope(ROW, ROW)), "comes twice"),
        (Reply(envelope({**ROW, "flowCode": "X"})), "not what was asked for"),
        (Reply(envelope({**ROW, "period": "2018"})), "not what was asked for"),
        (Reply(envelope({**ROW, "reporterCode": 841})), "not what was asked for"),
        (Reply(envelope({**ROW, "cmdCode": "01"})), "not what was asked for"),
        (Reply(envelope({**ROW, "customsCode": "C01"})), "not what was asked for"),
        (Reply(envelope({**ROW, "partner2Code": 276})), "not what was asked for"),
        (Reply(envelope({**ROW, "primaryValue": "much"})), "something else than expected"),
        (Reply(envelope({**ROW, "partnerCode": None})), "something else than expected"),
        (Reply(envelope({**ROW, "primaryValue": -1.0})), "cannot trade -1 USD"),
        (
            Reply(
                envelope({n if n != "primaryValue" else "tradeValue": v for n, v in ROW.items()})
            ),
            "expected column primaryValue, found period.*tradeValue",
        ),
        (
            Reply(
                '{"errorObject":{"errorMessage":"The field reporterCode is invalid"}}', status=400
            ),
            "The field reporterCode is invalid",
        ),
        (Reply("<html>Bad Request</html>", status=400), "finds the request wrong .no reason"),
        (Reply("<html>Request-URI Too Long</html>", status=414), "status 414"),
        (Reply("gone", status=404), "no such file"),
    ],
)
def test_other_answers_are_told_and_never_kept(
    reply: Reply, said: str, get: Get, serve: Serve, store: Store
) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        get(Comtrade(reporters=("USA",), years=(2019,)), serve(_unlike_data(reply)))
    assert "\n" not in str(caught.value)
    assert store.datasets() == []
    if "cannot trade" not in said:
        assert not list(store.folder.rglob("HS-*"))


def test_types_may_drift(get: Get, serve: Serve) -> None:
    rows = [
        {**ROW, "partnerCode": "76", "period": 2019, "motCode": "0", "primaryValue": 5.5},
        {**ROW, "partnerCode": 156.0, "partner2Code": "0", "isAggregate": True},
    ]
    server = serve(_unlike_data(Reply("\ufeff" + envelope(*rows))))
    made = get(Comtrade(reporters=("USA",), years=(2019,)), server)
    assert value(made, "BRA", "USA", 2019) == 5.5
    assert value(made, "CHN", "USA", 2019) == 5.0


@pytest.mark.parametrize(
    ("listed", "body", "said"),
    [
        ("Reporters.json", "<html>moved</html>", "no list of codes"),
        ("Reporters.json", '{"results": []}', "no list of codes"),
        ("partnerAreas.json", '{"results": [{"partnerCode": 4, "isGroup": false}]}',
         "expected column PartnerCode, found isGroup, partnerCode"),
        ("Reporters.json", '{"results": [{"id": 4}]}', "expected column reporterCode"),
    ],
)  # fmt: skip
def test_changed_lists_are_refused(
    listed: str, body: str, said: str, get: Get, serve: Serve
) -> None:
    fake = FakeComtrade(everyone())

    def changed(request: Request) -> Reply:
        return Reply(body) if request.path.endswith(listed) else fake(request)

    with pytest.raises(SourceError, match=said):
        get(Comtrade(reporters=("USA",), years=(2019,)), serve(changed))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"years": ()}, "years must be named"),
        ({"years": (1970, 1990)}, "from 1988 on"),
        ({"years": (2020, 2150)}, "not after"),
        ({"years": (2020,), "level": "hs3"}, "no level 'hs3'.*total, hs2, hs4, hs6"),
        ({"years": (2020,), "flow": "re-exports"}, "no flow 're-exports'"),
        ({"years": (2020,), "classification": "S4"}, "no classification 'S4'"),
        ({"years": (2020,), "reporters": ("DEU", "Germany")}, "'Germany' is no alpha-3 code"),
    ],
)
def test_wrong_options_are_refused_before_any_work(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Comtrade(**options)


def test_a_country_that_never_reports_is_named(get: Get, serve: Serve) -> None:
    server = serve(FakeComtrade(everyone()))
    with pytest.raises(InputError, match=r"no reporter AUT, ITA.*--reporters"):
        get(Comtrade(reporters=("USA", "ITA", "AUT"), years=(2019,)), server)
    assert asked(server) == []


def test_chapters_come_with_a_table_of_sectors(get: Get, serve: Serve) -> None:
    server = serve(FakeComtrade(by_chapter(3)))
    made = get(Comtrade(reporters=("USA",), years=(2020,), level="hs2"), server)
    assert made.sectors is not None
    sectors = pd.read_csv(made.sectors, dtype={"sector": str})
    assert set(made.read().sector) <= set(sectors.sector)
    assert "2020: classification H5" in made.statements
    assert list(made.read().sector.unique()) == ["01", "02", "03"]


def test_finer_levels_say_that_absent_is_not_zero(get: Get, serve: Serve) -> None:
    flows = [Flow(842, 76, 2020, 5.0, "8542"), Flow(842, 156, 2020, 6.0, "8703")]
    server = serve(FakeComtrade(flows))
    made = get(Comtrade(reporters=("USA",), years=(2020,), level="hs4"), server)
    assert len(made.read()) == 2
    assert any("at this level zeros are not stated" in said for said in made.statements)


def test_cached_answers_are_not_asked_for_again(get: Get, serve: Serve, store: Store) -> None:
    server = serve(FakeComtrade(by_chapter(97)))
    get(Comtrade(reporters=("USA",), years=(2020,), level="hs2"), server)
    before = len(server.requests)
    get(Comtrade(reporters=("USA",), years=(2020,), level="hs2"), server)
    get(Comtrade(reporters=("USA", "DEU"), years=(2020,), level="hs2"), server)
    assert len(server.requests) == before + 1
    assert all(path.stat().st_size for path in _raw(store))


def _raw(store: Store) -> Iterator[Path]:
    return (store.folder / "raw" / "comtrade" / "20261125").glob("*.json")


@pytest.mark.parametrize("rows", [1, 30, 245, 20_000])
@pytest.mark.parametrize("cap", [500, 100_000])
@pytest.mark.parametrize("reporters", [1, 7, 219])
def test_a_plan_asks_for_each_reporter_and_year_once(rows: int, cap: int, reporters: int) -> None:
    codes = {year: tuple(range(1, reporters + 1)) for year in range(1990, 2020)}
    codes[2005] = (*codes[2005], 900)
    queries = list(plan(Wanted("HS", "total", "M"), codes, rows=rows, cap=cap))
    cells = [(y, r) for q in queries for y in q.wanted.years for r in q.wanted.reporters]
    assert sorted(cells) == sorted((year, code) for year in codes for code in codes[year])
    for query in queries:
        size = len(query.wanted.years) * len(query.wanted.reporters)
        assert size == 1 or size * rows < cap
        assert len(query.wanted.years) <= 12
        assert len(query.wanted.reporters) <= 100


@pytest.mark.parametrize("number", [2, 3, 4, 5, 17, 999])
def test_quarters_keep_everything(number: int) -> None:
    parts = quarters(range(number))
    assert [item for part in parts for item in part] == list(range(number))
    assert len(parts) >= 2
    assert max(map(len, parts)) <= 100
