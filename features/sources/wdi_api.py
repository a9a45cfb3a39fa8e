"""The World Bank's API: pages of a series, and errors sent with status 200."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from features.download.answers import Answer
from features.download.given import answers
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import SourceError, changed_source
from features.tidy.tidying import refuse_twice

API = "https://api.worldbank.org/v2"
PER_PAGE = 20_000
"""Rows per request. From 50,000 the answer is a web page; a series has some 17,500."""
RETIRED = "175"
_TITLE = "World Bank API"
_changed = partial(changed_source, remedy="Use --via bulk, or upgrade gravicast")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer.

    Attributes
    ----------
    number, pages, per_page, total
        Which page this is, how many there are, rows of a full page and rows of all.
    updated
        Day of the last update, as the source states it; may be empty.
    rows
        Its rows.
    """

    number: int
    pages: int
    per_page: int
    total: int
    updated: str
    rows: list[dict[str, Any]]


def series_url(series: str) -> str:
    """Address of a series of all countries and areas."""
    return f"{API}/country/all/indicator/{series}"


def countries_url() -> str:
    """Address of the list of countries and areas."""
    return f"{API}/country"


def page_name(series: str, years: Sequence[int]) -> str:
    """Name of a series' pages in the cache, before ``.p1.json``."""
    return f"{series}.{min(years)}-{max(years)}" if years else f"{series}.all-years"


def fetch_series(cache: RawCache, series: str, *, years: Sequence[int]) -> list[RawFile]:
    """Every page of a series.

    Raises
    ------
    SourceError
        If the series was retired, the answer is invalid, or the pages do not belong together.
    """
    params = {"source": "2", "format": "json", "per_page": str(PER_PAGE)}
    if years:
        params["date"] = f"{min(years)}:{max(years)}"
    name = page_name(series, years)
    return _fetch_pages(
        cache, series_url(series), subject=series, name=name, params=params,
        is_row=lambda row: row["indicator"]["id"] == series,
    )  # fmt: skip


def fetch_countries(cache: RawCache) -> list[RawFile]:
    """The list of countries and areas."""
    params = {"format": "json", "per_page": "400"}
    return _fetch_pages(
        cache, countries_url(), subject="country", name="country", params=params,
        is_row=lambda row: bool(row["region"]),
    )  # fmt: skip


def _fetch_pages(
    cache: RawCache,
    url: str,
    *,
    subject: str,
    name: str,
    params: Mapping[str, str],
    is_row: Callable[[Mapping[str, Any]], bool],
) -> list[RawFile]:
    """Every page; ``is_row`` tells a row of the subject from one of another."""
    first: Page | None = None
    raw: list[RawFile] = []
    number = 1
    while first is None or number <= first.pages:
        check = partial(_check, subject=subject, number=number, first=first)
        raw.append(
            cache.answer(
                url,
                name=f"{name}.p{number}.json",
                params={**params, "page": str(number)},
                check=check,
                fits=answers(partial(_check_rows, check=check, is_row=is_row)),
                read_timeout=180.0,
            )
        )
        if first is None:
            first = read_page(raw[0].path, subject=subject)
        number += 1
    return raw


def _check_rows(
    answer: Answer, *, check: Callable[[Answer], None], is_row: Callable[[Mapping[str, Any]], bool]
) -> None:
    """Refuse a page of another subject."""
    check(answer)
    page = parse_page(answer.body, subject="")
    try:
        right = bool(page.rows) and all(is_row(row) for row in page.rows[:1])
    except (KeyError, TypeError):
        right = False
    if not right:
        raise SourceError("the page is of another subject", file=_TITLE)


def _check(answer: Answer, *, subject: str, number: int, first: Page | None) -> None:
    """Refuse what is not a page, so that it is never cached; the cache refuses other statuses."""
    if answer.status == 200:
        _match(parse_page(answer.body, subject=subject), subject=subject, number=number, of=first)


def read_page(path: Path, *, subject: str) -> Page:
    """Page of a cached or given file; ``subject`` is named in errors."""
    return parse_page(path.read_bytes(), subject=subject)


def parse_page(body: bytes, *, subject: str) -> Page:
    """Page of an answer.

    Raises
    ------
    SourceError
        If it is a message, a web page or unknown JSON.
    """
    file = f"{_TITLE}, {subject}"
    try:
        answer = json.loads(body.decode("utf-8-sig"))
    except ValueError as error:
        kind = "a web page" if body.lstrip()[:1] == b"<" else "broken JSON"
        raise SourceError(f"the source answered with {kind} instead of data", file=file) from error
    if isinstance(answer, list) and answer and isinstance(answer[0], dict):
        if "message" in answer[0]:
            raise _refused(answer[0]["message"], subject=subject, file=file)
        try:
            return _page(*answer)
        except (TypeError, ValueError, KeyError, AttributeError):
            pass
    raise _changed(
        "expected a list of page, pages, per_page, total and of rows, "
        f"found {body[:80].decode('utf-8', errors='replace')!r}",
        file=file,
    )


