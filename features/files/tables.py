"""Reading CSV, Parquet and Excel files so that what is wrong with one is said in one line."""

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
"""Features are float32: what does not fit would become infinite."""


def read_table(
    path: Path, *, text: Collection[str], decimal: Decimal | None = None
) -> pd.DataFrame:
    """Read a CSV, Parquet or Excel file; see `read_table_and_say`."""
    return read_table_and_say(path, text=text, decimal=decimal)[0]


def read_table_and_say(
    path: Path, *, text: Collection[str], decimal: Decimal | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a CSV, Parquet or Excel file, and say what it took to read it.

    Parameters
    ----------
    path
        The file; the ending decides how it is read (``.parquet``, ``.csv`` or ``.tsv``, compressed
        or not, or a workbook such as ``.xlsx``). Commas, semicolons, tabs and bars separate cells.
    text
        Columns read as text, in which ``NA`` is Namibia rather than a missing cell.
    decimal
        The mark before decimals, where the cells alone do not tell.

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
    said: tuple[str, ...] = ()
    default: Decimal | None = None
    if name.endswith(".parquet"):
        frame = read_parquet(path, text=text)
    elif name.endswith(CSV_SUFFIXES):
        mark = separator(path)
        frame = read_csv(path, text=text, mark=mark)
        said = (f"cells separated by {SEPARATORS[mark]}",) if mark != "," else ()
        # Where commas part the cells, a comma in quotes groups digits.
        default = "." if mark == "," else None
    elif name.endswith(WORKBOOK_SUFFIXES):
        frame, said = read_workbook(path, text=text)
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
    return frame, (*said, *done)


def shown(cell: object) -> str:
    """A cell as an analyst writes it: text in quotes, numbers plain, no longer than a message."""
    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return "an empty cell"
    # Quoting a cell that is a whole file would copy it.
    return cut(repr(cell[:LONGEST_CELL]) if isinstance(cell, str) else f"{cell}")


def require_columns(frame: pd.DataFrame, columns: Iterable[str], *, file: object | None) -> None:
    """Raise `InputError` for a column that is absent or occurs twice."""
    for column in columns:
        if column not in frame.columns:
            there = ", ".join(map(str, frame.columns))
            raise InputError(
                "the column is missing",
                remedy=f"The columns found are: {there}",
                file=file,
                column=column,
            )
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise InputError(
            "the column occurs twice",
            remedy="Keep one of the two",
            file=file,
            column=str(twice[0]),
        )


_UNKNOWN = "Leave the row out where the value is unknown, write 0 where it is zero"
_YEARS = "Give whole years such as 2017"


def numbers(
    column: pd.Series, *, file: object | None, remedy: str = _UNKNOWN
) -> NDArray[np.float64]:
    """A column as finite float64.

    Parameters
    ----------
    column
        Numbers, or text that holds them.
    file
        Named in the error.
    remedy
        What to do about a cell that is none.

    Raises
    ------
    InputError
        At the first cell that is not a number, is missing or is infinite, or is larger than any
        statistic.
    """
    if is_no_number(column):
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
        values = as_numbers(column)
    # min and max see a NaN or an infinity without a full-size boolean copy.
    if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        row = int(np.argmin(np.isfinite(values)))
        raise InputError(
            f"{shown(column.iloc[row])} is not a finite number",
            remedy=remedy,
            file=file,
            column=str(column.name),
            row=row + 2,
        )
    refuse_huge(column, values, file=file)
    return values


def as_numbers(column: pd.Series) -> NDArray[np.float64]:
    """A column as float64, NaN where a cell is missing or no number."""
    try:
        found = pd.to_numeric(column, errors="coerce")
    except OverflowError:  # an integer of hundreds of digits, which pandas left as Python's
        found = pd.to_numeric(column.astype("str"), errors="coerce")
    return found.to_numpy(dtype=np.float64, na_value=np.nan)


def is_no_number(column: pd.Series) -> bool:
    """Whether a column's type is one that pandas would turn into numbers that nobody meant."""
    types = pd.api.types
    return bool(
        types.is_bool_dtype(column)
        or types.is_datetime64_any_dtype(column)
        or types.is_timedelta64_dtype(column)
        or types.is_complex_dtype(column)
    )


def refuse_huge(column: pd.Series, values: NDArray[np.float64], *, file: object | None) -> None:
    """Raise `InputError` where a value would be infinite as a feature; NaN passes."""
    if values.size and max(np.fmax.reduce(values), -np.fmin.reduce(values)) > _LARGEST:
        row = int(np.nanargmax(np.abs(values)))
        raise InputError(
            f"{shown(column.iloc[row])} is too large for any statistic",
            remedy="Correct the value",
            file=file,
            column=str(column.name),
            row=row + 2,
        )


def flags(column: pd.Series, *, remedy: str, file: object | None) -> NDArray[np.bool_]:
    """A column of zeros and ones, or of booleans.

    Raises
    ------
    InputError
        At the first cell that is neither, with ``remedy``.
    """
    # Booleans as numbers, so that an empty cell among them is told by its row.
    given = column.astype("Float64") if pd.api.types.is_bool_dtype(column) else column
    values = numbers(given, file=file)
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{shown(column.iloc[row])} is neither 0 nor 1",
            remedy=remedy,
            file=file,
            column=str(column.name),
            row=row + 2,
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
        given = column.to_numpy()
        bad = bool(given.size) and (int(given.min()) < 1800 or int(given.max()) > 2200)
        wrong = ((given < 1800) | (given > 2200)) if bad else None
        # As narrow as the file has it; it is widened a chunk at a time where it is used.
        years = given
    else:
        values = numbers(column, file=file, remedy=_YEARS)
        wrong = (values != np.floor(values)) | (values < 1800) | (values > 2200)
        years = np.where(wrong, 0, values).astype(np.int32)
    if wrong is not None and wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{shown(column.iloc[row])} is not a calendar year",
            remedy=_YEARS,
            file=file,
            column=str(column.name),
            row=row + 2,
        )
    return years


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
