"""Groups of countries by name: unions, trade agreements, income groups and continents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from features.countries import simulated
from features.countries.regions import REGIONS

TABLE = Path(__file__).with_name("groups.csv")
"""Members of each group by first and last year of membership; an empty year has no limit."""
_ALWAYS = (-9_999, 9_999)


@dataclass(frozen=True, slots=True)
class CountryGroup:
    """A named group of countries.

    Attributes
    ----------
    name, label
        As users write it, such as ``EU27``, and in words.
    source
        Where the list of members is from.
    spells
        First year, last year and ISO 3166 alpha-3 codes of members who joined and left together.
    """

    name: str
    label: str
    source: str
    spells: tuple[tuple[int, int, tuple[str, ...]], ...]

    def members(self, year: int) -> tuple[str, ...]:
        """Sorted codes of the members in a calendar year."""
        inside = (codes for first, last, codes in self.spells if first <= year <= last)
        return tuple(sorted(code for codes in inside for code in codes))


def find_group(name: str) -> CountryGroup | None:
    """The group of a name, whatever its case; None if there is none."""
    return country_groups().get(name.strip().casefold())


@lru_cache(maxsize=1)
def country_groups() -> dict[str, CountryGroup]:
    """Every group by its name in lower case.

    Those of `TABLE`, the continents of M49, and the regions of the simulated world with sectors.
    """
    table = pd.read_csv(TABLE, dtype={"first_year": "Int64", "last_year": "Int64"})
    found = {}
    for name, rows in table.groupby("group", sort=False):
        first = rows["first_year"].fillna(_ALWAYS[0])
        last = rows["last_year"].fillna(_ALWAYS[1])
        codes = rows["members"].str.split()
        spells = [(int(a), int(b), tuple(c)) for a, b, c in zip(first, last, codes, strict=True)]
        about = rows.iloc[0]
        found[str(name)] = CountryGroup(
            str(name), str(about["label"]), str(about["source"]), tuple(spells)
        )
    continents = dict.fromkeys(REGIONS, "United Nations M49")
    invented = dict.fromkeys(simulated.REGIONS, "simulated world with sectors")
    for region, source in {**continents, **invented}.items():
        spell = (*_ALWAYS, tuple({**REGIONS, **simulated.REGIONS}[region].split()))
        found[region] = CountryGroup(region, region, source, (spell,))
    return {name.casefold(): group for name, group in found.items()}
