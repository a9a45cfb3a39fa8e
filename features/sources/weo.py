"""The IMF's World Economic Outlook: projections by vintage, and actual figures."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
import pyarrow as pa

from features.download.given import passes
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError
from features.sources.weo_api import (
    LISTING,
    data_name,
    download_vintage,
    read_api_vintage,
    series_name,
)
from features.sources.weo_files import check_text, read_vintage, refuse_other
from features.store.connector import Connector
from features.store.source import IndicatorLine, SourceInfo, option
from features.tidy.parts import Notes, Part
from features.tidy.tidying import indicator_table

if TYPE_CHECKING:
    from features.download.raw_cache import RawCache

_LEGACY = "https://www.imf.org/-/media/Files/Publications/WEO/WEO-Database"
NEWEST = "2026-04"
"""The newest known vintage; later ones come from the API once published."""
_FIRST, _FIRST_BY_API = "2007-10", "2025-04"
_MONTHS = {"04": "April", "10": "October"}
_AUTUMN_2011 = "2011-09"  # published in September
LONGEST = 5


@dataclass(frozen=True, slots=True)
class _Code:
    """A WEO subject: label, unit, and the file's units per unit of ours."""

    label: str
    unit: str
    size: float = 1.0
    channel: str = "economic_mass"


_CODES = {
    "NGDPD": _Code("GDP, current prices", "million USD", 1e6),
    "NGDP_R": _Code("GDP, constant prices", "million national currency", 1e6),
    "NGDP_RPCH": _Code("GDP growth, constant prices", "percent"),
    "PPPGDP": _Code("GDP, purchasing power parity", "million international dollars", 1e6),
    "NGDPDPC": _Code("GDP per head, current prices", "USD"),
    "PPPPC": _Code("GDP per head, purchasing power parity", "international dollars"),
    "LP": _Code("Population", "million persons", 1e6),
    "PCPIPCH": _Code("Inflation, average consumer prices", "percent"),
    "TX_RPCH": _Code("Growth of the volume of exports", "percent", channel="published_totals"),
    "TM_RPCH": _Code("Growth of the volume of imports", "percent", channel="published_totals"),
    "BCA": _Code("Current account balance", "million USD", 1e6),
}


