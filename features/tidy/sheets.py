"""Workbooks of a source as rows."""

from __future__ import annotations

from features.errors import SourceError
from features.files.workbooks import BrokenWorkbookError, Row, read_sheets


def source_sheets(content: bytes, *, file: object) -> dict[str, list[Row]]:
    """Rows of every sheet of a workbook, by its name.

    Raises
    ------
    SourceError
        If it is not a whole Excel workbook.
    """
    try:
        return read_sheets(content)
    except BrokenWorkbookError as error:
        raise SourceError(f"this is not a complete Excel workbook ({error})", file=file) from error
