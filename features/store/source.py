"""What every source has in common: facts about it, options, raw files, parts, counted notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

Kind = Literal["trade", "indicators", "pairs", "tables"]
Absent = Literal["auto", "zero", "missing"]
Unit = Literal["bytes", "parts"]


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Facts about a source, for the command line, the store and the README's table.

    Attributes
    ----------
    name
        Word after ``gravicast fetch`` and first part of every key.
    kind
        What its data sets are, unless one says otherwise.
    title, gives
        Its name, and in one phrase what it gives.
    licence, citation
        Licence as the source states it; what to cite.
    lag
        In words, how long after a year its data appear.
    publication_lag_months
        The same as a number, of the data set as a whole.
    pace_seconds
        Least time between two requests to one of its hosts.
    dated
        Whether the source overwrites its files in place, so that the day of retrieval is the
        release.
    collected_days
        Days for which a release of a dated source may still be added to: a quota may not suffice
        for one day. Older releases are closed.
    renewed_months
        Months after which a newer release is likely to be out: older data are called stale.
    absent
        What a flow without a row means, of a source of trade.
    cache
        Source whose raw files it shares; empty for its own.
    """

    name: str
    kind: Kind
    title: str
    gives: str
    licence: str
    citation: str
    lag: str
    publication_lag_months: int
    pace_seconds: float = 0.5
    dated: bool = False
    collected_days: int = 0
    renewed_months: int = 13
    absent: Absent = "auto"
    cache: str = ""

    @property
    def raw(self) -> str:
        """Name of the folder of its raw files."""
        return self.cache or self.name


def option(default: Any, *, help: str) -> Any:
    """An option of a connector: a dataclass field that becomes ``--name`` on the command line."""
    return field(default=default, metadata={"help": help})


def day_option() -> Any:
    """The release of a dated source: the day of its retrieval."""
    return option("", help="day of an earlier retrieval in the store, YYYYMMDD; by default today")


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file as the source served it, and where it came from.

    Attributes
    ----------
    path
        Where it lies.
    url
        Its address, without any key.
    sha256, size
        Of its bytes.
    retrieved
        Day of retrieval, YYYY-MM-DD.
    via
        Address of the mirror that stood in for the source; empty without one.
    """

    path: Path
    url: str
    sha256: str
    size: int
    retrieved: str
    via: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``dataset.json``."""
        return {
            "name": self.path.name,
            "url": self.url,
            "sha256": self.sha256,
            "size": self.size,
            "retrieved": self.retrieved,
            "via": self.via,
        }


class Notes:
    """What reading dropped, mapped or filled: counted, so that it can be said."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.texts: dict[str, None] = {}

    def count(self, what: str, number: int) -> None:
        """Add to a count; ``what`` reads after a number, such as ``rows of aggregates dropped``."""
        if number:
            self.counts[what] = self.counts.get(what, 0) + int(number)

    def say(self, text: str) -> None:
        """Note a sentence once."""
        self.texts[text] = None

    def add(self, other: Notes) -> None:
        """Take over the notes of a part."""
        for what, number in other.counts.items():
            self.count(what, number)
        self.texts |= other.texts

    @property
    def statements(self) -> tuple[str, ...]:
        """All notes as sentences."""
        return (*self.texts, *(f"{number:,} {what}" for what, number in self.counts.items()))


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a data set, made when it is asked for.

    Attributes
    ----------
    file
        Path inside the data set's folder.
    year
        Its year; None for what has none.
    build
        Makes the table in the project's schema and counts what it drops or changes.
    """

    file: str
    year: int | None
    build: Callable[[Notes], pa.Table]

    @classmethod
    def of_year(cls, year: int, build: Callable[[Notes], pa.Table]) -> Part:
        """The part of one year of a data set that is partitioned by year."""
        return cls(f"year={year}/data.parquet", year, build)

    @classmethod
    def whole(cls, build: Callable[[Notes], pa.Table]) -> Part:
        """The only part of a data set without years."""
        return cls("data.parquet", None, build)


@dataclass(frozen=True, slots=True)
class IndicatorLine:
    """One line of the indicator catalogue that comes with a data set.

    Attributes
    ----------
    snapshot
        Whether there is one year only, which a back-test must not spread over the past.
    """

    indicator: str
    channel: str
    label: str
    unit: str
    publication_lag_months: int
    source: str
    note: str = ""
    snapshot: bool = False


class Watcher(Protocol):
    """Who is told how a download goes."""

    def begin(self, name: str, total: int | None, done: int, unit: Unit) -> None:
        """A file begins, or goes on at ``done`` bytes; or a conversion of so many parts does."""

    def advance(self, amount: int) -> None:
        """So much more of it is done."""

    def end(self) -> None:
        """It is done, or given up."""

    def say(self, text: str) -> None:
        """A line for the log."""


class Silent:
    """A `Watcher` that says nothing."""

    def begin(self, name: str, total: int | None, done: int, unit: Unit) -> None:
        """Nothing."""

    def advance(self, amount: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""
