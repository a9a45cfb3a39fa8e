"""A text table read as a stream of bytes that is refused where no reader should go on."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from features.errors import InputError

LONGEST_LINE = 1_000_000
"""Bytes between two line ends. A file without line ends is one row of a million cells, on which
pandas takes time that grows with the square of their number: 26 seconds for 200 kB."""
_LEAST_LIMIT = 1 << 30


def inflated_limit() -> int:
    """Bytes that a compressed file may unpack to: half of the memory that there is.

    A file of 10 MB can hold 10 GB of one letter, and a table takes at least its text in memory.
    """
    return max(_LEAST_LIMIT, _memory() // 2)


def _memory() -> int:
    """Memory of the machine, bytes, or of the container; 0 where the system does not say."""
    memory = 0
    with contextlib.suppress(AttributeError, ValueError, OSError):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return memory


class LimitedStream(io.RawIOBase):
    """Bytes of a stream up to a limit, beyond which reading raises `InputError`.

    Parameters
    ----------
    stream
        What is read; closed with this one.
    limit
        Most bytes that it may hold.
    file
        Named in the error.
    """

    def __init__(self, stream: IO[bytes], *, limit: int, file: object) -> None:
        self._stream, self._limit, self._file = stream, limit, file
        self._read = 0

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; raises `InputError` beyond the limit."""
        chunk = self._stream.read(len(buffer))
        self._read += len(chunk)
        if self._read > self._limit:
            raise InputError(
                f"the file unpacks to more than {self._limit / 1e9:.1f} GB, too much for this "
                "machine's memory",
                remedy="Cut it to the years and countries that are needed, or give Parquet",
                file=self._file,
            )
        self._check(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _check(self, chunk: bytes) -> None:
        """Refuse what must not be read on."""

    def close(self) -> None:
        """Close the stream below too."""
        self._stream.close()
        super().close()


class TextStream(LimitedStream):
    """Bytes of a text table: no NUL, and line ends at a bearable distance."""

    def __init__(self, stream: IO[bytes], *, limit: int, file: object) -> None:
        super().__init__(stream, limit=limit, file=file)
        self._lines, self._since_end = 0, 0

    def _check(self, chunk: bytes) -> None:
        nul = chunk.find(b"\0")
        if nul >= 0:
            raise InputError(
                "the file holds NUL bytes: it is no text in UTF-8",
                remedy="Save it as CSV, UTF-8 encoded (UTF-16 is not read)",
                file=self._file,
                row=self._lines + chunk.count(b"\n", 0, nul) + 1,
            )
        first, last = _first_end(chunk), max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        longest = self._since_end + (len(chunk) if first < 0 else first)
        # Lines within one chunk are no longer than it; chunks are shorter than the limit.
        self._since_end = longest if last < 0 else len(chunk) - last - 1
        if longest > LONGEST_LINE:
            raise InputError(
                f"a line is longer than {LONGEST_LINE:,} bytes",
                remedy="Check that the file is a table with one row a line",
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

    Parameters
    ----------
    path
        ``.csv``, or that with ``.gz``, ``.bz2``, ``.xz`` or ``.zip`` (of one file) after it.

    Raises
    ------
    InputError
        Where the archive holds more or less than one file; and while it is read, for a NUL byte,
        a line longer than `LONGEST_LINE`, or more than `inflated_limit` out of a compressed file.
    """
    with contextlib.ExitStack() as opened:
        stream = _inflated(path, opened)
        compressed = path.suffix.lower() in (".gz", ".bz2", ".xz", ".zip")
        limit = inflated_limit() if compressed else sys.maxsize
        checked = TextStream(stream, limit=limit, file=path)
        yield opened.enter_context(io.BufferedReader(checked, 1 << 18))


def _inflated(path: Path, opened: contextlib.ExitStack) -> IO[bytes]:
    import bz2
    import gzip
    import lzma

    ending = path.suffix.lower()
    if ending == ".zip":
        archive = opened.enter_context(zipfile.ZipFile(path))
        # macOS adds a folder of its own to every archive.
        names = [n for n in archive.namelist() if not n.endswith("/") and "__MACOSX/" not in n]
        if len(names) != 1:
            raise InputError(
                f"the archive cannot be read: it holds {len(names)} files, not one",
                remedy="Unpack it and name the table",
                file=path,
            )
        return opened.enter_context(archive.open(names[0]))
    way: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    return cast(IO[bytes], opened.enter_context(way.get(ending, open)(path, "rb")))
