"""Comtrade's reference lists: reporters, partners, and which are not countries."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.countries.source_codes import UnknownCodeError, alpha3_to_iso3, of_comtrade, translate
from features.download.answers import Answer, refusal
from features.errors import InputError, SourceError
from features.tidy.parts import Notes
from features.tidy.tidying import require_source_columns

REFERENCE = "https://comtradeapi.un.org/files/v1/app/reference"
REPORTERS, PARTNERS = "Reporters.json", "partnerAreas.json"
COLUMN = {REPORTERS: "reporterCode", PARTNERS: "PartnerCode"}
"""The column that tells one list from the other."""
ALL = "all"
_NOWHERE = frozenset({837, 838, 839, 899})
"""Bunkers, free zones, special categories and areas not specified, whatever letters they have."""


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
            First year of interest: codes that had expired by then are skipped.

        Raises
        ------
        InputError
            If a wanted country never reports.
        SourceError
            If the list has changed, or names a country that no table knows and all are wanted.
        """
        rows = _results(path)
        _require(rows, ("reporterCode", "entryEffectiveDate", "isGroup"), path)
        rows = [row for row in rows if (_year(row.get("entryExpiredDate")) or since) >= since]
        found: dict[str, list[Reporter]] = {}
        listed = {str(row.get("reporterCode")): row for row in rows}
        for code, country in _countries(listed, wanted=wanted, file=path).items():
            if country is not None and (not wanted or country in wanted):
                first = _year(listed[code].get("entryEffectiveDate")) or 0
                last = _year(listed[code].get("entryExpiredDate"))
                reporter = Reporter(int(code), first, last)
                found.setdefault(country, []).append(reporter)
        absent = [country for country in wanted if country not in found]
        if absent:
            raise InputError(
                f"the source has no reporter {', '.join(absent)}",
                remedy="Leave it out of --reporters",
                file="comtrade",
            )
        return cls({country: tuple(codes) for country, codes in sorted(found.items())})

    @property
    def country_of(self) -> dict[int, str]:
        """Alpha-3 code of each code."""
        return {r.code: country for country, under in self.codes.items() for r in under}

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
    """Partner areas: their names, and what the list says that each is.

    Attributes
    ----------
    names
        By code.
    """

    names: dict[int, str]
    _rows: dict[int, dict[str, Any]]

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
        by_code = {int(row["PartnerCode"]): row for row in rows}
        names = {code: str(row.get("PartnerDesc") or code) for code, row in by_code.items()}
        return cls(dict(sorted(names.items())), by_code)

    @property
    def groups(self) -> frozenset[int]:
        """Codes of groups of other codes."""
        listed = self._rows.items()
        return frozenset(c for c, row in listed if row.get("isGroup") and of_comtrade(c) is None)

    def current(self, since: int) -> tuple[int, ...]:
        """Codes that had not expired before a year."""
        listed = self._rows.items()
        return tuple(
            sorted(c for c, r in listed if (_year(r.get("entryExpiredDate")) or since) >= since)
        )

    def countries(
        self, codes: Mapping[int, int], *, count: Callable[[str, int], None]
    ) -> dict[int, str | None]:
        """Alpha-3 code of each partner code; None for groups and what is not a country.

        Parameters
        ----------
        codes
            Rows of each code.
        count
            Receives rows of unknown codes, where they are to be dropped.

        Raises
        ------
        SourceError
            For a code that neither the list nor our table knows.
        """

        def of(code: str) -> str | None:
            return _country(int(code), self._rows.get(int(code)), "Partner")

        rows = {str(code): number for code, number in codes.items()}
        found = translate(rows, of, file="comtrade", column="partnerCode", count=count)
        return {int(code): country for code, country in found.items()}


def _country(code: int, listed: Mapping[str, Any] | None, who: str) -> str | None:
    """Country of a code by our table, else by the source's list.

    The list gives areas "not elsewhere specified" a placeholder with a digit, an underscore or
    less than three letters (``W00``, ``_X``). Its groups are not countries either, except 490
    ("Other Asia, nes"): Taiwan, which is a group among reporters but not among partners.

    Raises
    ------
    UnknownCodeError
        For a code that the list lacks, or whose alpha-3 code there is unknown.
    """
    ours = of_comtrade(code)
    if ours is not None:
        return ours
    if listed is None:
        raise UnknownCodeError(str(code))
    iso3 = str(listed.get(f"{who}CodeIsoAlpha3") or "").strip()
    if listed.get("isGroup") or code in _NOWHERE or not re.fullmatch("[A-Z]{3}", iso3):
        return None
    return alpha3_to_iso3(iso3)


def check_reference(answer: Answer, *, column: str) -> None:
    """Refuse an answer that is not a list with this column, so that it is not cached."""
    if answer.status != 200:
        raise refusal(REFERENCE, answer)
    _require(_parse(answer.text, REFERENCE), (column,), REFERENCE)


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
            "the answer is not a list of codes",
            remedy="Try again later; if it stays so, the source has changed: upgrade gravicast",
            file=file,
        )
    return rows


def _require(rows: list[dict[str, Any]], expected: Sequence[str], file: object) -> None:
    require_source_columns(sorted({name for row in rows for name in row}), expected, file=file)


def _countries(
    listed: Mapping[str, dict[str, Any]], *, wanted: Sequence[str], file: Path
) -> dict[str, str | None]:
    def of(code: str) -> str | None:
        try:
            return _country(int(code), listed[code], "reporter")
        except UnknownCodeError:
            # Where countries are named, an unknown code is not one of them.
            if wanted:
                return None
            raise UnknownCodeError(code) from None

    # A dropped code is not requested, so it has no rows to count.
    none = Notes()
    return translate(
        dict.fromkeys(listed, 0), of, file=file, column="reporterCode", count=none.count
    )


def _year(stamp: object) -> int | None:
    text = str(stamp or "")[:4]
    return int(text) if text.isdigit() else None
