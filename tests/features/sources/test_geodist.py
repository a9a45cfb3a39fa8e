from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_sources.geodist import HEADER, archive, fake_geodist, rows
from fake_sources.server import Reply
from fake_sources.workbooks import xls
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.data.pairs import PairAttributes
from features.download.raw_file import RawFile
from features.errors import SourceError
from features.sources.geodist import GeoDist
from features.store.dataset import Dataset
from features.tidy.parts import Notes

Get = Callable[..., Dataset]
SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "pairs" / "geography.parquet"


def test_old_codes_are_those_of_today(get: Get, serve: Callable) -> None:
    made = get(GeoDist(), serve(fake_geodist()))
    pairs = made.read()
    assert set(pairs["iso3_o"]) == {"DEU", "ROU", "COD", "SRB", "TLS", "PSE", "MSR"}
    assert len(pairs) == 49
    assert any("Serbia and Montenegro" in line for line in made.statements)


def test_yugoslavia_stays_beside_a_serbia_of_its_own(get: Get, serve: Callable) -> None:
    table = [["SRB" if cell == "DEU" else cell for cell in line] for line in rows()]
    made = get(GeoDist(), serve(fake_geodist(table)))
    assert {"SRB", "YUG"} <= set(made.read()["iso3_o"])


def test_a_full_stop_is_an_unknown_distance(get: Get, serve: Callable) -> None:
    made = get(GeoDist(), serve(fake_geodist()))
    pairs = made.read().set_index(["iso3_o", "iso3_d"])
    assert np.isnan(pairs.loc[("MSR", "DEU"), ["distw", "distwces"]]).all()
    assert pairs.loc[("DEU", "ROU"), "distw"] == 205
    assert "13 cells without a weighted distance" in made.statements


def test_it_feeds_a_run(get: Get, serve: Callable) -> None:
    made = get(GeoDist(), serve(fake_geodist()))
    countries = ("COD", "DEU", "PSE", "TLS")
    read = PairAttributes.from_frames([("geodist", made.read())], countries=countries)
    assert read.static["dist"][1, 0] == 300
    assert read.static["comcol"][3, 2] == 1
    assert not read.yearly


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data/pairs/geography.parquet")
def test_columns_are_those_of_the_shared_table(get: Get, serve: Callable) -> None:
    import pyarrow.parquet as pq

    made = get(GeoDist(), serve(fake_geodist()))
    assert set(made.read().columns) == set(pq.read_schema(SHARED).names)


def test_the_workbook_itself_is_taken_from_a_folder(
    get: Get, serve: Callable, tmp_path: Path
) -> None:
    folder = tmp_path / "by hand"
    folder.mkdir()
    (folder / "dist_cepii.xls").write_bytes(xls("dist_cepii", [HEADER, *rows()]))
    server = serve(fake_geodist())
    made = get(GeoDist(), server, given=folder)
    assert made.rows == 49
    assert not server.requests


def test_a_renamed_column_is_named(get: Get, serve: Callable) -> None:
    header = ["language" if name == "comlang_off" else name for name in HEADER]
    with pytest.raises(SourceError, match="expected column comlang_off"):
        get(GeoDist(), serve(fake_geodist(header=header)))


def test_another_sheet_is_named(get: Get, serve: Callable) -> None:
    with pytest.raises(SourceError, match="expected sheet dist_cepii, found Sheet1"):
        get(GeoDist(), serve(fake_geodist(sheet="Sheet1")))


def test_a_word_among_the_numbers_is_refused_with_its_row(get: Get, serve: Callable) -> None:
    table = rows()
    table[4][HEADER.index("dist")] = "far"
    with pytest.raises(SourceError, match="column 'dist', row 6: 'far' is not a number"):
        get(GeoDist(), serve(fake_geodist(table)))


def test_a_pair_twice_is_refused(get: Get, serve: Callable) -> None:
    with pytest.raises(SourceError, match="DEU ROU occurs twice"):
        get(GeoDist(), serve(fake_geodist([*rows(), rows()[1]])))


def test_an_unknown_code_is_refused(get: Get, serve: Callable) -> None:
    table = [["???" if cell == "DEU" else cell for cell in line] for line in rows()]
    with pytest.raises(SourceError, match="which country '\\?\\?\\?' is"):
        get(GeoDist(), serve(fake_geodist(table)))


@pytest.mark.parametrize("body", [b"", b"<html>maintenance</html>"])
def test_what_is_no_archive_is_not_kept(get: Get, serve: Callable, body: bytes) -> None:
    with pytest.raises(SourceError, match="not a complete zip archive"):
        get(GeoDist(), serve(lambda _request: Reply(body)))
    assert get(GeoDist(), serve(fake_geodist())).rows == 49


def test_text_called_xls_is_refused(get: Get, serve: Callable) -> None:
    body = archive("iso_o\tiso_d\n".encode("utf-16"))
    with pytest.raises(SourceError, match="not a complete Excel workbook"):
        get(GeoDist(), serve(lambda _request: Reply(body)))


WORKBOOK = xls("dist_cepii", [HEADER, *rows()])


@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_a_cut_or_garbled_workbook_gives_nothing_but_a_source_error(times: int) -> None:
    """Few at a time: every one is read by a process of its own."""

    @settings(max_examples=times, deadline=None)
    @given(st.integers(0, len(WORKBOOK) - 1), st.booleans(), st.integers(0, 255))
    @example(2198, False, 1)  # rows without codes
    def check(place: int, cut: bool, byte: int) -> None:
        read_damaged(place, cut, byte)

    check()


def read_damaged(place: int, cut: bool, byte: int) -> None:
    content = WORKBOOK[:place] if cut else WORKBOOK[:place] + bytes([byte]) + WORKBOOK[place + 1 :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dist_cepii.xls"
        path.write_bytes(content)
        (part,) = GeoDist().tidy([RawFile(path, "", "", len(content), "")])
        with contextlib.suppress(SourceError):
            assert part.build(Notes()).num_rows > 0
