"""USITC ITPD-E: international and domestic trade by industry, from one big file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.countries.source_codes import alpha3_to_iso3
from features.download.given import called, csv_like
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import changed_source
from features.store.connector import Connector
from features.store.source import SourceInfo, option, require_choice, require_years
from features.tidy.csv_stream import TEXT
from features.tidy.flow_spool import FlowSpool
from features.tidy.parts import Part
from features.tidy.years import years_word
from features.tidy.zip_csv import blocks, zip_only

_HOST = "https://www.usitc.gov/data/gravity/itpd_e"
ADDRESSES = {
    "r03": f"{_HOST}/r03/ITPDE_R03_no_names.zip",
    "r02": f"{_HOST}/itpd_e_r02_no_names.zip",
}
"""Zip of each release without names of countries and industries, a fraction of the one with."""
DYNAMIC = {"r03": "{side}_iso3_dynamic", "r02": "{side}_dynamic_code"}
"""How a release calls the code that changes with a country's borders, such as ``PAK.X``."""
BROAD = (
    ("agriculture", "goods", 1, 28, "Agriculture"),
    ("mining_energy", "goods", 29, 35, "Mining and energy"),
    ("manufacturing", "manufacturing", 36, 153, "Manufacturing"),
    ("services", "services", 154, 170, "Services"),
)
"""Broad sectors: code, kind, first and last industry, name."""
FIRST_YEAR, INDUSTRIES = 1986, 170
SERVICES = {
    154: "Manufacturing services on physical inputs",
    155: "Maintenance and repair services",
    156: "Transport",
    157: "Travel",
    158: "Construction",
    159: "Insurance and pension services",
    160: "Financial services",
    161: "Charges for the use of intellectual property",
    162: "Telecommunications, computer and information services",
    163: "Other business services",
    164: "Heritage and recreational services",
    165: "Health services",
    166: "Education services",
    167: "Government goods and services",
    168: "Services not allocated",
    169: "Trade-related services",
    170: "Other personal services",
}
DIGITAL = frozenset({159, 160, 161, 162, 163, 164, 166})
"""Digitally deliverable, after UNCTAD (2015): an upper bound, as everywhere."""
LEVELS = ("sector", "industry", "total")
MILLION = 1e6
_STATEMENTS = (
    "Agriculture begins in 1986, mining and manufacturing in 1988, services in 2000: totals jump "
    "there",
    "Sums are over the industries that are known",
)


@dataclass(frozen=True, slots=True)
class Itpde(Connector):
    """Trade of a release at the level asked for, domestic sales (exporter = importer) included.

    {options}

    Raises
    ------
    InputError
        For an unknown edition or level, or years before the first.
    """

    edition: str = option("r03", help="r03 (default) or r02")
    level: str = option("sector", help="sector (4, default), industry (170) or total")
    years: tuple[int, ...] = option((), help="such as 2000-2019 (default: all of the edition)")

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="itpde",
        kind="trade",
        title="USITC ITPD-E",
        gives="trade of some 265 economies by 170 industries with domestic sales, from 1986",
        licence="public domain (US government); cite the authors",
        citation="Borchert, Larch, Shikher and Yotov (2021), International Economics 166",
        lag="36 months",
        publication_lag_months=36,
        renewed_months=36,
        # Filled zeros are left out: a flow without a row was not reported.
        absent="missing",
    )

    def __post_init__(self) -> None:
        require_choice("edition", self.edition, ADDRESSES)
        require_choice("level", self.level, LEVELS)
        require_years(self.years, "ITPD-E", FIRST_YEAR)

    @property
    def release(self) -> str:
        """The edition."""
        return self.edition

    @property
    def key(self) -> str:
        """``itpde:EDITION:LEVEL:YEARS``."""
        return f"itpde:{self.edition}:{self.level}:{years_word(self.years)}"

    def locate(self) -> tuple[str, ...]:
        """The one zip of the edition."""
        return (ADDRESSES[self.edition],)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """The zip."""
        url = ADDRESSES[self.edition]
        check = zip_only(url.rpartition("/")[2], by_hand=url)
        columns = _columns(DYNAMIC[self.edition])
        return (
            cache.file(
                url,
                check=check,
                fits=csv_like(columns, member=".csv"),
                member=called("itpde.csv", csv_like(columns, member=None)),
            ),
        )

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """One part per year, exporter, importer, sector and current USD."""
        path = raw[0].path
        spool = FlowSpool.beside(path, key=self.key, years=self.years)
        _read(path, spool, dynamic=DYNAMIC[self.edition])
        sectors, group = _sectors(self.level)
        yield from spool.parts(
            alpha3_to_iso3,
            column="exporter_iso3 or importer_iso3",
            sectors=sectors,
            group=group,
            statements=_STATEMENTS,
        )

    def sector_table(self, raw: Sequence[RawFile]) -> pd.DataFrame | None:
        """Kinds of the sectors; None for totals.

        Services as a whole are not flagged digitally deliverable; only industries are. Goods
        industries have no names, as the files lack them.
        """
        del raw
        if self.level == "total":
            return None
        if self.level == "sector":
            rows = [(code, kind, 0, name) for code, kind, _, _, name in BROAD]
        else:
            rows = [
                (industry_code(number), kind, int(number in DIGITAL), SERVICES.get(number, ""))
                for _, kind, first, last, _ in BROAD
                for number in range(first, last + 1)
            ]
        return pd.DataFrame(rows, columns=["sector", "kind", "digitally_deliverable", "name"])


