"""Reading Comtrade's answers: rows checked against what was asked, and what they cover."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.errors import SourceError
from features.store.source import RawFile
from features.store.tidying import require_source_columns

LEVELS = {"total": "TOTAL", "hs2": "AG2", "hs4": "AG4", "hs6": "AG6"}
"""What the source calls each level."""
COLUMNS = ("period", "reporterCode", "flowCode", "partnerCode", "partner2Code", "cmdCode",
           "customsCode", "motCode", "primaryValue")  # fmt: skip
_ENVELOPE = ("count", "data", "error")
_REMEDY = "Try again later; if it stays so, the source has changed: upgrade gravicast"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What rows must be of: classification, level, flow, reporters, years, and commodities.

    Attributes
    ----------
    classification
        ``HS`` as reported, or a revision ``H0``-``H6``.
    level
        Of `LEVELS`.
    flow
        ``M`` or ``X``.
    reporters, years
        Codes and years.
    commodities
        Codes of the level; all where empty.
    """

    classification: str
    level: str
    flow: str
    reporters: tuple[int, ...] = ()
    years: tuple[int, ...] = ()
    commodities: tuple[str, ...] = ()

    @property
    def level_code(self) -> str:
        """As the source spells it."""
        return LEVELS[self.level]

    @property
    def digits(self) -> int:
        """Digits of a commodity; none for the total."""
        return 0 if self.level == "total" else int(self.level[2:])


def parse_rows(
    body: bytes, *, wanted: Wanted, partners: Sequence[int], file: object
) -> pd.DataFrame:
    """Rows of an answer, which must be of what was asked.

    Parameters
    ----------
    body
        The answer, an envelope of ``count``, ``data`` and ``error``.
    wanted, partners
        What was asked.
    file
        Named in errors.

    Raises
    ------
    SourceError
        For an answer that is no envelope or an error in one, changed columns, fewer rows than
        counted, a row that was not asked for, or two of the same flow.
    """
    rows = _rows(body, file=file)
    if not rows.empty:
        _refuse_others(rows, wanted=wanted, partners=partners, file=file)
        _refuse_twins(rows, file=file)
    return rows


def read_rows(path: Path) -> pd.DataFrame:
    """Rows of an answer in the cache, which was checked when it came."""
    return _rows(path.read_bytes(), file=path)


def _refuse_others(
    rows: pd.DataFrame, *, wanted: Wanted, partners: Sequence[int], file: object
) -> None:
    asked = (
        rows["reporterCode"].isin(wanted.reporters)
        & rows["period"].isin(wanted.years)
        & (rows["flowCode"] == wanted.flow)
        & _is_of_level(rows["cmdCode"], wanted)
        & (rows["partner2Code"] == 0)
        & (rows["motCode"] == 0)
        & (rows["customsCode"] == "C00")
    )
    if partners:
        asked &= rows["partnerCode"].isin(partners)
    if not asked.all():
        other = rows[~asked].iloc[0]
        like = ", ".join(f"{name} {other[name]}" for name in COLUMNS[:-1])
        raise SourceError(
            f"{int((~asked).sum()):,} rows are not what was asked for, such as {like}",
            remedy=_REMEDY,
            file=file,
        )


def _refuse_twins(rows: pd.DataFrame, *, file: object) -> None:
    twice = rows.duplicated(["period", "reporterCode", "partnerCode", "cmdCode"])
    if twice.any():
        other = rows[twice].iloc[0]
        raise SourceError(
            f"the flow of reporter {other['reporterCode']}, partner {other['partnerCode']}, "
            f"{other['cmdCode']}, {other['period']} comes twice",
            remedy=_REMEDY,
            file=file,
        )


def _rows(body: bytes, *, file: object) -> pd.DataFrame:
    text = body.decode("utf-8-sig", errors="replace")
    try:
        # Of some 47 fields few are kept while reading: 100,000 rows would else take half a GB.
        envelope = json.loads(text, object_hook=_slim)
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict) or not {"count", "data"} & set(envelope):
        raise SourceError("the answer is no data of Comtrade", remedy=_REMEDY, file=file)
    if envelope.get("error"):
        raise SourceError(
            f"the source answers with an error: {str(envelope['error'])[:160]}",
            remedy=_REMEDY,
            file=file,
        )
    data = envelope.get("data") or []
    if envelope.get("count", len(data)) not in (len(data), None):
        raise SourceError(
            f"the answer counts {envelope['count']} rows and has {len(data)}",
            remedy=_REMEDY,
            file=file,
        )
    frame = pd.DataFrame(data, columns=None if data else list(COLUMNS))
    if any(name not in frame.columns for name in COLUMNS):
        require_source_columns(list(json.loads(text)["data"][0]), COLUMNS, file=file)
    return _typed(frame, file=file)


def _slim(found: dict[str, Any]) -> dict[str, Any]:
    names = _ENVELOPE if "data" in found or "count" in found else (*COLUMNS, "classificationCode")
    return {name: found[name] for name in names if name in found}


def _typed(frame: pd.DataFrame, *, file: object) -> pd.DataFrame:
    """Whole numbers, text and floats: the source writes one field now as 0, now as "0" or 0.0."""
    try:
        whole = {
            name: frame[name].astype("float64").astype("int32")
            for name in ("period", "reporterCode", "partnerCode", "partner2Code", "motCode")
        }
        text = {name: frame[name].astype("str") for name in ("flowCode", "cmdCode", "customsCode")}
        value = {"primaryValue": frame["primaryValue"].astype("float64")}
    except (ValueError, TypeError) as error:
        raise SourceError(
            f"a field has something else than expected ({str(error)[:120]})",
            remedy=_REMEDY,
            file=file,
        ) from error
    revision = frame.get("classificationCode", "")
    return pd.DataFrame({**whole, **text, **value}).assign(revision=revision)


def _is_of_level(commodity: pd.Series, wanted: Wanted) -> pd.Series:
    if wanted.commodities:
        return commodity.isin(wanted.commodities)
    if not wanted.digits:
        return commodity == "TOTAL"
    return (commodity.str.len() == wanted.digits) & (commodity != "TOTAL")


@dataclass(frozen=True, slots=True)
class Coverage:
    """What answers hold, found in one pass over them.

    Attributes
    ----------
    files
        Answers with rows of a year, by year.
    reporters
        Codes with rows, by year.
    partners, commodities
        Every code there is.
    """

    files: dict[int, tuple[RawFile, ...]]
    reporters: dict[int, frozenset[int]]
    partners: tuple[int, ...]
    commodities: tuple[str, ...]


def survey(answers: Sequence[RawFile]) -> Coverage:
    """Pass over the answers, one at a time in memory."""
    files: dict[int, list[RawFile]] = {}
    reporters: dict[int, set[int]] = {}
    partners: set[int] = set()
    commodities: set[str] = set()
    for answer in answers:
        rows = read_rows(answer.path)
        for year, of_year in rows.groupby("period"):
            files.setdefault(int(year), []).append(answer)
            reporters.setdefault(int(year), set()).update(
                map(int, of_year["reporterCode"].unique())
            )
        partners.update(map(int, np.unique(rows["partnerCode"])))
        commodities.update(rows["cmdCode"].unique())
    return Coverage(
        {year: tuple(files[year]) for year in sorted(files)},
        {year: frozenset(codes) for year, codes in reporters.items()},
        tuple(sorted(partners)),
        tuple(sorted(commodities)),
    )
