"""The IMF's AI Preparedness Index and its parts, one year only, from the DataMapper."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
import pyarrow as pa

from features.countries.source_codes import alpha3_to_iso3, translate
from features.download.answers import Answer
from features.download.raw_file import RawFile
from features.errors import SourceError
from features.sources.indicator_parts import check_release_day
from features.store.connector import Connector
from features.store.source import IndicatorLine, SourceInfo, day_option
from features.tidy.parts import Notes, Part
from features.tidy.tidying import indicator_table

if TYPE_CHECKING:
    from features.download.raw_cache import RawCache

_BASE = "https://www.imf.org/external/datamapper/api/v1"
YEAR = 2023
"""The only year."""
_INDICES = {
    "AI_PI": ("AIPI", "AI Preparedness Index"),
    "DI": ("AIPI.DI", "Digital infrastructure"),
    "HCLMP": ("AIPI.HCLMP", "Human capital and labour market policies"),
    "IEI": ("AIPI.IEI", "Innovation and economic integration"),
    "RE": ("AIPI.RE", "Regulation and ethics"),
}
_LISTS = ("groups", "regions")
_changed = partial(SourceError, remedy="The source has changed: upgrade gravicast")
# Codes of the index itself, in case the source's lists lack them.
_GROUPS = frozenset({"WEOWORLD", "ADVEC", "EME", "LIC", "OEMDC"})


@dataclass(frozen=True, slots=True)
class Aipi(Connector):
    """The index and its four parts by country: a snapshot of one year, unusable for the past.

    {options}
    """

    release: str = day_option()

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="aipi",
        kind="indicators",
        title="IMF AI Preparedness Index",
        gives=f"readiness for AI of about 175 economies and its four parts, {YEAR} only",
        licence="IMF terms (https://www.imf.org/external/terms.htm), no Creative Commons licence",
        citation="International Monetary Fund, AI Preparedness Index (AIPI), DataMapper",
        lag=f"6 months; a single year ({YEAR}), published in June {YEAR + 1}",
        publication_lag_months=6,
        pace_seconds=1.0,
        dated=True,
        renewed_months=24,
    )

    def __post_init__(self) -> None:
        check_release_day(self.release)

    @property
    def key(self) -> str:
        """``aipi:<day>:2023``."""
        return f"aipi:{self.release}:{YEAR}"

    def locate(self) -> tuple[str, ...]:
        """Addresses of the index, its parts, and the lists of what is not a country."""
        return (*(f"{_BASE}/AIPI/{code}" for code in _INDICES), *(f"{_BASE}/{n}" for n in _LISTS))

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """One answer per index and per list.

        Raises
        ------
        SourceError
            Also where the source answers without values, as for unknown names.
        """
        wanted: list[tuple[tuple[str, ...], dict[str, str]]]
        wanted = [(("values", code), {"periods": str(YEAR)}) for code in _INDICES]
        wanted += [((name,), {}) for name in _LISTS]
        return tuple(
            cache.answer(
                url,
                name=f"{path[-1]}.json",
                params=params,
                check=partial(_check, path=path, url=url),
            )
            for url, (path, params) in zip(self.locate(), wanted, strict=True)
        )

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """One part, of the one year."""
        yield Part.of_year(YEAR, partial(_build, tuple(raw)))

    def indicator_lines(self) -> tuple[IndicatorLine, ...]:
        """The index and its parts, marked as snapshots."""
        return tuple(
            IndicatorLine(
                indicator=name,
                channel="ai_adoption",
                label=label,
                unit="index, about 0 to 1",
                publication_lag_months=6,
                source="IMF DataMapper",
                note=f"{YEAR} only: a label or a scenario, nothing to test on the past. IMF terms",
                snapshot=True,
            )
            for name, label in _INDICES.values()
        )


def _build(raw: Sequence[RawFile], notes: Notes) -> pa.Table:
    indices, lists = raw[: len(_INDICES)], raw[len(_INDICES) :]
    groups = set(_GROUPS)
    for name, file in zip(_LISTS, lists, strict=True):
        groups |= set(_inside(file.path.read_bytes(), (name,), where=file.path.name))
    rows: list[tuple[str, int, str, float]] = []
    for (code, (name, _)), file in zip(_INDICES.items(), indices, strict=True):
        values = _inside(file.path.read_bytes(), ("values", code), where=file.path.name)
        notes.count("series of groups of countries dropped", len(groups & set(values)))
        areas = {area: 1 for area in values if area not in groups}
        iso3 = translate(areas, alpha3_to_iso3, file=file.path.name, column=code, count=notes.count)
        notes.count("series of areas that are not countries dropped", [*iso3.values()].count(None))
        for area, country in iso3.items():
            value = _value(values[area], notes, file=file.path.name, area=area)
            if country is not None and value is not None:
                rows.append((country, YEAR, name, value))
    return indicator_table(pd.DataFrame(rows, columns=["iso3", "year", "indicator", "value"]))


def _check(answer: Answer, *, path: tuple[str, ...], url: str) -> None:
    if answer.status == 200:
        _inside(answer.body, path, where=url)


def _inside(body: bytes, path: tuple[str, ...], *, where: str) -> dict[str, Any]:
    """What an answer holds under the names of ``path``: an object that is not empty."""
    try:
        found = json.loads(body)
    except ValueError:
        raise SourceError(
            "the answer is not JSON",
            remedy="Try again later, or download it by hand and give its folder with --from",
            file=where,
        ) from None
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict) or not found:
        raise SourceError(
            f"the source answered without {' '.join(path)}, as it does for an unknown name",
            remedy="Try again later; if it stays so, the source has changed: upgrade gravicast",
            file=where,
        )
    return found


def _value(years: object, notes: Notes, *, file: str, area: str) -> float | None:
    """The year's value. The source may ignore the requested years and send others too."""
    if not isinstance(years, dict):
        raise _changed(f"the values of {area} are not years", file=file)
    notes.count("values of years not asked for dropped", len(set(years) - {str(YEAR)}))
    value = years.get(str(YEAR))
    if value is None:
        notes.count("countries without a value left out", str(YEAR) in years)
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _changed(f"{value!r} of {area} is not a number", file=file)
    return float(value)
