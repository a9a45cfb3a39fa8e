"""Parts of a data set, and notes on what was dropped or mapped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa


class Notes:
    """Counts and statements of what reading dropped, mapped or filled."""

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
        """Add the notes of a part."""
        for what, number in other.counts.items():
            self.count(what, number)
        self.texts |= other.texts

    @property
    def statements(self) -> tuple[str, ...]:
        """All notes as sentences."""
        return (*self.texts, *(f"{number:,} {what}" for what, number in self.counts.items()))


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a data set, built on demand.

    Attributes
    ----------
    file
        Path inside the data set's folder.
    year
        Its year; None without one.
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


def with_notes(read: Notes, parts: Iterable[Part]) -> Iterator[Part]:
    """The parts, of which the first reports the notes of reading the file of all."""
    pending = read
    for part in parts:
        yield replace(part, build=partial(_after, pending, part.build))
        pending = Notes()


def _after(read: Notes, build: Callable[[Notes], pa.Table], notes: Notes) -> pa.Table:
    notes.add(read)
    return build(notes)
