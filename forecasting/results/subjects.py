"""Countries, flows, blocs and years that a user names, checked against a run."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import pandas as pd

from features.countries import simulated
from features.errors import InputError
from forecasting.results.result import RunResult


def countries_of(forecasts: pd.DataFrame) -> list[str]:
    """Sorted codes of all countries in a table of flows."""
    sides = (forecasts[side].unique() for side in ("exporter", "importer"))
    return sorted({str(code) for side in sides for code in side})


def check_country(forecasts: pd.DataFrame, wanted: str) -> str:
    """Code of a country given by code or by English name.

    Raises
    ------
    InputError
        If the run does not have it; the message suggests similar codes and names.
    """
    known = countries_of(forecasts)
    names = {country_name(code).casefold(): code for code in known}
    code = wanted.strip().upper()
    if code not in known:
        code = names.get(wanted.strip().casefold()) or _any_country(wanted) or code
    if code in known:
        return code
    if country_name(code) != code:
        raise InputError(
            f"{country_name(code)} ({code}) is not among the {len(known)} countries of the run",
            remedy="Choose another country: forecasts.parquet lists them",
        )
    near = difflib.get_close_matches(wanted.strip().casefold(), names, n=3, cutoff=0.5)
    offered = [names[name] for name in near]
    offered += difflib.get_close_matches(code, known, n=3, cutoff=0.5)
    raise InputError(
        f"the run has no country {wanted!r}",
        remedy=_offer([f"{c} ({country_name(c)})" for c in dict.fromkeys(offered)], known),
    )


def check_flow(forecasts: pd.DataFrame, wanted: Sequence[str]) -> tuple[str, ...]:
    """Exporter, importer and, where there are sectors, sector of a flow.

    Raises
    ------
    InputError
        If the run does not have one of them or has no such flow, or the two countries are the same
        and the run has no domestic sales.
    """
    has_sectors = "sector" in forecasts
    kind = "exporter,importer,sector" if has_sectors else "exporter,importer"
    if len(wanted) != 2 + has_sectors:
        raise InputError(
            f"{','.join(wanted)!r} is not a flow of this run", remedy=f"Give it as {kind}"
        )
    exporter, importer = (check_country(forecasts, word) for word in wanted[:2])
    if exporter == importer and not rows_of_flow(forecasts, (exporter, importer)).any():
        raise InputError(
            f"{exporter} -> {importer} is domestic trade, which is not forecast",
            remedy="Give two different countries",
        )
    if not has_sectors:
        return _traded(forecasts, (exporter, importer))
    known = sorted(forecasts["sector"].astype(str).unique())
    if wanted[2] not in known:
        near = difflib.get_close_matches(wanted[2], known, n=3, cutoff=0.4)
        raise InputError(f"the run has no sector {wanted[2]!r}", remedy=_offer(near, known))
    return _traded(forecasts, (exporter, importer, wanted[2]))


def _traded(forecasts: pd.DataFrame, flow: tuple[str, ...]) -> tuple[str, ...]:
    """The flow; refuse one that the run has no rows of, as it has active flows alone."""
    if not rows_of_flow(forecasts, flow).any():
        raise InputError(
            f"{','.join(flow)} has not traded in any year up to the origin: its forecast is 0",
            remedy="Choose a flow that has; forecasts.parquet lists them",
        )
    return flow


EVERYONE = ("*", "ALL")
"""Words for all countries outside the other bloc."""


def check_blocs(
    forecasts: pd.DataFrame, first: Sequence[str], second: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Codes of two disjoint groups of countries.

    Each is given by codes or English names, or by a single word of `EVERYONE`.

    Raises
    ------
    InputError
        If a group is empty, or a country is unknown or in both groups.
    """
    given = [[word.strip() for word in group if word.strip()] for group in (first, second)]
    open_ended = [len(group) == 1 and group[0].upper() in EVERYONE for group in given]
    if all(open_ended):
        raise InputError(
            "both blocs are all countries",
            remedy="Name countries in one of them, such as DEU+FRA:ALL",
        )
    named = [
        () if everyone else tuple(dict.fromkeys(check_country(forecasts, w) for w in group))
        for group, everyone in zip(given, open_ended, strict=True)
    ]
    taken = set(named[0]) | set(named[1])
    rest = tuple(code for code in countries_of(forecasts) if code not in taken)
    left, right = (rest if everyone else m for m, everyone in zip(named, open_ended, strict=True))
    if not left or not right:
        raise InputError("a bloc is empty", remedy="Give both blocs countries: DEU+FRA:CHN+IND")
    shared = sorted(set(left) & set(right))
    if shared:
        raise InputError(
            f"{shared[0]} ({country_name(shared[0])}) is in both blocs",
            remedy="Keep every country to one of them",
        )
    return left, right


