"""UN Comtrade: goods trade as each country declared it, with or without a key of one's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from typing import ClassVar

import pandas as pd

from features.countries import is_country
from features.errors import InputError, SourceError
from features.sources.comtrade_reading import LEVELS, Wanted, read_rows, survey
from features.sources.comtrade_reference import (
    ALL,
    PARTNERS,
    REFERENCE,
    REPORTERS,
    Partners,
    Reporters,
    check_reference,
    commodity_codes,
)
from features.sources.comtrade_requests import KEY_VARIABLE, Access, Lists, plan, whole_answers
from features.sources.comtrade_year import YearOfTrade
from features.sources.harmonized_system import level_named
from features.store.connector import Connector
from features.store.desk import Desk
from features.store.source import (
    Part,
    RawFile,
    SourceInfo,
    day_option,
    option,
)
from features.store.years import years_word

FLOWS = {"imports": "M", "exports": "X"}
CLASSIFICATIONS = ("HS", "H0", "H1", "H2", "H3", "H4", "H5", "H6")
FIRST_YEAR = 1988
"""Of the Harmonized System."""
ROWS_A_YEAR = {"total": 245, "hs2": 20_000, "hs4": 60_000, "hs6": 100_000}
"""Rows to expect of a large reporter; more are found out by a cut answer."""


@dataclass(frozen=True, slots=True)
class Comtrade(Connector):
    """Imports or exports that countries declared, by partner and year.

    Parameters
    ----------
    reporters
        Alpha-3 codes of the countries whose declarations are wanted, or ``all``.
    years
        Years; the source has no release that would say which there are.
    level
        ``total``, ``hs2``, ``hs4`` or ``hs6``.
    flow
        ``imports`` (valued with freight and insurance) or ``exports`` (without).
    classification
        ``HS`` as reported, or a revision, ``H0`` (1992) to ``H6`` (2022), into which the source
        converts.
    release
        Day of retrieval, YYYYMMDD.

    Raises
    ------
    InputError
        For no or impossible years, or an unknown country, level, flow or classification.
    """

    reporters: tuple[str, ...] = option((ALL,), help="such as DEU,FRA,USA (default all)")
    years: tuple[int, ...] = option((), help="such as 2015-2023; must be named")
    level: str = option("total", help="total (default), hs2, hs4 or hs6")
    flow: str = option("imports", help="imports (default, CIF) or exports (FOB)")
    classification: str = option("HS", help="HS as reported (default), or H0 to H6")
    release: str = day_option()

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="comtrade",
        kind="trade",
        title="UN Comtrade",
        gives="goods trade as declared by each importer or exporter, by HS product, from 1988",
        licence="UN copyright: own use; passing the data on needs permission of the UN",
        citation="United Nations, UN Comtrade Database",
        lag="about 12 months, 24 and more for slow reporters; revised in place",
        publication_lag_months=12,
        # The limit a minute is not documented; after some 70 quick calls all are turned away.
        pace_seconds=6.0,
        dated=True,
        collected_days=7,
        renewed_months=6,
        absent="missing",
    )

    def __post_init__(self) -> None:
        for name, value, known in (
            ("level", self.level, tuple(LEVELS)),
            ("flow", self.flow, tuple(FLOWS)),
            ("classification", self.classification, CLASSIFICATIONS),
        ):
            if value not in known:
                raise InputError(
                    f"there is no {name} {value!r}",
                    remedy=f"Choose --{name} among {', '.join(known)}",
                )
        latest = date.today().year
        if not self.years or min(self.years) < FIRST_YEAR or max(self.years) > latest:
            raise InputError(
                f"the years must be named, from {FIRST_YEAR} on and not after {latest}",
                remedy=f"Give them, such as --years 2015-{latest - 2}",
            )
        unknown = [code for code in self.wanted_reporters if not is_country(code)]
        if unknown:
            raise InputError(
                f"{', '.join(map(repr, unknown))} is no alpha-3 code of a country",
                remedy="Give codes such as DEU,FRA,USA with --reporters, or all",
            )

    @property
    def wanted_reporters(self) -> tuple[str, ...]:
        """Countries named; none where all are wanted."""
        return () if self.reporters in ((), (ALL,)) else tuple(sorted(set(self.reporters)))

    @property
    def key(self) -> str:
        """``comtrade:RELEASE:FLOW:CLASSIFICATION-LEVEL:REPORTERS:YEARS``."""
        named = "_".join(self.wanted_reporters) or ALL
        if len(self.wanted_reporters) > 6:
            digest = hashlib.sha256(named.encode()).hexdigest()[:8]
            named = f"{len(self.wanted_reporters)}-{digest}"
        selection = f"{self.classification}-{self.level}:{named}:{years_word(self.years)}"
        return f"comtrade:{self.release}:{self.flow}:{selection}"

    def locate(self) -> tuple[str, ...]:
        """Lists of codes, and the address that is asked: another with a key than without."""
        data = f"{Access.from_environment().address}/{self.classification}"
        return (f"{REFERENCE}/{REPORTERS}", f"{REFERENCE}/{PARTNERS}", data)

    def download(self, desk: Desk) -> tuple[RawFile, ...]:
        """The lists and every answer, each its own file: an interrupted fetch goes on.

        Raises
        ------
        SourceError
            If the source refuses, the day's calls are used up, or an answer is cut and cannot be
            split.
        """
        access = Access.from_environment()
        if not access.key:
            desk.client.watcher.say(f"{KEY_VARIABLE} is not set: previews of 500 rows are asked")
        reporters, partners = (_list(desk, name) for name in (REPORTERS, PARTNERS))
        lists = Lists(Partners.read(partners.path).codes, partial(self._commodities, desk))
        codes = self._codes(reporters)
        wanted = Wanted(self.classification, self.level, FLOWS[self.flow])
        queries = list(plan(wanted, codes, rows=ROWS_A_YEAR[self.level], cap=access.cap))
        answers: list[RawFile] = []
        desk.client.watcher.begin("UN Comtrade", len(queries), 0, unit="parts")
        for query in queries:
            answers += whole_answers(query, lists, desk=desk, access=access, release=self.release)
            desk.client.watcher.advance(1)
        desk.client.watcher.end()
        return (reporters, partners, *answers)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """A part for each year that has rows, in current USD.

        Raises
        ------
        SourceError
            If no answer has a row: to the source a wrong question is one without an answer.
        """
        reporters, partners, *answers = raw
        coverage = survey(answers)
        if not coverage.files:
            raise SourceError(
                "the source has no data at all for these reporters and years",
                remedy="Check --reporters and --years: the newest years come late, and a wrong "
                "question is answered with an empty list",
                file="comtrade",
            )
        year_of_trade = YearOfTrade(
            level=self.level,
            imports=self.flow == "imports",
            retrieved=max(answer.retrieved for answer in answers),
            asked=self._known(reporters),
            partners=Partners.read(partners.path),
            coverage=coverage,
            years=tuple(sorted(set(self.years))),
            # Answers for several years are read once where their years follow each other.
            read=lru_cache(maxsize=1)(read_rows),
        )
        for year in coverage.files:
            yield Part.of_year(year, partial(year_of_trade.build, year))

    def sector_table(self, raw: Sequence[RawFile]) -> pd.DataFrame | None:
        """Names and kinds of chapters; None for other levels."""
        del raw
        return level_named(self.level).sector_table({})

    def _codes(self, reporters: RawFile) -> dict[int, tuple[int, ...]]:
        known = self._known(reporters)
        return {year: known.in_year(year) for year in sorted(set(self.years))}

    def _known(self, reporters: RawFile) -> Reporters:
        return Reporters.read(reporters.path, wanted=self.wanted_reporters, since=min(self.years))

    def _commodities(self, desk: Desk) -> tuple[str, ...]:
        digits = Wanted(self.classification, self.level, "").digits
        return commodity_codes(_list(desk, f"{self.classification}.json").path, digits=digits)


def _list(desk: Desk, name: str) -> RawFile:
    """A list of codes; it needs no key."""
    return desk.answer(f"{REFERENCE}/{name}", name=name, check=check_reference)
