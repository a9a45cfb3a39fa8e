"""What is wrong with a CSV file is told in one line, quickly, with its row."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.files.csv_file import MOST_COLUMNS
from features.files.tables import read_table, require_columns
from features.files.text_stream import LONGEST_LINE

CSV = "exporter,importer,year,value_usd\nDEU,FRA,2000,1\nDEU,FRA,2001,2\n"


@pytest.mark.parametrize(
    ("content", "row", "says"),
    [
        (CSV + "DEU,FRA,2003,1,2,3,4\n", 4, "the row has 7 cells and the header 4"),
        (CSV.replace("2000,1", "2000,1,7"), 2, "more cells than the header"),
        (CSV + "DEU,\xe9,2002,3\n", 4, "it is not UTF-8"),
        (CSV + 'DEU,"FRA,2002,3\nDEU,FRA,2003,4\n', 4, "a quotation mark opens and never closes"),
        (CSV.replace("FRA", "F\0A", 2), 2, "NUL bytes"),
        ("\0".join(CSV), 1, "NUL bytes"),
        (CSV + "x" * (2 * LONGEST_LINE), 4, "a line is longer than"),
        ("x," * LONGEST_LINE, 1, "a line is longer than"),
        (CSV.replace("\n", ";"), None, "no rows"),
        ("a," * MOST_COLUMNS + "\n", 1, "cells: no table has so many columns"),
        (CSV.replace("DEU,FRA,2000,1", ""), 2, "the line is blank"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_with_its_row(content, row, says, refused, tmp_path):
    path = tmp_path / "flows.csv"
    path.write_bytes(content.encode("latin-1"))
    start = time.perf_counter()
    refused(lambda: read_table(path, text=("exporter",)), file=path, row=row, says=says)
    # pandas takes time that grows with the square of a line's length.
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_line_ends_and_a_mark_of_utf8_change_nothing(ends, start, tmp_path):
    path = tmp_path / "flows.csv"
    path.write_bytes((start + CSV).replace("\n", ends).encode())
    found = read_table(path, text=("exporter", "importer"))
    assert list(found) == ["exporter", "importer", "year", "value_usd"]
    assert found["value_usd"].tolist() == [1, 2]


def test_a_table_of_many_chunks_is_read_whole(tmp_path):
    path = tmp_path / "flows.csv.gz"
    table = pd.DataFrame({"year": np.arange(80_000), "value_usd": 0.25, "text": "\u00e9\u20ac"})
    table.to_csv(path, index=False)
    assert path.stat().st_size < 1 << 20
    pd.testing.assert_frame_equal(read_table(path, text=("text",)), table)


def test_of_two_columns_of_one_name_none_is_renamed(refused, tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text("exporter,importer,year,value_usd,value_usd\nDEU,FRA,2000,1,2\n")
    frame = read_table(path, text=("exporter",))
    assert list(frame.columns[3:]) == ["value_usd", "value_usd"]
    refused(lambda: require_columns(frame, ("value_usd",), file=path), file=path,
            column="value_usd", says="occurs twice")  # fmt: skip


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.csv"])
def test_a_file_that_unpacks_to_more_than_the_memory_is_refused(
    name, refused, tmp_path, monkeypatch
):
    monkeypatch.setattr("features.files.text_stream.memory_limit", lambda: 1 << 20)
    path: Path = tmp_path / name
    content = (CSV + "DEU,FRA,2000,1\n" * 200_000).encode()
    if name.endswith(".csv"):  # what is on the disk as it is has no inflated size
        path.write_bytes(content)
        assert len(read_table(path, text=())) == 200_002
        return
    path.write_bytes(gzip.compress(content))
    refused(lambda: read_table(path, text=()), file=path, says="unpacks to more than")


def test_no_message_exceeds_two_thousand_characters(refused, tmp_path):
    path = tmp_path / ("n" * 200) / ("m" * 100 + ".csv")
    path.parent.mkdir()
    names = [f"{'c' * 300}{k}\x1b[31m" for k in range(1_000)]
    path.write_text(",".join(names) + "\n" + ",".join("x" * 1_000))
    frame = read_table(path, text=())
    with pytest.raises(ValueError, match="the column is missing") as caught:
        require_columns(frame, ["w" * 5_000], file=path)
    assert len(str(caught.value)) <= 2_000
    assert str(caught.value).isprintable()
    assert path.name in str(caught.value)
