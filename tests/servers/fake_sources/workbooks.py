"""The least Excel 97 workbook that readers of .xls accept: text and numbers, no formats."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def _record(number: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", number, len(body)) + body


def _begin(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 0, 0, 0))


def xls(sheet: str, rows: Sequence[Sequence[str | float]]) -> bytes:
    """A workbook of one sheet: a BIFF8 stream in the container that Excel puts around it."""
    name = sheet.encode("latin-1")
    end = _record(0x000A)
    # The record that says where the sheet begins stands before it and has a known length.
    offset = len(_begin(0x0005)) + 4 + 8 + len(name) + len(end)
    place = _record(0x0085, struct.pack("<IHBB", offset, 0, len(name), 0) + name)
    cells = bytearray(_begin(0x0010))
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            where = struct.pack("<HHH", row, column, 0)
            if isinstance(value, str):
                text = value.encode("latin-1")
                cells += _record(0x0204, where + struct.pack("<HB", len(text), 0) + text)
            else:
                cells += _record(0x0203, where + struct.pack("<d", value))
    return _container(_begin(0x0005) + place + end + bytes(cells) + end)


def _container(stream: bytes) -> bytes:
    """An OLE compound file whose one stream is the workbook."""
    free, last, of_fat, sector = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 512
    # A stream of less than 4,096 bytes would have to live in a smaller container inside.
    stream = stream.ljust(max(-(-len(stream) // sector) * sector, 4096), b"\0")
    filled = len(stream) // sector
    fats = -(-(filled + 1) // 127)
    chain = [of_fat] * fats + [last] + [fats + 2 + n for n in range(filled - 1)] + [last]
    table = struct.pack(f"<{fats * 128}I", *chain, *[free] * (fats * 128 - len(chain)))
    root = _entry("Root Entry", 5, child=1, start=last, size=0)
    folder = (root + _entry("Workbook", 2, child=free, start=fats + 1, size=len(stream))).ljust(
        sector, b"\0"
    )
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xII", 0x3E, 3, 0xFFFE, 9, 6, 0, fats)
    header += struct.pack("<IIIIIII", fats, 0, 4096, last, 0, last, 0)
    header += struct.pack("<109I", *range(fats), *[free] * (109 - fats))
    return header + table + folder + stream


def _entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le")
    siblings = (0xFFFFFFFF, 0xFFFFFFFF, child)
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBB3I", len(text) + 2, kind, 1, *siblings)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
