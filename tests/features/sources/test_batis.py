"""BaTIS: one direction, countries only, items that do not overlap, from two servers' dialects."""

from __future__ import annotations

import pytest
from fake_sources.batis import COUNTRIES, MAIN, OECD, WTO, FakeBatis, toy_rows
from fake_sources.server import Reply
from hypothesis import given
from hypothesis import strategies as st

from features.data.panel import TradePanel
from features.data.sectors import SectorAttributes
from features.errors import InputError, SourceError
from features.sources.batis import MAIN_ITEMS, Batis
from features.tidy import csv_stream

ISO3 = {"NA": "NAM", "DE": "DEU", "US": "USA", "888": "XKX"}


def flows(dataset) -> dict[tuple, float]:
    frame = dataset.read()
    keys = [name for name in frame.columns if name != "value_usd"]
    return frame.set_index(keys)["value_usd"].to_dict()


@pytest.mark.parametrize("iso3", [False, True])
def test_exports_between_countries_in_usd(get, serve, iso3):
    dataset = get(Batis(), serve(FakeBatis(iso3=iso3)))
    assert dataset.key == "batis:202512:main:all"
    assert dataset.years == (2021, 2022)
    expected = {
        (ISO3[r], ISO3[p], item, year): value * 1e6
        for r, p, flow, item, year, value in toy_rows()
        if flow == "X" and r in COUNTRIES and p in COUNTRIES and item in MAIN
    }
    assert flows(dataset) == expected
    # 8 pairs with the world, 12 items, 2 years.
    assert "192 rows of groups of economies left out" in dataset.statements


def test_a_run_reads_it(get, serve):
    dataset = get(Batis(), serve(FakeBatis()))
    panel = TradePanel.from_frame(dataset.read())
    assert panel.flows.countries == ("DEU", "NAM", "USA", "XKX")
    sectors = SectorAttributes.read(dataset.sectors, sectors=panel.flows.sectors)
    digital = [code for code, flag in zip(sectors.sectors, sectors.digital, strict=True) if flag]
    assert digital == ["SF", "SG", "SH", "SI", "SJ", "SK"]
    assert sectors.services.all()
    assert sectors.names[0] == MAIN_ITEMS["SA"]


def test_the_total_has_no_sectors_and_is_the_sum_of_the_main_items(get, serve):
    server = serve(FakeBatis())
    total = get(Batis(items=("total",)), server)
    assert total.key == "batis:202512:total:all"
    assert total.sectors is None
    main = get(Batis(), server).read()
    sums = main.groupby(["exporter", "importer", "year"], observed=True)["value_usd"].sum()
    assert flows(total) == pytest.approx(sums.to_dict())
    assert len(server.requests) == 1  # the zip is shared


def test_chosen_items_and_years(get, serve):
    dataset = get(Batis(items=("SI1", "SC"), years=(2022,)), serve(FakeBatis()))
    assert dataset.key == "batis:202512:SC.SI1:2022"
    assert dataset.years == (2022,)
    assert set(dataset.read()["sector"]) == {"SC", "SI1"}
    assert dataset.sectors.read_text(encoding="utf-8").splitlines()[2] == "SI1,services,1,SI1"


def test_missing_values_are_left_out_and_zeros_are_kept(get, serve):
    rows = [*toy_rows((2021,)), ("YU", "US", "X", "SA", 2021, None),
            ("YU", "DE", "X", "SA", 2021, 0.0)]  # fmt: skip
    dataset = get(Batis(), serve(FakeBatis(rows)))
    found = flows(dataset)
    assert found[("SCG", "DEU", "SA", 2021)] == 0.0
    assert ("SCG", "USA", "SA", 2021) not in found
    assert "1 rows without a balanced value left out" in dataset.statements


def test_free_zones_are_no_country(get, serve):
    rows = [*toy_rows((2021,)), ("FRE", "US", "X", "SA", 2021, 3.0)]
    dataset = get(Batis(), serve(FakeBatis(rows)))
    assert "1 rows of areas that are not countries left out" in dataset.statements
    assert set(dataset.read()["exporter"]) == set(ISO3.values())


def test_negative_values_are_told(get, serve):
    rows = [*toy_rows((2021,)), ("YU", "US", "X", "SF", 2021, -2.0)]
    dataset = get(Batis(), serve(FakeBatis(rows)))
    assert flows(dataset)[("SCG", "USA", "SF", 2021)] == -2e6
    assert any(said.startswith("1 negative values kept") for said in dataset.statements)


def test_small_blocks_give_the_same(get, serve, monkeypatch, store):
    server = serve(FakeBatis())
    whole = flows(get(Batis(), server))
    monkeypatch.setattr(csv_stream, "BLOCK", 2000)
    assert flows(get(Batis(), server, refresh=True)) == whole


def test_nothing_is_left_beside_the_zip(get, serve, store):
    dataset = get(Batis(), serve(FakeBatis()))
    folder = store.raw_folder("batis", "202512")
    assert sorted(path.suffix for path in folder.glob("[!.]*")) == [".json", ".zip"]
    assert dataset.rows == len(flows(dataset))


