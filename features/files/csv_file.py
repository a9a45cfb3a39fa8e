"""Reads CSV files; errors name the line."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import InputError, first_line
from features.files.inflated import BROKEN
from features.files.text_stream import open_text

MOST_COLUMNS = 5_000


def read_csv(path: Path, *, text: Collection[str], mark: str) -> pd.DataFrame:
    """Read a CSV file, compressed or not by its ending.

    Parameters
    ----------
    text
        Columns read as text, in which ``NA`` is Namibia rather than a missing cell.
    mark
        What separates cells.

    Returns
    -------
    DataFrame
        Columns under the names of the header, even where two have the same.

    Raises
    ------
    InputError
        If it cannot be read, holds NUL bytes, lines without end, a row longer than the header or a
        blank line in the middle.
    """
    try:
        names = _header(path, mark=mark)
        with open_text(path) as stream, warnings.catch_warnings():
            # A row with more cells than the header: pandas would cut it.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # A column of numbers and words: `numbers` names the first word.
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)
            # keep_default_na would turn Namibia's ISO2 code into a missing value. Only an empty
            # cell is missing; anything else that is not a number is reported by `numbers`.
            frame = pd.read_csv(
                stream,
                sep=mark,
                # With semicolons 1.234 may be over a thousand: numbers are read from their text.
                dtype=dict.fromkeys(text, "str") if mark == "," else "str",
                # Otherwise pandas makes an index of the first cell where rows are longer than the
                # header.
                index_col=False,
                keep_default_na=False,
                na_values=[""],
                # Skipped lines would shift the row numbers of errors.
                skip_blank_lines=False,
            )
    except InputError:
        raise
    except pd.errors.EmptyDataError as error:
        remedy = "Name a file with rows"
        raise InputError("the file is empty", remedy=remedy, file=path) from error
    except (*BROKEN, pd.errors.ParserWarning) as error:
        raise _input_error(error, path) from error
    frame.columns = [name or given for name, given in zip(names, frame.columns, strict=True)]
    return without_blank_end(frame, file=path)


def _header(path: Path, *, mark: str) -> list[str]:
    """Cells of the first line; pandas would rename the second of two equal names."""
    with open_text(path) as stream:
        cells = stream.readline().count(mark.encode()) + 1
    # Counted before pandas sees them: it takes quadratic time in their number.
    if cells > MOST_COLUMNS:
        raise InputError(
            f"the first line has {cells:,} cells: no table has so many columns",
            remedy="Check that the file is a table with one row per line",
            file=path,
            row=1,
        )
    with open_text(path) as stream:
        first = pd.read_csv(
            stream, sep=mark, header=None, nrows=1, dtype="str", keep_default_na=False,
            skip_blank_lines=False,
        )  # fmt: skip
    return [str(name) for name in first.iloc[0]]


def _input_error(error: Exception, path: Path) -> InputError:
    """A parser error in our words, with the row where known."""
    message = first_line(error)
    longer = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if longer or isinstance(error, pd.errors.ParserWarning):
        # pandas does not name the first row.
        present, row, cells = longer.groups() if longer else ("", "2", "more")
        return InputError(
            f"the row has {cells} cells and the header {present}"
            if present
            else "the row has more cells than the header",
            remedy="Give every row a cell for each column; quote text that holds a separator",
            file=path,
            row=int(row),
        )
    open_quote = re.search(r"EOF inside string starting at row (\d+)", message)
    if open_quote:
        return InputError(
            "a quotation mark opens and never closes",
            remedy="Close or remove it",
            file=path,
            row=int(open_quote[1]) + 1,
        )
    if isinstance(error, UnicodeDecodeError):
        return InputError(
            "the CSV file cannot be read: it is not UTF-8",
            remedy="Save it as CSV, UTF-8 encoded",
            file=path,
            row=_undecodable_row(path),
        )
    return InputError(
        f"the CSV file cannot be read ({message})",
        remedy="Check that it is complete, UTF-8 encoded and separated by commas, semicolons "
        "or tabs",
        file=path,
    )


def _undecodable_row(path: Path) -> int | None:
    """First line that is not UTF-8."""
    with open_text(path) as stream:
        for row, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return row
    return None


def without_blank_end(frame: pd.DataFrame, *, file: Path) -> pd.DataFrame:
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
