"""World Bank, World Development Indicators: ready series by API or bulk archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.sources import wdi_api, wdi_bulk
from features.sources.indicator_parts import (
    Reading,
    check_release_day,
    check_years,
    yearly_parts,
)
from features.sources.indicator_sets import ReadySeries, choose, selection_word
from features.store.connector import Connector
from features.store.source import IndicatorLine, SourceInfo, day_option, option, require_choice
from features.tidy.parts import Part
from features.tidy.years import years_word

WAYS = ("api", "bulk")
_GROUPS = "rows of groups of countries (regions, income groups) dropped"
_NO_CODE = "rows without a country code dropped"
_TAIWAN = "Taiwan is absent from WDI: its indicators are unknown unless another source has them"


@dataclass(frozen=True, slots=True)
class Wdi(Connector):
    """Series of the World Development Indicators, one row per country and year.

    The source overwrites figures in place, even weeks after its update date, so the day of
    retrieval is the release and the content is hashed.
    """

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="wdi",
        kind="indicators",
        title="World Bank, World Development Indicators",
        gives="macro, digital, research and trade indicators of 217 economies from 1960",
        licence="CC BY 4.0 with the World Bank's terms on arbitration",
        citation="World Bank, World Development Indicators, https://databank.worldbank.org",
        lag="1 to 24 months by series; the July update adds the year before",
        publication_lag_months=12,
        pace_seconds=0.25,
        dated=True,
        renewed_months=4,
    )

    indicators: tuple[str, ...] = option(
        (),
        help="WDI series such as IT.NET.USER.ZS, or their names in the project such as MACRO.GDP; "
        "by default every ready one",
    )
    years: tuple[int, ...] = option((), help="years such as 1995-2024; by default all")
    via: str = option("api", help="api, or bulk for the archive of 280 MB with every series")
    release: str = day_option()

    def __post_init__(self) -> None:
        choose("wdi", self.indicators)
        check_years(self.years)
        check_release_day(self.release)
        require_choice("via", self.via, WAYS)

    @property
    def chosen(self) -> tuple[ReadySeries, ...]:
        """The series wanted."""
        return choose("wdi", self.indicators)

    @property
    def key(self) -> str:
        """``wdi:release:selection:years:via``."""
        selection = selection_word("wdi", self.chosen)
        return f"wdi:{self.release}:{selection}:{years_word(self.years)}:{self.via}"

    def locate(self) -> tuple[str, ...]:
        """The archive's address, or those of the list of countries and of each series."""
        if self.via == "bulk":
            return (wdi_bulk.BULK_URL,)
        series = (wdi_api.series_url(s.at_source) for s in self.chosen)
        return (wdi_api.countries_url(), *series)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """The archive, or the list of countries and every page of each series.

        Raises
        ------
        SourceError
            For a retired series, by name.
        """
        if self.via == "bulk":
            return (wdi_bulk.fetch_archive(cache),)
        raw = wdi_api.fetch_countries(cache)
        for series in self.chosen:
            raw += wdi_api.fetch_series(cache, series.at_source, years=self.years)
        return tuple(raw)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """Values of countries by year; groups of countries and empty cells are counted."""
        reading = self._read_bulk(raw[0]) if self.via == "bulk" else self._read_api(raw)
        return yearly_parts(reading, chosen=self.chosen, years=self.years)

    def indicator_lines(self) -> tuple[IndicatorLine, ...]:
        """A line of the catalogue for each series."""
        return tuple(series.line() for series in self.chosen)

    def _read_bulk(self, archive: RawFile) -> Reading:
        series = [s.at_source for s in self.chosen]
        wdi_bulk.refuse_retired(archive.path, series)
        groups = wdi_bulk.read_groups(archive.path)
        return Reading(
            wdi_bulk.read_archive(archive.path, series=series),
            file=archive.path.name,
            dropped=dict.fromkeys(groups, _GROUPS),
            statements=(_TAIWAN,),
        )

    def _read_api(self, raw: Sequence[RawFile]) -> Reading:
        by_name: dict[str, list[RawFile]] = {}
        for file in raw:  # NAME.SPAN.pN.json
            by_name.setdefault(file.path.name.rsplit(".", 2)[0], []).append(file)
        alpha3, groups = wdi_api.read_countries(by_name["country"])
        frames, updates = [], set()
        for series in self.chosen:
            files = by_name[wdi_api.page_name(series.at_source, self.years)]
            frame, updated = wdi_api.read_series(files, series=series.at_source)
            frames.append(frame)
            updates.add(updated)
        frame = pd.concat(frames, ignore_index=True)
        # Income groups have no alpha-3 code: use their alpha-2 code.
        by_area = frame["area"].map(alpha3).fillna("")
        return Reading(
            frame.assign(code=frame["code"].where(frame["code"] != "", by_area)),
            file="World Bank API",
            dropped=dict.fromkeys(groups, _GROUPS) | {"": _NO_CODE},
            statements=(_TAIWAN, _updated(updates)),
        )


def _updated(days: set[str]) -> str:
    """The source's update date, which not every changed figure moves."""
    return f"Last updated by the source's own word: {', '.join(sorted(days)) or 'unknown'}"
