"""UN Comtrade: goods trade as each country declared it, with or without an API key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import ClassVar

import pandas as pd

from features.countries.source_codes import has_iso3
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError
from features.sources.comtrade_reading import (
    Coverage,
    Wanted,
    is_answer,
    read_rows,
    survey,
    wanted_rows,
)
from features.sources.comtrade_reference import (
    ALL,
    COLUMN,
    PARTNERS,
    REFERENCE,
    REPORTERS,
    Partners,
    Reporters,
    check_reference,
)
from features.sources.comtrade_reports import YearOfReports
from features.sources.comtrade_requests import (
    KEY_VARIABLE,
    RELEASED,
    Access,
    ask,
    plan,
    released,
    releases,
)
from features.sources.comtrade_year import MONTHS, YearOfTrade
from features.store.connector import Connector
from features.store.source import Kind, SourceInfo, day_option, option, require_choice
from features.tidy.parts import Notes, Part
from features.tidy.years import years_word

FLOWS = {"imports": "M", "exports": "X"}
BOTH = "both"
"""Both flows as reports, for ``--reports`` of a run."""
FREQUENCIES = {"annual": "A", "monthly": "M"}
FIRST_YEAR = 1988
"""Of the Harmonized System."""


@dataclass(frozen=True, slots=True)
class Comtrade(Connector):
    """Imports or exports of all goods that countries declared, by partner and year.

    With ``monthly`` figures a year is the sum of its months, of reporters that have all twelve; the
    months themselves stay in the raw files.

    {options}

    Raises
    ------
    InputError
        For no or impossible years, or an unknown country, flow or frequency.
    """

    reporters: tuple[str, ...] = option((ALL,), help="such as DEU,FRA,USA (default all)")
    years: tuple[int, ...] = option((), help="such as 2015-2023; must be named")
    flow: str = option(
        "imports", help="imports (default, CIF), exports (FOB), or both as reports of a run"
    )
    frequency: str = option(
        "annual",
        help="annual (default), or monthly: years as sums of twelve reported months; of both "
        "flows, the months themselves",
    )
    release: str = day_option()

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="comtrade",
        kind="trade",
        title="UN Comtrade",
        gives="goods trade in all as declared by each importer or exporter, from 1988",
        licence="UN copyright: own use; passing the data on needs permission of the UN",
        citation="United Nations, UN Comtrade Database",
        lag="about 12 months, 24 and more for slow reporters; revised in place",
        publication_lag_months=12,
        # The limit per minute is undocumented; after some 70 quick calls all are refused.
        pace_seconds=6.0,
        dated=True,
        collected_days=7,
        renewed_months=6,
        absent="missing",
        declared=True,
    )

    def __post_init__(self) -> None:
        require_choice("flow", self.flow, (*FLOWS, BOTH))
        require_choice("frequency", self.frequency, FREQUENCIES)
        latest = date.today().year
        if not self.years or min(self.years) < FIRST_YEAR or max(self.years) > latest:
            raise InputError(
                f"name the years, from {FIRST_YEAR} on and not after {latest}",
                remedy=f"Give them, such as --years 2015-{latest - 2}",
            )
        unknown = [code for code in self.wanted_reporters if not has_iso3(code)]
        if unknown:
            raise InputError(
                f"{', '.join(map(repr, unknown))} is not an alpha-3 code of a country",
                remedy="Give codes such as DEU,FRA,USA with --reporters, or all",
            )

    @property
    def wanted_reporters(self) -> tuple[str, ...]:
        """Countries named; none where all are wanted."""
        return () if self.reporters in ((), (ALL,)) else tuple(sorted(set(self.reporters)))

    @property
    def kind(self) -> Kind:
        """Trade, or reports of both flows."""
        return "reports" if self.flow == BOTH else "trade"

    @property
    def flows(self) -> tuple[str, ...]:
        """The source's codes of the flows wanted."""
        return tuple(FLOWS.values()) if self.flow == BOTH else (FLOWS[self.flow],)

    @property
    def key(self) -> str:
        """``comtrade:RELEASE:FLOW:FREQUENCY:REPORTERS:YEARS``."""
        named = "_".join(self.wanted_reporters) or ALL
        if len(self.wanted_reporters) > 6:
            digest = hashlib.sha256(named.encode()).hexdigest()[:8]
            named = f"{len(self.wanted_reporters)}-{digest}"
        selection = f"{self.frequency}:{named}:{years_word(self.years)}"
        return f"comtrade:{self.release}:{self.flow}:{selection}"

    def locate(self) -> tuple[str, ...]:
        """Addresses of the code lists and of the data, which differ with and without a key."""
        data = Access.from_environment().address(FREQUENCIES[self.frequency])
        return (f"{REFERENCE}/{REPORTERS}", f"{REFERENCE}/{PARTNERS}", data)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """The lists, days of release, and every answer, each its own file.

        An interrupted fetch resumes. From the user's folder every answer is used, whatever its
        name.

        Raises
        ------
        SourceError
            If the source refuses, the day's calls are used up, an answer is cut, or its
            lists name a country that no table knows.
        """
        access = Access.from_environment()
        if not access.key and not cache.offline:
            cache.client.watcher.report(
                f"{KEY_VARIABLE} is not set: asking for previews of 500 rows"
            )
        lists = tuple(_list(cache, name) for name in (REPORTERS, PARTNERS))
        if cache.offline:
            return (*lists, *cache.all_given(is_answer, kind="answers of Comtrade"))
        partners = Partners.read(lists[1].path)
        current = dict.fromkeys(partners.current(min(self.years)), 0)
        # Reports unknown ones before any call.
        partners.countries(current, count=Notes().count)
        frequency = FREQUENCIES[self.frequency]
        codes = self._codes(lists[0])
        calls = [
            call
            for flow in self.flows
            for call in plan(
                Wanted(flow, frequency), codes, partners=len(partners.names), cap=access.cap
            )
        ]
        cache.client.watcher.begin("UN Comtrade", len(calls), 0, unit="parts")
        answers: list[RawFile] = []
        for call in calls:
            answers.append(ask(call, cache=cache, access=access, release=self.release))
            cache.client.watcher.advance(1)
        cache.client.watcher.end()
        days = releases(tuple(codes), frequency=frequency, cache=cache, access=access)
        return (*lists, *answers, *days)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """A part for each year that has rows, in current USD.

        Raises
        ------
        SourceError
            If no answer has a row: the source answers a wrong request with an empty list.
        """
        reporters, partners, *others = raw
        days = [file for file in others if file.path.name.startswith(RELEASED)]
        answers = [file for file in others if file not in days]
        read = partial(self._read, codes={c for of in self._codes(reporters).values() for c in of})
        coverage = survey(answers, read)
        if not coverage.files:
            raise SourceError(
                "the source has no data at all for these reporters and years",
                remedy="Check --reporters and --years: the newest years come late, and a wrong "
                "request is answered with an empty list",
                file="comtrade",
            )
        if self.flow == BOTH:
            yield from self._reports(raw, answers, coverage, read)
            return
        year_of_trade = YearOfTrade(
            imports=self.flow == "imports",
            monthly=self.frequency == "monthly",
            retrieved=max(answer.retrieved for answer in answers),
            asked=self._known(reporters),
            partners=Partners.read(partners.path),
            coverage=coverage,
            years=tuple(sorted(set(self.years))),
            # Answers for several consecutive years are read once.
            first_released={k: d for f in days for k, d in released(f.path.read_bytes()).items()},
            read=lru_cache(maxsize=1)(read),
        )
        for year in coverage.files:
            yield Part.of_year(year, partial(year_of_trade.build, year))

    def _reports(
        self,
        raw: Sequence[RawFile],
        answers: Sequence[RawFile],
        coverage: Coverage,
        read: Callable[[Path], pd.DataFrame],
    ) -> Iterator[Part]:
        days = [file for file in raw if file.path.name.startswith(RELEASED)]
        reports = YearOfReports(
            monthly=self.frequency == "monthly",
            retrieved=max(answer.retrieved for answer in answers),
            asked=self._known(raw[0]),
            partners=Partners.read(raw[1].path),
            coverage=coverage,
            first_released={k: d for f in days for k, d in released(f.path.read_bytes()).items()},
            read=lru_cache(maxsize=1)(read),
        )
        for year in coverage.files:
            yield Part.of_year(year, partial(reports.build, year))

    def _read(self, path: Path, codes: Collection[int]) -> pd.DataFrame:
        """Requested rows of an answer: a user's file may have others."""
        rows = read_rows(path)
        frequency, periods = FREQUENCIES[self.frequency], tuple(self._periods(*self.years))
        wanted = [Wanted(flow, frequency, tuple(codes), periods) for flow in self.flows]
        return pd.concat([wanted_rows(rows, one) for one in wanted])

    def _periods(self, *years: int) -> Iterator[int]:
        for year in sorted(set(years)):
            if self.frequency == "annual":
                yield year
            else:
                yield from (100 * year + month for month in range(1, MONTHS + 1))

    def _codes(self, reporters: RawFile) -> dict[int, tuple[int, ...]]:
        """Codes to ask for, by year or month."""
        known = self._known(reporters)
        return {
            period: known.in_year(year)
            for year in sorted(set(self.years))
            for period in self._periods(year)
        }

    def _known(self, reporters: RawFile) -> Reporters:
        return Reporters.read(reporters.path, wanted=self.wanted_reporters, since=min(self.years))


def _list(cache: RawCache, name: str) -> RawFile:
    """A list of codes; it needs no key."""
    return cache.answer(
        f"{REFERENCE}/{name}", name=name, check=partial(check_reference, column=COLUMN[name])
    )
