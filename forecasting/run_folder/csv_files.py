"""CSV files that are safe to open in a spreadsheet: text never becomes a formula.

A spreadsheet computes a cell that begins with ``=``, ``+``, ``-`` or ``@``, and anyone may have
chosen the name of a sector or an indicator. `write_csv` puts an apostrophe before such text and
`read_csv` removes it (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pandas as pd

# Leading apostrophes match too, so that text that already has one survives the round trip. A sign
# alone, as in the columns of expected signs, is not a formula. The wide signs are East Asian.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠].", re.DOTALL)  # noqa: RUF001
_ESCAPED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠].", re.DOTALL)  # noqa: RUF001


def write_csv(table: pd.DataFrame, path: Path, *, index: str | None = None) -> None:
    """Write a table whose text no spreadsheet mistakes for a formula.

    Numbers stay numbers. ``index`` names a first column that holds the index, which is dropped by
    default.
    """
    if index is not None:
        table = table.rename_axis(index).reset_index()
    table = _on_text(table, _escape)
    # A lone carriage return ends a row for most readers, and Python's writer does not quote it.
    words = [column for _, column in table.items() if not pd.api.types.is_numeric_dtype(column)]
    returns = any("\r" in str(cell) for column in (table.columns, *words) for cell in column)
    quoting = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
    table.to_csv(path, index=False, lineterminator="\n", quoting=quoting, encoding="utf-8")


def read_csv(path: Path) -> pd.DataFrame:
    """Read what `write_csv` wrote: empty cells are missing, and a sector may be called NA.

    Raises
    ------
    OSError
        If the file does not exist.
    ValueError
        If it is not CSV.
    """
    return _on_text(pd.read_csv(path, keep_default_na=False, na_values=[""]), _unescape)


def _on_text(table: pd.DataFrame, change: Any) -> pd.DataFrame:
    """Apply a function to the text of cells and header."""
    out = table.rename(columns=change)
    for position, (_, column) in enumerate(table.items()):
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(object)
        if column.dtype == object or pd.api.types.is_string_dtype(column):
            out.isetitem(position, column.map(change, na_action="ignore"))
    return out


def _escape(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _unescape(cell: Any) -> Any:
    return cell[1:] if isinstance(cell, str) and _ESCAPED.match(cell) else cell
