"""ITPD-E: two releases' columns, filled zeros as missing, one pass in memory of one year."""

from __future__ import annotations

import random

import pytest
from fake_sources.itpde import FakeItpde, broad_sector, toy_rows

from features.data.panel import TradePanel
from features.data.sectors import SectorAttributes
from features.errors import InputError, SourceError
from features.sources.itpde import SERVICES, Itpde
from features.tidy import csv_stream

BROAD = {"Agriculture": "agriculture", "Mining and Energy": "mining_energy",
         "Manufacturing": "manufacturing", "Services": "services"}  # fmt: skip


def flows(dataset) -> dict[tuple, float]:
    frame = dataset.read()
    keys = [name for name in frame.columns if name != "value_usd"]
    return frame.set_index(keys)["value_usd"].to_dict()


def added(rows, code) -> dict[tuple, float]:
    """Sums by hand."""
    out: dict[tuple, float] = {}
    for exporter, importer, year, industry, value, _ in rows:
        key = (exporter, importer, *code(industry), year)
        out[key] = out.get(key, 0.0) + value * 1e6
    return out


@pytest.mark.parametrize("edition", ["r03", "r02"])
def test_broad_sectors_in_usd(get, serve, edition):
    dataset = get(Itpde(edition=edition), serve(FakeItpde()))
    assert dataset.key == f"itpde:{edition}:sector:all"
    assert dataset.release == edition
    expected = added(toy_rows(), lambda one: (BROAD[broad_sector(one)],))
    assert flows(dataset) == pytest.approx(expected)
    assert ("CAN", "CAN", "services", 2000) in expected  # domestic sales


def test_industries_and_totals(get, serve):
    server = serve(FakeItpde())
    industries = flows(get(Itpde(level="industry"), server))
    assert industries == pytest.approx(added(toy_rows(), lambda one: (f"I{one:03d}",)))
    total = get(Itpde(level="total"), server)
    assert flows(total) == pytest.approx(added(toy_rows(), lambda _: ()))
    assert total.sectors is None
    assert len(server.requests) == 1


def test_filled_zeros_are_missing_and_reported_zeros_are_zero(get, serve):
    rows = [
        *toy_rows(),
        ("CAN", "USA", 2000, 160, 0.0, "u"),
        ("USA", "CAN", 2000, 160, 0.0, "r"),
        ("CAN", "USA", 2001, 160, 5.0, "p"),
        ("USA", "CAN", 2001, 160, 6.0, "p"),
    ]
    dataset = get(Itpde(level="industry"), serve(FakeItpde(rows)))
    assert "1 zeros that fill gaps (flag u) read as missing" in dataset.statements
    panel = TradePanel.from_frame(dataset.read(), absent=dataset.absent)
    found = flows(dataset)
    assert ("CAN", "USA", "I160", 2000) not in found
    assert found[("USA", "CAN", "I160", 2000)] == 0.0
    assert panel.notes.absent_means == "missing"


def test_a_sum_is_over_known_industries_and_missing_where_none_is_known(get, serve):
    rows = [
        *toy_rows(),
        ("CAN", "FRA", 2000, 160, 0.0, "u"),
        ("CAN", "FRA", 2000, 36, 0.0, "u"),
        ("CAN", "FRA", 2000, 37, 4.0, "p"),
    ]
    found = flows(get(Itpde(), serve(FakeItpde(rows))))
    assert found[("CAN", "FRA", "manufacturing", 2000)] == 4e6
    assert ("CAN", "FRA", "services", 2000) not in found


def test_countries_within_other_borders_are_told_and_keep_their_iso_code(get, serve):
    dataset = get(Itpde(), serve(FakeItpde()))
    assert set(dataset.read()["exporter"]) == {"CAN", "PAK", "USA"}
    # 5 of 9 pairs with Pakistan, 8 industries, 2 years.
    assert "80 rows of countries within other borders, under their ISO code" in dataset.statements


def test_a_run_reads_it(get, serve):
    dataset = get(Itpde(level="industry"), serve(FakeItpde()))
    panel = TradePanel.from_frame(dataset.read(), domestic="include")
    sectors = SectorAttributes.read(dataset.sectors, sectors=panel.flows.sectors)
    known = dict(zip(sectors.sectors, zip(sectors.manufacturing, sectors.services, sectors.digital,
                                          strict=True), strict=True))  # fmt: skip
    assert known["I028"] == known["I029"] == known["I035"] == (False, False, False)
    assert known["I036"] == known["I153"] == (True, False, False)
    assert known["I154"] == (False, True, False)
    assert known["I162"] == (False, True, True)
    assert sectors.names[sectors.sectors.index("I162")] == SERVICES[162]
    assert sectors.names[0] == "I001"
    broad = get(Itpde(), serve(FakeItpde()))
    kinds = SectorAttributes.read(broad.sectors, sectors=tuple(BROAD.values()))
    assert kinds.manufacturing.tolist() == [False, False, True, False]
    assert kinds.services.tolist() == [False, False, False, True]


