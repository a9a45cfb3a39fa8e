"""ICIO: tables as a run reads them, flows that are their sums, and a source that keeps bots out."""

from __future__ import annotations

import dataclasses
import zipfile

import numpy as np
import pandas as pd
import pytest
from fake_sources.icio import ALIVE, FakeIcio, ToyTable

from features.data.input_output import read_table_year
from features.data.panel import TradePanel
from features.data.sectors import SectorAttributes
from features.errors import InputError, SourceError, UnreachableError
from features.sources import icio_reading
from features.sources.icio import Icio
from features.sources.icio_reading import INDUSTRIES, SECTORS


@pytest.fixture
def small(monkeypatch) -> FakeIcio:
    """An edition of three economies."""
    monkeypatch.setattr(icio_reading, "ECONOMIES", len(ALIVE))
    return FakeIcio(ALIVE)


def changed(fake: FakeIcio, year: int, change) -> None:
    """Serve a table after a change to its cells, output as before or closed again."""
    table = ToyTable(year, fake.economies)
    change(table)
    fake.texts[year] = table.text()


# Tables -------------------------------------------------------------------------------------------


def test_tables_pass_the_checks_of_a_run(get, serve, small):
    dataset = get(Icio(years=(2018, 2019)), serve(small))
    assert dataset.kind == "tables"
    assert dataset.key == "icio:2025:tables:2018-2019"
    files = sorted(part.file for part in dataset.parts)
    assert files == ["gross_output.parquet", "wiot_2018.parquet", "wiot_2019.parquet"]
    toy = ToyTable(2019)
    table = read_table_year(dataset.folder, 2019)
    assert table.countries == ALIVE
    selling = [code for code, row in zip(toy.rows, toy.cells, strict=True) if row.any()]
    assert set(table.sectors) == {code.partition("_")[2] for code in selling if "_" in code}
    assert table.notes.largest_gap < 1e3  # USD: float32 of a million
    assert table.output.sum() == pytest.approx(toy.cells[:150, -1].sum() * 1e6, rel=1e-6)
    # Value added as published and the taxes that industries pay.
    made = toy.cells[-3:-1, :150].sum() * 1e6
    assert table.value_added.sum() == pytest.approx(made, rel=1e-6)


def test_every_cell_is_where_the_source_has_it(get, serve, small):
    dataset = get(Icio(years=(2019,)), serve(small))
    toy = ToyTable(2019)
    frame = pd.read_parquet(dataset.folder / "wiot_2019.parquet").astype({"value_musd": float})
    assert list(frame.columns) == ["source_country", "source_sector", "use_country", "use",
                                   "value_musd"]  # fmt: skip
    got = frame.set_index(list(frame.columns[:4]))["value_musd"].to_dict()
    sellers, users = ([n.split("_", 1) for n in names[:150]] for names in (toy.rows, toy.columns))
    found = [[got.get((*seller, *user), 0.0) for user in users] for seller in sellers]
    np.testing.assert_allclose(found, toy.cells[:150, :150], rtol=1e-6, atol=1e-12)
    paper = ("CHN", "A01", "DEU")
    row = toy.rows.index("CHN_A01")
    cell = {use: toy.cells[row, toy.columns.index(f"DEU_{use}")] for use in
            ("HFCE", "NPISH", "GGFC", "GFCF", "INVNT", "DPABR")}  # fmt: skip
    assert got[(*paper, "HOUSEHOLD")] == pytest.approx(cell["HFCE"] + cell["DPABR"])
    assert got[(*paper, "NONPROFIT")] == pytest.approx(cell["NPISH"])
    assert got[(*paper, "GOVERNMENT")] == pytest.approx(cell["GGFC"])
    assert got[(*paper, "GFCF")] == pytest.approx(cell["GFCF"])
    assert got[(*paper, "INVENTORY")] == pytest.approx(cell["INVNT"]) == -3.5
    assert (frame["value_musd"] != 0).all()
    assert any("TLS" in said for said in dataset.statements)


def test_a_code_with_an_underscore_is_an_industry(get, serve, small):
    changed(small, 2019, lambda t: (t.cells.__setitem__(t.at("DEU_C17_18", "CHN_J62_63"), 55.0),
                                    t.close()))  # fmt: skip
    dataset = get(Icio(years=(2019,)), serve(small))
    frame = pd.read_parquet(dataset.folder / "wiot_2019.parquet")
    sale = frame.query("source_sector == 'C17_18' and use == 'J62_63' and use_country == 'CHN'")
    assert sale.set_index("source_country")["value_musd"]["DEU"] == 55.0


