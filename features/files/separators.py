"""Separators of CSV files."""

from __future__ import annotations

import re
from pathlib import Path

from features.files.inflated import BROKEN
from features.files.text_stream import open_text

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def separator(path: Path) -> str:
    """The separator of cells, from the header; a comma where it cannot be read."""
    try:
        with open_text(path) as stream:
            header = re.sub(r'"[^"]*"', "", stream.readline().decode("utf-8", errors="replace"))
    except BROKEN:  # the table's reader reports what is wrong
        return ","
    return max(SEPARATORS, key=header.count)
