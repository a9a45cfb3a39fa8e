"""Attributes of country pairs: static (distance, language) and by year (trade agreements)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.data.panel import STATED_ZEROS, early
from features.errors import InputError, listed
from features.findings import Finding
from features.reading.options import DEFAULT
from features.reading.pair_table import read_pairs
from features.reading.schemas import PAIRS

_FEWEST_PAIRS = 3
"""With fewer pairs it is unclear whether the other direction was left out on purpose."""


@dataclass(frozen=True, slots=True)
class YearlyPairs:
    """A pair attribute by year.

    Attributes
    ----------
    first_year
        Calendar year of the first row.
    values
        Shape ``[year, exporter, importer]``.
    publication_lag_months
        Months from the end of a year to its publication.
    stated
        Whether the table has a row for any pair in the year, shape ``[year]``.
    """

    first_year: int
    values: NDArray[np.float32]
    publication_lag_months: int
    stated: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PairAttributes:
    """Pair attributes aligned to a panel's countries.

    Attributes
    ----------
    static
        Name to float32 ``[exporter, importer]``; NaN where unknown.
    yearly
        Name to `YearlyPairs`.
    statements
        One sentence a file on what was read and how absent rows were understood.
    findings
        Files that list every pair in one direction.
    """

    static: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    yearly: dict[str, YearlyPairs] = field(default_factory=dict)
    statements: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @classmethod
    def read(
        cls,
        paths: Sequence[Path | str],
        *,
        countries: tuple[str, ...],
        publication_lag_months: int = 0,
        until: int | None = None,
    ) -> PairAttributes:
        """Read pair files; see `read_pairs` and `from_frames`."""
        frames = [(path, read_pairs(Path(path), DEFAULT).frame) for path in paths]
        return cls.from_frames(
            frames, countries=countries, publication_lag_months=publication_lag_months, until=until
        )

    @classmethod
    def from_frames(
        cls,
        frames: Sequence[tuple[object, pd.DataFrame]],
        *,
        countries: tuple[str, ...],
        publication_lag_months: int = 0,
        until: int | None = None,
    ) -> PairAttributes:
        """Build from tidy tables keyed by ``iso3_o, iso3_d`` and, where it has one, ``year``.

        A table by year in which some attribute is hardly ever 0 (`panel.STATED_ZEROS`) lists
        occurrences only (as DESTA's list of agreements does): within its years a pair without a row
        has 0. In any other table it is unknown.

        A table that lists no pair in both directions, and whose rows do not all begin or all end
        in one country, lists each pair once, as dyad files do: the other direction has the same
        value. Attributes that differ by direction, such as tariffs, need both directions.

        Parameters
        ----------
        frames
            (name for errors, table) pairs; every column beyond the keys is an attribute.
        countries
            The panel's countries, other rows are left out.
        publication_lag_months
            Lag of the tables by year; an agreement is public when it enters into force.
        until
            Last year whose rows decide how a table by year is read, or its first few years where it
            begins later; those alone by default.

        Raises
        ------
        InputError
            For a missing key, unknown country, duplicate key, a value that is not a number, or an
            attribute that two tables define.
        """
        static: dict[str, NDArray[np.float32]] = {}
        yearly: dict[str, YearlyPairs] = {}
        statements: list[str] = []
        findings: list[Finding] = []
        for file, frame in frames:
            table = _PairTable.of(frame, countries=countries, file=file, until=until)
            findings += table.findings(file)
            for name in table.attributes:
                if name in static or name in yearly:
                    raise InputError(
                        "another pair file already has this attribute",
                        remedy="Keep it in one file",
                        file=file,
                        column=name,
                    )
            if table.year is None:
                static |= table.static(len(countries))
                statements.append(
                    f"{file}: {len(table.attributes)} static pair attributes{table.mirrored}"
                )
                continue
            yearly |= table.by_year(len(countries), publication_lag_months)
            absent = "0" if table.lists_occurrences else "unknown"
            statements.append(
                f"{file}: {len(table.attributes)} pair attributes by year; "
                f"a pair-year without a row is {absent}{table.mirrored}"
            )
        return cls(static, yearly, tuple(statements), tuple(findings))


@dataclass(frozen=True, slots=True)
class _PairTable:
    exporter: NDArray[np.integer]
    importer: NDArray[np.integer]
    year: NDArray[np.integer] | None
    attributes: dict[str, NDArray[np.float64]]
    until: int | None
    added: int
    """Rows that state the other direction of a pair listed once."""

    @classmethod
    def of(
        cls, frame: pd.DataFrame, *, countries: tuple[str, ...], file: object, until: int | None
    ) -> _PairTable:
        checked = PAIRS.check(frame, file=file)
        attributes, year = checked.numbers, checked.years.get("year")
        if not attributes:
            remedy = "Add a column such as dist or rta"
            raise InputError("the table has no attribute column", remedy=remedy, file=file)
        codes = [checked.codes[side] for side in ("iso3_o", "iso3_d")]
        everyone = tuple(dict.fromkeys((*countries, *codes[0].names, *codes[1].names)))
        sides = [side.places(everyone) for side in codes]
        turned = np.empty(0, dtype=np.intp)
        if _lists_once(sides[0], sides[1], early=None if year is None else early(year, until)):
            turned = _unstated(sides[0], sides[1], year)
        exporter = np.concatenate([sides[0], sides[1][turned]])
        importer = np.concatenate([sides[1], sides[0][turned]])
        inside = (exporter < len(countries)) & (importer < len(countries))
        rows = np.concatenate([np.arange(sides[0].size), turned])[inside]
        return cls(
            exporter[inside],
            importer[inside],
            None if year is None else year[rows],
            {name: values[rows] for name, values in attributes.items()},
            until,
            int(turned.size),
        )

    @property
    def mirrored(self) -> str:
        """End of the statement on a table that lists pairs once."""
        return "; each pair is listed once, so it holds in both directions" if self.added else ""

    def findings(self, file: object) -> list[Finding]:
        """A finding if the other direction was filled in."""
        if not self.added:
            return []
        return [
            Finding(
                code="pairs-once",
                severity="warning",
                count=self.added,
                names=tuple(self.attributes),
                years=(),
                message=f"{file} lists every pair in one direction: {self.added:,} rows were "
                f"mirrored ({listed(list(self.attributes))})",
                remedy="List both directions where they differ, as tariffs do, or --accept "
                "pairs-once",
            )
        ]

    @property
    def lists_occurrences(self) -> bool:
        """Whether some attribute is hardly ever zero, so that the table names occurrences only."""
        if self.year is None or self.year.size == 0:
            return False
        of = early(self.year, self.until)
        return any((v[of] == 0).mean() < STATED_ZEROS for v in self.attributes.values())

    def static(self, n: int) -> dict[str, NDArray[np.float32]]:
        out = {}
        for name, values in self.attributes.items():
            out[name] = np.full((n, n), np.nan, dtype=np.float32)
            out[name][self.exporter, self.importer] = values
        return out

    def by_year(self, n: int, lag: int) -> dict[str, YearlyPairs]:
        assert self.year is not None
        if self.year.size == 0:
            return {}
        first, last = int(self.year.min()), int(self.year.max())
        empty = 0.0 if self.lists_occurrences else np.nan
        stated = np.isin(np.arange(first, last + 1), self.year)
        out = {}
        for name, values in self.attributes.items():
            cube = np.full((last - first + 1, n, n), empty, dtype=np.float32)
            cube[self.year - first, self.exporter, self.importer] = values
            out[name] = YearlyPairs(first, cube, lag, stated)
        return out


def _lists_once(
    origin: NDArray[np.integer], other: NDArray[np.integer], *, early: NDArray[np.bool_] | None
) -> bool:
    """Whether no pair is listed in both directions, and it is not one country's list.

    Rows of early years decide where they name enough pairs.
    """
    abroad = origin != other
    pairs = _pairs(origin, other, abroad if early is None else abroad & early)
    if pairs.shape[0] < _FEWEST_PAIRS:
        pairs = _pairs(origin, other, abroad)
    if pairs.shape[0] < _FEWEST_PAIRS or any(np.unique(side).size == 1 for side in pairs.T):
        return False
    return bool(np.unique(np.sort(pairs, axis=1), axis=0).shape[0] == pairs.shape[0])


def _pairs(
    origin: NDArray[np.integer], other: NDArray[np.integer], rows: NDArray[np.bool_]
) -> NDArray[np.integer]:
    return np.unique(np.stack([origin[rows], other[rows]], axis=1), axis=0)


def _unstated(
    origin: NDArray[np.integer], other: NDArray[np.integer], year: NDArray[np.integer] | None
) -> NDArray[np.intp]:
    """Rows whose other direction has no row (of their year)."""
    width = int(max(origin.max(), other.max())) + 1
    when = np.zeros(origin.size, dtype=np.int64) if year is None else year.astype(np.int64)
    stated = (when * width + origin) * width + other
    reverse = (when * width + other) * width + origin
    return np.flatnonzero((origin != other) & ~np.isin(reverse, stated))