def test_negative_sales_to_industries_go_to_inventories(get, serve, small):
    changed(small, 2019, lambda t: (t.cells.__setitem__(t.at("CHN_A01", "DEU_A03"), -0.5),
                                    t.close()))  # fmt: skip
    dataset = get(Icio(years=(2019,)), serve(small))
    table = read_table_year(dataset.folder, 2019)
    assert table.notes.largest_gap < 1e3
    assert any("negative sales to industries" in said for said in dataset.statements)


# Flows --------------------------------------------------------------------------------------------


def test_flows_are_the_sums_of_the_tables(get, serve, small):
    server = serve(small)
    tables = get(Icio(years=(2019,)), server)
    flows = get(Icio(what="flows", years=(2019,)), server)
    assert flows.kind == "trade"
    table = read_table_year(tables.folder, 2019)
    panel = TradePanel.from_frame(flows.read(), domestic="include")
    assert panel.flows.countries == table.countries
    assert panel.flows.sectors == table.sectors
    frame = flows.read()
    placed = frame.set_index(["exporter", "importer", "sector"])["value_usd"].to_dict()
    for (e, i, s), value in np.ndenumerate(table.flows()):
        key = (table.countries[e], table.countries[i], table.sectors[s])
        assert placed.get(key, 0.0) == pytest.approx(value, rel=1e-6)
    assert any(e == i for e, i, _ in placed)  # domestic sales


def test_the_zips_are_shared_by_tables_and_flows(get, serve, small):
    server = serve(small)
    get(Icio(years=(2000, 2001)), server)
    asked = len(server.requests)
    get(Icio(what="flows", years=(2000, 2001)), server)
    assert asked == 2  # the zips of 1995-2000 and 2001-2005
    assert len(server.requests) == asked


def test_sectors_of_the_flows(get, serve, small):
    dataset = get(Icio(what="flows", years=(2019,)), serve(small))
    sectors = SectorAttributes.read(dataset.sectors, sectors=SECTORS)
    assert len(sectors.sectors) == 50
    kinds = dict(zip(SECTORS, zip(sectors.services, sectors.digital, strict=True), strict=True))
    assert kinds["A01"] == kinds["C26"] == (False, False)
    assert kinds["H53"] == kinds["L"] == kinds["F"] == (True, False)
    assert kinds["K"] == kinds["J62_63"] == kinds["J61"] == kinds["P"] == (True, True)
    assert sectors.names[SECTORS.index("C17_18")] == "Paper and printing"
    assert all(one.name for one in INDUSTRIES)
    assert Icio().sector_table(()) is None


def test_the_edition_of_81_economies(get, serve):
    dataset = get(Icio(what="flows", years=(2022,)), serve(FakeIcio(years=(2022,))))
    assert set(dataset.read()["exporter"]) == set(ALIVE)
    with pytest.raises(SourceError, match=r"4,537 columns of 81 economies .* 169 of 3"):
        get(Icio(what="flows", years=(2015,)), serve(FakeIcio(ALIVE, years=(2015,))))


# What is refused ----------------------------------------------------------------------------------


def test_a_page_instead_of_a_zip(get, serve, store, tmp_path):
    with pytest.raises(SourceError, match=r"a web page instead of a zip.*by|--from") as caught:
        get(Icio(years=(2019,)), serve(FakeIcio(bots=True)))
    assert "browser" in caught.value.remedy
    assert "2016-2022_SML.zip" in caught.value.remedy
    assert not list(store.folder.rglob("*.zip*"))
    # Nor is a page saved under the name of the zip.
    (tmp_path / "2016-2022_SML.zip").write_text("<html>", encoding="utf-8")
    with pytest.raises(SourceError, match="a web page"):
        get(Icio(years=(2019,)), serve(FakeIcio(bots=True)), given=tmp_path)


def test_no_network_names_the_tables_that_are_there(get, serve, small):
    made = get(Icio(years=(2019,)), serve(small))
    gone = serve(small)
    gone.stop()
    with pytest.raises(UnreachableError, match=f"of use meanwhile: {made.key}"):
        get(Icio(years=(2001,)), gone)


