"""BACI from its server to the panel, with every trap of its files."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from fake_sources.baci import COUNTRIES, ROWS, FakeBaci, release_zip
from fake_sources.server import ranged
from hypothesis import given, settings
from hypothesis import strategies as st

from features.countries.source_codes import numeric_to_iso3
from features.data.panel import TradePanel
from features.data.sectors import SectorAttributes
from features.errors import InputError, SourceError
from features.sources.baci import Baci, BaciArchive
from features.sources.baci_reading import aggregate_year, repaired
from features.sources.harmonized_system import CHAPTERS, level_named, section_of
from features.sources.technology import Technology
from features.store.fetching import fetch
from features.store.store import Store
from features.tidy.parts import Notes

HS96 = "BACI_HS96_V202601"
BACI = Baci(revision="HS96")


def value(frame: pd.DataFrame, exporter: str, importer: str, **at: object) -> float:
    rows = (frame["exporter"] == exporter) & (frame["importer"] == importer)
    for column, wanted in at.items():
        rows &= frame[column] == wanted
    return float(frame.loc[rows, "value_usd"].sum())


def oracle(rows: dict[int, tuple], digits: int) -> pd.DataFrame:
    """The slow obvious way, from the same rows."""
    table = [
        (numeric_to_iso3(str(i)), numeric_to_iso3(str(j)), k[:digits], year, v * 1e3)
        for year, given in rows.items()
        for i, j, k, v, _ in given
    ]
    frame = pd.DataFrame(table, columns=["exporter", "importer", "sector", "year", "value_usd"])
    keys = ["exporter", "importer", "sector", "year"]
    return frame.groupby(keys, as_index=False)["value_usd"].sum()


@pytest.mark.parametrize(("level", "digits"), [("hs2", 2), ("hs4", 4), ("hs6", 6)])
def test_a_release_becomes_flows_by_product(serve, get, level, digits):
    made = get(Baci(revision="HS96", level=level), serve(FakeBaci()))
    frame = made.read().astype({"exporter": "str", "importer": "str", "sector": "str"})
    keys = ["exporter", "importer", "sector", "year"]
    frame = frame.sort_values(keys, ignore_index=True)[[*keys, "value_usd"]]
    pd.testing.assert_frame_equal(
        frame.astype({"year": "int64"}), oracle(ROWS, digits), check_dtype=False
    )
    assert made.key == f"baci:HS96:202601:{level}"
    assert made.years == (1996, 1997)


def test_totals_sections_and_technology_are_sums_of_the_same_rows(serve, get):
    server = serve(FakeBaci())
    total = get(Baci(revision="HS96", level="total"), server).read()
    assert "sector" not in total.columns
    assert value(total, "TWN", "USA", year=1997) == pytest.approx(7_000)
    sections = get(Baci(revision="HS96", level="section"), server).read()
    assert value(sections, "TWN", "USA", sector="s01") == pytest.approx(3_000)
    assert value(sections, "ZAF", "CHN", sector="s99") == pytest.approx(3_250)
    goods = get(Baci(revision="HS96", level="technology"), server).read()
    assert set(goods["sector"]) == {"robots", "semiconductors"}
    assert value(goods, "DEU", "USA", sector="robots", year=1996) == pytest.approx(100_000)
    # One download served four data sets.
    assert len(server.requests) == 1


def test_what_codes_mean_is_said(serve, get):
    made = get(Baci(revision="HS96", level="total"), serve(FakeBaci()))
    said = " ".join(made.statements)
    for sentence in ("Belgium-Luxembourg", "Customs Union", "Other Asia", "1997 is provisional"):
        assert sentence in said
    frame = made.read()
    assert value(frame, "NAM", "IND") == pytest.approx(176)  # Namibia's NA, and India's 699
    assert value(frame, "BEL", "FRA", year=1996) == pytest.approx(10_000)


def test_the_panel_reads_it_with_its_sectors(serve, get):
    made = get(Baci(revision="HS96"), serve(FakeBaci()))
    panel = TradePanel.from_frame(made.read(), file=made.key)
    assert panel.notes.absent_means == made.absent == "zero"
    attributes = SectorAttributes.read(made.sectors, sectors=panel.flows.sectors)
    kinds = dict(zip(attributes.sectors, attributes.manufacturing, strict=True))
    assert kinds == {"01": False, "84": True, "85": True, "99": False}


@pytest.mark.parametrize(
    ("code", "iso3"),
    [(56, "BEL"), (58, "BEL"), (251, "FRA"), (276, "DEU"), (280, "DEU"), (490, "TWN"),
     (516, "NAM"), (530, "ANT"), (579, "NOR"), (699, "IND"), (711, "ZAF"), (729, "SDN"),
     (736, "SDN"), (757, "CHE"), (842, "USA"), (849, "PUS"), (891, "SCG")],
)  # fmt: skip
def test_codes_that_are_not_of_iso_or_share_a_country(serve, get, code, iso3):
    rows = {1996: ((code, 392, "010121", 5.0, None), (392, code, "010121", 7.0, None))}
    made = get(Baci(revision="HS96", level="total"), serve(FakeBaci(**{HS96: release_zip(rows)})))
    assert value(made.read(), iso3, "JPN") == pytest.approx(5_000)
    assert value(made.read(), "JPN", iso3) == pytest.approx(7_000)


def test_a_code_that_only_the_list_knows_has_the_meaning_of_the_list(serve, get):
    countries = COUNTRIES + "383,Kosovo,XK,XKX\n"
    rows = {1996: ((383, 392, "010121", 5.0, None),)}
    body = release_zip(rows, countries=countries)
    made = get(Baci(revision="HS96", level="total"), serve(FakeBaci(**{HS96: body})))
    assert value(made.read(), "XKX", "JPN") == pytest.approx(5_000)


OLD_HEADER = (
    "country_code,country_name_abbreviation,country_name_full,iso_2digit_alpha,iso_3digit_alpha"
)


@pytest.mark.parametrize(
    ("release", "countries"),
    [("202301", f"{OLD_HEADER}\n4,Afghanistan,Afghanistan,AF,AFG\n8,Albania,Albania,AL,ALB\n"),
     ("202401b", "country_code,country_name,country_iso2,country_iso3\n4,A,AF,AFG\n8,B,AL,ALB\n")],
)  # fmt: skip
def test_releases_before_2024_and_with_a_letter_are_read(serve, get, release, countries):
    rows = {1996: ((4, 8, "010121", 5.0, 1.0),)}
    body = release_zip(rows, release=release, countries=countries)
    server = serve(FakeBaci(**{f"BACI_HS96_V{release}": body}))
    made = get(Baci(revision="HS96", level="total", release=release), server)
    assert value(made.read(), "AFG", "ALB") == pytest.approx(5_000)
    assert made.release == release


def test_an_unknown_code_is_dropped_only_where_the_user_says_so(serve, get):
    rows = {1996: ((999, 842, "010121", 1.0, None), (276, 842, "010121", 5.0, None))}
    server = serve(FakeBaci(**{HS96: release_zip(rows)}))
    with pytest.raises(SourceError, match=r"999 .Nowhere at all.*--unknown-codes drop"):
        get(Baci(revision="HS96", level="total"), server)
    made = get(Baci(revision="HS96", level="total"), server, unknown_codes="drop")
    assert value(made.read(), "DEU", "USA") == pytest.approx(5_000)
    assert any(said.startswith("1 rows of '999'") for said in made.statements)


def test_two_codes_of_one_country_in_one_year_are_added(serve, get):
    rows = {1996: tuple((code, 392, "010121", 5.0, None) for code in (56, 58, 729, 736))}
    made = get(Baci(revision="HS96", level="total"), serve(FakeBaci(**{HS96: release_zip(rows)})))
    assert value(made.read(), "BEL", "JPN") == value(made.read(), "SDN", "JPN") == 10_000
    assert made.rows == 2


def test_a_product_that_has_lost_its_leading_zero_is_the_same_product(serve, get):
    rows = {1996: ((276, 842, "10121", 5.0, None), (276, 842, "010599", 7.0, 1.0))}
    made = get(Baci(revision="HS96"), serve(FakeBaci(**{HS96: release_zip(rows)})))
    assert value(made.read(), "DEU", "USA", sector="01") == pytest.approx(12_000)
    assert made.rows == 1


@pytest.mark.parametrize("missing", ["           NA", "", "NA"])
def test_a_quantity_may_be_missing_in_any_way(serve, get, missing):
    body = release_zip(missing=missing)
    made = get(Baci(revision="HS96", level="hs6"), serve(FakeBaci(**{HS96: body})))
    assert made.rows == sum(map(len, ROWS.values()))


@pytest.mark.parametrize("other", [{"release": "202501"}, {"revision": "HS02"}])
def test_a_zip_of_another_release_is_refused(store, tmp_path, other):
    """As a file saved under a wrong name would be: two releases never mix."""
    (tmp_path / f"{HS96}.zip").write_bytes(release_zip(**other))
    for wanted in (Baci(revision="HS96"), Technology()):
        with pytest.raises(SourceError, match="another release than 202601 of HS96"):
            fetch(wanted, store=store, given=tmp_path)
    assert store.datasets() == []


def test_each_release_is_a_data_set_of_its_own(serve, get, store):
    old = {1996: ROWS[1996]}
    bodies = {HS96: release_zip(), "BACI_HS96_V202501": release_zip(old, release="202501")}
    server = serve(FakeBaci(**bodies))
    new, before = get(Baci(revision="HS96"), server), get(Baci(revision="HS96", release="202501"),
                                                          server)  # fmt: skip
    assert (new.years, before.years) == ((1996, 1997), (1996,))
    assert {d.release for d in store.datasets()} == {"202501", "202601"}
    assert len(server.requests) == 2


def test_areas_that_are_no_country_are_counted(serve, get):
    rows = {1996: (*ROWS[1996], (697, 842, "010121", 5.0, None))}
    made = get(
        Baci(revision="HS96", level="total"),
        serve(FakeBaci(**{HS96: release_zip(rows)})),
    )
    assert "1 rows of areas that are not countries left out" in made.statements


@pytest.mark.parametrize("code", [999, 17, 123456])
def test_an_unknown_country_stops_and_is_named(serve, get, refused, code):
    rows = {1996: ((code, 842, "010121", 5.0, None),)}
    server = serve(FakeBaci(**{HS96: release_zip(rows)}))
    refused(lambda: get(Baci(revision="HS96"), server), file="BACI_HS96_Y1996_V202601.csv",
            column="i or j", says="no table says which country "
            + {17: "17", 123456: "123456"}.get(code, "999 (Nowhere at all)"))  # fmt: skip


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ((842, 156, "ABC", 1.0, None), "k", "'ABC' is not a six-digit product"),
        ((842, 156, "", 1.0, None), "k", "'' is not a six-digit product"),
        ((842, 156, "010121", float("inf"), None), "v", "not a positive number (inf)"),
        ((842, 156, "010121", 0.0, None), "v", "not a positive number (0.0)"),
        ((842, 156, "010121", float("nan"), None), "v", "not a positive number"),
    ],
)
def test_a_broken_row_stops_with_its_file_and_column(serve, get, refused, row, column, says):
    server = serve(FakeBaci(**{HS96: release_zip({1996: (row,)})}))
    refused(lambda: get(Baci(revision="HS96"), server), file="BACI_HS96_Y1996_V202601.csv",
            column=column, says=says)  # fmt: skip


def test_a_row_of_another_year_stops(tmp_path, refused):
    path = tmp_path / "release.zip"
    body = release_zip({1996: ROWS[1996]})
    path.write_bytes(body)
    archive = BaciArchive.open(path, revision="HS96", release="202601")
    refused(
        lambda: aggregate_year(path, archive.members[1996], year=1995,
                               countries=archive.countries, level=level_named("hs2"),
                               notes=Notes()),
        file=archive.members[1996], column="t", says="another year (1996)",
    )  # fmt: skip


def test_changed_columns_are_named(serve, get):
    server = serve(FakeBaci(**{HS96: release_zip(header="t,i,j,product,v,q")}))
    with pytest.raises(SourceError, match="expected column k, found t, i, j, product, v, q"):
        get(Baci(revision="HS96"), server)


@pytest.mark.parametrize("without", ["country_codes", "BACI_"])
def test_a_release_without_its_lists_stops(serve, get, without):
    server = serve(FakeBaci(**{HS96: release_zip(without=without)}))
    with pytest.raises(SourceError, match="no yearly files or no country_codes"):
        get(Baci(revision="HS96"), server)


def test_a_zip_with_a_wrong_byte_stops_or_gives_the_same(tmp_path, serve, get):
    """Wherever the byte is: only names, dates and the readme can be wrong without harm."""
    whole = release_zip()
    expected = get(Baci(revision="HS96"), serve(FakeBaci())).read()
    for place in range(0, len(whole), 31):
        body = bytearray(whole)
        body[place] ^= 0xFF
        given = tmp_path / f"{place}"
        given.mkdir()
        (given / f"{HS96}.zip").write_bytes(body)
        try:
            made = fetch(Baci(revision="HS96"), store=tmp_path / f"store-{place}", given=given)
        except InputError:
            assert Store(tmp_path / f"store-{place}").datasets() == []
        else:
            pd.testing.assert_frame_equal(made.read(), expected)


def test_an_unknown_release_names_what_there_is(serve, get):
    with pytest.raises(SourceError, match=r"no release 209901 of HS96.*202601 to 2024"):
        get(Baci(revision="HS96", release="209901"), serve(FakeBaci()))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"revision": "HS99"}, "unknown --revision 'HS99'"),
        ({"release": "2026"}, "not a release of BACI"),
        ({"release": "202613"}, "not a release of BACI"),
        ({"level": "hs3"}, "unknown --level 'hs3'"),
        ({"level": "technology"}, "HS92 has no code for industrial robots"),
        ({"revision": "HS17", "years": (2015,)}, "HS17 begins in 2017"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_any_request(options, says):
    with pytest.raises(InputError, match=says):
        Baci(**options)


def test_years_are_chosen_and_an_absent_one_is_refused(serve, get):
    server = serve(FakeBaci())
    made = get(Baci(revision="HS96", years=(1997,)), server)
    assert (made.key, made.years) == ("baci:HS96:202601:hs2:1997", (1997,))
    with pytest.raises(InputError, match=r"no 2003: it has 1996-1997"):
        get(Baci(revision="HS96", years=(1997, 2003)), server)


def test_a_year_named_twice_counts_once(serve, get):
    made = get(Baci(revision="HS96", years=(1997, 1997)), serve(FakeBaci()))
    assert made.read()["value_usd"].sum() == pytest.approx(1e3 * sum(r[3] for r in ROWS[1997]))


def test_a_page_in_place_of_the_zip_is_not_kept(serve, get, store):
    page = FakeBaci(BACI_HS96_V202601=b"<!DOCTYPE html><html>Down for maintenance</html>")
    with pytest.raises(SourceError, match="not a complete zip"):
        get(BACI, serve(page))
    assert not list((store.folder / "raw").rglob("*.zip"))
    assert get(BACI, serve(FakeBaci())).rows == 12


def test_a_zip_that_breaks_off_and_says_it_is_whole_is_not_trusted_again(serve, get):
    """Its validator is the whole one's: without care every refresh would call it unchanged."""
    broken = bytearray(release_zip())
    broken[200:220] = bytes(20)
    bodies = iter([bytes(broken), release_zip()])

    def fake(request):
        return ranged(next(bodies), request)

    server = serve(fake)
    with pytest.raises(SourceError, match="--refresh"):
        get(BACI, server)
    assert get(BACI, server, refresh=True).rows == 12
    assert "if-none-match" not in server.requests[-1].headers


