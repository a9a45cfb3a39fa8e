"""Exports and imports of a country by partner: facts that briefs and reports share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from features.countries.groups import find_group
from forecasting.distribution.sums import Level, Sum, SumReader
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_country, country_name, nearest_year, origin_of

SIDES = {"exports": ("exporter", "importer"), "imports": ("importer", "exporter")}
"""Columns of the country and of its partner."""
GROUPS = ("EU27", "ASEAN", "USMCA")
"""Groups shown by default, where a run has two of their members or more as partners."""


@dataclass(frozen=True, slots=True)
class TradeSide:
    """Exports or imports of a country.

    Attributes
    ----------
    code, name
        Of the country.
    word
        ``exports`` or ``imports``.
    total
        Over all partners.
    partners
        The largest, then chosen countries and groups.
    """

    code: str
    name: str
    word: str
    total: Sum
    partners: tuple[Sum, ...]

    @property
    def goes(self) -> str:
        """The word before a partner."""
        return "to" if self.word == "exports" else "from"

    def share(self, partner: Sum, level: Level | None = None) -> float:
        """Share of a partner in the total: last known, or of a year."""
        part, whole = (
            (partner.last, self.total.last)
            if level is None
            else (level.forecast, self.total.in_year(level.year).forecast)
        )
        return part / whole if whole > 0 else 0.0


def trade_sides(
    reader: SumReader,
    codes: Sequence[str],
    years: Sequence[int],
    *,
    largest: int,
    chosen: Sequence[str] = (),
) -> tuple[tuple[TradeSide, TradeSide], ...]:
    """Exports and imports of countries.

    Parameters
    ----------
    reader
        Of the run.
    codes, years
        Countries, and target years shown.
    largest
        How many of the largest partners of the origin year come first.
    chosen
        Partners besides them: countries, and groups by name; by default `GROUPS`.

    Raises
    ------
    InputError
        If the run does not know a partner.
    """
    sides = [
        (code, word, _partners(reader.run, code, word, largest, chosen))
        for code in codes
        for word in SIDES
    ]
    # One reading for all: every one draws all flows.
    sums = iter(reader.read([one for side in sides for one in _named(*side)], years))
    found = [
        TradeSide(code, country_name(code), word, next(sums), tuple(islice(sums, len(names))))
        for code, word, names in sides
    ]
    return tuple(zip(found[::2], found[1::2], strict=True))


def _partners(
    run: RunResult, code: str, word: str, largest: int, chosen: Sequence[str]
) -> list[str]:
    own, other = SIDES[word]
    rows = run.forecasts[run.forecasts[own] == code]
    rows = rows[(rows["target_year"] == nearest_year(run.forecasts)) & (rows[other] != code)]
    by = rows.groupby(rows[other].astype(str))["value_origin"].sum()
    first = list(by[by > 0].sort_values(ascending=False, kind="stable").index[:largest])
    groups = chosen or [name for name in GROUPS if _members(name, origin_of(run), by.index) > 1]
    names = [n.strip() if find_group(n) else check_country(run.forecasts, n) for n in groups]
    return list(dict.fromkeys([*first, *(n for n in names if n != code)]))


def _members(group: str, year: int, countries: Iterable[str]) -> int:
    found = find_group(group)
    return len(set(countries) & set(found.members(year))) if found else 0


def _named(code: str, word: str, partners: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and selection of the total, then of each partner."""
    yield f"{word.capitalize()} of {country_name(code)}", f"{code}:{word}"
    for partner in partners:
        group = find_group(partner)
        name = group.name if group else country_name(partner)
        yield name, f"{code}:{partner}" if word == "exports" else f"{partner}:{code}"