@dataclass(frozen=True, slots=True)
class Weo(Connector):
    """Projections ``WEO.<code>.H<h>`` of every vintage asked for; actual figures ``WEO.<code>``.

    A projection's year is that of the vintage, its value the vintage's projection for ``h`` years
    later. With a publication lag of 0 it is seen from the January after: a forecast sees vintages
    of earlier years only. Actual figures are those of the newest vintage, up to the last year that
    is not an estimate; they are revised, as other macro data are.

    Of two vintages in one year the later one counts.

    {options}
    """

    vintages: tuple[str, ...] = option(
        (NEWEST,), help="vintages, such as 2015-04 or 2024-10; by default the newest known"
    )
    codes: tuple[str, ...] = option(
        ("NGDPD", "NGDP_RPCH", "TX_RPCH", "TM_RPCH"),
        help=f"subjects to have projections of: {', '.join(_CODES)}",
    )
    horizon: int = option(LONGEST, help="years ahead of the longest projection, 0 to 5")
    actuals: tuple[str, ...] = option(
        ("NGDPD", "LP"), help="subjects to have actual figures of, from the newest vintage"
    )

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="weo",
        kind="indicators",
        title="IMF World Economic Outlook",
        gives="GDP, growth and trade volumes as projected at the time, by vintage; actual GDP and "
        "population",
        licence="IMF terms (https://www.imf.org/external/terms.htm), no Creative Commons licence",
        citation="International Monetary Fund, World Economic Outlook database (each vintage)",
        lag="projections within the year of the vintage (April, October); actual figures 6 months",
        publication_lag_months=6,
        pace_seconds=1.0,
        renewed_months=7,
    )

    def __post_init__(self) -> None:
        if not self.vintages or len(set(self.vintages)) < len(self.vintages):
            raise InputError(
                "vintages is empty or names one twice",
                remedy="Give each vintage once, such as --vintages 2023-10,2024-10",
            )
        for vintage in self.vintages:
            _refuse_vintage(vintage)
        for name, codes in (("codes", self.codes), ("actuals", self.actuals)):
            for code in codes:
                if code not in _CODES or codes.count(code) > 1:
                    raise InputError(
                        f"{name} names {code!r}, which is unknown or named twice",
                        remedy=f"Choose from {', '.join(_CODES)}",
                    )
        if not self.codes and not self.actuals:
            raise InputError("no series is requested", remedy="Give --codes or --actuals")
        if not 0 <= self.horizon <= LONGEST:
            raise InputError(
                f"horizon is {self.horizon}", remedy=f"Give 0 to {LONGEST} years ahead"
            )

    @property
    def release(self) -> str:
        """The newest vintage."""
        return max(self.vintages)

    @property
    def key(self) -> str:
        """``weo:<newest vintage>:<number of vintages>v-<sum of the options>``."""
        parts = (sorted(self.vintages), sorted(self.codes), self.horizon, sorted(self.actuals))
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:8]
        return f"weo:{self.release}:{len(self.vintages)}v-{digest}"

    def locate(self) -> tuple[str, ...]:
        """Addresses of the files of earlier vintages, and of the list of later ones."""
        urls = (LISTING if _by_api(v) else _address(v) for v in self._used())
        return tuple(dict.fromkeys(urls))

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """A file per vintage, or two from the API, in order.

        Raises
        ------
        SourceError
            Also for a vintage that the interface does not have.
        """
        return tuple(file for vintage in self._used() for file in _download(vintage, cache))

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """A part for each year that has a vintage or an actual figure.

        Raises
        ------
        SourceError
            Also where no vintage has any requested figure.
        """
        rows: list[pd.DataFrame] = []
        notes: dict[int, Notes] = {}
        files = {file.path.name: file.path for file in raw}
        for vintage in self._used():
            of_vintage = notes[_year(vintage)] = Notes()
            rows += self._rows(vintage, files, of_vintage)
        table = pd.concat(rows, ignore_index=True)
        self._say_what_lacks(table, notes[_year(self.release)])
        by_year = dict(list(table.groupby("year")))
        for year in sorted({*by_year, *notes}):
            frame = by_year.get(year, table.iloc[:0])
            yield Part.of_year(int(year), partial(_build, frame, notes.get(year, Notes())))

    def indicator_lines(self) -> tuple[IndicatorLine, ...]:
        """One line per subject and horizon, and one per subject with actual figures."""
        ahead = [
            IndicatorLine(
                indicator=f"WEO.{code}.H{h}",
                # Trade too: the IMF's projections were public to forecasters.
                channel="economic_mass",
                label=f"{_CODES[code].label}: what the year's vintage projected for "
                f"{'the same year' if h == 0 else f'{h} years later' if h > 1 else '1 year later'}",
                unit=_CODES[code].unit,
                publication_lag_months=0,
                source="IMF WEO",
                note="The year is that of the vintage. IMF terms",
            )
            for code in self.codes
            for h in range(self.horizon + 1)
        ]
        known = [
            IndicatorLine(
                indicator=f"WEO.{code}",
                channel=_CODES[code].channel,
                label=_CODES[code].label,
                unit=_CODES[code].unit,
                publication_lag_months=6,
                source=f"IMF WEO {self.release}",
                note="Actual figures as revised to the newest vintage. IMF terms",
            )
            for code in self.actuals
        ]
        return (*ahead, *known)

    def _used(self) -> tuple[str, ...]:
        """The last vintage of each year, in order."""
        last = {_year(vintage): vintage for vintage in sorted(self.vintages)}
        return tuple(last.values())

    def _rows(self, vintage: str, files: Mapping[str, Path], notes: Notes) -> list[pd.DataFrame]:
        newest = vintage == self.release
        codes = {*self.codes, *(self.actuals if newest else ())}
        by_api = files.get(data_name(vintage))
        if by_api is not None:
            table = read_api_vintage(by_api, files[series_name(vintage)], codes=codes, notes=notes)
        else:
            path = files[_file_name(vintage)]
            table = read_vintage(path, vintage=vintage, codes=codes, notes=notes)
        size = table["code"].map({code: _CODES[code].size for code in codes}).astype(float)
        table["value"] *= table["scale"] / size
        for other in sorted(self.vintages):
            if other != vintage and _year(other) == _year(vintage):
                notes.say(f"Vintage {other} is left out: {vintage} is of the same year")
        found = [self._projections(table, vintage, notes)]
        return [*found, self._actual(table, notes)] if newest else found

    def _projections(self, table: pd.DataFrame, vintage: str, notes: Notes) -> pd.DataFrame:
        ahead = table["year"] - _year(vintage)
        present = table["code"].isin(self.codes) & ahead.between(0, self.horizon)
        rows = table[present].assign(year=_year(vintage))
        rows["indicator"] = "WEO." + rows["code"] + ".H" + ahead[present].astype("str")
        for code in self.codes:
            known = set(ahead[present & (table["code"] == code)])
            lacking = [h for h in range(self.horizon + 1) if h not in known]
            if lacking:
                years = ", ".join(map(str, lacking))
                notes.say(f"Vintage {vintage} has no {code} {years} years ahead")
        return rows[["iso3", "year", "indicator", "value"]]

    def _actual(self, table: pd.DataFrame, notes: Notes) -> pd.DataFrame:
        wanted = table[table["code"].isin(self.actuals)]
        pending = wanted["last_actual"].isna()
        series = wanted.loc[pending, ["iso3", "code"]].drop_duplicates()
        notes.count(
            "series of actual figures left out: the file does not mark where estimates start",
            len(series),
        )
        rows = wanted[wanted["year"] <= wanted["last_actual"]].copy()
        rows["indicator"] = "WEO." + rows["code"]
        return rows[["iso3", "year", "indicator", "value"]]

    def _say_what_lacks(self, table: pd.DataFrame, notes: Notes) -> None:
        """Series without a figure in any requested vintage, left out of the catalogue."""
        present = set(table["indicator"])
        if not present:
            raise SourceError(
                "no requested vintage has a requested figure",
                remedy="Ask for further vintages, or other --codes or --actuals",
                file=self.key,
            )
        lacking = [x.indicator for x in self.indicator_lines() if x.indicator not in present]
        if lacking:
            notes.say(f"No requested vintage has a figure of {', '.join(lacking)}: left out")


