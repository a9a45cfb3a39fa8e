"""Reads Comtrade's answers: rows checked against the request, and their coverage."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from features.download.raw_file import RawFile
from features.errors import SourceError, first_line
from features.tidy.parts import Notes
from features.tidy.tidying import refuse_twice, require_source_columns

TOTAL = "TOTAL"
"""The source's code for all goods."""
COLUMNS = ("period", "reporterCode", "flowCode", "partnerCode", "partner2Code", "cmdCode",
           "customsCode", "motCode", "primaryValue")  # fmt: skip
_ENVELOPE = ("count", "data", "error")
_REMEDY = "Try again later; if it stays so, the source has changed: upgrade gravicast"
_broken = partial(SourceError, remedy=_REMEDY)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What every row must match.

    Attributes
    ----------
    flow
        ``M`` or ``X``.
    frequency
        ``A`` or ``M``.
    reporters, periods
        Codes; years, or months such as 202305.
    """

    flow: str
    frequency: str = "A"
    reporters: tuple[int, ...] = ()
    periods: tuple[int, ...] = ()


def year_of(period: int) -> int:
    """Year of a period, which is a year or a month."""
    return period if period < 10_000 else period // 100


def parse_rows(body: bytes, *, wanted: Wanted, file: object) -> pd.DataFrame:
    """Rows of an answer, checked against the request.

    Parameters
    ----------
    body
        The answer, an envelope of ``count``, ``data`` and ``error``.
    wanted
        What was asked.

    Raises
    ------
    SourceError
        For an answer that is not an envelope or an error in one, changed columns, fewer rows than
        counted, a row that was not asked for, or two of the same flow.
    """
    rows = _rows(body, file=file)
    if not rows.empty:
        _refuse_others(rows, wanted=wanted, file=file)
        refuse_twins(rows, file=file)
    return rows


def read_rows(path: Path) -> pd.DataFrame:
    """Rows of an answer (checked on arrival) or of a table from the website."""
    body = path.read_bytes()
    if b"primaryValue" in body[:4000] and not body.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{"):
        return _csv_rows(body, file=path)
    return _rows(body, file=path)


def _csv_rows(body: bytes, *, file: object) -> pd.DataFrame:
    """Rows of the website's CSV; names of areas, in Latin-1, are not read."""
    try:
        frame = pd.read_csv(
            io.BytesIO(body.removeprefix(b"\xef\xbb\xbf")),
            encoding="latin-1",
            usecols=list(COLUMNS),
            # Lines may end with a comma that the header lacks.
            index_col=False,
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise _broken(f"the table cannot be read ({first_line(error)})", file=file) from error
    return _typed(frame, file=file)


def _refuse_others(rows: pd.DataFrame, *, wanted: Wanted, file: object) -> None:
    asked = _is_wanted(rows, wanted)
    if not asked.all():
        other = rows[~asked].iloc[0]
        like = ", ".join(f"{name} {other[name]}" for name in COLUMNS[:-1])
        raise _broken(f"{int((~asked).sum()):,} rows were not asked for, such as {like}", file=file)


def wanted_rows(rows: pd.DataFrame, wanted: Wanted) -> pd.DataFrame:
    """The requested rows."""
    return rows[_is_wanted(rows, wanted)]


def is_answer(path: Path) -> bool:
    """Whether a file is an answer of the API or a table from the website."""
    try:
        return not read_rows(path).empty
    except SourceError:
        return False


def _is_wanted(rows: pd.DataFrame, wanted: Wanted) -> pd.Series:
    return (
        rows["reporterCode"].isin(wanted.reporters)
        & rows["period"].isin(wanted.periods)
        & (rows["flowCode"] == wanted.flow)
        & (rows["cmdCode"] == TOTAL)
        & (rows["partner2Code"] == 0)
        & (rows["motCode"] == 0)
        & (rows["customsCode"] == "C00")
    )


def rows_of_year(
    coverage: Coverage, year: int, read: Callable[[Path], pd.DataFrame], notes: Notes
) -> pd.DataFrame:
    """Rows of a year in all answers, each once."""
    answers = coverage.files[year]
    rows = pd.concat([read(answer.path) for answer in answers], ignore_index=True)
    rows = rows[rows["period"].map(year_of) == year]
    alike = rows.duplicated()
    notes.count("rows that another file has too dropped", int(alike.sum()))
    return rows[~alike]


def refuse_twins(rows: pd.DataFrame, *, file: object) -> None:
    """Raise `SourceError` for two rows of one flow: their sum would count it double."""
    words = "the flow of reporter {reporterCode}, partner {partnerCode}, {period}"
    keys = ("period", "reporterCode", "partnerCode")
    refuse_twice(rows, keys, words, file=file, remedy=_REMEDY)


def _rows(body: bytes, *, file: object) -> pd.DataFrame:
    text = body.decode("utf-8-sig", errors="replace")
    try:
        # Only a few of some 47 fields are kept: 100,000 rows would otherwise take half a GB.
        envelope = json.loads(text, object_hook=_slim)
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict) or not {"count", "data"} & set(envelope):
        raise _broken("the answer is not data of Comtrade", file=file)
    if envelope.get("error"):
        raise _broken(
            f"the source answers with an error: {str(envelope['error'])[:160]}", file=file
        )
    data = envelope.get("data") or []
    if envelope.get("count", len(data)) not in (len(data), None):
        raise _broken(f"the answer counts {envelope['count']} rows and has {len(data)}", file=file)
    frame = pd.DataFrame(data, columns=None if data else list(COLUMNS))
    if any(name not in frame.columns for name in COLUMNS):
        require_source_columns(list(json.loads(text)["data"][0]), COLUMNS, file=file)
    return _typed(frame, file=file)


