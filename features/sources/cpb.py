"""CPB World Trade Monitor: monthly values of trade of the world and its regions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urljoin

import pandas as pd
import pyarrow as pa

from features.countries import monitor_regions
from features.download.answers import Answer
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import SourceError, changed_source
from features.files.workbooks import Row
from features.reading.monthly_table import SERIES, values_of_series
from features.store.connector import Connector
from features.store.source import SourceInfo, day_option
from features.tidy.csv_stream import whole_zip
from features.tidy.parts import Notes, Part
from features.tidy.sheets import source_sheets
from features.tidy.tidying import monthly_table

PAGE = "https://www.cpb.nl/en/worldtrademonitor/latest"
"""The page of the newest release. The address of its workbook is new every month."""
NAME = "world-trade-monitor.xlsx"
_LINK = re.compile(r'href\s*=\s*"([^"]*trade-monitor[^"]*\.xlsx)"', re.IGNORECASE)
_MONTH = re.compile(r"(\d{4})[mM](0[1-9]|1[0-2])")
_LEAST_MONTHS = 24
"""A row with fewer months is not the header of a table of series."""


@dataclass(frozen=True, slots=True)
class Cpb(Connector):
    """Monthly trade, imports and exports by region, indices of their value in USD.

    Parameters
    ----------
    release
        Day of an earlier retrieval.

    Notes
    -----
    Value is volume times price, both seasonally adjusted, 100 each in the base year. A month is out
    about the 25th of the second month after it; every release revises the months before.
    """

    release: str = day_option()

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="cpb",
        kind="monthly",
        title="CPB World Trade Monitor",
        gives="monthly value of trade, imports and exports of the world and eleven regions, "
        "from 2000",
        licence="CPB, with the source named",
        citation="CPB Netherlands Bureau for Economic Policy Analysis, World Trade Monitor",
        lag="two months: about the 25th of the second month after",
        publication_lag_months=2,
        dated=True,
        renewed_months=2,
    )

    @property
    def key(self) -> str:
        """``cpb:<day>``."""
        return f"cpb:{self.release}"

    def locate(self) -> tuple[str, ...]:
        """Address of the page that links the workbook."""
        return (PAGE,)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """The page, and the workbook that it links; from the user's folder the workbook alone.

        Raises
        ------
        SourceError
            If the page links no workbook.
        """
        if cache.offline:
            return (cache.file(PAGE, name=NAME, check=whole_zip, fits=_is_monitor),)
        page = cache.answer(PAGE, name="latest.html", check=_check_page)
        link = _link(page.path.read_text(encoding="utf-8", errors="replace"))
        assert link is not None
        return (page, cache.file(urljoin(PAGE, link), name=NAME, check=whole_zip))

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """All series as one part."""
        yield Part.whole(lambda notes: _values(raw[-1].path, notes))


def _check_page(answer: Answer) -> None:
    if answer.status == 200 and _link(answer.text) is None:
        raise SourceError(
            "the page links no workbook",
            remedy="Download the workbook by hand and give it with --from, or upgrade gravicast",
            file=PAGE,
        )


def _link(text: str) -> str | None:
    found = _LINK.search(text)
    return None if found is None else found[1].replace("&amp;", "&")


def _is_monitor(path: Path) -> bool:
    try:
        return not series_of(path).empty
    except (SourceError, OSError):
        return False


def _values(path: Path, notes: Notes) -> pa.Table:
    series = series_of(path)
    values = values_of_series(series, file=path.name)
    notes.say(
        "value is volume times price in USD, seasonally adjusted, 100 x 100 in the base year; "
        f"{values['month'].min()} to {values['month'].max()}"
    )
    others = [name for name in series["series"].unique() if not _is_regional(name)]
    notes.count(
        "series of groups of regions, production and commodity prices left out", len(others)
    )
    return monthly_table(values)


def _is_regional(name: str) -> bool:
    found = SERIES.fullmatch(name)
    return found is not None and found[2] in monitor_regions.CODES


def series_of(path: Path) -> pd.DataFrame:
    """``series, month, value`` of a workbook of the monitor.

    Raises
    ------
    SourceError
        If it cannot be read or has no table of series by month.
    """
    sheets = source_sheets(path.read_bytes(), file=path.name)
    rows = [row for sheet in sheets.values() for row in _sheet_series(sheet, file=path.name)]
    if not any(SERIES.fullmatch(name) for name, _, _ in rows):
        raise changed_source(
            f"expected series such as tgz_w1_qnmi_sn by month, found sheets {', '.join(sheets)}",
            file=path.name,
        )
    return pd.DataFrame(rows, columns=["series", "month", "value"])


def _sheet_series(rows: Sequence[Row], *, file: str) -> Iterator[tuple[str, str, float]]:
    """Series of a sheet: codes before the columns of months."""
    months: dict[int, str] = {}
    for row in rows:
        found = {place: _MONTH.fullmatch(str(cell).strip()) for place, cell in enumerate(row)}
        named = {place: f"{m[1]}-{m[2]}" for place, m in found.items() if m is not None}
        if len(named) >= _LEAST_MONTHS:
            months = named
            continue
        if not months:
            continue
        codes = [str(cell).strip() for cell in row[: min(months)] if cell is not None]
        code = next((text for text in codes if re.fullmatch(r"[a-z]{3}(?:_\w+){3}", text)), None)
        if code is None:
            continue
        for place, month in months.items():
            cell = row[place] if place < len(row) else None
            if cell is not None:
                yield code, month, _number(cell, code, month, file=file)


def _number(cell: object, code: str, month: str, *, file: str) -> float:
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return float(cell)
    raise SourceError(
        f"{cell!r} of {code} in {month} is not a number",
        file=file,
    )