@pytest.mark.parametrize(
    ("countries", "says"),
    [
        ("country_code,country_name,country_iso2,country_iso3\n,x,US,USA\n", "'' is not a numeric"),
        ("country_code,country_name,country_iso2,country_iso3\n1000,x,US,USA\n", "'1000' is no"),
        ("country_code,name\n842,USA\n", "expected column country_name, country_iso3"),
    ],
)
def test_a_changed_list_of_countries_is_named(serve, get, countries, says):
    with pytest.raises(SourceError, match=says):
        get(BACI, serve(FakeBaci(BACI_HS96_V202601=release_zip(countries=countries))))


def test_a_list_of_countries_with_a_cell_too_many_is_read(serve, get):
    countries = COUNTRIES.replace(",USA\n", ",USA,extra\n")
    body = release_zip(countries=countries)
    assert get(BACI, serve(FakeBaci(BACI_HS96_V202601=body))).rows == 12


def test_a_last_year_of_half_the_size_is_called_partial(serve, get):
    rows = {1996: ROWS[1996] * 1, 1997: ROWS[1997][:1]}
    made = get(Baci(revision="HS96"), serve(FakeBaci(**{HS96: release_zip(rows)})))
    assert any("1997 seems partial" in said for said in made.statements)


def test_a_name_encoded_twice_is_repaired_and_others_stay():
    assert repaired("C\u00c3\u00b4te d'Ivoire") == "C\u00f4te d'Ivoire"
    assert repaired("C\u00f4te d'Ivoire") == "C\u00f4te d'Ivoire"
    assert repaired("T\u00fcrkiye") == "T\u00fcrkiye"


