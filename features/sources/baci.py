"""CEPII BACI: reconciled bilateral trade by product, aggregated while the zip is read."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa

from features.countries.source_codes import territory_statements
from features.download.given import member_like, name_like
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError
from features.sources.baci_reading import (
    CountryMap,
    YearFlows,
    aggregate_year,
    read_countries,
    read_products,
)
from features.sources.harmonized_system import LEVELS, Level, level_named
from features.store.connector import Connector
from features.store.source import SourceInfo, option, require_choice, require_years
from features.tidy.csv_stream import BROKEN_ZIP, whole_zip
from features.tidy.parts import Notes, Part
from features.tidy.tidying import coded, trade_table
from features.tidy.years import years_word

FIRST_YEARS = {"HS92": 1995, "HS96": 1996, "HS02": 2002, "HS07": 2007, "HS12": 2012, "HS17": 2017,
               "HS22": 2022}  # fmt: skip
"""First year of each revision of the Harmonized System."""
NEWEST = "202601"
"""The newest known release; the next appears in January."""
_HOST = "https://www.cepii.fr/DATA_DOWNLOAD/baci/data"


@dataclass(frozen=True, slots=True)
class Baci(Connector):
    """Bilateral trade of one revision and release, at the chosen level.

    There is one release each January, which restates all years; releases are never mixed. HS92
    reaches back furthest. The level ``technology`` is robots, computers, semiconductors and telecom
    equipment only.

    {options}

    Raises
    ------
    InputError
        For an unknown revision, release or level, or years before the revision's first.
    """

    revision: str = option("HS92", help="HS92, HS96, HS02, HS07, HS12, HS17 or HS22 (default HS92)")
    release: str = option(NEWEST, help=f"CEPII's release, YYYYMM (default {NEWEST})")
    level: str = option("hs2", help="total, section, hs2 (default), hs4, hs6 or technology")
    years: tuple[int, ...] = option((), help="such as 1995-2024 (default: all of the release)")

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="baci",
        kind="trade",
        title="CEPII BACI",
        gives="reconciled goods trade of some 230 countries by HS product, 1995 to two years ago",
        licence="Etalab Open Licence 2.0",
        citation="Gaulier and Zignago (2010), CEPII working paper 2010-23",
        lag="13 months; the last year is provisional and every release restates history",
        publication_lag_months=13,
        absent="zero",
    )

    def __post_init__(self) -> None:
        require_choice("revision", self.revision, FIRST_YEARS)
        if not re.fullmatch(r"20\d\d(0[1-9]|1[0-2])[a-z]?", self.release):
            raise InputError(
                f"{self.release!r} is not a release of BACI",
                remedy="Give year and month, such as 202601 (202401b for that of 2024); there is "
                "one each January",
            )
        require_choice("level", self.level, LEVELS)
        refuse_no_robots(self.level, self.revision)
        require_years(self.years, self.revision, FIRST_YEARS[self.revision])

    @property
    def key(self) -> str:
        """``baci:REVISION:RELEASE:LEVEL``, and the years where not all are converted."""
        years = f":{years_word(self.years)}" if self.years else ""
        return f"baci:{self.revision}:{self.release}:{self.level}{years}"

    def locate(self) -> tuple[str, ...]:
        """The one zip of the release."""
        return (baci_address(self.revision, self.release),)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """The zip: 2.4 GB for HS92, smaller for later revisions."""
        return (download_baci(cache, self.revision, self.release),)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """One part per year, exporter, importer, sector and current USD."""
        archive = self._archive(raw)
        level = level_named(self.level)
        for year in archive.chosen(self.years):
            yield Part.of_year(year, partial(_year_table, archive, year, level))

    def sector_table(self, raw: Sequence[RawFile]) -> pd.DataFrame | None:
        """Names and kinds of the level's sectors, of products from the release's own list."""
        return level_named(self.level).sector_table(self._archive(raw).products)

    def _archive(self, raw: Sequence[RawFile]) -> BaciArchive:
        return BaciArchive.open(raw[0].path, revision=self.revision, release=self.release)


def baci_address(revision: str, release: str) -> str:
    """Address of a release."""
    return f"{_HOST}/BACI_{revision}_V{release}.zip"


def download_baci(cache: RawCache, revision: str, release: str) -> RawFile:
    """The zip of a release.

    Raises
    ------
    SourceError
        For an absent release; names the newest known one.
    """
    try:
        return cache.file(
            baci_address(revision, release),
            check=whole_zip,
            fits=member_like(re.compile(rf"BACI_{revision}_Y\d{{4}}_V{release}\.csv")),
            member=name_like(
                re.compile(
                    rf"(BACI_{revision}_Y\d{{4}}|country_codes|product_codes_{revision})_V{release}\.csv"
                )
            ),
        )
    except SourceError as error:
        if "404" not in error.problem:
            raise
        raise SourceError(
            f"CEPII has no release {release} of {revision}",
            remedy="Releases appear in January (202501 has years to 2023, 202601 to 2024): name "
            "one of them with --release",
            file="baci",
        ) from error


def refuse_no_robots(level: str, revision: str) -> None:
    """Refuse HS92 for technology: it counts robots among other machines (847950 is of 1996)."""
    if level == "technology" and revision == "HS92":
        raise InputError(
            "HS92 has no code for industrial robots (847950 came with HS96)",
            remedy="Choose --revision HS96, which begins in 1996",
        )


@dataclass(frozen=True, slots=True)
class BaciArchive:
    """A release's zip: its yearly members, countries and products.

    Attributes
    ----------
    path
        The zip.
    members
        Name of each year's file, by year.
    countries
        What the numeric codes mean.
    products
        Description of each six-digit code, where the release has a list.
    """

    path: Path
    members: dict[int, str]
    countries: CountryMap
    products: dict[str, str]

    @classmethod
    def open(cls, path: Path, *, revision: str, release: str) -> BaciArchive:
        """Read the directory of a zip and its two lists.

        Raises
        ------
        SourceError
            If it is not a complete zip, lacks yearly files or the country list, or has files of
            another revision or release.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                for name in names:
                    # A zip stores a member's name twice; where they differ a year would be missed.
                    archive.open(name).close()
                yearly = _yearly(names, revision=revision, release=release, file=path)
                lists = {
                    kind: next((n for n in names if Path(n).name.startswith(kind)), None)
                    for kind in ("country_codes", "product_codes")
                }
                if not yearly or lists["country_codes"] is None:
                    raise SourceError(
                        "the zip has no yearly files or no country_codes file; found "
                        + ", ".join(names[:8]),
                        file=path,
                    )
                countries = read_countries(archive, lists["country_codes"])
                named = lists["product_codes"]
                products = {} if named is None else read_products(archive, named)
        except BROKEN_ZIP as error:
            raise SourceError(f"the file is not a complete zip ({error})", file=path) from error
        return cls(path, dict(sorted(yearly.items())), countries, products)

    def chosen(self, years: Sequence[int]) -> list[int]:
        """Years to read; all where none is named.

        Raises
        ------
        InputError
            For a year that the release does not have.
        """
        absent = sorted(set(years) - set(self.members))
        if absent:
            first, last = min(self.members), max(self.members)
            raise InputError(
                f"the release has no {', '.join(map(str, absent))}: it has {first}-{last}",
                remedy="Choose --years among those",
                file=self.path,
            )
        return sorted(set(years)) if years else list(self.members)

    def flows(self, year: int, level: Level, notes: Notes) -> YearFlows:
        """A year's flows by the level's sectors."""
        flows = aggregate_year(
            self.path,
            self.members[year],
            year=year,
            countries=self.countries,
            level=level,
            notes=notes,
        )
        self._say_if_provisional(year, notes)
        return flows

    def _say_if_provisional(self, year: int, notes: Notes) -> None:
        """Note that the last year is provisional, and whether it seems partial."""
        last = max(self.members)
        if year != last:
            return
        notes.say(f"{last} is provisional: the next release restates it")
        if last - 1 in self.members:
            with zipfile.ZipFile(self.path) as archive:
                size = {y: archive.getinfo(self.members[y]).file_size for y in (last - 1, last)}
            if size[last] < 0.6 * size[last - 1]:
                share = 100 * size[last] / size[last - 1]
                notes.say(f"{last} seems partial: its file has {share:.0f} % of the size of "
                          f"{last - 1}'s")  # fmt: skip