def _page(header: Mapping[str, Any], rows: list[dict[str, Any]] | None) -> Page:
    # per_page is a number on some calls and text on others; total 0 comes with null for rows.
    page = Page(
        number=int(header["page"]),
        pages=int(header["pages"]),
        per_page=int(header["per_page"]),
        total=int(header["total"]),
        updated=str(header.get("lastupdated") or ""),
        rows=rows or [],
    )
    if not all(isinstance(row, dict) for row in page.rows):
        raise TypeError
    return page


def _refused(messages: Any, *, subject: str, file: str) -> SourceError:
    errors = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    ids = {str(message.get("id")) for message in errors}
    text = "; ".join(f"{m.get('id')}: {m.get('value')}" for m in errors) or "no reason given"
    if RETIRED in ids:
        return SourceError(
            f"the source no longer has series {subject} ({text})",
            remedy="Leave it out: name the others with --indicators",
            file=file,
        )
    return SourceError(
        f"the source refused the request for {subject} ({text})",
        remedy="Check --indicators and --years, or use --via bulk",
        file=file,
    )


def _match(page: Page, *, subject: str, number: int, of: Page | None) -> None:
    """Refuse a page that is not the one asked for or not of the same state as the first."""
    first = page if of is None else of
    whole = math.ceil(first.total / first.per_page) if first.per_page > 0 else -1
    # Without rows the source counts zero pages or one.
    counted = first.pages == whole or (first.total == 0 and first.pages <= 1)
    rows = max(min(first.per_page, first.total - (number - 1) * first.per_page), 0)
    same = (page.total, page.pages, page.per_page, page.updated)
    if same != (first.total, first.pages, first.per_page, first.updated):
        problem = (
            f"the source changed while it was read: page 1 of {subject} was one of {first.pages} "
            f"with {first.total:,} rows (updated {first.updated}), page {number} is one of "
            f"{page.pages} with {page.total:,} (updated {page.updated})"
        )
    elif page.number != number and first.total:
        problem = f"page {page.number} of {subject} came instead of page {number}"
    elif not counted or len(page.rows) != rows:
        problem = (
            f"page {number} of {subject} has {len(page.rows):,} rows of {first.total:,} in "
            f"{first.pages} pages of {first.per_page:,}: they do not add up"
        )
    else:
        return
    raise SourceError(problem, file=f"{_TITLE}, {subject}")


def read_series(files: Sequence[RawFile], *, series: str) -> tuple[pd.DataFrame, str]:
    """Rows of a series' pages, checked to be whole, and the day of its last update.

    Returns
    -------
    tuple
        ``series, code, area, year, value``, where ``code`` is the alpha-3 code, perhaps empty, and
        ``area`` the alpha-2 code; the day.
    """
    file = f"{_TITLE}, {series}"
    pages = _read_whole(files, subject=series)
    rows = [row for page in pages for row in page.rows]
    try:
        wrong = {row["indicator"]["id"] for row in rows} - {series}
        frame = pd.DataFrame(
            {
                "series": series,
                "code": pd.Series([row["countryiso3code"] or "" for row in rows], dtype="str"),
                "area": pd.Series([row["country"]["id"] for row in rows], dtype="str"),
                "year": pd.Series([int(row["date"]) for row in rows], dtype="int32"),
                "value": pd.Series([_number(row["value"]) for row in rows], dtype="float64"),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _changed(
            f"expected rows of indicator, country, countryiso3code, date "
            f"and value, found {json.dumps(rows[0], ensure_ascii=False)[:160]} ({error})",
            file=file,
        ) from error
    if wrong:
        named = ", ".join(sorted(map(str, wrong)))
        raise SourceError(f"{named} came instead of {series}", file=file)
    # Rows that move between pages during reading push others out.
    refuse_twice(frame, ("area", "year"), "{series} of {area} in {year}", file=file)
    return frame, pages[0].updated


def read_countries(files: Sequence[RawFile]) -> tuple[dict[str, str], frozenset[str]]:
    """Alpha-3 code of each alpha-2 code, and the alpha-3 codes that are groups of countries."""
    rows = [row for page in _read_whole(files, subject="country") for row in page.rows]
    try:
        alpha3 = {str(row["iso2Code"]): str(row["id"]) for row in rows}
        # The region "NA" means that this is a group. Namibia's own code NA stands elsewhere.
        groups = frozenset(str(row["id"]) for row in rows if row["region"]["id"] == "NA")
    except (KeyError, TypeError) as error:
        raise _changed(
            f"expected id, iso2Code and region of each country ({error})", file=f"{_TITLE}, country"
        ) from error
    return alpha3, groups


def _read_whole(files: Sequence[RawFile], *, subject: str) -> list[Page]:
    pages = [read_page(file.path, subject=subject) for file in files]
    for number, page in enumerate(pages, start=1):
        _match(page, subject=subject, number=number, of=pages[0])
    return pages


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