def test_names_of_products_and_sections():
    assert len(CHAPTERS) == 99
    assert CHAPTERS[83] == "Machinery"
    assert section_of("84") == section_of("85") == "s16"


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_rows_in_any_order_and_any_split_into_blocks_add_up_alike(tmp_path_factory, data):
    codes = [56, 58, 251, 276, 280, 490, 842]
    row = st.tuples(
        st.sampled_from(codes), st.sampled_from(codes), st.sampled_from(["010121", "010599",
        "847950", "9999AA"]), st.floats(0.02, 1e6), st.none(),
    )  # fmt: skip
    rows = data.draw(st.lists(row, min_size=1, max_size=60))
    path = tmp_path_factory.mktemp("baci") / "release.zip"
    path.write_bytes(release_zip({1996: rows}))
    archive = BaciArchive.open(path, revision="HS96", release="202601")
    with pytest.MonkeyPatch.context() as patch:
        # The smallest block holds one row: every flow is split over blocks.
        patch.setattr("features.tidy.csv_stream.BLOCK", data.draw(st.sampled_from([64, 1024])))
        flows = aggregate_year(path, archive.members[1996], year=1996,
                               countries=archive.countries, level=level_named("hs2"),
                               notes=Notes())  # fmt: skip
    rounded = {1996: tuple((i, j, k, round(v, 3), q) for i, j, k, v, q in rows)}
    expected = oracle(rounded, 2)
    names, sectors = np.array(flows.names), np.array(flows.sectors)
    made = pd.DataFrame(
        {
            "exporter": names[flows.exporter],
            "importer": names[flows.importer],
            "sector": sectors[flows.sector],
            "value_usd": flows.value * 1e3,
        }
    ).sort_values(["exporter", "importer", "sector"], ignore_index=True)
    pd.testing.assert_frame_equal(made, expected.drop(columns="year"), check_dtype=False, rtol=1e-9)


@pytest.mark.parametrize(("level", "sector", "name"), [
    ("hs6", "010121", "Horses: live, pure-bred breeding animals"),
    ("hs6", "010599", "P\u00e2t\u00e9s sur pied"),  # encoded twice in the list
    ("hs6", "9999AA", "Commodities not specified according to kind **LEGACY NON-WCO CODE**"),
    ("hs4", "8542", "Heading 8542"),
    ("hs2", "85", "Electrical equipment"),
])  # fmt: skip
def test_sectors_have_names_and_every_sector_of_the_panel_a_row(serve, get, level, sector, name):
    made = get(Baci(revision="HS96", level=level), serve(FakeBaci()))
    panel = TradePanel.from_frame(made.read())
    attributes = SectorAttributes.read(made.sectors, sectors=panel.flows.sectors)
    assert dict(zip(attributes.sectors, attributes.names, strict=True))[sector] == name


def test_the_zip_of_the_fake_is_whole():
    assert zipfile.ZipFile(io.BytesIO(release_zip())).testzip() is None
