"""Reads Excel workbooks, .xls and .xlsx alike."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Collection, Sequence
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import InputError
from features.files.workbook_process import UNREADABLE

WORKBOOK_SUFFIXES = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
Row = list[object]
_SECONDS = 600


class BrokenWorkbookError(ValueError):
    """A workbook cannot be read; the message says why."""


def read_sheets(content: bytes) -> dict[str, list[Row]]:
    """Rows of every sheet of a workbook, from its first cell on.

    An empty cell is None; a whole number is an int, as Excel shows it.

    Raises
    ------
    BrokenWorkbookError
        If the workbook cannot be read.
    """
    script = Path(__file__).with_name("workbook_process.py")
    reader = find_spec("python_calamine")
    packages = [str(Path(reader.origin).parents[1])] if reader and reader.origin else []
    try:
        # -P: modules beside the script must not shadow those it imports. -S: it needs one package,
        # and what others run at the start of every process may take longer than the workbook.
        done = subprocess.run(
            [sys.executable, "-P", "-S", str(script), *packages],
            input=content,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BrokenWorkbookError(f"it takes more than {_SECONDS // 60} minutes") from None
    if done.returncode == UNREADABLE:
        message = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise BrokenWorkbookError(message[-1][:160] if message else "it is damaged")
    if done.returncode:
        raise BrokenWorkbookError("it is damaged, or larger than memory")
    sheets: dict[str, list[Row]] = pickle.loads(done.stdout)
    return {name: [[_cell(cell) for cell in row] for row in rows] for name, rows in sheets.items()}


def read_workbook(path: Path, *, text: Collection[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table of a workbook's only sheet that has any; its first row is the header.

    Raises
    ------
    InputError
        If the workbook cannot be read, or several sheets hold tables.
    """
    try:
        sheets = read_sheets(path.read_bytes())
    except (BrokenWorkbookError, OSError) as error:
        raise InputError(
            f"the workbook cannot be read ({str(error).splitlines()[0]})",
            remedy="Open it in a spreadsheet and save it as .xlsx or as CSV",
            file=path,
        ) from error
    # Skip sheets with only a title or a note.
    filled = {name: rows for name, rows in sheets.items() if _width(rows) > 1 and len(rows) > 1}
    if len(filled) > 1:
        raise InputError(
            f"{len(filled)} sheets hold tables: {', '.join(filled)}",
            remedy="Save the right one as a file of its own",
            file=path,
        )
    if not filled:
        return pd.DataFrame(), ()
    ((name, rows),) = filled.items()
    return _table(rows, text=text), (f"sheet {name}",)


def _table(rows: Sequence[Row], *, text: Collection[str]) -> pd.DataFrame:
    header, *body = rows
    names = [f"column {place + 1}" if cell is None else str(cell) for place, cell in
             enumerate(header)]  # fmt: skip
    columns = zip(*body, strict=True)
    made = [_column(cells, as_text=name in text)
            for name, cells in zip(names, columns, strict=True)]  # fmt: skip
    frame = pd.concat(made, axis=1, keys=range(len(made)))
    frame.columns = names
    # Drop formatted but empty columns.
    return frame.loc[:, [cell is not None or column.notna().any()
                         for cell, column in zip(header, made, strict=True)]]  # fmt: skip


def _column(cells: Sequence[object], *, as_text: bool) -> pd.Series:
    """A column in its cells' common type, if they have one."""
    filled = [cell for cell in cells if cell is not None]
    if as_text:
        return pd.Series([None if cell is None else str(cell) for cell in cells], dtype="str")
    kinds = {type(cell) for cell in filled}
    if kinds and kinds <= {int, float}:
        whole = kinds == {int} and len(filled) == len(cells)
        return pd.Series(np.array(cells, dtype=np.int64 if whole else np.float64))
    if kinds and kinds <= {date, datetime}:
        return pd.to_datetime(pd.Series(cells))
    return pd.Series(cells, dtype="str" if kinds == {str} else object)


def _cell(cell: object) -> object:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    return None if cell == "" else cell


def _width(rows: Sequence[Row]) -> int:
    return max((sum(cell is not None for cell in row) for row in rows), default=0)
