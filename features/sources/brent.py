"""Brent crude oil: monthly mean spot price, from the US Energy Information Administration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pyarrow as pa

from features.data.monthly import OIL_PRICE, WORLD
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import SourceError, changed_source
from features.files.workbooks import Row
from features.store.connector import Connector
from features.store.source import SourceInfo, day_option
from features.tidy.parts import Notes, Part
from features.tidy.sheets import source_sheets
from features.tidy.tidying import monthly_table

ADDRESS = "https://www.eia.gov/dnav/pet/hist_xls/RBRTEm.xls"
SERIES = "RBRTE"
_EXCEL = bytes.fromhex("d0cf11e0")
_EXCEL_DAY_0 = date(1899, 12, 30)


@dataclass(frozen=True, slots=True)
class Brent(Connector):
    """Europe Brent spot price FOB, USD a barrel, monthly means from May 1987 on.

    Parameters
    ----------
    release
        Day of an earlier retrieval.
    """

    release: str = day_option()

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="brent",
        kind="monthly",
        title="EIA Brent spot price",
        gives="monthly price of Brent crude oil in USD, from 1987",
        licence="US public domain",
        citation="US Energy Information Administration, Europe Brent Spot Price FOB (RBRTE)",
        lag="one to two weeks after a month",
        publication_lag_months=1,
        dated=True,
        renewed_months=2,
    )

    @property
    def key(self) -> str:
        """``brent:<day>``."""
        return f"brent:{self.release}"

    def locate(self) -> tuple[str, ...]:
        """Address of the workbook, which needs no key."""
        return (ADDRESS,)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """Get the workbook."""
        return (cache.file(ADDRESS, check=_check, fits=_is_series),)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """The series as one part."""
        yield Part.whole(lambda notes: _prices(raw[0].path, notes))


def _check(path: Path) -> None:
    """Refuse a page sent in place of the workbook."""
    with path.open("rb") as handle:
        if handle.read(4) != _EXCEL:
            raise SourceError(
                "the source's answer is not an Excel workbook",
                remedy="Try again later, or download it by hand and give it with --from",
                file=ADDRESS,
            )


def _is_series(path: Path) -> bool:
    try:
        _check(path)
        return bool(_rows(path))
    except (SourceError, OSError):
        return False


def _prices(path: Path, notes: Notes) -> pa.Table:
    found: list[tuple[str, float]] = []
    for row in _rows(path):
        day, price = row[:2]
        if day is None or price is None:
            continue
        if isinstance(price, bool) or not isinstance(price, (int, float)):
            raise SourceError(
                f"{price!r} is not a price",
                file=path.name,
            )
        found.append((f"{_day(day, file=path.name):%Y-%m}", float(price)))
    frame = pd.DataFrame(found, columns=["month", "value"])
    notes.say(f"monthly means in USD a barrel, {frame['month'].min()} to {frame['month'].max()}")
    return monthly_table(frame.assign(region=WORLD, flow=OIL_PRICE))


def _rows(path: Path) -> list[Row]:
    """Rows of dates and prices below the series' name."""
    sheets = source_sheets(path.read_bytes(), file=path.name)
    for rows in sheets.values():
        names = [place for place, row in enumerate(rows) if SERIES in row[1:2]]
        dates = [place for place, row in enumerate(rows) if "Date" in row[:1]]
        if names and dates:
            return [row for row in rows[dates[0] + 1 :] if len(row) > 1]
    raise changed_source(
        f"expected a sheet with series {SERIES} by date, found {', '.join(sheets)}",
        file=path.name,
    )


def _day(cell: object, *, file: str) -> date:
    if isinstance(cell, date):
        return cell
    if isinstance(cell, (int, float)) and 0 < cell < 100_000:
        return _EXCEL_DAY_0 + timedelta(days=int(cell))
    raise SourceError(f"{cell!r} is not a date", file=file)