# Two servers --------------------------------------------------------------------------------------


def test_the_wto_is_asked_where_the_oecd_keeps_programs_out(get, serve):
    server = serve(FakeBatis(oecd=False))
    dataset = get(Batis(), server)
    assert [request.path for request in server.requests] == [OECD, WTO]
    assert dataset.raw[0]["url"].endswith("BATIS_data_BPM6-1.zip")
    assert dataset.rows


def test_the_wto_is_asked_where_the_oecd_is_down_and_its_copy_is_kept(get, serve):
    class Down(FakeBatis):
        def __call__(self, request):
            return Reply(status=503) if request.path == OECD else super().__call__(request)

    server = serve(Down())
    get(Batis(), server)
    get(Batis(items=("total",)), server)
    assert [request.path for request in server.requests].count(WTO) == 1


def test_the_wto_may_have_another_edition(get, serve, store):
    with pytest.raises(SourceError, match=r"expected one .*December2025_bulk\.csv .*June2026"):
        get(Batis(), serve(FakeBatis(oecd=False, edition="June2026")))
    assert not store.datasets()


def test_pages_from_both_servers(get, serve, store):
    class Closed(FakeBatis):
        def zip(self) -> bytes:
            return b"<html>Just a moment</html>"

    with pytest.raises(SourceError, match="a web page instead of a zip") as caught:
        get(Batis(), serve(Closed(oecd=False)))
    assert "December2025_bulk.zip" in caught.value.remedy
    assert "www.wto.org" in caught.value.remedy
    assert not list(store.folder.rglob("*.zip*"))


def test_downloaded_by_hand(get, serve, tmp_path):
    server = serve(FakeBatis(oecd=False))
    (tmp_path / OECD.rpartition("/")[2]).write_bytes(FakeBatis().zip())
    assert get(Batis(), server, given=tmp_path).rows
    with pytest.raises(InputError, match=r"content of OECD-WTO_BATIS_BPM6_December2025_bulk"):
        get(Batis(years=(2021,)), server, given=tmp_path.parent)
    assert not server.requests


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("ZZ9", "US", "X", "SA", 2021, 1.0)], "which country 'ZZ9'"),
        ([("QZ", "US", "X", "SA", 2021, 1.0)], "which country 'QZ'"),
        ([("DE", "US", "E", "SA", 2021, 1.0)], r"column 'Flow'.*found 'E'"),
        ([("DE", "US", "X", "SA", 2021, 1.0)], r"1 flows of 2021 occur twice"),
    ],
)
def test_strange_rows_are_refused(get, serve, store, rows, says):
    with pytest.raises(SourceError, match=says):
        get(Batis(), serve(FakeBatis([*toy_rows((2021,)), *rows])))
    assert not store.datasets()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("Balanced_value", "Balanced", 1), "expected column Balanced_v"),
        (lambda text: text.replace(",c,US,c,X", ",c,US,k,X", 1), r"type_Partner.*found 'k'"),
        (lambda text: text.replace("2021,,", "20x1,,", 1), r"cannot be read.*20x1"),
        (lambda text: text.replace("2021,,", ",,", 1), r"column 'Year': a cell is empty"),
        (lambda text: text[:-9], r"cannot be read"),
    ],
)
def test_a_changed_file_is_refused(get, serve, store, change, says):
    class Changed(FakeBatis):
        def text(self) -> str:
            return change(super().text())

    with pytest.raises(SourceError, match=says):
        get(Batis(), serve(Changed()))
    assert not store.datasets()


def test_items_and_years_that_are_not_there(get, serve):
    server = serve(FakeBatis())
    with pytest.raises(SourceError, match=r"no exports of SI3 .*SA, SB"):
        get(Batis(items=("SC", "SI3")), server)
    with pytest.raises(SourceError, match=r"no 2019 \(years found: 2021-2022\)"):
        get(Batis(years=(2019, 2021)), server)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"release": "2025"}, "'2025' is not an edition"),
        ({"items": ()}, "no item is named"),
        ({"items": ("SC", "SC")}, "named twice"),
        ({"items": ("SC", "SC1")}, "SC1 is part of SC"),
        ({"items": ("S", "SC")}, "'S' is not an item|S is a sum"),
        ({"items": ("total", "SC")}, "'total' is not an item"),
        ({"items": ("SOX", "SC")}, "SOX is a sum of other items"),
        ({"years": (2004, 2005)}, "begins in 2005, not in 2004"),
        ({"items": ("sc",)}, "'sc' is not an item"),
    ],
)
def test_options_that_do_not_fit(options, says):
    with pytest.raises(InputError, match=says):
        Batis(**options)


@given(st.lists(st.sampled_from([*MAIN, "SC1", "SI1", "SI2", "SJ34", "SF1"]), min_size=1,
                unique=True))  # fmt: skip
def test_accepted_items_never_overlap(items):
    try:
        made = Batis(items=tuple(items))
    except InputError:
        assert any(a != b and b.startswith(a) for a in items for b in items)
        return
    assert not any(a != b and b.startswith(a) for a in items for b in items)
    assert made.key == Batis(items=tuple(reversed(items))).key
