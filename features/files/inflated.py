"""Compressed files that would fill the memory or the disk, refused before they are read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from features.errors import InputError

SMALL = 1 << 30
"""Bytes that any file may inflate to."""
MOST = 200
"""Times its size that a larger one may: tables of numbers inflate to some 5 to 50 times."""
_CHUNK = 1 << 20
_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
"""How compressed files begin, and what reads them."""
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def limit(size: int) -> int:
    """Bytes to which a compressed file or answer of so many bytes may inflate."""
    return max(SMALL, MOST * size)


def refuse_bomb(path: Path) -> None:
    """Refuse a .gz, .bz2, .xz or .zip whose content is out of all proportion to its size.

    What a gzip file says of its own size cannot be trusted: it is inflated, without being kept,
    up to the limit. A file that is broken is for its reader to tell.

    Raises
    ------
    InputError
        If it inflates to more than `SMALL` bytes and `MOST` times its size.
    """
    size = path.stat().st_size
    if _inflates_beyond(path, limit(size)):
        raise InputError(
            f"its {size:,} bytes inflate to more than {limit(size):,}",
            remedy="Check where the file comes from; if it is right, unpack it and name the "
            "unpacked file",
            file=path,
        )


def _inflates_beyond(path: Path, most: int) -> bool:
    try:
        with path.open("rb") as handle:
            head = handle.read(6)
            if head.startswith(b"PK\x03\x04"):
                with zipfile.ZipFile(path) as archive:
                    return sum(member.file_size for member in archive.infolist()) > most
        opener = next((way for magic, way in _OPENERS.items() if head.startswith(magic)), None)
        if opener is None:
            return False
        with opener(path) as opened:
            found = 0
            while found <= most and (chunk := opened.read(_CHUNK)):
                found += len(chunk)
        return found > most
    except _BROKEN:
        return False
