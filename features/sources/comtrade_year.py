"""A year of Comtrade in the project's schema: countries, zeros, unknown cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from features.countries.source_codes import territory_statements
from features.errors import SourceError, listed
from features.sources.comtrade_reading import Coverage, refuse_twins, rows_of_year, year_of
from features.sources.comtrade_reference import Partners, Reporters
from features.tidy.parts import Notes
from features.tidy.tidying import trade_frame_table

PARTIAL_SHARE = 1 / 3
"""Share of reporters without data from which a year counts as partial."""
MONTHS = 12
NAMED = 8
WORLD = 0


@dataclass(frozen=True, slots=True)
class YearOfTrade:
    """Makes the table of any year of a data set.

    Attributes
    ----------
    imports, monthly
        Whether the reporter is the importer, and whether answers are by month.
    retrieved
        Day of retrieval, YYYY-MM-DD.
    asked, partners
        The source's lists.
    coverage
        What the answers hold.
    years
        Years asked for.
    first_released
        Day by reporter's code and period, where known.
    read
        Reads an answer.
    """

    imports: bool
    monthly: bool
    retrieved: str
    asked: Reporters
    partners: Partners
    coverage: Coverage
    years: tuple[int, ...]
    first_released: dict[tuple[int, int], str]
    read: Callable[[Path], pd.DataFrame]

    def build(self, year: int, notes: Notes) -> pa.Table:
        """Flows of a year in current USD, zeros included where they are known to be zero.

        Raises
        ------
        SourceError
            For a negative or infinite value, or a partner that no table knows.
        """
        rows = rows_of_year(self.coverage, year, self.read, notes)
        refuse_twins(rows, file="comtrade")
        rows = self._of_year(rows, year, notes)
        self._say_what_it_is(notes)
        self._say_who_lacks(year, notes)
        self._compare_with_world(rows, year, notes)
        kept = self._flows(rows, year, notes)
        return self._table(year, kept, notes)

    def _of_year(self, rows: pd.DataFrame, year: int, notes: Notes) -> pd.DataFrame:
        """One row per flow: as it is, or the sum of twelve reported months."""
        if not self.monthly:
            return rows
        whole = rows["reporterCode"].isin(self._complete(year))
        short = sorted(self._reporters(year) - self._complete(year))
        if short:
            own = self.asked.country_of
            named = [f"{own.get(code, code)} {self._months(code, year)}" for code in short]
            notes.say(
                f"{year}: {len(short)} reporters left out that have less than {MONTHS} months "
                f"({listed(named, most=NAMED)})"
            )
        notes.count("rows of years with an unreported month left out", (~whole).sum())
        flows = rows[whole].groupby(["reporterCode", "partnerCode"], as_index=False)
        value = flows["primaryValue"].sum()
        # With an unknown month the year is unknown.
        known = flows["primaryValue"].count()["primaryValue"] == flows.size()["size"]
        return value.assign(primaryValue=value["primaryValue"].where(known))

    def _periods(self, year: int) -> dict[int, frozenset[int]]:
        """Reporters of a year's periods, those asked for."""
        known, everything = {*self.asked.country_of}, self.coverage.reporters.items()
        return {p: codes & known for p, codes in everything if year_of(p) == year}

    def _reporters(self, year: int) -> set[int]:
        return set().union(*self._periods(year).values())

    def _months(self, reporter: int, year: int) -> int:
        return sum(reporter in codes for codes in self._periods(year).values())

    def _complete(self, year: int) -> set[int]:
        """Reporters with the whole year."""
        needed = MONTHS if self.monthly else 1
        return {c for c in self._reporters(year) if self._months(c, year) == needed}

    def _say_what_it_is(self, notes: Notes) -> None:
        side = "importers, with freight" if self.imports else "exporters, without freight"
        notes.say(f"values as declared by {side} and insurance, in current USD")
        notes.say(
            f"as of {self.retrieved}: the source revises its figures in place, those of the last "
            "years most, and does not mark provisional ones"
        )
        notes.say(
            "a flow without a row is unknown, not zero (--absent missing); zeros of reporters with "
            "data are stated"
        )
        if self.first_released:
            days = sorted(self.first_released.values())
            notes.say(
                f"days of first release of {len(days):,} reporters and periods are kept with the "
                f"raw files ({days[0]} to {days[-1]})"
            )

    def _countries_with_data(self, year: int) -> set[str]:
        own = self.asked.country_of
        return {own[code] for code in self._complete(year)}

    def _say_who_lacks(self, year: int, notes: Notes) -> None:
        """No data is not zero trade; a year that most have not reported yet is partial."""
        everyone = len(self.asked.codes)
        absent = sorted(set(self.asked.codes) - self._countries_with_data(year))
        notes.count("reporters and years without data, which is not zero trade", len(absent))
        if absent:
            partial = "is partial: " if len(absent) >= PARTIAL_SHARE * everyone else ""
            notes.say(
                f"{year} {partial}no data from {len(absent)} of {everyone} reporters "
                f"({listed(absent, most=NAMED)})"
            )
        empty = [y for y in self.years if y not in self.coverage.files]
        # The first year with a part reports years without one.
        if empty and year == min(self.coverage.files):
            notes.say(f"no data from any reporter for {', '.join(map(str, empty))}")
            notes.count(
                "reporters and years without data, which is not zero trade", len(empty) * everyone
            )

    def _compare_with_world(self, rows: pd.DataFrame, year: int, notes: Notes) -> None:
        """If partners do not add up to the declared total, some are absent."""
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
        countries = self.partners.countries(self.coverage.partners, count=Notes().count)
        flows = pd.DataFrame(
            {
                "reporter": rows["reporterCode"].map(self.asked.country_of),
                "partner": rows["partnerCode"].map(countries),
                "value": rows["primaryValue"],
            }
        )
        _refuse_impossible(flows)
        notes.count("rows of the world as partner dropped", (rows["partnerCode"] == WORLD).sum())
        no_country = flows["partner"].isna() & (rows["partnerCode"] != WORLD)
        notes.count("rows of groups and areas that are not countries dropped", no_country.sum())
        sizes = rows.loc[no_country, "partnerCode"].value_counts().sort_index()
        self.partners.countries(sizes.to_dict(), count=notes.count)
        if len(sizes):
            names = [f"{code} {self.partners.names.get(code, '')}".strip() for code in sizes.index]
            notes.say(f"no countries by the source's list: {', '.join(names)}")
        at_home = flows["partner"] == flows["reporter"]
        notes.count("rows of a country's re-imports from itself dropped", at_home.sum())
        unknown = flows["value"].isna()
        notes.count("rows without a value dropped", (unknown & flows["partner"].notna()).sum())
        named = {country for country in countries.values() if country} | set(self.asked.codes)
        for sentence in territory_statements(named, year):
            notes.say(sentence)
        return flows[flows["partner"].notna() & ~at_home & ~unknown]

    def _table(self, year: int, flows: pd.DataFrame, notes: Notes) -> pa.Table:
        codes = self.partners.countries(self.coverage.partners, count=Notes().count)
        partners = sorted({country for country in codes.values() if country is not None})
        keys = ["reporter", "partner"]
        value = flows.groupby(keys)["value"].sum()
        notes.count("rows added to another of the same country, which has two codes",
                    len(flows) - len(value))  # fmt: skip
        every = pd.MultiIndex.from_product(
            [sorted(self._countries_with_data(year)), partners], names=keys
        )
        every = every[every.get_level_values(0) != every.get_level_values(1)]
        notes.count("flows without a row, of reporters with data, stated as zero",
                    len(every) - len(value))  # fmt: skip
        table = value.reindex(every, fill_value=0.0).rename("value_usd").reset_index()
        sides = ("importer", "exporter") if self.imports else ("exporter", "importer")
        named = table.rename(columns=dict(zip(keys, sides, strict=True)))
        return trade_frame_table(named[["exporter", "importer", "value_usd"]], year=year)


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
