"""Tables from CSV, Parquet and Excel files, and checks of single columns."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.choices import Decimal
from features.errors import LONGEST_CELL, InputError, cut
from features.files.csv_file import read_csv, without_blank_end
from features.files.number_text import with_plain_numbers
from features.files.parquet_file import read_parquet
from features.files.separators import SEPARATORS, separator
from features.files.workbooks import WORKBOOK_SUFFIXES, read_workbook

CSV_SUFFIXES = tuple(
    f".{kind}{packed}" for kind in ("csv", "tsv") for packed in ("", ".gz", ".zip", ".bz2", ".xz")
)
_LARGEST = float(np.finfo(np.float32).max)
"""Largest value of a float32, which features are: larger ones would become infinite."""


def read_table(
    path: Path, *, text: Collection[str], decimal: Decimal | None = None
) -> pd.DataFrame:
    """Read a CSV, Parquet or Excel file; see `read_table_with_notes`."""
    return read_table_with_notes(path, text=text, decimal=decimal)[0]


def read_table_with_notes(
    path: Path, *, text: Collection[str], decimal: Decimal | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a CSV, Parquet or Excel file, with notes on the reading.

    Parameters
    ----------
    path
        The file; the ending decides how it is read (``.parquet``, ``.csv`` or ``.tsv``, compressed
        or not, or a workbook such as ``.xlsx``). Commas, semicolons, tabs and bars separate cells.
    text
        Columns read as text, in which ``NA`` is Namibia rather than a missing cell.
    decimal
        The decimal mark, where the cells do not imply it.

    Returns
    -------
    tuple
        The table, and what was done: separators, decimal commas, the sheet of a workbook.

    Raises
    ------
    InputError
        If the file is absent, unreadable, truncated, empty or of an unknown kind, or a number may
        be read in two ways.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("there is no such file", remedy="Check the path", file=path)
    if path.is_dir():
        raise InputError("this is a folder", remedy="Name a .csv or .parquet file", file=path)
    if path.stat().st_size == 0:
        raise InputError("the file is empty", remedy="Name a file with rows", file=path)
    name = path.name.lower()
    notes: tuple[str, ...] = ()
    default: Decimal | None = None
    if name.endswith(".parquet"):
        frame = read_parquet(path, text=text)
    elif name.endswith(CSV_SUFFIXES):
        mark = separator(path)
        frame = read_csv(path, text=text, mark=mark)
        notes = (f"cells separated by {SEPARATORS[mark]}",) if mark != "," else ()
        # Where commas separate cells, a comma in quotes groups digits.
        default = "." if mark == "," else None
    elif name.endswith(WORKBOOK_SUFFIXES):
        frame, notes = read_workbook(path, text=text)
        frame = without_blank_end(frame, file=path)
    else:
        raise InputError(
            "the file is neither CSV nor Parquet nor Excel by its ending",
            remedy=f"Use .parquet, {', '.join(WORKBOOK_SUFFIXES)} or one of "
            f"{', '.join(CSV_SUFFIXES)}",
            file=path,
        )
    if frame.empty:
        raise InputError("the table has no rows", remedy="Name a file with rows", file=path)
    frame, done = with_plain_numbers(frame, text=text, decimal=decimal, default=default, file=path)
    return frame, (*notes, *done)


def shown(cell: object) -> str:
    """A cell for a message: text in quotes, numbers plain, cut to a message's length."""
    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return "an empty cell"
    # Quoting a cell that is a whole file would copy it.
    return cut(repr(cell[:LONGEST_CELL]) if isinstance(cell, str) else f"{cell}")


def require_columns(frame: pd.DataFrame, columns: Iterable[str], *, file: object | None) -> None:
    """Raise `InputError` for a column that is absent or occurs twice."""
    for column in columns:
        if column not in frame.columns:
            found = ", ".join(map(str, frame.columns))
            raise InputError(
                "the column is missing",
                remedy=f"The columns found are: {found}",
                file=file,
                column=column,
            )
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise InputError(
            "the column occurs twice",
            remedy="Keep one of the two",
            file=file,
            column=str(doubled[0]),
        )


def refuse_cells(
    column: pd.Series, wrong: NDArray[np.bool_], problem: str, *, remedy: str, file: object | None
) -> None:
    """Raise `InputError` at the first wrong cell, if there is one.

    Parameters
    ----------
    column
        The cells, as the file has them.
    wrong
        Rows to refuse, shape ``[row]``.
    problem
        Follows the cell in the message, such as ``"is not a calendar year"``.
    """
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    raise InputError(
        f"{shown(column.iloc[row])} {problem}",
        remedy=remedy,
        file=file,
        column=str(column.name),
        row=row + 2,
    )


