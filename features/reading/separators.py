"""What separates the cells of a CSV file."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def separator(path: Path) -> str:
    """The mark that separates cells, by the header; a comma where the header cannot be read."""
    try:
        # One cell a line: no text holds this mark.
        line = pd.read_csv(path, header=None, nrows=1, sep="\x1f", quoting=3, dtype="str")
        header = re.sub(r'"[^"]*"', "", str(line.iloc[0, 0]))
    # Whatever is wrong is found and told when the table is read.
    except Exception:
        return ","
    return max(SEPARATORS, key=header.count)
