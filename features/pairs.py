"""Attributes of country pairs: static (distance, language) and by year (trade agreements)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries import place_of, to_iso3
from features.errors import InputError
from features.tables import (
    as_numbers,
    is_no_number,
    numbers,
    read_table,
    refuse_huge,
    require_columns,
    shown,
    whole_years,
)

PAIR_KEYS = ("iso3_o", "iso3_d")


@dataclass(frozen=True, slots=True)
class YearlyPairs:
    """A pair attribute by year: float32 ``[year, exporter, importer]`` from ``first_year`` on."""

    first_year: int
    values: NDArray[np.float32]
    publication_lag_months: int


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
    """

    static: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    yearly: dict[str, YearlyPairs] = field(default_factory=dict)
    statements: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        paths: Sequence[Path | str],
        *,
        countries: tuple[str, ...],
        publication_lag_months: int = 0,
    ) -> PairAttributes:
        """Read pair files; see `from_frames`."""
        frames = [(path, read_table(Path(path), text=PAIR_KEYS)) for path in paths]
        return cls.from_frames(
            frames, countries=countries, publication_lag_months=publication_lag_months
        )

    @classmethod
    def from_frames(
        cls,
        frames: Sequence[tuple[object, pd.DataFrame]],
        *,
        countries: tuple[str, ...],
        publication_lag_months: int = 0,
    ) -> PairAttributes:
        """Build from tidy tables keyed by ``iso3_o, iso3_d`` and, where it has one, ``year``.

        A table by year in which some attribute is never 0 lists occurrences only (as DESTA's list
        of agreements does): within its years a pair without a row has 0. In any other table it is
        unknown.

        Parameters
        ----------
        frames
            (name for errors, table) pairs; every column beyond the keys is an attribute.
        countries
            The panel's countries, other rows are left out.
        publication_lag_months
            Lag of the tables by year; an agreement is public when it enters into force.

        Raises
        ------
        InputError
            For a missing key, unknown country, duplicate key, a value that is not a number, or an
            attribute that two tables define.
        """
        static: dict[str, NDArray[np.float32]] = {}
        yearly: dict[str, YearlyPairs] = {}
        statements: list[str] = []
        for file, frame in frames:
            table = _PairTable.of(frame, countries=countries, file=file)
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
                statements.append(f"{file}: {len(table.attributes)} static pair attributes")
                continue
            yearly |= table.by_year(len(countries), publication_lag_months)
            absent = "0" if table.lists_occurrences else "unknown"
            statements.append(
                f"{file}: {len(table.attributes)} pair attributes by year; "
                f"a pair-year without a row is {absent}"
            )
        return cls(static, yearly, tuple(statements))


@dataclass(frozen=True, slots=True)
class _PairTable:
    exporter: NDArray[np.integer]
    importer: NDArray[np.integer]
    year: NDArray[np.int32] | None
    attributes: dict[str, NDArray[np.float64]]

    @classmethod
    def of(cls, frame: pd.DataFrame, *, countries: tuple[str, ...], file: object) -> _PairTable:
        require_columns(frame, PAIR_KEYS, file=file)
        sides = []
        for name in PAIR_KEYS:
            codes, iso3 = to_iso3(frame[name], file=file)
            sides.append(place_of(iso3, countries)[codes])
        year = whole_years(frame["year"], file=file) if "year" in frame.columns else None
        keys = [*PAIR_KEYS, *(["year"] if year is not None else [])]
        twice = frame.duplicated(subset=keys).to_numpy()
        if twice.any():
            row = int(twice.argmax())
            named = " ".join(str(frame[key].iloc[row]) for key in keys)
            remedy = f"Keep one row for each {', '.join(keys)}"
            raise InputError(f"{named} occurs twice", remedy=remedy, file=file, row=row + 2)
        names = [str(name) for name in frame.columns if name not in keys]
        if not names:
            remedy = "Add a column such as dist or rta"
            raise InputError("there is no attribute column", remedy=remedy, file=file)
        attributes = {name: _attribute(frame[name], file=file) for name in names}
        inside = (sides[0] >= 0) & (sides[1] >= 0)
        return cls(
            sides[0][inside],
            sides[1][inside],
            None if year is None else year[inside],
            {name: values[inside] for name, values in attributes.items()},
        )

    @property
    def lists_occurrences(self) -> bool:
        """Whether some attribute is never zero, so that the table names occurrences only."""
        return any(bool((v != 0).all()) and v.size > 0 for v in self.attributes.values())

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
        out = {}
        for name, values in self.attributes.items():
            cube = np.full((last - first + 1, n, n), empty, dtype=np.float32)
            cube[self.year - first, self.exporter, self.importer] = values
            out[name] = YearlyPairs(first, cube, lag)
        return out


def _attribute(column: pd.Series, *, file: object) -> NDArray[np.float64]:
    """A pair attribute as float64; an empty cell is unknown, a word or an infinity is an error."""
    if is_no_number(column) and not pd.api.types.is_bool_dtype(column):
        numbers(column, file=file)
    values = as_numbers(column)
    wrong = np.isinf(values) | (np.isnan(values) & column.notna().to_numpy())
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"{shown(column.iloc[row])} is not a finite number",
            remedy="Leave the cell empty where the value is unknown",
            file=file,
            column=str(column.name),
            row=row + 2,
        )
    refuse_huge(column, values, file=file)
    return values