_UNKNOWN = "Leave the row out where the value is unknown, write 0 where it is zero"
_YEARS = "Give whole years such as 2017"
EMPTY_IF_UNKNOWN = "Leave the cell empty where the value is unknown"
NOT_FINITE = "is not a finite number"


def numbers(
    column: pd.Series, *, file: object | None, remedy: str = _UNKNOWN
) -> NDArray[np.float64]:
    """A column as finite float64.

    Parameters
    ----------
    column
        Numbers, or text that holds them.
    remedy
        What to do about a cell that is not a number.

    Raises
    ------
    InputError
        At the first cell that is missing, not a number, infinite, or beyond float32.
    """
    if _is_not_numeric(column):
        raise InputError(
            f"the column holds {column.dtype} values, not numbers",
            remedy="Give numbers" if remedy == _UNKNOWN else remedy,
            file=file,
            column=str(column.name),
        )
    if column.dtype == np.float64:
        values = column.to_numpy()
    elif pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = _parsed(column)
    # min and max see a NaN or an infinity without a full-size boolean copy.
    if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        refuse_cells(column, ~np.isfinite(values), NOT_FINITE, remedy=remedy, file=file)
    _refuse_huge(column, values, file=file)
    return values


def numbers_or_empty(column: pd.Series, *, file: object | None) -> NDArray[np.float64]:
    """A column of numbers or booleans as float64; NaN where a cell is empty.

    Raises
    ------
    InputError
        At the first cell that is neither a number nor empty, or beyond float32.
    """
    if _is_not_numeric(column) and not pd.api.types.is_bool_dtype(column):
        return numbers(column, file=file)
    values = _parsed(column)
    wrong = np.isinf(values) | (np.isnan(values) & column.notna().to_numpy())
    refuse_cells(column, wrong, NOT_FINITE, remedy=EMPTY_IF_UNKNOWN, file=file)
    _refuse_huge(column, values, file=file)
    return values


def _parsed(column: pd.Series) -> NDArray[np.float64]:
    """A column as float64, NaN where a cell is missing or not a number."""
    try:
        found = pd.to_numeric(column, errors="coerce")
    except OverflowError:  # an integer of hundreds of digits, which pandas left as Python's
        found = pd.to_numeric(column.astype("str"), errors="coerce")
    return found.to_numpy(dtype=np.float64, na_value=np.nan)


def _is_not_numeric(column: pd.Series) -> bool:
    """Whether pandas would turn the column's type into meaningless numbers."""
    types = pd.api.types
    return bool(
        types.is_bool_dtype(column)
        or types.is_datetime64_any_dtype(column)
        or types.is_timedelta64_dtype(column)
        or types.is_complex_dtype(column)
    )


def _refuse_huge(column: pd.Series, values: NDArray[np.float64], *, file: object | None) -> None:
    """Refuse a value that would be infinite as a feature; NaN passes."""
    if values.size and max(np.fmax.reduce(values), -np.fmin.reduce(values)) > _LARGEST:
        wrong = np.abs(values) > _LARGEST
        refuse_cells(column, wrong, "is too large", remedy="Correct the value", file=file)


def flags(column: pd.Series, *, remedy: str, file: object | None) -> NDArray[np.bool_]:
    """A column of zeros and ones, or of booleans.

    Raises
    ------
    InputError
        At the first cell that is neither, with ``remedy``.
    """
    # Booleans as numbers, so that the error names the row of an empty cell.
    cells = column.astype("Float64") if pd.api.types.is_bool_dtype(column) else column
    values = numbers(cells, file=file, remedy=remedy)
    refuse_cells(
        column, (values != 0) & (values != 1), "is neither 0 nor 1", remedy=remedy, file=file
    )
    return values == 1


def whole_years(column: pd.Series, *, file: object | None) -> NDArray[np.integer]:
    """A column of calendar years as integers.

    Raises
    ------
    InputError
        At the first cell that is not a whole year between 1800 and 2200.
    """
    if pd.api.types.is_integer_dtype(column) and not pd.api.types.is_extension_array_dtype(column):
        # As narrow as the file has them: they are widened a chunk at a time where they are used.
        years = column.to_numpy()
        if not years.size or (int(years.min()) >= 1800 and int(years.max()) <= 2200):
            return years
        wrong = (years < 1800) | (years > 2200)
    else:
        values = numbers(column, file=file, remedy=_YEARS)
        wrong = (values != np.floor(values)) | (values < 1800) | (values > 2200)
        years = np.where(wrong, 0, values).astype(np.int32)
    refuse_cells(column, wrong, "is not a calendar year", remedy=_YEARS, file=file)
    return years


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