_YEARLY = re.compile(r"BACI_(?P<revision>HS\d\d)_Y(?P<year>\d{4})_V(?P<release>\d{6}[a-z]?)\.csv$")


def _yearly(names: Sequence[str], *, revision: str, release: str, file: Path) -> dict[int, str]:
    """Each year's file. Every release restates all years, so two are never mixed."""
    found = {name: parts for name in names if (parts := _YEARLY.search(name))}
    wanted = (revision, release)
    others = [n for n, parts in found.items() if parts.group("revision", "release") != wanted]
    if others:
        raise SourceError(
            f"the zip has files of another release than {release} of {revision}: {others[0]}",
            remedy="Put the right zip in its place: the figures of two releases do not fit",
            file=file,
        )
    return {int(parts["year"]): name for name, parts in found.items()}


def _year_table(archive: BaciArchive, year: int, level: Level, notes: Notes) -> pa.Table:
    """One year at one level."""
    flows = archive.flows(year, level, notes)
    traders = np.union1d(flows.exporter, flows.importer)
    for sentence in territory_statements((flows.names[k] for k in traders), year):
        notes.say(sentence)
    return trade_table(
        exporter=coded(flows.exporter, flows.names),
        importer=coded(flows.importer, flows.names),
        sector=coded(flows.sector, flows.sectors) if level.has_sectors else None,
        year=year,
        value_usd=flows.value * 1e3,
    )
