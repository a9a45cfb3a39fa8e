"""Years as people write them: whole years, dates of a year's first or last day, months."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError
from features.files.tables import numbers, whole_years

ANNUAL = (0, 52)
"""What Comtrade's ``refMonth`` holds in annual data (and 0 elsewhere)."""

_MONTH = re.compile(r"((?:18|19|20|21)\d\d)[-_/. ]?[Mm]?(0?[1-9]|1[0-2])")
_ISO_DATE = re.compile(r"((?:18|19|20|21)\d\d)[-/.](\d\d)[-/.](\d\d)(?:[T ].*)?")
_COMPACT_DATE = re.compile(r"((?:18|19|20|21)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]((?:18|19|20|21)\d\d)")


@dataclass(frozen=True, slots=True)
class Periods:
    """Period of each row.

    Attributes
    ----------
    year
        Calendar year, shape ``[row]``.
    month
        1 to 12, shape ``[row]``; None where rows are of years.
    done
        What was done, in words; empty where the column holds whole years.
    """

    year: NDArray[np.integer]
    month: NDArray[np.integer] | None = None
    done: str = ""


def read_periods(column: pd.Series, month: pd.Series | None, *, file: object) -> Periods:
    """Years and, where there are any, months of a table's rows.

    Parameters
    ----------
    column
        Years, dates or months.
    month
        A column of months beside it; None where there is none.

    Raises
    ------
    InputError
        For a cell that is none of these, a date that may be two, or years and months in one table.
    """
    found = _own_periods(column, file=file)
    if month is None:
        return found
    given = numbers(month, file=file)
    if np.isin(given, ANNUAL).all():
        return found
    wrong = (given < 1) | (given > 12) | (given != np.floor(given))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{given[row]:g} is not a month from 1 to 12",
            remedy="Keep annual or monthly rows, not both",
            file=file,
            column=str(month.name),
            row=row + 2,
        )
    return Periods(found.year, given.astype(np.int8))


def _own_periods(column: pd.Series, *, file: object) -> Periods:
    if pd.api.types.is_datetime64_any_dtype(column):
        if not column.isna().any():
            return _of_dates(column.dt.year, column.dt.month, column.dt.day)
    elif pd.api.types.is_integer_dtype(column):
        given = column.to_numpy() if not column.isna().any() else np.zeros(0, dtype=np.int64)
        # 201703 and 20170331: no whole year has so many digits.
        if given.size and int(given.min()) > 99_999:
            return _of_text(column.astype("str"), file=file) or _whole(column, file=file)
    elif not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return _of_text(column, file=file) or _whole(column, file=file)
    return _whole(column, file=file)


def _whole(column: pd.Series, *, file: object) -> Periods:
    return Periods(whole_years(column, file=file))


def _of_text(column: pd.Series, *, file: object) -> Periods | None:
    """Dates or months by their distinct texts; None where the texts are neither."""
    codes, distinct = pd.factorize(column, use_na_sentinel=True)
    if (codes < 0).any() or not len(distinct):
        return None
    words = [str(word).strip() for word in distinct]
    if all(re.fullmatch(r"\d{4}(?:\.0+)?", word) for word in words):
        return None
    months = [_MONTH.fullmatch(word) for word in words]
    if all(months) and not all(_COMPACT_DATE.fullmatch(word) for word in words):
        parts = np.array([[int(m[1]), int(m[2])] for m in months if m], dtype=np.int32)[codes]
        return Periods(parts[:, 0], parts[:, 1])
    dates = [_date(word, column=str(column.name), file=file) for word in words]
    if any(date is None for date in dates):
        return None
    parts = np.array([date for date in dates if date is not None], dtype=np.int32)[codes]
    return _of_dates(parts[:, 0], parts[:, 1], parts[:, 2])


def _date(word: str, *, column: str, file: object) -> tuple[int, int, int] | None:
    """Year, month and day; None for what is not a date."""
    if found := _ISO_DATE.fullmatch(word) or _COMPACT_DATE.fullmatch(word):
        parts = (int(found[1]), int(found[2]), int(found[3]))
    elif found := _DAY_FIRST.fullmatch(word):
        first, second, year = int(found[1]), int(found[2]), int(found[3])
        if first <= 12 and second <= 12 and first != second:
            raise InputError(
                f"{word!r} could be two dates",
                remedy="Write dates as 2017-12-31, or give whole years such as 2017",
                file=file,
                column=column,
            )
        parts = (year, second, first) if first > 12 or second <= 12 else (year, first, second)
    else:
        return None
    try:
        pd.Timestamp(*parts)
    except ValueError:
        return None
    return parts


def _of_dates(year: object, month: object, day: object) -> Periods:
    """Dates that are all first or last days of years mean years; others months."""
    years, months, days = (np.asarray(part, dtype=np.int32) for part in (year, month, day))
    first, last = (months == 1) & (days == 1), (months == 12) & (days == 31)
    if first.all() or last.all():
        return Periods(years, None, "dates read as their years")
    return Periods(years, months, "dates read as their months")
