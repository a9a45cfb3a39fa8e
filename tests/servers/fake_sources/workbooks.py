"""The least Excel 97 workbook that readers of .xls accept: text and numbers, no formats."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def _record(number: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", number, len(body)) + body


def _begin(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 0, 0, 0))


def xls(sheet: str, rows: Sequence[Sequence[str | float]]) -> bytes:
    """A workbook of one sheet as a bare BIFF8 stream, without the container around it."""
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
    return _begin(0x0005) + place + end + bytes(cells) + end
