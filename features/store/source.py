"""What all sources share: facts, options, catalogue lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from features.errors import InputError

Kind = Literal["trade", "indicators", "pairs", "tables", "reports", "monthly", "elasticities"]
Absent = Literal["auto", "zero", "missing"]


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
        Its name, and its content in one phrase.
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
        Days for which a release of a dated source stays open, since a quota may need several days.
    renewed_months
        Months after which a newer release is likely: older data count as stale.
    absent
        What a flow without a row means, of a source of trade.
    declared
        Whether its trade is what each country declares itself, not reconciled between the two.
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
    declared: bool = False
    cache: str = ""

    @property
    def raw(self) -> str:
        """Name of the folder of its raw files."""
        return self.cache or self.name


def option(default: Any, *, help: str) -> Any:
    """An option of a connector: a dataclass field that becomes ``--name`` on the command line."""
    return field(default=default, metadata={"help": help})


def require_choice(option: str, value: str, choices: Collection[str]) -> None:
    """Raise `InputError` for an option's value that is not one of its choices."""
    if value not in choices:
        raise InputError(
            f"unknown --{option} {value!r}", remedy=f"Choose --{option} {', '.join(choices)}"
        )


def require_years(years: Sequence[int], source: str, first: int) -> None:
    """Raise `InputError` for years before a source's first."""
    if years and min(years) < first:
        raise InputError(
            f"{source} begins in {first}, not in {min(years)}",
            remedy=f"Choose --years from {first} on",
        )


def day_option() -> Any:
    """The release of a dated source: the day of its retrieval."""
    return option("", help="day of an earlier retrieval in the store, YYYYMMDD; by default today")


@dataclass(frozen=True, slots=True)
class IndicatorLine:
    """One line of the indicator catalogue that comes with a data set.

    Attributes
    ----------
    snapshot
        Whether there is one year only, which a back-test must not use for the past.
    """

    indicator: str
    channel: str
    label: str
    unit: str
    publication_lag_months: int
    source: str
    note: str = ""
    snapshot: bool = False
