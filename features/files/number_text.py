"""Numbers written as text: decimal commas, thousands separators, spaces between digits."""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd

from features.choices import Decimal
from features.errors import InputError

_OTHER: dict[str, Decimal] = {".": ",", ",": "."}
_BLANKS = "[ \u00a0\u202f'\u2019]"
_HEAD = 1_000
"""Rows read to tell whether a column holds numbers."""
_LOOKS_NUMERIC = re.compile(rf"[+-]?\d(?:[\d.,]|{_BLANKS})*(?:[eE][+-]?\d+)?")

EMPTY = frozenset({"", ".", "..", "...", "\u2026", "-", "\u2013", ":", "na", "n/a", "nan", "null",
                   "none", "#n/a"})  # fmt: skip
"""Contents of cells without a figure, in tables with years as columns."""


def with_plain_numbers(
    frame: pd.DataFrame,
    *,
    text: Collection[str],
    decimal: Decimal | None,
    default: Decimal | None,
    file: object,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rewrite columns of numbers that are text; other cells stay as they are.

    Parameters
    ----------
    frame
        A table as read.
    text
        Columns of codes, left alone.
    decimal
        The decimal mark, if the caller gives it.
    default
        The decimal mark for a cell such as ``1,234`` where the file does not imply one; None
        refuses it.

    Returns
    -------
    tuple
        The table, and what was done to it.

    Raises
    ------
    InputError
        If a column may be read in two ways; it names ``--decimal``.
    """
    columns = {name: cells for name in _candidates(frame, text)
               if (cells := _cells(frame[name])) is not None}  # fmt: skip
    if not columns:
        return frame, ()
    marks = {name: _stated_mark(cells) for name, cells in columns.items()}
    stated = {mark for mark in marks.values() if mark is not None}
    of_file = decimal or (stated.pop() if len(stated) == 1 else None)
    frame = frame.copy(deep=False)
    used: set[str] = set()
    for name, cells in columns.items():
        # The caller's mark does not overrule an unambiguous column.
        mark = marks[name] or of_file
        if mark is None and (unclear := _unclear(cells)) is not None:
            # 1,234 beside 56789: where digits are not grouped, the comma may be a decimal one.
            if default is None or cells.str.fullmatch(r"[+-]?\d{4,}").any():
                _refuse(unclear, name, file=file)
            mark = default
        frame[name], grouped = _rewritten(frame[name], cells, mark or ".")
        used |= {"decimal commas"} if mark == "," and _has(cells, ",") else set()
        used |= {"thousands separators removed"} if grouped else set()
    return frame, tuple(sorted(used))


def _candidates(frame: pd.DataFrame, text: Collection[str]) -> list[str]:
    """Columns of strings whose first cell with a figure looks like a number."""
    found = []
    for name in frame.columns[~frame.columns.duplicated(keep=False)]:
        column = frame[name]
        if name in text or not (column.dtype == object or pd.api.types.is_string_dtype(column)):
            continue
        if isinstance(column.dtype, pd.CategoricalDtype):
            continue
        head = [cell for cell in column.head(_HEAD).dropna() if isinstance(cell, str)]
        filled = (cell.strip() for cell in head if cell.strip().lower() not in EMPTY)
        if _LOOKS_NUMERIC.fullmatch(next(filled, "")):
            found.append(name)
    return found


def _cells(column: pd.Series) -> pd.Series | None:
    """Distinct texts of a column that look like numbers; None where all are plain."""
    distinct = pd.Series(column.dropna().unique())
    if distinct.dtype == object:
        distinct = pd.Series([each for each in distinct if isinstance(each, str)], dtype="str")
    stripped = distinct.str.strip()
    cells = stripped[stripped.str.fullmatch(_LOOKS_NUMERIC)]
    odd = cells.str.contains(rf"[.,]|{_BLANKS}", regex=True)
    return cells if bool(odd.any()) else None


def _patterns(mark: str) -> tuple[str, str]:
    """Patterns in which ``mark`` must be, and may be, the decimal mark."""
    point, comma = re.escape(mark), re.escape(_OTHER[mark])
    blank = rf"(?:{_BLANKS}\d{{3}})+"
    stated = (
        rf"[+-]?\d{{1,3}}(?:{comma}\d{{3}})+{point}\d+"  # 1.234,5
        rf"|[+-]?\d{{1,3}}(?:{comma}\d{{3}}){{2,}}"  # 1.234.567
        rf"|[+-]?\d{{1,3}}{blank}{point}\d+"  # 1 234,5
        rf"|[+-]?\d*{point}(?:\d{{1,2}}|\d{{4,}})"  # 12,5
        rf"|[+-]?(?:\d{{4,}}|0+){point}\d{{3}}"  # 1234,567 and 0,123
        rf"|[+-]?\d+(?:{point}\d+)?[eE][+-]?\d+"  # 1,5e9
    )
    return stated, rf"[+-]?[1-9]\d{{0,2}}{point}\d{{3}}"


def _stated_mark(cells: pd.Series) -> Decimal | None:
    """The decimal mark that a column's cells imply; None if none or contradictory."""
    marked = cells[cells.str.contains("[.,]", regex=True)]
    marks: tuple[Decimal, ...] = (",", ".")
    stated = [mark for mark in marks if bool(marked.str.fullmatch(_patterns(mark)[0]).any())]
    return stated[0] if len(stated) == 1 else None


def _unclear(cells: pd.Series) -> str | None:
    """An ambiguous cell such as ``1.234``; None if absent."""
    either = f"{_patterns('.')[1]}|{_patterns(',')[1]}"
    found = cells[cells.str.fullmatch(either)]
    return None if found.empty else str(found.iloc[0])


def _rewritten(column: pd.Series, cells: pd.Series, mark: Decimal) -> tuple[pd.Series, bool]:
    """The column with its numbers as Python writes them, and whether digits were grouped."""
    point, comma = re.escape(mark), re.escape(_OTHER[mark])
    group = rf"(?:{comma}|{_BLANKS})"
    number = rf"[+-]?(?:\d{{1,3}}(?:{group}\d{{3}})+|\d*)(?:{point}\d*)?(?:[eE][+-]?\d+)?"
    fits = cells[cells.str.fullmatch(number)]
    bare = fits.str.replace(group, "", regex=True)
    grouped = bool((bare != fits).any())
    plain = dict(zip(fits, bare.str.replace(mark, ".", regex=False), strict=True))
    stripped = column.map(str.strip, na_action="ignore") if column.dtype == object else column
    stripped = stripped if column.dtype == object else stripped.str.strip()
    rewritten = stripped.map(plain)
    as_numbers = pd.to_numeric(rewritten, errors="coerce")
    if bool((as_numbers.notna() | column.isna()).all()):
        return as_numbers, grouped
    return rewritten.astype(object).where(rewritten.notna(), column.astype(object)), grouped


def _has(cells: pd.Series, mark: str) -> bool:
    return bool(cells.str.contains(mark, regex=False).any())


def _refuse(cell: str, column: str, *, file: object) -> None:
    raise InputError(
        f"{cell!r} may be {cell.replace(',', '').replace('.', '')} or a number with three decimals",
        remedy="Give the decimal mark with `--decimal ,` or `--decimal .`",
        file=file,
        column=str(column),
    )