def test_downloaded_by_hand(get, serve, small, tmp_path):
    (tmp_path / "2016-2022_SML.zip").write_bytes(small.bundle(2016, 2022))
    server = serve(FakeIcio(bots=True))
    assert get(Icio(years=(2019,)), server, given=tmp_path).parts
    assert not server.requests


def _without_a_row(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[:7], *lines[8:]]) + "\n"


def _without_a_column(text: str) -> str:
    return "\n".join(line.rpartition(",")[0] for line in text.splitlines()) + "\n"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_without_a_row, r"expected 153 rows, found 152"),
        (_without_a_column, r"expected 169 columns .* found 168 .*OUT"),
        (lambda text: text.replace("DEU_C301", "DEU_C30"), r"absent: .*DEU_C30"),
        (lambda text: text.replace("\nDEU_C301,", "\nDEU_C30,"), r"no row 'DEU_C30'"),
        (lambda text: text.replace("CHN_", "CN1_"), r"which country 'CN1'"),
        (lambda text: text.replace("\nVA,", "\nVAX,"), r"no row 'VAX'"),
        (lambda text: text.replace(",700,", ",,", 1), r"a cell of row .* is empty"),
        (lambda text: text.replace(",700,", ",n.a.,", 1), r"cannot be read .*n\.a\."),
        (lambda text: text.replace(",700,", ",900,", 1), r"row CHN_A01 adds up to .* output is"),
        (lambda text: text[: len(text) // 2], r"cannot be read|expected 153 rows"),
    ],
)
def test_a_changed_file_is_refused(get, serve, small, store, change, says):
    small.texts[2019] = change(small.text(2019))
    with pytest.raises(SourceError, match=says):
        get(Icio(years=(2019,)), serve(small))
    assert not store.datasets()


def test_a_column_that_does_not_add_up(get, serve, small):
    def shift(table: ToyTable) -> None:
        table.cells[table.at("VA", "DEU_A03")] += 400

    changed(small, 2019, shift)
    with pytest.raises(SourceError, match="column DEU_A03 adds up to"):
        get(Icio(years=(2019,)), serve(small))


def test_an_output_row_that_is_empty(get, serve, small):
    lines = small.text(2019).splitlines()
    small.texts[2019] = "\n".join([*lines[:-1], "OUT" + "," * 169]) + "\n"
    with pytest.raises(SourceError, match=r"column .* adds up to .* its output is 0"):
        get(Icio(years=(2019,)), serve(small))


def test_a_zip_without_the_year(get, serve, small, tmp_path):
    with zipfile.ZipFile(tmp_path / "2016-2022_SML.zip", "w") as archive:
        archive.writestr("2019.csv", "")
    with pytest.raises(SourceError, match=r"expected one 2019_SML\.csv .*, found 2019\.csv"):
        get(Icio(years=(2019,)), serve(small), given=tmp_path)


def test_a_broken_zip(get, serve, small, tmp_path):
    whole = small.bundle(2016, 2022)
    (tmp_path / "2016-2022_SML.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="archive is broken"):
        get(Icio(years=(2019,)), serve(small), given=tmp_path)


@pytest.mark.parametrize("at", [0.1, 0.3, 0.5, 0.7])
def test_a_damaged_zip(get, serve, small, tmp_path, at):
    damaged = bytearray(small.bundle(2016, 2022))
    for place in range(int(len(damaged) * at), len(damaged), 997):
        damaged[place] ^= 0x55
    (tmp_path / "2016-2022_SML.zip").write_bytes(damaged)
    with pytest.raises(SourceError):
        get(Icio(years=tuple(range(2016, 2023))), serve(small), given=tmp_path)


def test_options_that_do_not_fit():
    for options, says in (
        ({"what": "goods"}, "unknown --what 'goods'"),
        ({"release": "2023"}, "unknown --release '2023'"),
        ({"years": (1990, 2000)}, "has no 1990: it has 1995-2022"),
    ):
        with pytest.raises(InputError, match=says):
            Icio(**options)


def test_keys_and_addresses():
    assert Icio().key == "icio:2025:tables:all"
    assert Icio(what="flows", years=tuple(range(2000, 2010))).key == "icio:2025:flows:2000-2009"
    assert len(Icio().locate()) == 5
    assert Icio(years=(2001,)).locate() == (
        "https://webfs-sti.oecd.org/files/STI-PIE/ICIO/2025/2001-2005_SML.zip",
    )
    assert dataclasses.fields(Icio)[0].metadata["help"]
