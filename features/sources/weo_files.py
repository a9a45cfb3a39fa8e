"""Files of a WEO vintage: text named .xls to April 2025, the portal's workbook or CSV since."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from features.countries.source_codes import alpha3_to_iso3, translate
from features.download.answers import Answer
from features.errors import SourceError, changed_source
from features.files.workbooks import BrokenWorkbookError, Row, read_sheets
from features.tidy.parts import Notes
from features.tidy.tidying import require_source_columns

SHEET = "Countries"
_TEXT_COLUMNS = ("ISO", "WEO Subject Code", "Scale", "Estimates Start After")
_BOOK_COLUMNS = ("SERIES_CODE", "LATEST_ACTUAL_ANNUAL_DATA", "PUBLICATION_DATE")
_MISSING = frozenset({"", "n/a", "nan"})
_ROUNDS_TO_ZERO = "--"
_GROUP = re.compile(r"G\d+")
_SCALES = {"": 1.0, "units": 1.0, "thousands": 1e3, "millions": 1e6, "billions": 1e9,
           "0": 1.0, "3": 1e3, "6": 1e6, "9": 1e9}  # fmt: skip
_CLOSING = ("International Monetary Fund", "Note:")
"""Beginnings of the closing lines; the first names the vintage."""
_MONTHS = {"04": "April", "09": "September", "10": "October"}
_REMEDY = "Download the file again (--refresh), or by hand and give its folder with --from"
_broken = partial(SourceError, remedy=_REMEDY)


@dataclass(frozen=True, slots=True)
class _Row:
    """One series as its file spells it; ``number`` is the row in the file."""

    number: int
    area: str
    code: str
    scale: object
    last_actual: object
    cells: Mapping[int, object]


def check_text(answer: Answer, *, url: str) -> None:
    """Refuse an answer that is not a vintage, such as a page of the site served in its place.

    Raises
    ------
    SourceError
        Before anything is cached.
    """
    if answer.status == 200 and "WEO Subject Code" not in _decoded(answer.body[:4000]):
        raise SourceError(
            "the source's answer is not a WEO table",
            remedy="Try again later, or download the file by hand and give it with --from",
            file=url,
        )


def refuse_other(path: Path, *, vintage: str) -> None:
    """Raise `SourceError` for a file that is not clearly of this vintage."""
    notes = Notes()
    read_vintage(path, vintage=vintage, codes=(), notes=notes)
    if notes.texts:
        raise _broken("the file does not name its vintage", file=path.name)


def read_vintage(path: Path, *, vintage: str, codes: Collection[str], notes: Notes) -> pd.DataFrame:
    """Series of the wanted codes of one vintage, countries only.

    Parameters
    ----------
    path
        The file; how it begins decides the format.
    vintage
        Such as ``2024-10``; a file that names another is refused.
    codes
        WEO subject codes.
    notes
        Counts groups, and cells that are dashes.

    Returns
    -------
    DataFrame
        ``iso3, code, year, value, scale, last_actual``: known cells, values in the file's unit,
        ``scale`` the units in one of it, ``last_actual`` the last year that is not an estimate (NaN
        where the file does not say).

    Raises
    ------
    SourceError
        For a file that is broken, cut off or changed, or of another vintage.
    """
    with path.open("rb") as handle:
        head = handle.read(4000)
    book = head.startswith(b"PK") or b"SERIES_CODE" in head
    try:
        rows = (_book_rows if book else _text_rows)(path, vintage, notes)
        wanted = [row for row in rows if row.code in codes]
    except csv.Error as error:
        raise _broken(f"the table cannot be read ({error})", file=path.name) from error
    column = "SERIES_CODE" if book else "ISO"
    series = Counter(sorted(row.area for row in wanted if not is_group(row.area)))
    iso3 = translate(series, alpha3_to_iso3, file=path.name, column=column, count=notes.count)
    notes.count(
        "series of groups of countries dropped",
        sum(iso3.get(row.area) is None for row in wanted),
    )
    known = [(row, country) for row in wanted if (country := iso3.get(row.area)) is not None]
    _refuse_second(known, file=path.name)
    cells = [cell for row, iso in known for cell in _cells(row, iso, file=path.name, notes=notes)]
    names = {"iso3": "str", "code": "str", "year": "int64"}
    numbers = dict.fromkeys(("value", "scale", "last_actual"), "float64")
    return pd.DataFrame(cells, columns=[*names, *numbers]).astype(names | numbers)


def _cells(
    row: _Row, iso3: str, *, file: str, notes: Notes
) -> Iterator[tuple[str, str, int, float, float, float]]:
    scale = _scale(row, file=file)
    actual = last_actual_year(row.last_actual, row=row.number, file=file, notes=notes)
    for year, cell in row.cells.items():
        value = _number(cell, row=row.number, column=str(year), file=file, notes=notes)
        if value is not None:
            yield iso3, row.code, year, value, scale, actual


def last_actual_year(cell: object, *, row: int, file: str, notes: Notes) -> float:
    """Last year that is not an estimate; NaN if unknown.

    A fiscal year such as ``FY2024/25`` counts as the year it ends in (2025), as it does in the
    earlier files. ``0`` means that the whole series is estimated.
    """
    text = str("" if cell is None else cell).strip().replace(",", "")
    if text.lower() in (*_MISSING, _ROUNDS_TO_ZERO) or re.fullmatch(r"0(\.0+)?", text):
        return float("nan")
    found = re.fullmatch(r"(?:FY)?(\d{4})(?:\.0+)?(?:/(\d{2}|\d{4}))?", text)
    if found is None:
        raise SourceError(
            f"{text!r} is not a last year of actual data",
            remedy="Take an earlier vintage, or upgrade gravicast",
            file=file,
            row=row,
        )
    first, last = int(found[1]), found[2]
    if last is None:
        return float(first)
    notes.count("series whose last actual fiscal year counts as the year it ends in", 1)
    # The second half may begin a century: FY1999/00.
    return float(first + (int(last) - first) % 10 ** len(last))


def _text_rows(path: Path, vintage: str, notes: Notes) -> Iterator[_Row]:
    """Tab-separated text; a line at its end names the database and the vintage."""
    # Not `splitlines`: in Latin-1 an ellipsis of Windows would end the line.
    text = io.StringIO(_decoded(path.read_bytes()), newline="")
    lines = csv.reader(text, delimiter="\t")
    header = [name.strip() for name in next(lines, [])]
    require_source_columns(header, _TEXT_COLUMNS, file=path.name)
    place = {name: number for number, name in enumerate(header)}
    years = _years(header, file=path.name)
    closing = ""
    for number, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if cells[0].startswith(_CLOSING):
            closing = closing or cells[0]
            continue
        _refuse_odd(cells, header, closing, file=path.name, row=number)
        yield _Row(
            number,
            cells[place["ISO"]].strip(),
            cells[place["WEO Subject Code"]].strip(),
            cells[place["Scale"]],
            cells[place["Estimates Start After"]],
            {year: cells[column] for year, column in years.items()},
        )
    if not closing:
        notes.say(f"{path.name} lacks its closing line: it may be cut off")
    _refuse_other_vintage(closing, vintage, file=path.name)


def _book_rows(path: Path, vintage: str, notes: Notes) -> Iterator[_Row]:
    """Sheet ``Countries`` of a workbook, or the CSV that the portal gives in its place."""
    with path.open("rb") as handle:
        workbook = handle.read(2) == b"PK"
    rows = _sheet_rows(path) if workbook else _csv_rows(path)
    header = ["" if name is None else str(name).strip() for name in next(rows, ())]
    require_source_columns(header, _BOOK_COLUMNS, file=path.name)
    place = {name: number for number, name in enumerate(header)}
    of_scale = "SCALE.ID" if "SCALE" not in place and "SCALE.ID" in place else "SCALE"
    require_source_columns(header, [of_scale], file=path.name)
    scale = place[of_scale]
    years = _years(header, file=path.name)
    for number, cells in enumerate(rows, start=2):
        series = str(cells[place["SERIES_CODE"]] or "").strip()
        if not series:
            continue
        parts = series.split(".")
        if len(parts) != 3:
            raise _broken(
                f"{series!r} is not a country, indicator and frequency",
                file=path.name,
                column="SERIES_CODE",
                row=number,
            )
        if parts[2] != "A":
            notes.count("series that are not annual dropped", 1)
            continue
        published = str(cells[place["PUBLICATION_DATE"]] or "")
        _refuse_other_date(published, vintage, file=path.name, row=number)
        yield _Row(
            number,
            parts[0],
            parts[1],
            cells[scale],
            cells[place["LATEST_ACTUAL_ANNUAL_DATA"]],
            {year: cells[column] for year, column in years.items()},
        )


def _csv_rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        yield from csv.reader(handle)


def _sheet_rows(path: Path) -> Iterator[Row]:
    try:
        sheets = read_sheets(path.read_bytes())
    except (BrokenWorkbookError, OSError) as error:
        raise _broken("the workbook cannot be read", file=path.name) from error
    if SHEET not in sheets:
        raise changed_source(
            f"expected sheet {SHEET}, found {', '.join(sheets)}",
            remedy="Take an earlier vintage, or upgrade gravicast",
            file=path.name,
        )
    return iter(sheets[SHEET])


def _decoded(body: bytes) -> str:
    """UTF-16-LE or Latin-1, by its bytes: vintages alternate."""
    if body.startswith(b"\xff\xfe") or body[1:2] == b"\x00":
        return body[: len(body) // 2 * 2].decode("utf-16-le", errors="replace")
    return body.decode("latin-1")


def _years(header: Sequence[str], *, file: str) -> dict[int, int]:
    """Column of each year."""
    years = {int(name): n for n, name in enumerate(header) if re.fullmatch(r"\d{4}", name)}
    if not years:
        require_source_columns(header, ["1980"], file=file)
    return years


def is_group(area: str) -> bool:
    """Whether a code is that of a group of countries; in text they have none."""
    return not area or _GROUP.fullmatch(area) is not None


def _scale(row: _Row, *, file: str) -> float:
    text = str("" if row.scale is None else row.scale).strip()
    if text.lower() in _SCALES:
        return _SCALES[text.lower()]
    raise SourceError(
        f"scale {text!r} is not one of {', '.join(name for name in _SCALES if name)}",
        remedy="Take an earlier vintage, or upgrade gravicast",
        file=file,
        row=row.number,
    )


def _number(cell: object, *, row: int, column: str, file: str, notes: Notes) -> float | None:
    text = str("" if cell is None else cell).strip()
    if text.lower() in _MISSING:
        return None
    if text == _ROUNDS_TO_ZERO:
        notes.count("cells '--' (rounds to zero) read as 0", 1)
        return 0.0
    try:
        return float(text.replace(",", ""))
    except ValueError:
        raise _broken(f"{text[:40]!r} is not a number", file=file, column=column, row=row) from None


def _refuse_second(known: Sequence[tuple[_Row, str]], *, file: str) -> None:
    seen: set[tuple[str, str]] = set()
    for row, country in known:
        if (country, row.code) in seen:
            raise _broken(f"{row.code} of {row.area} occurs twice", file=file, row=row.number)
        seen.add((country, row.code))


def _refuse_odd(
    cells: Sequence[str], header: Sequence[str], closing: str, *, file: str, row: int
) -> None:
    """A row after the closing line, or of another width: a truncated file or a stray cell."""
    if closing:
        raise _broken("the table goes on after its closing line", file=file, row=row)
    # The blank column at the end is there in some rows only.
    expected = len([name for name in header if name])
    if len(cells) < expected or any(cell.strip() for cell in cells[len(header) :]):
        raise _broken(
            f"the row has {len(cells)} cells where the header has {len(header)}", file=file, row=row
        )


def _refuse_other_vintage(closing: str, vintage: str, *, file: str) -> None:
    year, _, month = vintage.partition("-")
    named = re.search(r"\b(April|September|October)\s+(\d{4})", closing)
    if named and (named[1], named[2]) != (_MONTHS[month], year):
        _refuse_vintage(f"{named[1]} {named[2]}", vintage, file=file)


def _refuse_other_date(published: str, vintage: str, *, file: str, row: int) -> None:
    named = re.match(r"(\d{4}-\d{2})", published)
    if named and named[1] != vintage:
        _refuse_vintage(published[:10], vintage, file=file, row=row)


def _refuse_vintage(named: str, vintage: str, *, file: str, row: int | None = None) -> None:
    raise SourceError(
        f"the file says it is of {named}, not {vintage}",
        remedy="Put the right file in its place: a forecast must not see a later vintage",
        file=file,
        row=row,
    )
