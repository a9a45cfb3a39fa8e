"""Zips with one big CSV file, read block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from features.errors import SourceError
from features.tidy.csv_stream import csv_batches


def zip_only(name: str, *, by_hand: str) -> Callable[[Path], None]:
    """Check for `RawCache.file`: refuse what is not a zip, such as a bot protection's page.

    Parameters
    ----------
    name
        Named in the error.
    by_hand
        Address from which to download it in a browser.
    """

    def check(path: Path) -> None:
        with path.open("rb") as file:
            head = file.read(256).lstrip()
        if head[:2] == b"PK":
            return
        raise SourceError(
            f"the source sent {'a web page' if head[:1] == b'<' else 'something else'} instead of "
            "a zip",
            remedy=f"It keeps programs out: open {by_hand} in a browser, save it as {name} and "
            "give its folder with --from",
            file=name,
        )

    return check


def blocks(
    path: Path, member: str, *, types: Mapping[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    """Rows of a CSV file in an archive, block after block; none of them without rows.

    Parameters
    ----------
    path, member
        Archive, and how the file's name ends.
    types
        Columns to read, in this order, and their types. Only a floating-point number may be
        missing, where its cell is empty; text is text, ``NA`` too.

    Raises
    ------
    SourceError
        For an absent column, a cell that does not fit its type, or a file that breaks off.
    """
    for batch in csv_batches(path, member=member, columns=types):
        for name, kind in types.items():
            if pa.types.is_integer(kind) and batch.column(name).null_count:
                raise SourceError("a cell is empty", file=f"{path.name}, {member}", column=name)
        if batch.num_rows:
            yield batch
