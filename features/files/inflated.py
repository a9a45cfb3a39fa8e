"""Opens compressed files, and refuses those that would fill memory."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from features.errors import InputError

SMALL = 1 << 30
"""Bytes that any file may inflate to."""
MOST = 200
"""Times its size that a larger one may: tables of numbers inflate to some 5 to 50 times."""
_CHUNK = 1 << 20
_ZIP = ".zip"
_OPENERS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
_BEGINNINGS = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\x00", _ZIP: b"PK\x03\x04"}
PACKED = tuple(_BEGINNINGS)
"""Endings of compressed files."""
BROKEN = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    RuntimeError,
)
"""What reading a damaged file may raise; RuntimeError for an encrypted archive."""


def proportionate_limit(size: int) -> int:
    """Bytes that a compressed file or answer of ``size`` bytes may inflate to."""
    return max(SMALL, MOST * size)


def memory_limit() -> int:
    """Bytes that a compressed table may inflate to: half of the memory.

    A file of 10 MB can hold 10 GB of one letter, and a table takes at least its text in memory.
    """
    return max(SMALL, _memory() // 2)


def _memory() -> int:
    """Bytes of memory of the machine or container; 0 where the system does not report it."""
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


@contextlib.contextmanager
def open_inflated(path: Path, packed: str) -> Iterator[IO[bytes]]:
    """Open a file for reading, inflated as one with the ending ``packed``.

    Of a zip, its only member; a file with an ending outside `PACKED` as it is.

    Raises
    ------
    InputError
        Where a zip holds more or less than one file.
    """
    with contextlib.ExitStack() as opened:
        if packed != _ZIP:
            way = _OPENERS.get(packed)
            yield opened.enter_context(path.open("rb") if way is None else way(path))
            return
        archive = opened.enter_context(zipfile.ZipFile(path))
        # macOS adds a folder of its own to every archive.
        names = [n for n in archive.namelist() if not n.endswith("/") and "__MACOSX/" not in n]
        if len(names) != 1:
            raise InputError(
                f"the archive cannot be read: it holds {len(names)} files, not one",
                remedy="Unpack it and name the table",
                file=path,
            )
        yield opened.enter_context(archive.open(names[0]))


def refuse_bomb(path: Path) -> None:
    """Refuse a compressed file whose content is out of all proportion to its size.

    The size that a gzip file states cannot be trusted: the file is inflated up to the limit,
    without being kept. A broken file is left to its reader.

    Raises
    ------
    InputError
        If it inflates to more than `SMALL` bytes and `MOST` times its size.
    """
    size = path.stat().st_size
    limit, bomb = proportionate_limit(size), False
    with contextlib.suppress(*BROKEN):
        bomb = _inflates_beyond(path, limit)
    if bomb:
        raise InputError(
            f"its {size:,} bytes inflate to more than {limit:,}",
            remedy="Check where the file comes from; if it is right, unpack it and name the "
            "unpacked file",
            file=path,
        )


def _inflates_beyond(path: Path, limit: int) -> bool:
    """Whether a file, packed as its first bytes say, inflates beyond the limit."""
    with path.open("rb") as handle:
        head = handle.read(6)
    packed = next((p for p, begin in _BEGINNINGS.items() if head.startswith(begin)), None)
    if packed == _ZIP:
        with zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist()) > limit
    if packed is None:
        return False
    with open_inflated(path, packed) as stream:
        inflated = 0
        while inflated <= limit and (chunk := stream.read(_CHUNK)):
            inflated += len(chunk)
    return inflated > limit
