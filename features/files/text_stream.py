"""A text table as a stream of bytes, refused where parsing would never end."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from features.errors import InputError
from features.files.inflated import PACKED, LimitedStream, memory_limit, open_inflated

LONGEST_LINE = 1_000_000
"""Bytes between two line ends. A file without line ends is one row of a million cells, on which
pandas takes time that grows with the square of their number: 26 seconds for 200 kB."""


class TextStream(LimitedStream):
    """Bytes of a text table without NUL bytes or endless lines."""

    def __init__(self, stream: IO[bytes], *, limit: int, file: object) -> None:
        super().__init__(stream, limit=limit, file=file)
        self._lines, self._since_end = 0, 0

    def _check(self, chunk: bytes) -> None:
        nul = chunk.find(b"\0")
        if nul >= 0:
            raise InputError(
                "the file holds NUL bytes: it is not UTF-8 text",
                remedy="Save it as CSV, UTF-8 encoded (UTF-16 is not read)",
                file=self._file,
                row=self._lines + chunk.count(b"\n", 0, nul) + 1,
            )
        first, last = _first_end(chunk), max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        longest = self._since_end + (len(chunk) if first < 0 else first)
        # Lines within a chunk are shorter than the limit, as chunks are.
        self._since_end = longest if last < 0 else len(chunk) - last - 1
        if longest > LONGEST_LINE:
            raise InputError(
                f"a line is longer than {LONGEST_LINE:,} bytes",
                remedy="Check that the file is a table with one row per line",
                file=self._file,
                row=self._lines + 1,
            )
        self._lines += chunk.count(b"\n")


def _first_end(chunk: bytes) -> int:
    ends = [at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0]
    return min(ends, default=-1)


@contextlib.contextmanager
def open_text(path: Path) -> Iterator[IO[bytes]]:
    """Open a CSV file, compressed or not by its ending, for a reader of bytes.

    Raises
    ------
    InputError
        Where a zip archive holds more or less than one file; and while it is read, for a NUL byte,
        a line longer than `LONGEST_LINE`, or a compressed file beyond `memory_limit`.
    """
    packed = path.suffix.lower()
    with open_inflated(path, packed) as stream:
        limit = memory_limit() if packed in PACKED else sys.maxsize
        with io.BufferedReader(TextStream(stream, limit=limit, file=path), 1 << 18) as checked:
            yield checked