def nearest_year(forecasts: pd.DataFrame) -> int:
    """The first target year that was not over when the forecast was made; the last if all were.

    A nowcast has no shifts: it counts only where nothing else is forecast.
    """
    shifts = forecasts.loc[forecasts["forecast"] != forecasts["base"], "target_year"]
    years = (shifts if len(shifts) else forecasts["target_year"]).unique()
    made = int(str(forecasts["as_of"].iloc[0])[:4])
    return int(min((year for year in years if year >= made), default=max(years)))


def open_years(run: RunResult) -> list[int]:
    """Target years that were not over when the forecast was made: `nearest_year` and later."""
    first = nearest_year(run.forecasts)
    return [year for year in years_of(run) if year >= first]


def shown_years(run: RunResult) -> list[int]:
    """Of `open_years` those that pages show: the first, the next, and the last."""
    years = open_years(run)
    return sorted({*years[:2], years[-1]})


def over_years(run: RunResult) -> list[int]:
    """Target years that were over when the forecast was made."""
    made = int(str(run.forecasts["as_of"].iloc[0])[:4])
    return [year for year in years_of(run) if year < made]


def check_year(forecasts: pd.DataFrame, wanted: int | None) -> int:
    """Target year; `nearest_year` by default.

    Raises
    ------
    InputError
        If the run does not forecast that year.
    """
    known = sorted(int(year) for year in forecasts["target_year"].unique())
    if wanted is None:
        return nearest_year(forecasts)
    if wanted not in known:
        raise InputError(
            f"the run does not forecast {wanted}",
            remedy=f"Choose from {', '.join(map(str, known))}",
        )
    return wanted


def rows_of_flow(table: pd.DataFrame, flow: Sequence[str]) -> pd.Series[bool]:
    """Mask of the rows of a flow."""
    chosen = pd.Series(True, index=table.index)
    for name, word in zip(("exporter", "importer", "sector"), flow, strict=False):
        chosen &= table[name] == word
    return chosen


_EVERYDAY = {
    "britain": "GBR",
    "great britain": "GBR",
    "holland": "NLD",
    "ivory coast": "CIV",
    "laos": "LAO",
    "north korea": "PRK",
    "russia": "RUS",
    "turkey": "TUR",
    "uae": "ARE",
    "uk": "GBR",
}
"""Common names that ISO 3166 lacks."""
_SHORT = {
    "COD": "DR Congo",
    "FSM": "Micronesia",
    "PSE": "Palestine",
    "RUS": "Russia",
    "VGB": "British Virgin Islands",
    "VIR": "US Virgin Islands",
}
"""Names for formal ones of ISO 3166, most of which hold a comma and so break every list."""
_WITH_ARTICLE = re.compile(
    r"^(United |Bahamas|Comoros|DR Congo|Gambia|Holy See|Maldives|Netherlands|Philippines|"
    r"British Virgin|US Virgin|Rest of)|(Islands|Republic|Territory|Territories)\b"
)
"""Names of countries that take an article in a sentence."""


def _any_country(words: str) -> str | None:
    """Alpha-3 code of any country by one of its names or its alpha-2 code."""
    import pycountry

    if words.strip().casefold() in _EVERYDAY:
        return _EVERYDAY[words.strip().casefold()]
    try:
        return str(pycountry.countries.lookup(words.strip()).alpha_3)
    except LookupError:
        return None


@lru_cache(maxsize=4_096)
def country_name(code: str) -> str:
    """English name of a country; its code if it has none."""
    if code in simulated.NAMES:
        return simulated.NAMES[code]
    if code in _SHORT:
        return _SHORT[code]
    import pycountry

    found = pycountry.countries.get(alpha_3=code) or pycountry.historic_countries.get(alpha_3=code)
    if found is None:
        return "Rest of the world" if code == "ROW" else code
    return str(getattr(found, "common_name", found.name))


def the(name: str) -> str:
    """A country's name inside a sentence: ``the United States``, but ``Germany``."""
    if not _WITH_ARTICLE.search(name):
        return name
    return f"the {name[:1].lower()}{name[1:]}" if name.startswith("Rest of") else f"the {name}"


def _offer(near: Iterable[str], known: Sequence[str]) -> str:
    if near := list(near):
        return f"Nearest: {', '.join(near)}"
    listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return f"Known: {listed}"


def named(code: str) -> str:
    """English name and code of a country; the code alone if it has no name."""
    name = country_name(code)
    return code if name == code else f"{name} ({code})"


def abroad(flows: pd.DataFrame) -> pd.Series[bool]:
    """Which rows are trade between countries, and not a country's sales to itself."""
    return flows["exporter"].astype(str) != flows["importer"].astype(str)


def origin_of(run: RunResult) -> int:
    """Year the forecasts start from."""
    return int(run.forecasts["origin"].iloc[0])


def years_of(run: RunResult) -> list[int]:
    """Target years, nearest first."""
    return sorted(int(year) for year in run.forecasts["target_year"].unique())


def flow_columns(run: RunResult) -> list[str]:
    """Key columns of a flow."""
    return [name for name in ("exporter", "importer", "sector") if name in run.forecasts]
