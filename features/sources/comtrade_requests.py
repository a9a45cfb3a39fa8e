"""Requests to Comtrade: planned so that no answer is cut, release dates, refusals."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import TypeVar

from features.download.answers import Answer, refusal
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError, UnreachableError
from features.sources.comtrade_reading import TOTAL, Wanted, parse_rows

HOST = "https://comtradeapi.un.org"
KEY_VARIABLE = "COMTRADE_API_KEY"
MAX_PERIODS = 12
"""Most years or months the source takes in one call."""
MAX_CODES = 100
"""Most codes of a kind in an address; longer ones are refused with a page of HTML."""
RELEASED = "released"
"""Prefix of files with release dates."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """Access with or without a key.

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
                f"{KEY_VARIABLE} is not a key: it has characters other than letters and digits",
                remedy="Set it to the subscription key from comtradedeveloper.un.org, or unset it",
            )
        return cls(key)

    def address(self, frequency: str) -> str:
        """Address of goods by year (``A``) or month (``M``)."""
        way = "data/v1/get" if self.key else "public/v1/preview"
        return f"{HOST}/{way}/C/{frequency}/HS"

    def releases_address(self, frequency: str) -> str:
        """Address of what each reporter has released, and when."""
        return f"{HOST}/{'data' if self.key else 'public'}/v1/getDa/C/{frequency}/HS"

    @property
    def cap(self) -> int:
        """Rows at which an answer is silently cut."""
        return 100_000 if self.key else 500

    @property
    def headers(self) -> dict[str, str]:
        """The key, where there is one."""
        return {"Ocp-Apim-Subscription-Key": self.key} if self.key else {}


def plan(
    wanted: Wanted, reporters: Mapping[int, Sequence[int]], *, partners: int, cap: int
) -> Iterator[Wanted]:
    """Calls small enough to stay below the cap.

    Parameters
    ----------
    wanted
        The request except reporters and periods.
    reporters
        Codes to ask for, by year or month.
    partners
        Number of partner areas: a reporter has at most one row per period with each.
    cap
        Rows at which an answer is cut.
    """
    room = max(1, (cap - 1) // partners)
    for codes, group in groupby(reporters, key=lambda period: tuple(reporters[period])):
        periods = list(group)
        for some in chunks(codes, min(room, MAX_CODES)):
            for span in chunks(periods, min(MAX_PERIODS, room // len(some))):
                yield replace(wanted, reporters=some, periods=span)


def params(wanted: Wanted, cap: int) -> dict[str, str]:
    """Parameters of a call; without the fixed codes each partner comes about nine times."""
    return {
        "reporterCode": _comma(wanted.reporters),
        "period": _comma(wanted.periods),
        "partner2Code": "0",
        "cmdCode": TOTAL,
        "flowCode": wanted.flow,
        "customsCode": "C00",
        "motCode": "0",
        "maxRecords": str(cap),
    }


def answer_name(wanted: Wanted, cap: int) -> str:
    """File name in the cache, made of the whole request."""
    asked = json.dumps([wanted.frequency, params(wanted, cap)])
    digest = hashlib.sha256(asked.encode()).hexdigest()[:16]
    return f"{TOTAL}-{wanted.flow}-{wanted.periods[0]}-{wanted.periods[-1]}-{digest}.json"


def releases(
    periods: Sequence[int], *, frequency: str, cache: RawCache, access: Access
) -> list[RawFile]:
    """When each reporter first and last released each period, as the source states it.

    The dates tell what a forecaster could have known; the figures do not need them, so a refusal
    is not an error.
    """
    url = access.releases_address(frequency)
    found: list[RawFile] = []
    try:
        for span in chunks(sorted(periods), MAX_PERIODS):
            name = f"{RELEASED}-{frequency}-{span[0]}-{span[-1]}-{len(span)}.json"
            found.append(
                cache.answer(
                    url,
                    name=name,
                    params={"period": _comma(span)},
                    headers=access.headers,
                    check=partial(_check_releases, url=url),
                    follow=not access.key,
                )
            )
    except SourceError as error:
        cache.client.watcher.report(f"release dates are unknown: {error.problem}")
    return found


def _check_releases(answer: Answer, url: str) -> None:
    if answer.status == 200 and not released(answer.body):
        raise SourceError("the answer has no dates of release", remedy="None is needed", file=url)


def released(body: bytes) -> dict[tuple[int, int], str]:
    """Day of the first release by reporter's code and period; empty for another answer."""
    try:
        rows = json.loads(body.decode("utf-8-sig"))["data"]
        return {
            (int(row["reporterCode"]), int(row["period"])): str(row["firstReleased"])[:10]
            for row in rows
        }
    except (ValueError, KeyError, TypeError):
        return {}


def ask(wanted: Wanted, *, cache: RawCache, access: Access, release: str) -> RawFile:
    """Answer to a call, from the cache or the source.

    Raises
    ------
    SourceError
        If the source refuses, answers something else, or may have cut its answer; none of that is
        cached.
    """
    url = access.address(wanted.frequency)
    go_on = f"With --release {release} it goes on where it stopped"

    def check(answer: Answer) -> None:
        # An answer could repeat the key's header; it must not reach an error or a log.
        body = answer.body.replace(access.key.encode(), b"***") if access.key else answer.body
        answer = Answer(answer.status, answer.headers, body)
        if answer.status != 200:
            raise _refusal(answer, access=access, url=url, go_on=go_on)
        if len(parse_rows(answer.body, wanted=wanted, file=url)) >= access.cap:
            raise SourceError(
                f"the source cuts its answers at {access.cap:,} rows, and this one has as many",
                remedy="Upgrade gravicast"
                if access.key
                else f"Set {KEY_VARIABLE} to a key from comtradedeveloper.un.org, which has a "
                "higher limit",
                file="comtrade",
            )

    try:
        return cache.answer(
            url,
            name=answer_name(wanted, access.cap),
            params=params(wanted, access.cap),
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
    message = _message(answer)
    file = "comtrade"
    if refill := re.search(r"replenished in ([\d.:]*\d)", message):
        problem = (
            f"the day's calls are used up; there will be new ones in {refill[1]} (hours, minutes, "
            "seconds)"
        )
        remedy = f"Run it again then. {go_on}"
    elif answer.status == 401 or (answer.status == 403 and access.key):
        problem = f"the source rejects the key (status {answer.status}: {message or 'no reason'})"
        remedy = (
            f"Set {KEY_VARIABLE} to a valid key from comtradedeveloper.un.org, or unset it to do "
            "without"
        )
    elif answer.status == 403:
        problem = "without a key the source turns away for some minutes after about 70 calls (403)"
        remedy = f"Wait ten minutes and run it again, or set {KEY_VARIABLE}. {go_on}"
    elif 300 <= answer.status < 400:
        problem = f"the source redirects (status {answer.status}), which is unsafe with a key"
        remedy, file = "Upgrade gravicast, whose address may be outdated", url
    elif answer.status == 400:
        problem = f"the source rejects the request ({message or 'no reason given'})"
        remedy = "Check the options; if they are right, the source has changed: upgrade gravicast"
        file = url
    else:
        return refusal(url, answer)
    return SourceError(problem, remedy=remedy, file=file)


def _message(answer: Answer) -> str:
    """The source's message, in any of its forms; empty for a page of HTML."""
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
    """Consecutive chunks of at most so many items."""
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])


def _comma(items: Sequence[object]) -> str:
    return ",".join(map(str, items))
