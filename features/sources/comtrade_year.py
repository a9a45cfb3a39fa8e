"""A year of Comtrade in the project's schema: who is a country, what is zero, what is unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.country_codes import said_of_territories
from features.errors import SourceError
from features.sources.comtrade_reading import Coverage
from features.sources.comtrade_reference import Partners, Reporters
from features.store.source import Notes
from features.store.tidying import coded, trade_table

PARTIAL_SHARE = 1 / 3
"""Share of the reporters without data from which on a year is called partial."""
STATED_ZEROS = ("total", "hs2")
"""Levels at which absent flows of those who reported are written as zero."""
NAMED = 8
WORLD = 0
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class YearOfTrade:
    """Makes the table of any year of a data set.

    Attributes
    ----------
    level, imports
        Level, and whether the reporter is the importer.
    retrieved
        Day of retrieval, YYYY-MM-DD.
    asked, partners
        The source's lists.
    coverage
        What the answers hold.
    years
        Years asked for.
    read
        Reads an answer.
    """

    level: str
    imports: bool
    retrieved: str
    asked: Reporters
    partners: Partners
    coverage: Coverage
    years: tuple[int, ...]
    read: Callable[[Path], pd.DataFrame]

    def build(self, year: int, notes: Notes) -> pa.Table:
        """Flows of a year in current USD, zeros included where they are known to be zero.

        Raises
        ------
        SourceError
            For a negative or infinite value, or a partner that no table knows.
        """
        answers = self.coverage.files[year]
        rows = pd.concat([self.read(answer.path) for answer in answers], ignore_index=True)
        rows = rows[rows["period"] == year]
        self._say_what_it_is(rows, notes)
        self._say_who_lacks(year, notes)
        self._compare_with_world(rows, year, notes)
        kept = self._flows(rows, year, notes)
        return self._table(year, kept, notes)

    def _say_what_it_is(self, rows: pd.DataFrame, notes: Notes) -> None:
        side = "importers, with freight" if self.imports else "exporters, without freight"
        notes.say(f"values as declared by {side} and insurance, in current USD")
        notes.say(
            f"as of {self.retrieved}: the source revises its figures in place, those of the last "
            "years most, and does not say which are provisional"
        )
        if self.level != "total":
            revisions = ", ".join(sorted({str(code) for code in rows["revision"].dropna()} - {""}))
            if revisions:
                notes.say(f"{int(rows['period'].iloc[0])}: classification {revisions}")
        zeros = (
            "zeros of reporters with data are stated"
            if self.level in STATED_ZEROS
            else "at this level zeros are not stated either"
        )
        notes.say(f"a flow without a row is unknown, not zero (--absent missing); {zeros}")

    def _countries_with_data(self, year: int) -> set[str]:
        codes = self.coverage.reporters[year]
        return {c for c, under in self.asked.codes.items() if codes & {r.code for r in under}}

    def _say_who_lacks(self, year: int, notes: Notes) -> None:
        """No data is not zero trade, and a year most have not reported yet is a partial one."""
        everyone = len(self.asked.codes)
        absent = sorted(set(self.asked.codes) - self._countries_with_data(year))
        notes.count("reporters and years without data, which is not zero trade", len(absent))
        if absent:
            named = ", ".join(absent[:NAMED]) + (" and others" if len(absent) > NAMED else "")
            partial = "is partial: " if len(absent) >= PARTIAL_SHARE * everyone else ""
            notes.say(
                f"{year} {partial}no data from {len(absent)} of {everyone} reporters ({named})"
            )
        empty = [y for y in self.years if y not in self.coverage.files]
        # Years without a part of their own are told of by the first that has one.
        if empty and year == min(self.coverage.files):
            notes.say(f"no data from any reporter for {', '.join(map(str, empty))}")
            notes.count(
                "reporters and years without data, which is not zero trade", len(empty) * everyone
            )

    def _compare_with_world(self, rows: pd.DataFrame, year: int, notes: Notes) -> None:
        """Partners that do not add up to the declared total would mean that some are absent."""
        single = ~rows["partnerCode"].isin({WORLD, *self.partners.groups})
        world = rows[rows["partnerCode"] == WORLD].groupby("reporterCode")["primaryValue"].sum()
        summed = rows[single].groupby("reporterCode")["primaryValue"].sum()
        summed = summed.reindex(world.index, fill_value=0.0)
        off = world.index[(summed - world).abs() > 0.01 * world]
        for code in off:
            share = 100 * summed[code] / world[code]
            notes.say(
                f"{year}: the partners of reporter {code} add up to {share:.0f} % of the total it "
                "declares"
            )

    def _flows(self, rows: pd.DataFrame, year: int, notes: Notes) -> pd.DataFrame:
        """Rows between two countries with a value: ``reporter, partner, cmdCode, value``."""
        countries = self.partners.countries(self.coverage.partners)
        own = {r.code: c for c, under in self.asked.codes.items() for r in under}
        flows = pd.DataFrame(
            {
                "reporter": rows["reporterCode"].map(own),
                "partner": rows["partnerCode"].map(countries),
                "cmdCode": rows["cmdCode"],
                "value": rows["primaryValue"],
            }
        )
        _refuse_impossible(flows)
        notes.count("rows of the world as partner dropped", (rows["partnerCode"] == WORLD).sum())
        no_country = flows["partner"].isna() & (rows["partnerCode"] != WORLD)
        notes.count("rows of groups and areas that are no country dropped", no_country.sum())
        at_home = flows["partner"] == flows["reporter"]
        notes.count("rows of a country's re-imports from itself dropped", at_home.sum())
        unknown = flows["value"].isna()
        notes.count("rows without a value dropped", (unknown & flows["partner"].notna()).sum())
        named = {country for country in countries.values() if country} | set(self.asked.codes)
        for sentence in said_of_territories(named, year):
            notes.say(sentence)
        return flows[flows["partner"].notna() & ~at_home & ~unknown]

    def _table(self, year: int, flows: pd.DataFrame, notes: Notes) -> pa.Table:
        codes = self.partners.countries(self.coverage.partners)
        partners = {country for country in codes.values() if country is not None}
        names = sorted(partners | set(self.asked.codes))
        place = {name: number for number, name in enumerate(names)}
        sectors = self.coverage.commodities
        grid = _Grid(len(names), len(sectors), self.imports)
        keys = grid.keys(
            _numbers(flows["reporter"], place),
            _numbers(flows["partner"], place),
            _numbers(flows["cmdCode"], {code: number for number, code in enumerate(sectors)}),
        )
        distinct, value = _summed(keys, flows["value"].to_numpy(dtype=np.float64))
        added = keys.size - distinct.size
        notes.count("rows added to another of the same country, which has two codes", added)
        if self.level in STATED_ZEROS:
            reported = [place[name] for name in sorted(self._countries_with_data(year))]
            every = grid.all_keys(reported, [place[name] for name in sorted(partners)])
            absent = every.size - distinct.size
            notes.count("flows without a row, of reporters with data, stated as zero", absent)
            distinct, value = _with_zeros(distinct, value, every)
        exporter, importer, product = grid.split(distinct)
        return trade_table(
            exporter=coded(exporter, names),
            importer=coded(importer, names),
            year=year,
            value_usd=value,
            sector=None if self.level == "total" else coded(product, sectors),
        )


@dataclass(frozen=True, slots=True)
class _Grid:
    """One number for exporter, importer and sector, in the order of the table."""

    countries: int
    sectors: int
    imports: bool

    def keys(self, reporter: IntArray, partner: IntArray, sector: IntArray) -> IntArray:
        exporter, importer = (partner, reporter) if self.imports else (reporter, partner)
        return (exporter * self.countries + importer) * self.sectors + sector

    def all_keys(self, reporters: list[int], partners: list[int]) -> IntArray:
        """Every flow a reporter could have declared, in order."""
        reporter, partner = (
            side.ravel()
            for side in np.meshgrid(
                np.array(reporters, dtype=np.int64), np.array(partners, dtype=np.int64)
            )
        )
        apart = reporter != partner
        sector = np.arange(self.sectors, dtype=np.int64)
        return np.sort(
            self.keys(reporter[apart, None], partner[apart, None], sector[None, :]).ravel()
        )

    def split(self, keys: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        pair, sector = np.divmod(keys, self.sectors)
        exporter, importer = np.divmod(pair, self.countries)
        return exporter, importer, sector


def _numbers(column: pd.Series, place: dict[str, int]) -> IntArray:
    return np.asarray(column.map(place), dtype=np.int64)


def _summed(keys: IntArray, value: FloatArray) -> tuple[IntArray, FloatArray]:
    """Distinct keys in order, and the sum of each."""
    distinct, where = np.unique(keys, return_inverse=True)
    out = np.zeros(distinct.size)
    np.add.at(out, where, value)
    return distinct, out


def _with_zeros(keys: IntArray, value: FloatArray, every: IntArray) -> tuple[IntArray, FloatArray]:
    """Values at every key, zero where there is none."""
    out = np.zeros(every.size)
    out[np.searchsorted(every, keys)] = value
    return every, out


def _refuse_impossible(flows: pd.DataFrame) -> None:
    wrong = (flows["value"] < 0) | np.isinf(flows["value"])
    if wrong.any():
        first = flows[wrong].iloc[0]
        raise SourceError(
            f"{first['reporter']} and {first['partner']} cannot trade {first['value']:g} USD",
            remedy="Ask the source again later with --refresh",
            file="comtrade",
            column="primaryValue",
        )
