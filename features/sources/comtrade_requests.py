"""Asking Comtrade so that no answer is cut: requests planned, split where cut, refusals told."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeVar

from features.errors import InputError, SourceError, UnreachableError
from features.sources.comtrade_reading import Wanted, parse_rows, read_rows
from features.store.answers import Answer, refusal
from features.store.desk import Desk
from features.store.source import RawFile

HOST = "https://comtradeapi.un.org"
KEY_VARIABLE = "COMTRADE_API_KEY"
MAX_PERIODS = 12
"""Most periods the source takes in one call."""
MAX_CODES = 100
"""Most codes of a kind in an address; over-long ones are refused with a page of HTML."""
PIECES = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """Whether there is a key, and what follows from it.

    Attributes
    ----------
    key
        Sent as a header only: addresses are logged and cached. Empty without one.
    """

    key: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls) -> Access:
        """With the key of ``COMTRADE_API_KEY``, where it is set.

        Raises
        ------
        InputError
            If it cannot be a key.
        """
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if key and not re.fullmatch(r"[A-Za-z0-9_-]+", key):
            raise InputError(
                f"{KEY_VARIABLE} is no key: it has characters other than letters and digits",
                remedy="Set it to the subscription key from comtradedeveloper.un.org, or unset it",
            )
        return cls(key)

    @property
    def address(self) -> str:
        """Address of goods by year, but for the classification."""
        return f"{HOST}/data/v1/get/C/A" if self.key else f"{HOST}/public/v1/preview/C/A"

    @property
    def cap(self) -> int:
        """Rows at which an answer is cut without a word."""
        return 100_000 if self.key else 500

    @property
    def headers(self) -> dict[str, str]:
        """The key, where there is one."""
        return {"Ocp-Apim-Subscription-Key": self.key} if self.key else {}


@dataclass(frozen=True, slots=True)
class Query:
    """One call; no partners or commodities means all."""

    wanted: Wanted
    partners: tuple[int, ...] = ()

    def params(self, cap: int) -> dict[str, str]:
        """Parameters; without the pins each partner comes some nine times."""
        wanted = self.wanted
        partners = {"partnerCode": _comma(self.partners)} if self.partners else {}
        return {
            "reporterCode": _comma(wanted.reporters),
            "period": _comma(wanted.years),
            **partners,
            "partner2Code": "0",
            "cmdCode": _comma(wanted.commodities) or wanted.level_code,
            "flowCode": wanted.flow,
            "customsCode": "C00",
            "motCode": "0",
            "maxRecords": str(cap),
        }

    def name(self, cap: int) -> str:
        """File name in the cache, made of everything asked."""
        asked = json.dumps([self.wanted.classification, self.params(cap)])
        digest = hashlib.sha256(asked.encode()).hexdigest()[:16]
        what = f"{self.wanted.classification}-{self.wanted.level_code}-{self.wanted.flow}"
        return f"{what}-{min(self.wanted.years)}-{max(self.wanted.years)}-{digest}.json"


@dataclass(frozen=True, slots=True)
class Lists:
    """Codes a query is split into where an answer is cut."""

    partners: tuple[int, ...]
    commodities: Callable[[], tuple[str, ...]]


def plan(
    wanted: Wanted, reporters: Mapping[int, Sequence[int]], *, rows: int, cap: int
) -> Iterator[Query]:
    """Queries that are expected to stay under the cap.

    Parameters
    ----------
    wanted
        What is asked but for reporters and years.
    reporters
        Codes to ask for, by year.
    rows
        Rows to expect of a reporter in a year.
    cap
        Rows at which an answer is cut.
    """
    room = max(1, (cap - 1) // rows)
    for codes, group in groupby(reporters, key=lambda year: tuple(reporters[year])):
        years = list(group)
        if not codes:
            continue
        span = min(MAX_PERIODS, room // len(codes)) if len(codes) <= MAX_CODES else 1
        for some_years in chunks(years, max(span, 1)):
            for some in chunks(codes, len(codes) if span > 1 else min(room, MAX_CODES)):
                yield Query(replace(wanted, reporters=tuple(some), years=tuple(some_years)))


def whole_answers(
    query: Query, lists: Lists, *, desk: Desk, access: Access, release: str
) -> Iterator[RawFile]:
    """Answers that together have every row of a query, none of them cut.

    Cut answers stay in the cache, so that a fetch that goes on does not ask for them again.

    Raises
    ------
    SourceError
        If the source refuses, or an answer is cut that cannot be split further.
    """
    file = ask(query, desk=desk, access=access, release=release)
    rows = read_rows(file.path)
    if len(rows) < access.cap:
        yield file
        return
    for part in split(query, lists, seen=set(map(int, rows["partnerCode"])), access=access):
        yield from whole_answers(part, lists, desk=desk, access=access, release=release)


def split(query: Query, lists: Lists, *, seen: set[int], access: Access) -> list[Query]:
    """Parts of a query by year, else reporter, else partner, else commodity.

    Partners come before commodities: a code list of six digits would take eighty addresses.
    """
    wanted = query.wanted
    if len(wanted.years) > 1:
        return [replace(query, wanted=replace(wanted, years=y)) for y in quarters(wanted.years)]
    if len(wanted.reporters) > 1:
        some = quarters(wanted.reporters)
        return [replace(query, wanted=replace(wanted, reporters=r)) for r in some]
    partners = query.partners or tuple(sorted({*lists.partners, *seen}))
    if len(partners) > 1:
        return [replace(query, partners=some) for some in quarters(partners)]
    commodities = wanted.commodities
    if not commodities and wanted.digits:
        commodities = lists.commodities()
    if len(commodities) > 1:
        some_codes = quarters(commodities)
        return [replace(query, wanted=replace(wanted, commodities=c)) for c in some_codes]
    raise SourceError(
        f"the source cuts its answers at {access.cap:,} rows, and reporter "
        f"{wanted.reporters[0]} in {wanted.years[0]} has more that cannot be asked for in parts",
        remedy="Choose a coarser --level"
        if access.key
        else f"Set {KEY_VARIABLE} to a key from comtradedeveloper.un.org, which has a higher limit",
        file="comtrade",
    )


def ask(query: Query, *, desk: Desk, access: Access, release: str) -> RawFile:
    """Answer to a query, from the cache or the source.

    Raises
    ------
    SourceError
        If the source refuses or answers something else; none of that is cached.
    """
    url = f"{access.address}/{query.wanted.classification}"
    go_on = f"With --release {release} it goes on where it stopped"

    def check(answer: Answer) -> None:
        # An answer could repeat the header; nothing of it may reach an error or a log.
        body = answer.body.replace(access.key.encode(), b"***") if access.key else answer.body
        answer = Answer(answer.status, answer.headers, body)
        if answer.status != 200:
            raise _refusal(answer, access=access, url=url, go_on=go_on)
        parse_rows(answer.body, wanted=query.wanted, partners=query.partners, file=url)

    try:
        return desk.answer(
            url,
            name=query.name(access.cap),
            params=query.params(access.cap),
            headers=access.headers,
            check=check,
            # A redirect would hand the key to another host.
            follow=not access.key,
            read_timeout=300.0,
        )
    except UnreachableError as error:
        remedy = f"{error.remedy}. {go_on}"
        raise UnreachableError(error.problem, remedy=remedy, file=error.file) from error


def _refusal(answer: Answer, *, access: Access, url: str, go_on: str) -> SourceError:
    said = _message(answer)
    refill = re.search(r"replenished in ([\d.:]*\d)", said)
    if refill:
        return SourceError(
            f"the day's calls are used up; there will be new ones in {refill[1]} (hours, minutes, "
            "seconds)",
            remedy=f"Run it again then. {go_on}",
            file="comtrade",
        )
    if answer.status == 401 or (answer.status == 403 and access.key):
        return SourceError(
            f"the source does not accept the key (status {answer.status}: {said or 'no reason'})",
            remedy=f"Set {KEY_VARIABLE} to a valid key from comtradedeveloper.un.org, or unset it "
            "to do without",
            file="comtrade",
        )
    if answer.status == 403:
        return SourceError(
            "without a key the source turns away for some minutes after about 70 calls (403)",
            remedy=f"Wait ten minutes and run it again, or set {KEY_VARIABLE}. {go_on}",
            file="comtrade",
        )
    if 300 <= answer.status < 400:
        return SourceError(
            f"the source redirects (status {answer.status}), which is not followed with a key",
            remedy="Upgrade gravicast, whose address may be outdated",
            file=url,
        )
    if answer.status == 400:
        return SourceError(
            f"the source finds the request wrong ({said or 'no reason given'})",
            remedy="Check the options; if they are right, the source has changed: upgrade "
            "gravicast",
            file=url,
        )
    return refusal(url, answer)


def _message(answer: Answer) -> str:
    """What the source says, of the several forms in which it does; nothing for a page of HTML."""
    try:
        body = json.loads(answer.text)
    except ValueError:
        text = " ".join(answer.text.split())
        return "" if text.startswith("<") else text[:160]
    if isinstance(body, dict):
        inner = body.get("errorObject")
        inner = inner if isinstance(inner, dict) else {}
        body = inner.get("errorMessage") or body.get("message") or body.get("error") or ""
    return " ".join(str(body).split())[:160]


def chunks(items: Sequence[T], size: int) -> Iterator[tuple[T, ...]]:
    """Runs of at most so many items."""
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])


def quarters(items: Sequence[T]) -> list[tuple[T, ...]]:
    """Four runs of about the same length, or more where the addresses would be too long."""
    return list(chunks(items, min(MAX_CODES, -(-len(items) // PIECES))))


def _comma(items: Sequence[object]) -> str:
    return ",".join(map(str, items))