def _build(frame: pd.DataFrame, earlier: Notes, notes: Notes) -> pa.Table:
    notes.add(earlier)
    return indicator_table(frame)


def _by_api(vintage: str) -> bool:
    return vintage >= _FIRST_BY_API


def _download(vintage: str, cache: RawCache) -> tuple[RawFile, ...]:
    if _by_api(vintage) and not cache.offline:
        return download_vintage(cache, vintage)
    url = "the workbook of dataset WEO at https://data.imf.org"
    if not _by_api(vintage):
        url = _address(vintage)
    fits = passes(lambda path: refuse_other(path, vintage=vintage))
    check = partial(check_text, url=url)
    name = _file_name(vintage)
    return (cache.answer(url, name=name, check=check, fits=fits, read_timeout=300.0),)


def _address(vintage: str) -> str:
    """Address of a vintage's text."""
    year, month = vintage[:4], _MONTHS.get(vintage[5:], "")
    name = _file_name(vintage)
    if year >= "2024":
        return f"{_LEGACY}/{year}/{month}/{name}"
    if year >= "2021":
        return f"{_LEGACY}/{year}/{name.replace('.xls', '.ashx')}"
    return f"{_LEGACY}/{year}/{'02/' if vintage == '2020-10' else ''}{name}"


def _file_name(vintage: str) -> str:
    month = "Sep" if vintage == _AUTUMN_2011 else _MONTHS[vintage[5:]][:3]
    return f"WEO{month}{vintage[:4]}all.{'xlsx' if vintage > _FIRST_BY_API else 'xls'}"


def _year(vintage: str) -> int:
    return int(vintage[:4])


def _refuse_vintage(vintage: str) -> None:
    good = re.fullmatch(r"\d{4}-(04|10)", vintage) and vintage != "2011-10"
    if vintage != _AUTUMN_2011 and not (good and vintage >= _FIRST):
        raise InputError(
            f"{vintage!r} is not a vintage of the World Economic Outlook",
            remedy=f"Give a year and 04 or 10, such as 2024-10, from {_FIRST} on; in 2011 "
            f"the second one is {_AUTUMN_2011}",
        )
