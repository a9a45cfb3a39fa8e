"""A plan's tables as one workbook with the same bytes every time."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

_SHARES = re.compile(r"probability|share|growth|service|fill|ratio|shortfall|concentration|cvar|"
                     r"change|dependence|cap$|moved|weight_of_market|own_sd")  # fmt: skip
_EPOCH = (1980, 1, 1, 0, 0, 0)
_WIDTH = 40


def workbook(tables: Mapping[str, pd.DataFrame], notes: list[str]) -> bytes:
    """Content of an ``.xlsx`` file: a sheet a table, and one of notes.

    A text that begins with ``=`` stays text: a cell of a user's file must not become a formula.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, table in tables.items():
        _fill(book.create_sheet(name), table)
    _fill(book.create_sheet("notes"), pd.DataFrame({"note": notes}))
    file = io.BytesIO()
    book.save(file)
    return _without_time(file.getvalue())


def _fill(sheet: Any, table: pd.DataFrame) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    for place, name in enumerate(table.columns, start=1):
        head = sheet.cell(1, place, str(name))
        head.font = Font(bold=True)
        column = table[name]
        is_number = pd.api.types.is_numeric_dtype(column)
        form = "0.0%" if _SHARES.search(str(name)) else "#,##0.##"
        longest = len(str(name))
        for row, value in enumerate(column, start=2):
            cell = sheet.cell(row, place)
            if is_number:
                if np.isfinite(value):
                    cell.value, cell.number_format = float(value), form
            elif pd.notna(value):
                cell.value = str(value)
                cell.data_type = "s"
                longest = max(longest, len(str(value)))
        sheet.column_dimensions[get_column_letter(place)].width = min(longest + 3, _WIDTH)
    sheet.freeze_panes = "B2"


def _without_time(content: bytes) -> bytes:
    """The same archive without the time it was written."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", data)
            target.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
