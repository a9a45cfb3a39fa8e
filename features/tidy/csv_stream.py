"""Columns of a big CSV file, plain or zipped, block by block."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa

from features.errors import SourceError, changed_source, first_line
from features.tidy.tidying import require_source_columns

BLOCK = 1 << 22
TEXT = pa.dictionary(pa.int32(), pa.string())
"""Type of a column of codes: each distinct code is stored once."""
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What the standard library raises for a corrupt archive."""


def whole_zip(path: Path) -> None:
    """Raise `SourceError` for an incomplete zip archive or a page of HTML: a `FileCheck`."""
    if zipfile.is_zipfile(path):
        return
    with path.open("rb") as handle:
        begins = handle.read(40)
    raise SourceError(
        f"not a complete zip archive: {path.stat().st_size:,} bytes that begin with {begins!r}",
        remedy="Try again later, or download the file by hand and give its folder with --from",
        file=path.name.removesuffix(".part"),
    )


def member_named(archive: zipfile.ZipFile, ending: str, *, file: object) -> str:
    """Name of the only member with this ending, in any folder of the archive.

    Raises
    ------
    SourceError
        If there is none or more than one; names what is there.
    """
    names = [n for n in archive.namelist() if not n.startswith("__MACOSX/")]
    found = [n for n in names if n.rpartition("/")[2].lower().endswith(ending.lower())]
    if len(found) != 1:
        present = ", ".join(names[:10]) or "nothing"
        raise changed_source(f"expected one {ending} in the archive, found {present}", file=file)
    return found[0]


@contextmanager
def opened(path: Path, *, member: str | None) -> Iterator[IO[bytes]]:
    """The file, or the archive's member with this ending, open for reading.

    Raises
    ------
    SourceError
        If the archive is broken or has no such member.
    """
    try:
        if member is None:
            with path.open("rb") as handle:
                yield handle
            return
        with zipfile.ZipFile(path) as archive:
            name = member_named(archive, member, file=path.name)
            with archive.open(name) as handle:
                yield handle
    except BROKEN_ZIP as error:
        raise SourceError(f"the archive is broken ({first_line(error)})", file=path.name) from error


def header(path: Path, *, member: str | None) -> list[str]:
    """Columns of a CSV file."""
    with opened(path, member=member) as stream:
        first = stream.readline().decode("utf-8-sig", errors="replace")
    return [name.strip() for name in next(csv.reader([first]), [])]


def csv_batches(
    path: Path, *, member: str | None, columns: Mapping[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    """Some columns of a CSV file, in its order.

    Parameters
    ----------
    path
        The file, or a zip archive.
    member
        Ending of the archive's member; None for a plain file.
    columns
        Wanted columns and their types. An empty cell is missing, ``NA`` too in a column of numbers;
        in a column of text it stays text, being Namibia.

    Raises
    ------
    SourceError
        If a column is absent, a cell is not of its type, or the file is broken.
    """
    from pyarrow import csv as arrow

    name = path.name if member is None else f"{path.name}, {member}"
    require_source_columns(header(path, member=member), columns, file=name)
    wanted = arrow.ConvertOptions(
        include_columns=list(columns),
        column_types=dict(columns),
        null_values=["", "NA"],
        strings_can_be_null=False,
    )
    with opened(path, member=member) as handle:
        try:
            reading = arrow.ReadOptions(block_size=BLOCK)
            yield from arrow.open_csv(handle, read_options=reading, convert_options=wanted)
        except pa.ArrowException as error:
            raise SourceError(
                f"the file cannot be read ({first_line(error)})", file=name
            ) from error
