"""UN Comtrade: cut and empty answers, keys, quotas, expired codes, and what is zero or unknown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fake_sources.comtrade import KEY, PARTNERS, FakeComtrade, Flow, area
from fake_sources.server import Reply, Request, Server

from features.data.panel import TradePanel
from features.download.client import Client
from features.errors import InputError, SourceError, UnreachableError
from features.sources.comtrade import Comtrade
from features.sources.comtrade_reading import Wanted
from features.sources.comtrade_requests import Access, plan, released
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


def asked(server: Server) -> list[Request]:
    """Calls for figures."""
    return [r for r in server.requests if "/get/" in r.path or "/preview/" in r.path]


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
    assert made.key == "comtrade:20261125:imports:annual:BRA_CHN_DEU_FRA_IND_USA:2019-2020"


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

    with pytest.raises(SourceError, match=r"rows were not asked for.*motCode 1000"):
        get(Comtrade(reporters=("USA",), years=(2019,)), serve(unpinned))


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
    # 490 is Taiwan, though the list of reporters calls it a group.
    assert codes == {"76", "156", "251", "276", "490", "516", "579", "699", "729", "757", "842"}
    assert made.key == "comtrade:20261125:imports:annual:all:2019"
    assert "NAM" in "".join(made.statements)


def test_groups_and_areas_are_counted_and_dropped(get: Get, serve: Serve) -> None:
    odd = [
        Flow(842, 97, 2019, 1e6), Flow(842, 975, 2019, 1e6), Flow(842, 899, 2019, 10.0),
        Flow(842, 837, 2019, 5.0),
        Flow(842, 842, 2019, 3.0), Flow(842, 490, 2019, 77.0), Flow(842, 579, 2019, None),
    ]  # fmt: skip
    made = get(Comtrade(reporters=("USA",), years=(2019,)), serve(FakeComtrade(everyone() + odd)))
    assert "4 rows of groups and areas that are not countries dropped" in made.statements
    assert "1 rows of the world as partner dropped" in made.statements
    assert "1 rows of a country's re-imports from itself dropped" in made.statements
    assert "1 rows without a value dropped" in made.statements
    assert value(made, "TWN", "USA", 2019) == 77.0
    assert not any("add up to" in statement for statement in made.statements)
    assert set(made.read().exporter) >= {"FRA", "IND"}


def test_areas_that_the_list_gives_no_countrys_code_are_none(get: Get, serve: Serve) -> None:
    placeholders = {290: "N29", 492: "E49", 697: "R20", 838: "FRE", 839: "SPE", 830: "_CI", 471: ""}
    odd = [Flow(842, code, 2019, 1e6) for code in placeholders]
    listed = [*PARTNERS, *(area(code, iso3) for code, iso3 in placeholders.items())]
    fake = FakeComtrade([*everyone((2019,)), *odd], partners=listed, with_world=False)
    made = get(Comtrade(reporters=("USA",), years=(2019,)), serve(fake))
    assert set(made.read().exporter) == set(CODES) - {"USA"}
    assert "7 rows of groups and areas that are not countries dropped" in made.statements
    assert any("290 N29, 471" in said and "830 _CI" in said for said in made.statements)


def test_taiwan_reports_under_a_code_that_is_called_a_group(get: Get, serve: Serve) -> None:
    server = serve(FakeComtrade([Flow(490, 842, 2019, 5.0), *everyone((2019,))]))
    made = get(Comtrade(reporters=("TWN",), years=(2019,)), server)
    assert value(made, "USA", "TWN", 2019) == 5.0
    assert [r.query["reporterCode"] for r in asked(server)] == ["490"]
    assert value(get(Comtrade(years=(2019,)), server), "USA", "TWN", 2019) == 5.0


def test_an_unknown_partner_is_told_before_any_call_or_dropped_and_counted(
    get: Get, serve: Serve
) -> None:
    flows = [*everyone((2019,)), Flow(842, 999, 2019, 1.0)]
    server = serve(FakeComtrade(flows, partners=[*PARTNERS, area(999, "ZZZ")], with_world=False))
    with pytest.raises(SourceError, match=r"partnerCode.*'999'.*--unknown-codes drop"):
        get(Comtrade(reporters=("USA",), years=(2019,)), server)
    assert asked(server) == []
    made = get(Comtrade(reporters=("USA",), years=(2019,)), server, unknown_codes="drop")
    assert set(made.read().exporter) == set(CODES) - {"USA"}
    assert any(said.startswith("1 rows of '999'") for said in made.statements)


def test_a_cut_answer_is_refused(get: Get, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Access, "cap", 5)
    with pytest.raises(SourceError, match=r"cuts its answers at 5 rows.*COMTRADE_API_KEY"):
        get(Comtrade(reporters=("USA",), years=(2019,)), serve(FakeComtrade(everyone())))


def months(reporter: int, partner: int, year: int, upto: int, amount: float = 1.0) -> list[Flow]:
    return [Flow(reporter, partner, 100 * year + m, amount * m) for m in range(1, upto + 1)]


def test_years_are_sums_of_twelve_months(get: Get, serve: Serve, key: str) -> None:
    flows = [
        *months(842, 276, 2023, 12), *months(842, 156, 2023, 3), *months(276, 842, 2023, 12, 10.0),
        *months(842, 276, 2024, 5), *months(276, 842, 2024, 12),
    ]  # fmt: skip
    server = serve(FakeComtrade(flows))
    wanted = Comtrade(reporters=("DEU", "USA"), years=(2023, 2024), frequency="monthly")
    made = get(wanted, server)
    assert value(made, "DEU", "USA", 2023) == 78.0
    # Months in which a reporter has nothing from a partner are months without trade.
    assert value(made, "CHN", "USA", 2023) == 6.0
    assert value(made, "USA", "DEU", 2023) == 780.0
    assert set(made.read().query("year == 2024").importer) == {"DEU"}
    said = "2024: 1 reporters left out that have less than 12 months (USA 5)"
    assert said in made.statements
    assert "rows added to another" not in " ".join(made.statements)
    assert made.key.startswith("comtrade:20261125:imports:monthly:")
    assert {r.path for r in asked(server)} == {"/data/v1/get/C/M/HS"}
    assert all(len(r.query["period"].split(",")) <= 12 for r in asked(server))


def test_days_of_release_are_kept_and_not_needed(get: Get, serve: Serve, store: Store) -> None:
    fake = FakeComtrade(everyone())
    made = get(Comtrade(reporters=("USA",), years=(2019, 2020)), serve(fake))
    (kept,) = _raw(store, "released-*.json")
    assert released(kept.read_bytes())[842, 2020] == "2021-06-15"
    assert any("2020-06-15 to 2021-06-15" in said for said in made.statements)

    def without(request: Request) -> Reply:
        return Reply("no", status=404) if "getDa" in request.path else fake(request)

    again = get(Comtrade(reporters=("DEU",), years=(2019, 2020)), serve(without), refresh=True)
    assert len(again.read()) == 10


def test_files_of_the_users_are_known_by_their_content(
    get: Get, serve: Serve, store: Store, tmp_path: Path
) -> None:
    fake = FakeComtrade([*everyone(), Flow(842, 490, 2019, 7.0)])
    wanted = Comtrade(reporters=("DEU", "USA"), years=(2019, 2020))
    whole = get(wanted, serve(fake)).read()
    for number, path in enumerate(sorted(_raw(store, "*.json"))):
        if not path.name.startswith("released") and not path.name.endswith(".from.json"):
            (tmp_path / f"data ({number}).json").write_bytes(path.read_bytes())
    (tmp_path / "notes.txt").write_text("nothing")
    server = serve(fake)
    made = get(wanted, server, given=tmp_path)
    pd.testing.assert_frame_equal(made.read(), whole)
    assert server.requests == []
    # The same answer once more counts nothing double, and another figure of a flow is refused.
    data = next(p for p in tmp_path.glob("data*") if b"primaryValue" in p.read_bytes())
    (tmp_path / "copy.json").write_bytes(data.read_bytes())
    again = get(wanted, server, given=tmp_path)
    pd.testing.assert_frame_equal(again.read(), whole)
    assert any("rows that another file has too" in said for said in again.statements)
    text = data.read_text().replace('"primaryValue": 8', '"primaryValue": 9')
    (tmp_path / "copy.json").write_text(text)
    with pytest.raises(SourceError, match="occurs twice"):
        get(wanted, server, given=tmp_path)


def test_a_table_from_the_website_is_read(
    get: Get, serve: Serve, store: Store, tmp_path: Path
) -> None:
    fake = FakeComtrade(everyone())
    get(Comtrade(reporters=("USA",), years=(2019,)), serve(fake))
    for name in ("Reporters.json", "partnerAreas.json"):
        (tmp_path / name).write_bytes(next(_raw(store, name)).read_bytes())
    (answer,) = (p for p in _raw(store, "TOTAL-*.json") if ".from." not in p.name)
    rows = pd.DataFrame(json.loads(answer.read_bytes())["data"]).assign(partnerDesc="Türkiye")
    rows.to_csv(tmp_path / "TradeData_11_28_2026.csv", index=False, encoding="latin-1")
    made = get(Comtrade(reporters=("USA",), years=(2019,)), serve(fake), given=tmp_path)
    assert value(made, "DEU", "USA", 2019) == 1000 * 842 + 276 + 2019


def _raw(store: Store, names: str) -> Iterator[Path]:
    found = (store.folder / "raw" / "comtrade" / "20261125").glob(names)
    return (path for path in found if not path.name.endswith(".from.json"))


@pytest.mark.parametrize("partners", [1, 30, 290])
@pytest.mark.parametrize("cap", [500, 100_000])
@pytest.mark.parametrize("reporters", [1, 7, 219])
def test_a_plan_asks_for_each_reporter_and_period_once(
    partners: int, cap: int, reporters: int
) -> None:
    codes = {year: tuple(range(1, reporters + 1)) for year in range(1990, 2020)}
    codes[2005] = (*codes[2005], 900)
    calls = list(plan(Wanted("M"), codes, partners=partners, cap=cap))
    cells = [(y, r) for call in calls for y in call.periods for r in call.reporters]
    assert sorted(cells) == sorted((year, code) for year in codes for code in codes[year])
    for call in calls:
        assert len(call.periods) * len(call.reporters) * partners < cap
        assert len(call.periods) <= 12
        assert len(call.reporters) <= 100


def test_a_decade_of_all_reporters_takes_few_calls() -> None:
    years = {year: tuple(range(219)) for year in range(2010, 2020)}
    assert len(list(plan(Wanted("M"), years, partners=300, cap=100_000))) <= 27


def test_two_codes_of_one_partner_are_added(get: Get, serve: Serve) -> None:
    both = [Flow(842, 736, 2011, 5.0), Flow(842, 729, 2011, 6.0)]
    made = get(Comtrade(reporters=("USA",), years=(2011,)), serve(FakeComtrade(both)))
    assert value(made, "SDN", "USA", 2011) == 11.0
    assert any("which has two codes" in statement for statement in made.statements)


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
    with pytest.raises(SourceError, match=r"rejects the key.*COMTRADE_API_KEY") as caught:
        get(Comtrade(reporters=("USA",), years=(2019,)), serve(FakeComtrade(everyone())))
    assert "0ther" not in str(caught.value)
    assert not list(store.folder.rglob("TOTAL-*"))


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
    with pytest.raises(InputError, match="COMTRADE_API_KEY is not a key") as caught:
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
    monkeypatch.setattr("features.sources.comtrade_requests.MAX_CODES", 1)
    monkeypatch.setattr("features.sources.comtrade_requests.MAX_PERIODS", 1)
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
        reply.cut = next(places, None) if "/preview/" in request.path else None
        return reply

    server = serve(broken)
    made = get(Comtrade(reporters=("USA",), years=(2019,)), server)
    assert len(asked(server)) == 4
    assert len(made.read()) == 5


def test_being_turned_away_without_a_key_is_explained(
    get: Get, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.sources.comtrade_requests.MAX_CODES", 1)
    server = serve(FakeComtrade(everyone(), preview_calls=2))
    with pytest.raises(SourceError, match=r"after about 70 calls.*COMTRADE_API_KEY.*--release"):
        get(Comtrade(reporters=tuple(CODES), years=(2019, 2020)), server)
    assert len(asked(server)) == 3


def _unlike_data(reply: Reply) -> Callable[[Request], Reply]:
    fake = FakeComtrade(everyone())
    return lambda request: reply if "/preview/" in request.path else fake(request)


ROW = {"period": "2019", "reporterCode": 842, "flowCode": "M", "partnerCode": 76,
       "partner2Code": 0, "cmdCode": "TOTAL", "customsCode": "C00", "motCode": 0,
       "primaryValue": 5}  # fmt: skip


def envelope(*rows: dict[str, Any], count: int | None = None, error: str = "") -> str:
    number = len(rows) if count is None else count
    return json.dumps({"count": number, "data": rows, "error": error})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply("<html>maintenance</html>"), "not data of Comtrade"),
        (Reply('{"count": 3, "data": [{"per'), "not data of Comtrade"),
        (Reply(""), "not data of Comtrade"),
        (Reply('{"statusCode": 200, "message": "x"}'), "not data of Comtrade"),
        (Reply(envelope(error="Result set is too big")), "Result set is too big"),
        (Reply(envelope(ROW, count=9)), "counts 9 rows and has 1"),
        (Reply(envelope(ROW, ROW)), "occurs twice"),
        (Reply(envelope({**ROW, "flowCode": "X"})), "not asked for"),
        (Reply(envelope({**ROW, "period": "2018"})), "not asked for"),
        (Reply(envelope({**ROW, "reporterCode": 841})), "not asked for"),
        (Reply(envelope({**ROW, "cmdCode": "01"})), "not asked for"),
        (Reply(envelope({**ROW, "customsCode": "C01"})), "not asked for"),
        (Reply(envelope({**ROW, "partner2Code": 276})), "not asked for"),
        (Reply(envelope({**ROW, "primaryValue": "much"})), "not as expected"),
        (Reply(envelope({**ROW, "partnerCode": None})), "not as expected"),
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
        (Reply("<html>Bad Request</html>", status=400), "rejects the request .no reason"),
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
        assert not list(store.folder.rglob("TOTAL-*"))


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
        ("Reporters.json", "<html>moved</html>", "not a list of codes"),
        ("Reporters.json", '{"results": []}', "not a list of codes"),
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
        ({"years": ()}, "name the years"),
        ({"years": (1970, 1990)}, "from 1988 on"),
        ({"years": (2020, 2150)}, "not after"),
        ({"years": (2020,), "frequency": "daily"}, "unknown --frequency 'daily'.*annual, monthly"),
        ({"years": (2020,), "flow": "re-exports"}, "unknown --flow 're-exports'"),
        ({"years": (2020,), "reporters": ("DEU", "Germany")}, "'Germany' is not an alpha-3 code"),
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
