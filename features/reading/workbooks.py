"""Reading Excel workbooks, .xls and .xlsx alike."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from features.errors import InputError, first_line

WORKBOOK_SUFFIXES = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")


def read_workbook(path: Path, *, text: Collection[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table of a workbook's only sheet that has any; its first row is the header.

    Raises
    ------
    InputError
        If the workbook cannot be read, or several sheets hold tables.
    """
    from python_calamine import CalamineError, ZipError

    try:
        sheets = pd.read_excel(
            path,
            engine="calamine",
            sheet_name=None,
            dtype=dict.fromkeys(text, "str"),
            keep_default_na=False,
            na_values=[""],
        )
    except (CalamineError, ZipError, OSError, ValueError, LookupError) as error:
        raise InputError(
            f"the workbook cannot be read ({first_line(error)})",
            remedy="Open it in a spreadsheet and save it as .xlsx or as CSV",
            file=path,
        ) from error
    filled = {str(name): sheet for name, sheet in sheets.items() if not sheet.empty}
    if len(filled) > 1:
        raise InputError(
            f"{len(filled)} sheets hold tables: {', '.join(filled)}",
            remedy="Save the one that is meant as a file of its own",
            file=path,
        )
    if not filled:
        return pd.DataFrame(), ()
    ((name, sheet),) = filled.items()
    sheet.columns = [str(column) for column in sheet.columns]
    return sheet, (f"sheet {name}",)
