"""Our World in Data: AI publications, patents, investment and robots, from its charts."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from features.countries.source_codes import alpha3_to_iso3
from features.download.answers import Answer
from features.download.given import answers
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import SourceError, changed_source
from features.sources.indicator_parts import (
    Reading,
    check_release_day,
    check_years,
    yearly_parts,
)
from features.sources.indicator_sets import ReadySeries, choose, selection_word
from features.store.connector import Connector
from features.store.source import IndicatorLine, SourceInfo, day_option, option
from features.tidy.parts import Part
from features.tidy.tidying import require_source_columns
from features.tidy.years import years_word

GRAPHER = "https://ourworldindata.org/grapher"
_KEYS = ("Entity", "Code", "Year")
_OWN = "OWID_"
_PRICE_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_BLANK = "rows without a country code (regions, groups of countries) dropped"
_OWN_CODES = "rows of the source's own codes (OWID_...: the world, regions, former states) dropped"
_changed = partial(
    changed_source,
    remedy="Leave the series out with --indicators, take an earlier release, or upgrade gravicast",
)


@dataclass(frozen=True, slots=True)
class Owid(Connector):
    """Charts of Our World in Data, one row per country and year.

    The source overwrites its charts in place: the day of retrieval is the release. Unchanged files
    are not sent again.
    """

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="owid",
        kind="indicators",
        title="Our World in Data",
        gives="AI publications, patents and investment by country; robots of the largest users",
        licence="CSET series CC BY-NC 4.0; robots (IFR via AI Index) CC BY-ND 4.0; the source's "
        "own work CC BY 4.0",
        citation="CSET Country Activity Tracker; IFR via AI Index; with processing by Our World "
        "in Data, https://ourworldindata.org",
        lag="12 to 24 months by series, 60 of AI patents (they ended in 2020 in May 2026)",
        publication_lag_months=24,
        pace_seconds=0.5,
        dated=True,
    )

    indicators: tuple[str, ...] = option(
        (),
        help="AI.ARTICLES, AI.PATENTS, AI.INVESTMENT or AI.ROBOTS.INSTALLED, or slugs of these "
        "charts; by default all",
    )
    years: tuple[int, ...] = option((), help="years such as 2016-2024; by default all")
    release: str = day_option()

    def __post_init__(self) -> None:
        choose("owid", self.indicators)
        check_years(self.years)
        check_release_day(self.release)

    @property
    def chosen(self) -> tuple[ReadySeries, ...]:
        """The series wanted."""
        return choose("owid", self.indicators)

    @property
    def key(self) -> str:
        """``owid:release:selection:years``."""
        selection = selection_word("owid", self.chosen)
        return f"owid:{self.release}:{selection}:{years_word(self.years)}"

    def locate(self) -> tuple[str, ...]:
        """Two addresses per series: table and metadata."""
        return tuple(
            f"{GRAPHER}/{series.at_source}.{kind}"
            for series in self.chosen
            for kind in ("csv", "metadata.json")
        )

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """Table and metadata of each series."""
        params = {"csvType": "full", "useColumnShortNames": "true"}
        return tuple(
            cache.answer(
                f"{GRAPHER}/{series.at_source}.{kind}",
                name=f"{series.at_source}.{kind}",
                params=params,
                check=check,
                fits=answers(partial(check, series=series)),
            )
            for series in self.chosen
            for kind, check in (("csv", _check_table), ("metadata.json", _check_metadata))
        )

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """Values of countries by year; rows of regions and empty cells are counted."""
        by_name = {file.path.name: file.path for file in raw}
        frames, statements, dropped = [], [], {"": _BLANK}
        for series in self.chosen:
            slug = series.at_source
            column, about = _value_column(by_name[f"{slug}.metadata.json"], series=series)
            frames.append(_read_table(by_name[f"{slug}.csv"], series=series, names=column))
            statements.append(_statement(series, about))
        frame = pd.concat(frames, ignore_index=True)
        own = {code for code in frame["code"].unique() if code.startswith(_OWN)}
        dropped |= {code: _OWN_CODES for code in own if not _is_country(code)}
        reading = Reading(
            frame, file="Our World in Data", dropped=dropped, statements=tuple(statements)
        )
        return yearly_parts(reading, chosen=self.chosen, years=self.years)

    def indicator_lines(self) -> tuple[IndicatorLine, ...]:
        """A line of the catalogue for each series, with its licence."""
        return tuple(series.line() for series in self.chosen)


def _is_country(code: str) -> bool:
    """Whether one of the source's own codes is a country's (OWID_KOS is Kosovo)."""
    try:
        return alpha3_to_iso3(code) is not None
    except LookupError:
        return False


def _check_table(answer: Answer, series: ReadySeries | None = None) -> None:
    """Refuse a web page or another table under status 200, so that it is never cached.

    Also refuse one without a column of ``series``, where a file must identify itself.
    """
    if answer.status == 200:
        header = next(csv.reader(io.StringIO(answer.text)), [])
        require_source_columns([name.capitalize() for name in header], _KEYS, file="chart of OWID")
        wanted = {name.lower() for name in series.columns} if series else set()
        if wanted and not wanted & {name.lower() for name in header}:
            require_source_columns(header, series.columns[:1] if series else (), file="a chart")


def _check_metadata(answer: Answer, series: ReadySeries | None = None) -> None:
    if answer.status == 200:
        columns = _columns(answer.body, file="metadata of a chart of OWID")
        if series is not None:
            _value_name(columns, series=series, file="a chart")


def _columns(body: bytes, *, file: str) -> dict[str, Mapping[str, Any]]:
    """Metadata of each value column."""
    try:
        columns = json.loads(body.decode("utf-8-sig"))["columns"]
        if columns and all(isinstance(about, dict) for about in columns.values()):
            return dict(columns)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise _changed(
        "expected JSON with an object 'columns', found "
        f"{body[:60].decode('utf-8', errors='replace')!r}",
        file=file,
    )


def _value_column(path: Path, *, series: ReadySeries) -> tuple[frozenset[str], Mapping[str, Any]]:
    """Lower-case names that the value column may have in the table, and its metadata.

    Titles change with every update and short names vary in case, so the metadata decide the column.
    """
    return _value_name(_columns(path.read_bytes(), file=path.name), series=series, file=path.name)


def _value_name(
    columns: Mapping[str, Mapping[str, Any]], *, series: ReadySeries, file: str
) -> tuple[frozenset[str], Mapping[str, Any]]:
    names = {
        key: frozenset(
            str(name).lower()
            for name in (key, *(about.get(k) for k in ("shortName", "titleShort", "titleLong")))
            if name
        )
        for key, about in columns.items()
    }
    for wanted in series.columns:
        found = [key for key in columns if wanted.lower() in names[key]]
        if len(found) == 1:
            _refuse_other_prices(series, columns[found[0]], file=file)
            return names[found[0]], columns[found[0]]
    present = ", ".join(f"{about.get('shortName')} ({key})" for key, about in columns.items())
    raise _changed(f"expected a column {' or '.join(series.columns)}, found {present}", file=file)


def _refuse_other_prices(series: ReadySeries, about: Mapping[str, Any], *, file: str) -> None:
    """Refuse a unit that names another year of prices than ours does."""
    unit = f"{about.get('unit') or ''} {about.get('shortUnit') or ''}"
    if set(_PRICE_YEAR.findall(unit)) - set(_PRICE_YEAR.findall(series.unit)):
        raise _changed(
            f"expected {series.name} in {series.unit}, found its unit to be {unit.strip()!r}",
            file=file,
        )


def _read_table(path: Path, *, series: ReadySeries, names: frozenset[str]) -> pd.DataFrame:
    """Rows of a chart's table: ``series, code, year, value``."""
    # Entity codes are text: pandas would read some as missing.
    try:
        rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _broken(str(error), path) from error
    header = [name.lower() for name in rows[0]] if rows else []
    require_source_columns([name.capitalize() for name in header], _KEYS, file=path.name)
    values = [k for k, name in enumerate(header) if name in names]
    if len(values) != 1:
        raise _changed(
            f"expected one column {' or '.join(sorted(names))}, found {', '.join(rows[0])}",
            file=path.name,
        )
    code, year, value = header.index("code"), header.index("year"), values[0]
    body = rows[1:]
    for number, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise _broken(f"row {number} has {len(row)} of {len(header)} cells", path)
    try:
        return pd.DataFrame(
            {
                "series": series.at_source,
                "code": pd.Series([row[code].strip() for row in body], dtype="str"),
                "year": pd.Series([int(row[year]) for row in body], dtype="int32"),
                "value": pd.Series([_number(row[value]) for row in body], dtype="float64"),
            }
        )
    except ValueError as error:
        raise _broken(str(error), path) from error


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


def _broken(reason: str, path: Path) -> SourceError:
    return SourceError(f"the table is broken ({reason})", file=path.name)


def _statement(series: ReadySeries, about: Mapping[str, Any]) -> str:
    """The source's unit, span and updates, to check ours against."""
    words = (
        f"{word} {about[key]}"
        for key, word in (
            ("unit", "unit"),
            ("timespan", "years"),
            ("lastUpdated", "last updated"),
            ("nextUpdate", "next update"),
        )
        if about.get(key)
    )
    return f"{series.name} by the source's own words: {', '.join(words) or 'nothing'}"