def _slim(found: dict[str, Any]) -> dict[str, Any]:
    names = _ENVELOPE if "data" in found or "count" in found else COLUMNS
    return {name: found[name] for name in names if name in found}


def _typed(frame: pd.DataFrame, *, file: object) -> pd.DataFrame:
    """Whole numbers, text and floats: the source writes a field as 0, "0" or 0.0."""
    try:
        whole = {
            name: frame[name].astype("float64").astype("int32")
            for name in ("period", "reporterCode", "partnerCode", "partner2Code", "motCode")
        }
        text = {name: frame[name].astype("str") for name in ("flowCode", "cmdCode", "customsCode")}
        value = {"primaryValue": frame["primaryValue"].astype("float64")}
    except (ValueError, TypeError) as error:
        raise _broken(f"a field is not as expected ({str(error)[:120]})", file=file) from error
    return pd.DataFrame({**whole, **text, **value})


@dataclass(frozen=True, slots=True)
class Coverage:
    """What answers hold, found in one pass over them.

    Attributes
    ----------
    files
        Answers with rows of a year, by year.
    reporters
        Codes with rows, by year or month.
    partners
        Every code, and its rows.
    """

    files: dict[int, tuple[RawFile, ...]]
    reporters: dict[int, frozenset[int]]
    partners: dict[int, int]


def survey(answers: Sequence[RawFile], read: Callable[[Path], pd.DataFrame]) -> Coverage:
    """Pass over the answers, one at a time in memory."""
    files: dict[int, list[RawFile]] = {}
    reporters: dict[int, set[int]] = {}
    partners: Counter[int] = Counter()
    for answer in answers:
        rows = read(answer.path)
        for period, of_period in rows.groupby("period"):
            present = files.setdefault(year_of(int(period)), [])
            present += [] if answer in present else [answer]
            codes = map(int, of_period["reporterCode"].unique())
            reporters.setdefault(int(period), set()).update(codes)
        partners.update(map(int, rows["partnerCode"]))
    return Coverage(
        {year: tuple(files[year]) for year in sorted(files)},
        {period: frozenset(codes) for period, codes in reporters.items()},
        dict(sorted(partners.items())),
    )
