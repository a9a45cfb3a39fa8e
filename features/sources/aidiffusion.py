"""Microsoft's AI diffusion: the share of people who use generative AI, by country, from 2025."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import pandas as pd

from features.countries.source_codes import UnknownCodeError
from features.download.answers import Answer
from features.download.given import answers
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import InputError, changed_source
from features.reading.country_names import alpha3_of_name
from features.sources.indicator_parts import Reading, yearly_parts
from features.sources.indicator_sets import ReadySeries
from features.store.connector import Connector
from features.store.source import IndicatorLine, SourceInfo, option
from features.tidy.parts import Part

FOLDER = "https://raw.githubusercontent.com/microsoft/ai-diffusion-report/main/data"
LAG_MONTHS = 3
"""Assumed: a half year's figures came out within three months of its end."""
_PERIOD = re.compile(r"(H[12]|Q[1-4]) (\d{4}) AI Diffusion")
_ENDS = {"Q1": 3, "H1": 6, "Q2": 6, "Q3": 9, "H2": 12, "Q4": 12}
"""Month in which a period ends."""
_SERIES = ReadySeries(
    "AI.DIFFUSION", "ai_adoption", "People who use a generative AI product",
    "percent of people", LAG_MONTHS, "aidiffusion", "diffusion", "Microsoft (MIT licence)",
    note="147 economies, from 2025: the last period of each year; estimated from Microsoft's own "
    f"traffic; the publication lag of {LAG_MONTHS} months is assumed",
)  # fmt: skip
_changed = partial(changed_source, remedy="The source has changed: upgrade gravicast")


@dataclass(frozen=True, slots=True)
class AiDiffusion(Connector):
    """Share of people who used a generative AI product, by country and year.

    {options}
    """

    release: str = option("Q12026", help="edition of the report, such as Q12026")

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="aidiffusion",
        kind="indicators",
        title="Microsoft AI diffusion report",
        gives="share of people who use generative AI in 147 economies, from 2025",
        licence="MIT licence",
        citation="Microsoft AI Economy Institute, AI Diffusion Report",
        lag=f"{LAG_MONTHS} months (assumed)",
        publication_lag_months=LAG_MONTHS,
        renewed_months=6,
    )

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[HQ][1-4]\d{4}", self.release):
            raise InputError(
                f"{self.release!r} is not an edition of the AI diffusion report",
                remedy="Give a quarter, such as --release Q12026",
            )

    def locate(self) -> tuple[str, ...]:
        """Address of the edition."""
        return (f"{FOLDER}/AI_Diffusion_{self.release}_Update.csv",)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """One table."""
        (url,) = self.locate()
        name = url.rpartition("/")[2]
        return (cache.answer(url, name=name, check=_check, fits=answers(_check)),)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """The last period of each year."""
        file = raw[0].path
        frame = _rows(file.read_bytes(), file=file.name)
        reading = Reading(frame.assign(series=_SERIES.at_source), file=file.name)
        return yearly_parts(reading, chosen=(_SERIES,), years=(), using=_by_name)

    def indicator_lines(self) -> tuple[IndicatorLine, ...]:
        """The series' line."""
        return (_SERIES.line(),)


def _check(answer: Answer) -> None:
    if answer.status == 200:
        _periods(_table(answer.body)[0], file="AI diffusion")


def _by_name(name: str) -> str | None:
    code = alpha3_of_name(name)
    if code is None:
        raise UnknownCodeError(name)
    return code


def _table(body: bytes) -> list[list[str]]:
    """Lines of the table, which is in Mac Roman: one name has an umlaut."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("mac_roman")
    return [line for line in csv.reader(io.StringIO(text)) if line] or [[]]


def _periods(header: list[str], *, file: str) -> dict[int, int]:
    """Column of the last period of each year."""
    found: dict[int, tuple[int, int]] = {}
    for column, name in enumerate(header):
        if period := _PERIOD.fullmatch(name.strip()):
            year, end = int(period[2]), _ENDS.get(period[1], 0)
            found[year] = max(found.get(year, (0, 0)), (end, column))
    if not header or header[0].strip() != "Economy" or not found:
        raise _changed(
            "expected columns Economy and such as 'H2 2025 AI Diffusion', found "
            f"{', '.join(header)[:80]!r}",
            file=file,
        )
    return {year: column for year, (_, column) in found.items()}


def _rows(body: bytes, *, file: str) -> pd.DataFrame:
    header, *lines = _table(body)
    periods = _periods(header, file=file)
    rows = []
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise _changed(f"row {number} has {len(line)} of {len(header)} cells", file=file)
        rows += [
            (line[0].strip(), year, _percent(line[column], file=file, row=number))
            for year, column in periods.items()
        ]
    return pd.DataFrame(rows, columns=["code", "year", "value"])


def _percent(cell: str, *, file: str, row: int) -> float:
    """A share such as ``16.40%``; an empty cell is unknown."""
    text = cell.strip()
    if not text:
        return float("nan")
    if not re.fullmatch(r"\d+(\.\d+)?%", text):
        raise _changed(f"{cell!r} in row {row} is not a percentage", file=file)
    return float(text[:-1])
