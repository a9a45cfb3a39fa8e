"""Exports and imports of a country by partner: facts that briefs and reports share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pandas as pd

from features.countries.groups import find_group
from forecasting.distribution.sums import Level, Sum, SumReader
from forecasting.results.result import RunResult
from forecasting.results.subjects import (
    check_country,
    countries_of,
    country_name,
    nearest_year,
    origin_of,
    the,
)

SIDES = {"exports": ("exporter", "importer"), "imports": ("importer", "exporter")}
"""Columns of the country and of its partner."""
GROUPS = ("EU27", "ASEAN", "USMCA")
"""Groups shown by default, where a run has two of their members or more as partners."""
LEAST_MOVE = 1e-4
"""Smallest move of a share that is named: a hundredth of a percentage point."""
MOVES = 4
"""Partners named for the largest moves of shares, either way."""


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


@dataclass(frozen=True, slots=True)
class ShareMove:
    """A partner whose share moves: last known, forecast, and the probability of the direction."""

    name: str
    last: float
    forecast: float
    chance: float


@dataclass(frozen=True, slots=True)
class ShareMoves:
    """Partners that gain and lose most share of exports or imports in a target year."""

    word: str
    gains: tuple[ShareMove, ...] = ()
    losses: tuple[ShareMove, ...] = ()

    @property
    def who(self) -> str:
        """What the partners are."""
        return "customers" if self.word == "exports" else "suppliers"


def share_moves(reader: SumReader, side: TradeSide, year: int) -> ShareMoves:
    """The largest moves of shares of all partners; none without a back-test."""
    known = reader.shares(side.total.selection, year)
    if known is None or side.total.last <= 0:
        return ShareMoves(side.word)
    table = known.assign(move=known["forecast"] - known["last_known"])
    table = table.sort_values("move", ascending=False, kind="stable")
    gains = table[table["move"] >= LEAST_MOVE].head(MOVES)
    losses = table[table["move"] <= -LEAST_MOVE].iloc[::-1]
    return ShareMoves(side.word, _moves(gains, 1), _moves(losses.head(MOVES), -1))


def _moves(rows: pd.DataFrame, sign: int) -> tuple[ShareMove, ...]:
    columns = ["partner", "last_known", "forecast", "probability_of_growth"]
    return tuple(
        ShareMove(country_name(str(code)), last, forecast, chance if sign > 0 else 1 - chance)
        for code, last, forecast, chance in rows[columns].itertuples(index=False)
    )


def trade_sides(
    reader: SumReader,
    codes: Sequence[str],
    years: Sequence[int],
    *,
    largest: int,
    chosen: Sequence[str] = (),
    groups: Sequence[str] = GROUPS,
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
        Partners besides them: countries, and groups by name.
    groups
        Groups where nothing is chosen; those with fewer than two partners are left out.

    Raises
    ------
    InputError
        If the run does not know a partner.
    """
    sides = [
        (code, word, _partners(reader.run, code, word, largest, chosen, groups))
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
    run: RunResult,
    code: str,
    word: str,
    largest: int,
    chosen: Sequence[str],
    groups: Sequence[str],
) -> list[str]:
    own, other = SIDES[word]
    rows = run.forecasts[run.forecasts[own] == code]
    rows = rows[(rows["target_year"] == nearest_year(run.forecasts)) & (rows[other] != code)]
    by = rows.groupby(rows[other].astype(str))["value_origin"].sum()
    first = list(by[by > 0].sort_values(ascending=False, kind="stable").index[:largest])
    more = chosen or [name for name in groups if _members(name, origin_of(run), by.index) > 1]
    names = [n.strip() if find_group(n) else check_country(run.forecasts, n) for n in more]
    return list(dict.fromkeys([*first, *(n for n in names if n != code)]))


def _members(group: str, year: int, countries: Iterable[str]) -> int:
    found = find_group(group)
    return len(set(countries) & set(found.members(year))) if found else 0


@dataclass(frozen=True, slots=True)
class GroupGap:
    """A group of which a run lacks members: its name, their names, and how many there are."""

    name: str
    absent: tuple[str, ...]
    members: int


def group_gaps(run: RunResult, names: Iterable[str]) -> tuple[GroupGap, ...]:
    """Groups, of those named, of which the run has two members or more, but not all."""
    known, found = set(countries_of(run.forecasts)), []
    for group in dict.fromkeys(group for name in names if (group := find_group(name))):
        members = group.members(origin_of(run))
        absent = tuple(country_name(code) for code in members if code not in known)
        if absent and len(members) - len(absent) > 1:
            found.append(GroupGap(group.name, absent, len(members)))
    return tuple(found)


def _named(code: str, word: str, partners: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and selection of the total, then of each partner."""
    yield f"{word.capitalize()} of {the(country_name(code))}", f"{code}:{word}"
    for partner in partners:
        group = find_group(partner)
        name = group.name if group else country_name(partner)
        yield name, f"{code}:{partner}" if word == "exports" else f"{partner}:{code}"