def test_the_order_of_rows_and_the_size_of_blocks_do_not_matter(get, serve, monkeypatch):
    shuffled = toy_rows()
    random.Random(4).shuffle(shuffled)
    monkeypatch.setattr(csv_stream, "BLOCK", 700)
    found = flows(get(Itpde(), serve(FakeItpde(shuffled))))
    assert found == pytest.approx(added(toy_rows(), lambda one: (BROAD[broad_sector(one)],)))


def test_where_totals_jump_is_said(get, serve):
    said = " ".join(get(Itpde(), serve(FakeItpde())).statements)
    assert "Agriculture begins in 1986, mining and manufacturing in 1988, services in 2000" in said


def test_chosen_years(get, serve):
    server = serve(FakeItpde())
    dataset = get(Itpde(years=(2001,)), server)
    assert dataset.key == "itpde:r03:sector:2001"
    assert dataset.years == (2001,)
    with pytest.raises(SourceError, match=r"no 1999 \(years found: 2000-2001\)"):
        get(Itpde(years=(1999, 2000)), server)


def test_nothing_is_left_beside_the_zip_even_after_a_failure(get, serve, store):
    rows = [*toy_rows(), ("CAN", "USA", 2001, 36, 1.0, "p")]
    with pytest.raises(SourceError, match="1 flows of 2001 occur twice"):
        get(Itpde(), serve(FakeItpde(rows)))
    folder = store.raw_folder("itpde", "r03")
    assert not [path for path in folder.iterdir() if path.is_dir()]
    assert not store.datasets()


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "says"),
    [
        # A code that ISO 3166 leaves to users is nobody's in a source.
        (("CAN", "QQQ", 2000, 160, 1.0, "p"), "which country 'QQQ'"),
        (("CAN", "BLX", 2000, 160, 1.0, "p"), "which country 'BLX'"),
        (("CAN", "USA", 2000, 171, 1.0, "p"), r"industries are 1-170, found 171"),
        (("CAN", "USA", 2000, 0, 1.0, "p"), r"industries are 1-170, found 0"),
        (("CAN", "USA", 2000, 160, 1.0, "q"), r"flag_zero.*found 'q'"),
    ],
)
def test_strange_rows_are_refused(get, serve, store, row, says):
    server = serve(FakeItpde([*toy_rows(), row]))
    with pytest.raises(SourceError, match=says):
        get(Itpde(), server)
    assert not store.datasets()


def test_rows_of_an_unknown_country_are_dropped_where_the_user_says_so(get, serve):
    server = serve(FakeItpde([*toy_rows(), ("CAN", "QQQ", 2000, 160, 1.0, "p")]))
    made = get(Itpde(), server, unknown_codes="drop")
    assert any(said.startswith("1 rows of 'QQQ'") for said in made.statements)
    assert "QQQ" not in set(made.read()["importer"].astype("str"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        # The names of release 2 in a file called release 3.
        (lambda text: text.replace("_iso3_dynamic", "_dynamic_code"),
         "expected column exporter_iso3_dynamic, importer_iso3_dynamic"),
        (lambda text: text.replace("flag_zero", "flag", 1), "expected column flag_zero"),
        (lambda text: text.replace(",2001,", ",,", 1), "column 'year': a cell is empty"),
        (lambda text: text.replace(",2001,", ",two,", 1), r"cannot be read.*two"),
        (lambda text: text[:-12], "cannot be read"),
    ],
)  # fmt: skip
def test_a_changed_file_is_refused(get, serve, store, change, says):
    class Changed(FakeItpde):
        def text(self, edition: str) -> str:
            return change(super().text(edition))

    with pytest.raises(SourceError, match=says):
        get(Itpde(), serve(Changed()))
    assert not store.datasets()


def test_a_page_instead_of_a_zip(get, serve, store):
    class Closed(FakeItpde):
        def zip(self, edition: str) -> bytes:
            assert edition == "r03"
            return b"<!DOCTYPE html><title>Access Denied</title>"

    with pytest.raises(SourceError, match="a web page instead of a zip") as caught:
        get(Itpde(), serve(Closed()))
    assert "ITPDE_R03_no_names.zip" in caught.value.remedy
    assert not list(store.folder.rglob("*.zip*"))


def test_options_that_do_not_fit():
    with pytest.raises(InputError, match="unknown --edition 'r01'"):
        Itpde(edition="r01")
    with pytest.raises(InputError, match="unknown --level 'hs2'"):
        Itpde(level="hs2")
    with pytest.raises(InputError, match="begins in 1986, not in 1980"):
        Itpde(years=(1980,))
    assert Itpde().release == "r03"
    assert Itpde(level="total", years=(2000, 2001, 2002)).key == "itpde:r03:total:2000-2002"