def industry_code(number: int) -> str:
    """Code of an industry, such as ``I007``: readers would take digits for a number."""
    return f"I{number:03d}"


def _sectors(level: str) -> tuple[tuple[str, ...] | None, NDArray[np.intp]]:
    """Sectors of a level, and the place among them of every industry id from 0 on."""
    if level == "total":
        return None, np.zeros(INDUSTRIES + 1, dtype=np.intp)
    if level == "industry":
        ids = range(INDUSTRIES + 1)
        return tuple(map(industry_code, ids)), np.arange(INDUSTRIES + 1)
    last = [one[3] for one in BROAD]
    return tuple(one[0] for one in BROAD), np.searchsorted(last, np.arange(INDUSTRIES + 1))


def _columns(dynamic: str) -> dict[str, pa.DataType]:
    """Columns that are read and their types; files with names of countries have more."""
    sides = [(f"{side}_iso3", dynamic.format(side=side)) for side in ("exporter", "importer")]
    return {
        **dict.fromkeys((name for side in sides for name in side), TEXT),
        "year": pa.int16(),
        "industry_id": pa.int16(),
        "trade": pa.float64(),
        "flag_zero": TEXT,
    }


def _read(path: Path, spool: FlowSpool, *, dynamic: str) -> None:
    """Put the known flows into the spool.

    A zero that fills the square (flag ``u``) is not an observation; a reported one (``r``) is.
    """
    exporter, importer = (dynamic.format(side=side) for side in ("exporter", "importer"))
    for block in blocks(path, ".csv", types=_columns(dynamic)):
        year, industry = (np.asarray(block.column(name)) for name in ("year", "industry_id"))
        _refuse_industry(industry, spool.file)
        value = block.column("trade").to_numpy(zero_copy_only=False)
        filled = _filled(block.column("flag_zero"), spool.file)
        empty = np.isnan(value) & ~filled
        kept = ~(filled | empty)
        spool.count("zeros that fill gaps (flag u) read as missing", year[filled])
        spool.count("rows without a value left out", year[empty])
        other = _differ(block, "exporter_iso3", exporter) | _differ(
            block, "importer_iso3", importer
        )
        spool.count("rows of countries within other borders, under their ISO code",
                    year[kept & other])  # fmt: skip
        spool.add(
            kept,
            exporter=block.column("exporter_iso3"),
            importer=block.column("importer_iso3"),
            year=year,
            sector=industry,
            value=value * MILLION,
        )


def _filled(flag: pa.DictionaryArray, file: str) -> NDArray[np.bool_]:
    words = flag.dictionary.to_pylist()
    strange = [word for word in words if word not in ("p", "r", "u")]
    if strange:
        raise changed_source(
            f"expected p, r or u, found {strange[0]!r}", file=file, column="flag_zero"
        )
    return np.array([word == "u" for word in words], dtype=bool)[np.asarray(flag.indices)]


def _differ(block: pa.RecordBatch, one: str, other: str) -> NDArray[np.bool_]:
    """Rows in which two columns of words differ."""
    left, right = block.column(one), block.column(other)
    place = {word: number for number, word in enumerate(left.dictionary.to_pylist())}
    same = np.array([place.get(word, -1) for word in right.dictionary.to_pylist()])
    return np.asarray(left.indices) != same[np.asarray(right.indices)]


def _refuse_industry(industry: NDArray[np.int16], file: str) -> None:
    wrong = (industry < 1) | (industry > INDUSTRIES)
    if wrong.any():
        raise changed_source(
            f"industries are 1-{INDUSTRIES}, found {industry[int(wrong.argmax())]}",
            file=file,
            column="industry_id",
        )
