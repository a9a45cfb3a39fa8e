"""Comtrade's own lists: who reports, who is a partner, which commodities a classification has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.country_codes import UnknownCodeError, numeric_to_iso3, translate
from features.errors import InputError, SourceError
from features.store.answers import Answer, refusal
from features.store.tidying import require_source_columns

REFERENCE = "https://comtradeapi.un.org/files/v1/app/reference"
REPORTERS, PARTNERS = "Reporters.json", "partnerAreas.json"
ALL = "all"


@dataclass(frozen=True, slots=True)
class Reporter:
    """A code under which a country reported, and the years in which it did.

    Codes of today and expired twins share a country: 842 and 841 are the USA, 699 and 356 India.
    """

    code: int
    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Reporters:
    """Codes of every country that reports, by alpha-3 code."""

    codes: dict[str, tuple[Reporter, ...]]

    @classmethod
    def read(cls, path: Path, *, wanted: Sequence[str], since: int) -> Reporters:
        """Read the list of reporters.

        Parameters
        ----------
        path
            ``Reporters.json`` as served, with or without a byte order mark.
        wanted
            Alpha-3 codes; all where empty.
        since
            First year of interest: codes that had expired by then are passed over.

        Raises
        ------
        InputError
            If a wanted country never reports.
        SourceError
            If the list has changed, or names a country that no table knows and all are wanted.
        """
        rows = _results(path)
        _require(rows, ("reporterCode", "entryEffectiveDate", "isGroup"), path)
        rows = [row for row in rows if not row.get("isGroup")]
        rows = [row for row in rows if (_year(row.get("entryExpiredDate")) or since) >= since]
        found: dict[str, list[Reporter]] = {}
        for row, country in zip(rows, _countries(rows, wanted=wanted, file=path), strict=True):
            if country is not None and (not wanted or country in wanted):
                first = _year(row.get("entryEffectiveDate")) or 0
                last = _year(row.get("entryExpiredDate"))
                reporter = Reporter(int(row["reporterCode"]), first, last)
                found.setdefault(country, []).append(reporter)
        absent = [country for country in wanted if country not in found]
        if absent:
            raise InputError(
                f"the source has no reporter {', '.join(absent)}",
                remedy="Leave it out of --reporters",
                file="comtrade",
            )
        return cls({country: tuple(codes) for country, codes in sorted(found.items())})

    def in_year(self, year: int) -> tuple[int, ...]:
        """Codes to ask for in a year, without those that had expired before it."""
        out: list[int] = []
        for reporters in self.codes.values():
            alive = [r for r in reporters if r.last is None or r.last >= year]
            begun = [r for r in alive if r.first <= year]
            out += [r.code for r in begun or alive]
        return tuple(sorted(out))


@dataclass(frozen=True, slots=True)
class Partners:
    """Codes of partner areas, and which of them are groups of others."""

    codes: tuple[int, ...]
    groups: frozenset[int]

    @classmethod
    def read(cls, path: Path) -> Partners:
        """Read ``partnerAreas.json``, whose columns begin with a capital letter.

        Raises
        ------
        SourceError
            If the list has changed.
        """
        rows = _results(path)
        _require(rows, ("PartnerCode", "isGroup"), path)
        codes = {int(row["PartnerCode"]): bool(row.get("isGroup")) for row in rows}
        return cls(tuple(sorted(codes)), frozenset(c for c, is_group in codes.items() if is_group))

    def countries(self, codes: Sequence[int]) -> dict[int, str | None]:
        """Alpha-3 code of each partner code; None for groups and what is no country.

        Raises
        ------
        SourceError
            For a code that neither the list nor our table knows.
        """

        def of(code: str) -> str | None:
            return None if int(code) in self.groups else numeric_to_iso3(code)

        found = translate([str(c) for c in codes], of, file="comtrade", column="partnerCode")
        return dict(zip(codes, found, strict=True))


def commodity_codes(path: Path, *, digits: int) -> tuple[str, ...]:
    """Commodity codes of so many digits in the list of a classification."""
    rows = _results(path)
    _require(rows, ("id",), path)
    codes = sorted({str(row["id"]) for row in rows})
    return tuple(code for code in codes if len(code) == digits and code.isalnum())


def check_reference(answer: Answer) -> None:
    """Refuse an answer that is no list, so that it is not kept."""
    if answer.status != 200:
        raise refusal(REFERENCE, answer)
    _parse(answer.text, REFERENCE)


def _results(path: Path) -> list[dict[str, Any]]:
    # The lists may begin with a byte order mark, which JSON does not allow.
    return _parse(path.read_bytes().decode("utf-8-sig", errors="replace"), path)


def _parse(text: str, file: object) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text)["results"]
    except (ValueError, KeyError, TypeError):
        rows = None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise SourceError(
            "the answer is no list of codes",
            remedy="Try again later; if it stays so, the source has changed: upgrade gravicast",
            file=file,
        )
    return rows


def _require(rows: list[dict[str, Any]], expected: Sequence[str], path: Path) -> None:
    require_source_columns(sorted({name for row in rows for name in row}), expected, file=path)


def _countries(
    rows: list[dict[str, Any]], *, wanted: Sequence[str], file: Path
) -> tuple[str | None, ...]:
    def lenient(code: str) -> str | None:
        try:
            return numeric_to_iso3(code)
        except UnknownCodeError:
            return None

    # Where countries are named, one that no table knows is none of them.
    using = lenient if wanted else numeric_to_iso3
    codes = [str(row.get("reporterCode")) for row in rows]
    return translate(codes, using, file=file, column="reporterCode")


def _year(stamp: object) -> int | None:
    text = str(stamp or "")[:4]
    return int(text) if text.isdigit() else None
