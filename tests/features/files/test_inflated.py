"""Compressed files out of all proportion to their size."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import pytest

from features.errors import InputError
from features.files import inflated
from features.files.inflated import refuse_bomb

ZEROS = bytes(1 << 20)


def zipped(content: bytes, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", content)


WAYS = {
    "gz": lambda content, path: path.write_bytes(gzip.compress(content)),
    "bz2": lambda content, path: path.write_bytes(bz2.compress(content)),
    "xz": lambda content, path: path.write_bytes(lzma.compress(content)),
    "zip": zipped,
}


@pytest.mark.parametrize("way", WAYS)
def test_what_inflates_beyond_measure_is_refused(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "no matter what it is called"
    WAYS[way](ZEROS, path)
    refuse_bomb(path)  # a megabyte is small
    monkeypatch.setattr(inflated, "SMALL", 1 << 18)
    with pytest.raises(InputError, match=r"bytes inflate to more than 2\d\d,\d\d\d"):
        refuse_bomb(path)


@pytest.mark.parametrize("way", WAYS)
def test_a_large_table_that_compresses_as_tables_do_is_taken(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflated, "SMALL", 1 << 12)
    table = "".join(f"DEU,USA,{year},{(year * 7919) % 100003}.5\n" for year in range(9000))
    path = tmp_path / "flows"
    WAYS[way](table.encode(), path)
    refuse_bomb(path)


@pytest.mark.parametrize("body", [b"", b"a,b\n1,2\n", b"\x1f\x8bnot gzip", b"PK\x03\x04broken"])
def test_what_is_broken_or_plain_is_for_its_reader(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(body)
    refuse_bomb(path)
