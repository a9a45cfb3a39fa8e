"""Sums of flows that a user names, in one grammar for the command line and Python.

A selection is one of

* ``DEU,FRA`` (exporter, importer) or ``DEU,FRA,SECTOR``: a single flow;
* ``DEU:exports``, ``DEU:imports``: a country's or group's total;
* ``EU27:CHN``, ``EU27:ASEAN``, ``DEU+FRA:world``: from one side to the other;
* ``world``: all trade between countries.

With ``:SECTOR`` after it, all but the first are of that sector. A side is a country (code or
English name), a group by name, several of them joined by ``+``, ``world`` for everyone, or ``ALL``
for everyone outside the other side. Sales of a country to itself count in no sum. Selections are
separated by semicolons, or by commas where each holds a colon or is ``world``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.groups import CountryGroup, country_groups, find_group
from features.errors import InputError
from features.measures.catalogue import MEASURES
from forecasting.results.subjects import EVERYONE, check_country, check_flow, countries_of

WORLD = "world"
_TOTALS = ("exports", "imports")
_HOW = (
    "Write a flow as DEU,FRA, totals as DEU:exports or DEU:imports, trade between two sides as "
    "EU27:CHN, all trade as world, measures as VNM:supplier_concentration; separate several by "
    "semicolons"
)


@dataclass(frozen=True, slots=True)
class Side:
    """Countries on one side of a selection.

    Attributes
    ----------
    parts
        Codes of countries, and groups; empty for everyone.
    outside
        Whether it is everyone outside the other side.
    """

    parts: tuple[str | CountryGroup, ...] = ()
    outside: bool = False

    def members(self, year: int) -> frozenset[str]:
        """Codes of its countries in a year; empty for everyone."""
        return frozenset(
            code
            for part in self.parts
            for code in ((part,) if isinstance(part, str) else part.members(year))
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """A sum of flows.

    Attributes
    ----------
    text
        As the user wrote it.
    exporter, importer
        Its sides.
    sector
        The only one it is of; None for all.
    domestic
        Whether a country's sales to itself belong to it.
    absent
        Members of its groups that the run lacks.
    """

    text: str
    exporter: Side
    importer: Side
    sector: str | None = None
    domestic: bool = False
    absent: tuple[str, ...] = ()

    def rows(self, keys: pd.DataFrame, year: int) -> NDArray[np.bool_]:
        """Which flows belong to it, shape ``[flow]``.

        Parameters
        ----------
        keys
            ``exporter, importer, [sector]`` of the flows.
        year
            Last known year: who was a member then is one throughout.
        """
        sides = {"exporter": self.exporter, "importer": self.importer}
        members = {name: side.members(year) for name, side in sides.items()}
        other = {"exporter": "importer", "importer": "exporter"}
        chosen = np.ones(len(keys), dtype=np.bool_)
        for name, side in sides.items():
            if side.outside:
                chosen &= ~_is_in(keys[name], members[other[name]])
            elif side.parts:
                chosen &= _is_in(keys[name], members[name])
        if self.sector is not None:
            chosen &= _is_in(keys["sector"], {self.sector})
        if not self.domestic:
            chosen &= ~_is_domestic(keys)
        return chosen


def absent_members(chosen: Iterable[Selection]) -> list[str]:
    """Members of groups that a run lacks, in words."""
    return [
        f"{one.text}: the run lacks {', '.join(one.absent)}, left out"
        for one in chosen
        if one.absent
    ]


def _is_domestic(keys: pd.DataFrame) -> NDArray[np.bool_]:
    """Flows of a country to itself, by integer codes: a report asks hundreds of times."""
    exporter, importer = (keys[side].astype("category").cat for side in ("exporter", "importer"))
    place = exporter.categories.get_indexer(importer.categories)
    return exporter.codes.to_numpy() == place[importer.codes.to_numpy()]


def _is_in(column: pd.Series, codes: Iterable[str]) -> NDArray[np.bool_]:
    column = column.astype("category")
    wanted = set(codes)
    inside = np.array([str(code) in wanted for code in column.cat.categories], dtype=np.bool_)
    return np.append(inside, False)[column.cat.codes.to_numpy()]


def selections(forecasts: pd.DataFrame, of: str | Sequence[str]) -> tuple[Selection, ...]:
    """Selections of a text, or of several, checked against a run.

    Parameters
    ----------
    forecasts
        Of the run: its flows.
    of
        See the module.

    Raises
    ------
    InputError
        If a text cannot be read, a country, group or sector is unknown, a group has no member in
        the run, or a selection holds no flow.
    """
    found = [_selection(forecasts, part) for part in parts_of(of)]
    if not found:
        raise InputError("no flow or sum is named", remedy=_HOW)
    return tuple(found)


def parts_of(of: str | Sequence[str]) -> list[str]:
    """The selections of a text, or of several."""
    return [part for text in ([of] if isinstance(of, str) else of) for part in _parts(text)]


def _parts(text: str) -> list[str]:
    out = []
    for part in (p.strip() for p in text.split(";")):
        words = [word.strip() for word in part.split(",")]
        several = all(":" in word or word.casefold() == WORLD for word in words)
        out += words if several else [part]
    return [part for part in out if part]


def _selection(forecasts: pd.DataFrame, text: str) -> Selection:
    if ":" not in text and text.casefold() != WORLD:
        flow = check_flow(forecasts, [word.strip() for word in text.split(",")])
        exporter, importer = (Side((code,)) for code in flow[:2])
        sector = flow[2] if len(flow) > 2 else None
        return Selection(text, exporter, importer, sector, domestic=flow[0] == flow[1])
    words = [word.strip() for word in text.split(":")]
    if words[0].casefold() == WORLD and (len(words) == 1 or _is_sector(forecasts, words[1:])):
        words = [WORLD, WORLD, *words[1:]]
    if not 2 <= len(words) <= 3 or not all(words):
        raise InputError(f"{text!r} is not a flow or sum", remedy=_HOW)
    total = words[1].casefold()
    if total in _TOTALS:
        words = [words[0], WORLD, *words[2:]]
        words = words if total == "exports" else [WORLD, words[0], *words[2:]]
    (exporter, importer), absent = _sides(forecasts, text, words[:2])
    sector = check_sector(forecasts, words[2]) if len(words) > 2 else None
    found = Selection(text, exporter, importer, sector, absent=absent)
    origin = int(forecasts["origin"].iloc[0])
    if not found.rows(forecasts, origin).any():
        raise InputError(f"{text!r} holds no flow of this run", remedy=_HOW)
    return found


def _sides(
    forecasts: pd.DataFrame, text: str, words: Sequence[str]
) -> tuple[list[Side], tuple[str, ...]]:
    """Both sides, and the members of groups that the run lacks."""
    known, year = set(countries_of(forecasts)), int(forecasts["origin"].iloc[0])
    sides, absent = [], set()
    for word in words:
        if word.upper() in EVERYONE:
            sides.append(Side(outside=True))
            continue
        parts: list[str | CountryGroup] = []
        for name in (part.strip() for part in word.split("+")):
            if name.casefold() == WORLD:
                continue
            group = find_group(name)
            if group is None:
                parts.append(_country(forecasts, name))
                continue
            members = set(group.members(year))
            if not members & known:
                raise InputError(
                    f"none of the {len(members)} members of {group.name} in {year} is in the run",
                    remedy="Choose another group or a country",
                )
            absent |= members - known
            parts.append(group)
        sides.append(Side(tuple(parts)))
    if all(side.outside for side in sides):
        raise InputError(f"{text!r}: both sides are ALL", remedy="Name one, or write world")
    return sides, tuple(sorted(absent))


def _country(forecasts: pd.DataFrame, name: str) -> str:
    """A country of the run; a word near the name of a group or measure is offered that."""
    try:
        return check_country(forecasts, name)
    except InputError as error:
        names = {key: group.name for key, group in country_groups().items()}
        names |= {measure.name: measure.name for measure in MEASURES}
        near = difflib.get_close_matches(name.casefold(), names, n=1, cutoff=0.7)
        if not near:
            raise
        raise InputError(
            f"{error.problem}",
            remedy=f"{error.remedy}; the nearest group or measure is {names[near[0]]}",
        ) from error


def _is_sector(forecasts: pd.DataFrame, words: Sequence[str]) -> bool:
    return len(words) == 1 and "sector" in forecasts and words[0] in set(forecasts["sector"])


def check_sector(forecasts: pd.DataFrame, wanted: str) -> str:
    """A sector of the run.

    Raises
    ------
    InputError
        If it has no such sector, or none; the message suggests similar ones.
    """
    if "sector" not in forecasts:
        raise InputError(f"the run has no sectors, so no {wanted!r}", remedy="Leave it out")
    known = sorted(forecasts["sector"].astype(str).unique())
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.4) or known[:8]
        raise InputError(f"the run has no sector {wanted!r}", remedy=f"Nearest: {', '.join(near)}")
    return wanted
