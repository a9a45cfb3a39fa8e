"""World Development Indicators in bulk: every series, streamed from one zip."""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pandas as pd

from features.download.given import member_like, name_like
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import SourceError, changed_source
from features.tidy.tidying import require_source_columns

# Redirects to another World Bank host.
BULK_URL = "https://databank.worldbank.org/data/download/WDI_CSV.zip"
DATA, COUNTRIES, SERIES = "WDICSV.csv", "WDICountry.csv", "WDISeries.csv"
_KEYS = ("Country Name", "Country Code", "Indicator Name", "Indicator Code")
_API_INSTEAD = "Run it again with --refresh, or use --via api"
_refused = partial(SourceError, remedy=_API_INSTEAD)
_changed = partial(changed_source, remedy="Use --via api, or upgrade gravicast")


def fetch_archive(cache: RawCache) -> RawFile:
    """The archive, some 280 MB, resumably; raises `SourceError` for anything else."""
    files = [re.compile(re.escape(name), re.IGNORECASE) for name in (DATA, COUNTRIES, SERIES)]
    return cache.file(
        BULK_URL,
        check=_check_archive,
        fits=member_like(files[0]),
        member=name_like(re.compile("|".join(f.pattern for f in files), re.IGNORECASE)),
    )


def _check_archive(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise _refused(
            "the source sent something that is not a complete zip archive", file=path.name
        )


def read_groups(path: Path) -> frozenset[str]:
    """Codes of the archive's groups of countries: those without a region."""
    with _member(path, COUNTRIES) as (rows, file):
        cells = _columns(rows, "Country Code", "Region", file=file)
        return frozenset(code for code, region in cells if not region.strip())


def refuse_retired(path: Path, series: Collection[str]) -> None:
    """Raise `SourceError` for series that the archive does not list (retired or misspelt)."""
    with _member(path, SERIES) as (rows, file):
        present = {code for (code,) in _columns(rows, "Series Code", file=file)}
    gone = sorted(set(series) - present)
    if gone:
        raise SourceError(
            f"the source no longer has series {', '.join(gone)}",
            remedy="Leave it out: name the others with --indicators",
            file=file,
        )


def read_archive(path: Path, *, series: Collection[str]) -> pd.DataFrame:
    """Rows of the series wanted: ``series, code, year, value``, NaN where a cell is empty.

    Some 400,000 lines pass by one at a time; only those of ``series`` are kept.

    Raises
    ------
    SourceError
        For changed columns, a cell that is not a number or a broken archive.
    """
    wanted = frozenset(series)
    found: dict[str, list[object]] = {"series": [], "code": [], "year": [], "value": []}
    with _member(path, DATA) as (rows, file):
        header = next(rows, [])
        years = _year_columns(header, file=file)
        code, key = header.index("Country Code"), header.index("Indicator Code")
        width = _width(header)
        for number, row in enumerate(rows, start=2):
            _refuse_ragged(row, width, file=file, number=number)
            if row[key] in wanted:
                found["value"] += [_number(row[k], file=file, row=number) for k in years]
                found["year"] += years.values()
                found["series"] += [row[key]] * len(years)
                found["code"] += [row[code]] * len(years)
    return pd.DataFrame(found).astype(
        {"series": "str", "code": "str", "year": "int32", "value": "float64"}
    )


def _columns(rows: Iterator[list[str]], *names: str, file: str) -> Iterator[tuple[str, ...]]:
    """Named columns of a table, a row at a time."""
    header = next(rows, [])
    require_source_columns(header, names, file=file)
    places, width = [header.index(name) for name in names], _width(header)
    for number, row in enumerate(rows, start=2):
        _refuse_ragged(row, width, file=file, number=number)
        yield tuple(row[place] for place in places)


def _width(header: list[str]) -> int:
    """Columns up to the last named one: lines may or may not end with a comma."""
    return max((k for k, name in enumerate(header, start=1) if name), default=0)


def _refuse_ragged(row: list[str], width: int, *, file: str, number: int) -> None:
    if len(row) < width or any(row[width:]):
        raise _broken(f"row {number} has {len(row)} of {width} cells", file=file)


def _year_columns(header: list[str], *, file: str) -> dict[int, int]:
    """Year of each column that holds one.

    A comma at the end of every line makes a last column without a name. Any other column could be a
    year in a new spelling, so it is an error.
    """
    require_source_columns(header, _KEYS, file=file)
    years = {
        k: int(name)
        for k, name in enumerate(header)
        if len(name) == 4 and name.isascii() and name.isdigit()
    }
    other = [name for k, name in enumerate(header) if k not in years and name and name not in _KEYS]
    if other or not years:
        shown = ", ".join(other[:5]) or "none"
        raise _changed(f"expected columns of years such as 1960, found {shown}", file=file)
    return years


def _number(cell: str, *, file: str, row: int) -> float:
    if not cell:
        return math.nan
    try:
        return float(cell)
    except ValueError:
        raise _refused(f"{cell!r} is not a number", file=file, row=row) from None


@contextmanager
def _member(path: Path, name: str) -> Iterator[tuple[Iterator[list[str]], str]]:
    """Rows of a member and its name in errors; the case of member names has changed before."""
    file = f"{path.name}/{name}"
    try:
        with zipfile.ZipFile(path) as archive:
            found = [m for m in archive.namelist() if m.lower() == name.lower()]
            if len(found) != 1:
                raise _changed(
                    f"expected a file {name}, found {', '.join(archive.namelist()[:12]) or 'none'}",
                    file=path.name,
                )
            with archive.open(found[0]) as raw:
                # A byte order mark would become part of the first column's name. Only codes and
                # numbers are used: a name in another encoding is not a reason to refuse them.
                text = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
                yield filter(None, csv.reader(text)), file
    except (zipfile.BadZipFile, zlib.error, EOFError, csv.Error) as error:
        raise _broken(str(error) or type(error).__name__, file=file) from error


def _broken(reason: str, *, file: str) -> SourceError:
    return _refused(f"the file is broken ({reason.splitlines()[0]})", file=file)
