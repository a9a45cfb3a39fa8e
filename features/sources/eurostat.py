"""Eurostat: enterprises that use artificial intelligence, from its statistics API (JSON-stat)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.countries.source_codes import alpha2_to_iso3
from features.download.answers import Answer
from features.download.given import answers
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import SourceError, changed_source, listed
from features.sources.indicator_parts import Reading, check_release_day, check_years, yearly_parts
from features.sources.indicator_sets import ReadySeries
from features.store.connector import Connector
from features.store.source import IndicatorLine, SourceInfo, day_option, option, require_years
from features.tidy.parts import Part
from features.tidy.years import years_word

TABLE = "isoc_eb_ai"
ADDRESS = f"https://ec.europa.eu/eurostat/api/dissemination/statistics/1.0/data/{TABLE}"
FIRST_YEAR = 2021
LAG_MONTHS = 2
"""Assumed: results of a year's survey come out around its end."""
_CHOSEN = {"indic_is": "E_AI_TANY", "unit": "PC_ENT", "freq": "A"}
"""Share of enterprises that use at least one AI technology."""
# Unions and areas: EU27_2020, EA20, EEA.
_GROUP = re.compile(r"(EU|EA|EEA)\d*(_\d{4})?")
_GROUPS = "rows of groups of countries dropped"
_changed = partial(changed_source, remedy="The source has changed: upgrade gravicast")


@dataclass(frozen=True, slots=True)
class Eurostat(Connector):
    """Share of enterprises that use AI, by country and year; Europe only.

    {options}
    """

    size: str = option("GE10", help="size of enterprises, by default GE10: ten persons or more")
    industry: str = option(
        "C10-S951_X_K", help="industries, by default C10-S951_X_K: all but agriculture and finance"
    )
    years: tuple[int, ...] = option((), help=f"years such as {FIRST_YEAR}-2025; by default all")
    release: str = day_option()

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="eurostat",
        kind="indicators",
        title="Eurostat, use of AI by enterprises (isoc_eb_ai)",
        gives=f"share of enterprises that use AI in some 35 countries of Europe, {FIRST_YEAR} and "
        "from 2023 on",
        licence="CC BY 4.0 (Eurostat's notice on reuse)",
        citation=f"Eurostat, Artificial intelligence by size class of enterprise ({TABLE})",
        lag=f"{LAG_MONTHS} months (assumed)",
        publication_lag_months=LAG_MONTHS,
        pace_seconds=1.0,
        dated=True,
    )

    def __post_init__(self) -> None:
        check_release_day(self.release)
        check_years(self.years)
        require_years(self.years, "the survey", FIRST_YEAR)

    @property
    def series(self) -> ReadySeries:
        """The series, and which enterprises it counts."""
        return ReadySeries(
            "AI.ENTERPRISES", "ai_adoption", "Enterprises that use artificial intelligence",
            "percent of enterprises", LAG_MONTHS, "eurostat", TABLE,
            f"Eurostat ({self.INFO.licence})",
            note=f"size {self.size}, industries {self.industry}; Europe only, from {FIRST_YEAR}; "
            f"the publication lag of {LAG_MONTHS} months is assumed",
        )  # fmt: skip

    @property
    def key(self) -> str:
        """``eurostat:day:size:industry:years``."""
        return f"eurostat:{self.release}:{self.size}:{self.industry}:{years_word(self.years)}"

    def locate(self) -> tuple[str, ...]:
        """One address."""
        return (ADDRESS,)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """One answer with all countries and years."""
        params = {"format": "JSON", "lang": "EN", **_CHOSEN}
        return (
            cache.answer(
                ADDRESS, name=f"{TABLE}.json", params=params, check=_check, fits=answers(_check)
            ),
        )

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """Values of countries by year; those of groups of countries are counted."""
        file = raw[0].path
        wanted = {**_CHOSEN, "size_emp": self.size, "nace_r2": self.industry}
        frame = _rows(_document(file.read_bytes(), file=file.name), wanted, file=file.name)
        groups = {code for code in frame["code"].unique() if _GROUP.fullmatch(code)}
        reading = Reading(
            frame.assign(series=TABLE), file=file.name, dropped=dict.fromkeys(groups, _GROUPS)
        )
        return yearly_parts(reading, chosen=(self.series,), years=self.years, using=alpha2_to_iso3)

    def indicator_lines(self) -> tuple[IndicatorLine, ...]:
        """The series' line."""
        return (self.series.line(),)


