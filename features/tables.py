"""Reading CSV and Parquet files so that what is wrong with one is said in one line."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError, first_line

CSV_SUFFIXES = (".csv", ".csv.gz", ".csv.zip", ".csv.bz2", ".csv.xz")


def read_table(path: Path, *, text: Collection[str]) -> pd.DataFrame:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    path
        The file; the ending decides how it is read (``.parquet`` or ``.csv``, compressed or not).
    text
        Columns read as text, in which ``NA`` is Namibia rather than a missing cell.

    Raises
    ------
    InputError
        If the file is absent, unreadable, truncated, empty or of an unknown kind.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("there is no such file", remedy="Check the path", file=path)
    if path.is_dir():
        raise InputError("this is a folder", remedy="Name a .csv or .parquet file", file=path)
    if path.stat().st_size == 0:
        raise InputError("the file is empty", remedy="Name a file with rows", file=path)
    name = path.name.lower()
    if name.endswith(".parquet"):
        frame = _read_parquet(path, text=text)
    elif name.endswith(CSV_SUFFIXES):
        frame = _read_csv(path, text=text)
    else:
        raise InputError(
            "the file is neither CSV nor Parquet by its ending",
            remedy=f"Use .parquet or one of {', '.join(CSV_SUFFIXES)}",
            file=path,
        )
    if frame.empty:
        raise InputError("the table has no rows", remedy="Name a file with rows", file=path)
    return frame


def _read_parquet(path: Path, *, text: Collection[str]) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Text as dictionaries: 28 million country codes become integers without one Python string.
        table = pq.read_table(path, read_dictionary=list(text))
        # Split blocks: gathering columns of one type in one block would copy every one of them.
        return table.unify_dictionaries().to_pandas(split_blocks=True, self_destruct=True)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"the Parquet file cannot be read ({first_line(error)})",
            remedy="It may be truncated: copy or download it again",
            file=path,
        ) from error


def _read_csv(path: Path, *, text: Collection[str]) -> pd.DataFrame:
    import lzma
    import zipfile
    import zlib

    broken = (
        OSError,
        EOFError,
        UnicodeDecodeError,
        pd.errors.ParserError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        RuntimeError,  # an encrypted archive
        ValueError,
    )
    try:
        # keep_default_na would turn Namibia's ISO2 code into a missing value. Only an empty cell is
        # missing; anything else that is no number is reported by `numbers`.
        frame = pd.read_csv(
            path,
            dtype=dict.fromkeys(text, "str"),
            keep_default_na=False,
            na_values=[""],
            # Skipped lines would shift the row numbers of errors.
            skip_blank_lines=False,
        )
    except pd.errors.EmptyDataError as error:
        remedy = "Name a file with rows"
        raise InputError("the file is empty", remedy=remedy, file=path) from error
    except broken as error:
        raise InputError(
            f"the CSV file cannot be read ({first_line(error)})",
            remedy="Check that it is complete, UTF-8 encoded and comma separated",
            file=path,
        ) from error
    return _without_blank_end(frame, file=path)


def _without_blank_end(frame: pd.DataFrame, *, file: Path) -> pd.DataFrame:
    """Drop blank lines at the end of a CSV file; one in the middle is an error."""
    if frame.empty or not frame.iloc[:, 0].isna().any():
        return frame
    filled = np.flatnonzero(frame.notna().any(axis=1).to_numpy())
    rows = int(filled[-1]) + 1 if filled.size else 0
    if filled.size < rows:
        raise InputError(
            "the line is blank",
            remedy="Remove it",
            file=file,
            row=int(np.argmax(filled != np.arange(filled.size))) + 2,
        )
    return frame.iloc[:rows]


def shown(cell: object) -> str:
    """A cell as an analyst writes it: text in quotes, numbers plain."""
    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return "an empty cell"
    return repr(cell) if isinstance(cell, str) else f"{cell}"


def require_columns(frame: pd.DataFrame, columns: Iterable[str], *, file: object | None) -> None:
    """Raise `InputError` for a column that is absent or occurs twice."""
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise InputError(
            "the column occurs twice",
            remedy="Keep one of the two",
            file=file,
            column=str(twice[0]),
        )
    for column in columns:
        if column not in frame.columns:
            there = ", ".join(map(str, frame.columns))
            raise InputError(
                "the column is missing",
                remedy=f"The columns found are: {there}",
                file=file,
                column=column,
            )


_KNOWN = "Leave the row out where the value is unknown, write 0 where it is zero"
_YEARS = "Give whole years such as 2017"


def numbers(column: pd.Series, *, file: object | None, remedy: str = _KNOWN) -> NDArray[np.float64]:
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
        At the first cell that is not a number, is missing or is infinite.
    """
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        raise InputError(
            f"the column holds {column.dtype} values, not numbers",
            remedy="Give numbers" if remedy == _KNOWN else remedy,
            file=file,
            column=str(column.name),
        )
    if column.dtype == np.float64:
        values = column.to_numpy()
    elif pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
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
    return values


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
        bad = int(given.min(initial=2000)) < 1800 or int(given.max(initial=2000)) > 2200
        wrong = ((given < 1800) | (given > 2200)) if bad else None
        # As narrow as the file has it; it is widened a chunk at a time where it is used.
        years = given
    else:
        values = numbers(column, file=file, remedy=_YEARS)
        wrong = (values != np.floor(values)) | (values < 1800) | (values > 2200)
        years = values.astype(np.int32)
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
