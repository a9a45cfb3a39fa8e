"""OECD ICIO: inter-country input-output tables of 81 economies and 50 industries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.data.input_output import FINAL_USES
from features.download.given import member_like, name_like
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import InputError
from features.sources.icio_reading import (
    INDUSTRIES,
    SECTORS,
    IcioYear,
    read_outputs,
    read_year,
)
from features.store.connector import Connector
from features.store.source import Kind, SourceInfo, option, require_choice
from features.tidy.parts import Notes, Part
from features.tidy.tidying import coded, trade_table
from features.tidy.years import years_word
from features.tidy.zip_csv import zip_only

BUNDLES = {"2025": ((1995, 2000), (2001, 2005), (2006, 2010), (2011, 2015), (2016, 2022))}
"""First and last year of each zip of an edition."""
_HOST = "https://webfs-sti.oecd.org/files/STI-PIE/ICIO"
_WHAT = ("tables", "flows")
MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Icio(Connector):
    """Tables or flows of the edition without split countries (``SML``).

    Tables are a folder that a run reads as its input-output tables; flows are trade by selling
    industry, domestic sales included, summed over the uses of the same tables.

    {options}

    Raises
    ------
    InputError
        For an unknown edition, data set or year.
    """

    what: str = option("tables", help="tables (default) or flows")
    release: str = option("2025", help="edition (default 2025)")
    years: tuple[int, ...] = option((), help="such as 2000-2022 (default: all, 1995-2022)")

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="icio",
        kind="tables",
        title="OECD Inter-Country Input-Output tables",
        gives="input-output tables of 81 economies and 50 industries, or the trade in them",
        licence="OECD terms: reuse with citation",
        citation="OECD (2025), OECD Inter-Country Input-Output Database, http://oe.cd/icio",
        lag="36 months; an edition every two years restates history",
        publication_lag_months=36,
        renewed_months=25,
    )

    def __post_init__(self) -> None:
        require_choice("what", self.what, _WHAT)
        require_choice("release", self.release, BUNDLES)
        absent = sorted(set(self.years) - set(self._all_years))
        if absent:
            first, last = self._all_years[0], self._all_years[-1]
            raise InputError(
                f"edition {self.release} has no {absent[0]}: it has {first}-{last}",
                remedy="Choose --years among those",
            )

    @property
    def _all_years(self) -> range:
        bundles = BUNDLES[self.release]
        return range(bundles[0][0], bundles[-1][1] + 1)

    @property
    def kind(self) -> Kind:
        """Tables or trade, as requested."""
        return "tables" if self.what == "tables" else "trade"

    @property
    def key(self) -> str:
        """``icio:RELEASE:WHAT:YEARS``."""
        return f"icio:{self.release}:{self.what}:{years_word(self.years)}"

    def _bundles(self) -> dict[str, tuple[int, ...]]:
        """Years wanted of each zip, by its name."""
        wanted = sorted(set(self.years)) or self._all_years
        out = {
            f"{first}-{last}_SML.zip": tuple(year for year in wanted if first <= year <= last)
            for first, last in BUNDLES[self.release]
        }
        return {name: years for name, years in out.items() if years}

    def locate(self) -> tuple[str, ...]:
        """A zip for every five to seven requested years."""
        return tuple(f"{_HOST}/{self.release}/{name}" for name in self._bundles())

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """The zips."""
        found = []
        for url, years in zip(self.locate(), self._bundles().values(), strict=True):
            one = re.compile(rf"({'|'.join(map(str, years))})_SML\.csv", re.IGNORECASE)
            check = zip_only(url.rpartition("/")[2], by_hand=url)
            found.append(cache.file(url, check=check, fits=member_like(one), member=name_like(one)))
        return tuple(found)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """One part per year, and for tables one of gross output."""
        members = {
            year: (file.path, f"{year}_SML.csv")
            for file, years in zip(raw, self._bundles().values(), strict=True)
            for year in years
        }
        for year, (path, member) in members.items():
            if self.what == "flows":
                yield Part.of_year(year, partial(_flows, path, member, year))
            else:
                yield Part(f"wiot_{year}.parquet", year, partial(_table, path, member))
        if self.what == "tables":
            yield Part("gross_output.parquet", None, partial(_gross_output, members))

    def sector_table(self, raw: Sequence[RawFile]) -> pd.DataFrame | None:
        """The 50 industries, of ISIC Rev. 4; None for tables, which take the flows' sectors."""
        del raw
        if self.what == "tables":
            return None
        return pd.DataFrame(
            [(one.code, one.kind, int(one.digital), one.name) for one in INDUSTRIES],
            columns=["sector", "kind", "digitally_deliverable", "name"],
        )


def _flows(path: Path, member: str, year: int, notes: Notes) -> pa.Table:
    """Sales by exporter, importer and sector, all uses together."""
    table = read_year(path, member, notes)
    notes.say("Sales to all uses, domestic ones included, at basic prices")
    flows = table.flows()
    exporter, importer, sector = np.nonzero(flows)
    notes.count(
        "negative flows, of falling inventories, kept: set them to zero with --negatives zero",
        int((flows < 0).sum()),
    )
    return trade_table(
        exporter=coded(exporter, table.countries),
        importer=coded(importer, table.countries),
        sector=coded(sector, table.sectors),
        year=year,
        value_usd=flows[exporter, importer, sector] * MILLION,
    )


def _table(path: Path, member: str, notes: Notes) -> pa.Table:
    """One row per sale that is not zero, as `features.data.input_output` reads them."""
    table = read_year(path, member, notes)
    pieces = [_sales_of(table, number) for number in range(len(table.countries))]
    return pa.concat_tables(pieces)


def _sales_of(table: IcioYear, country: int) -> pa.Table:
    """Sales of one country: the keys of all at once would take more memory than the table."""
    n, k = len(table.countries), len(table.sectors)
    rows = slice(country * k, (country + 1) * k)
    cells = np.concatenate(
        [table.intermediate[rows].reshape(k, n, k), table.final[rows]], axis=2
    ).astype(np.float32)
    sector, user, use = np.nonzero(cells)
    return pa.table(
        {
            "source_country": _words(np.full(len(use), country), table.countries),
            "source_sector": _words(sector, table.sectors),
            "use_country": _words(user, table.countries),
            "use": _words(use, (*table.sectors, *FINAL_USES)),
            "value_musd": pa.array(cells[sector, user, use]),
        }
    )


def _words(codes: NDArray[np.intp], names: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int16)), pa.array(names))


def _gross_output(members: dict[int, tuple[Path, str]], notes: Notes) -> pa.Table:
    """Published output by country, sector and year, against which a run checks its tables."""
    notes.say("Gross output as published, at basic prices")
    frames = []
    for year, (path, member) in members.items():
        countries, output = read_outputs(path, member)
        frames.append(
            pd.DataFrame(
                {
                    "country": np.repeat(countries, len(SECTORS)),
                    "sector": np.tile(SECTORS, len(countries)),
                    "year": np.int16(year),
                    "output_musd": output.ravel(),
                }
            )
        )
    return pa.Table.from_pandas(pd.concat(frames, ignore_index=True), preserve_index=False)