def _check(answer: Answer) -> None:
    if answer.status == 200:
        _document(answer.body, file=ADDRESS)


def _document(body: bytes, *, file: str) -> Mapping[str, Any]:
    """A data set in JSON-stat; anything else, such as a warning under status 200, is an error."""
    try:
        found = json.loads(body)
        names, sizes = found["id"], found["size"]
        if {"geo", "time"} <= set(names) and len(names) == len(sizes) and found["value"]:
            return dict(found)
    except (ValueError, KeyError, TypeError):
        pass
    raise _changed(
        "expected JSON-stat with dimensions geo and time and with values, found "
        f"{body[:60].decode('utf-8', errors='replace')!r}",
        file=file,
    )


def _codes(document: Mapping[str, Any], name: str, *, size: int, file: str) -> list[str]:
    """Codes of a dimension in order of their place; JSON-stat writes them as a list or an index."""
    try:
        index = document["dimension"][name]["category"]["index"]
        codes = sorted(index, key=lambda code: index[code]) if isinstance(index, dict) else [*index]
    except (KeyError, TypeError):
        codes = []
    if len(codes) != size:
        raise _changed(f"dimension {name} has {len(codes)} codes of {size}", file=file)
    return [str(code) for code in codes]


def _rows(document: Mapping[str, Any], wanted: Mapping[str, str], *, file: str) -> pd.DataFrame:
    """``code, year, value`` of the wanted code of every other dimension."""
    names, sizes = [str(n) for n in document["id"]], [int(s) for s in document["size"]]
    codes = {n: _codes(document, n, size=s, file=file) for n, s in zip(names, sizes, strict=True)}
    values = np.full(math.prod(sizes), np.nan)
    given = document["value"]
    pairs = given.items() if isinstance(given, dict) else enumerate(given)
    try:
        for place, value in pairs:
            values[int(place)] = np.nan if value is None else float(value)
    except (IndexError, TypeError, ValueError) as error:
        raise _changed(f"a value or its place is not a number ({error})", file=file) from error
    cube = values.reshape(sizes)
    for axis in reversed(range(len(names))):
        if names[axis] not in ("geo", "time"):
            place = _place(codes[names[axis]], names[axis], wanted, file=file)
            cube = cube.take(place, axis=axis)
    cube = cube if names.index("geo") < names.index("time") else cube.T
    years = [_year(code, file=file) for code in codes["time"]]
    return pd.DataFrame(
        {
            "code": np.repeat(np.array(codes["geo"], dtype=object), len(years)),
            "year": np.tile(np.array(years, dtype=np.int32), len(codes["geo"])),
            "value": cube.ravel(),
        }
    )


def _place(codes: list[str], name: str, wanted: Mapping[str, str], *, file: str) -> int:
    """Place of the wanted code; an only code needs no choice."""
    code = wanted.get(name)
    if code in codes:
        return codes.index(code)
    if len(codes) == 1 and code is None:
        return 0
    ways = {"size_emp": "--size", "nace_r2": "--industry"}
    way = f"Choose one with {ways[name]}" if name in ways else "Upgrade gravicast"
    raise SourceError(
        f"dimension {name} has no code {code!r}, but {listed(codes, most=20)}",
        remedy=way,
        file=file,
    )


def _year(code: str, *, file: str) -> int:
    if not re.fullmatch(r"\d{4}", code):
        raise _changed(f"{code!r} is not a year", file=file)
    return int(code)
