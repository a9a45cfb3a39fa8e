"""Country-year indicators and their catalogue (channel, unit, publication lag)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.data.stand_ins import fillers, stand_ins
from features.errors import InputError, cut
from features.files.table_schema import CheckedTable, Codes
from features.files.tables import read_table
from features.reading.indicator_table import read_indicators
from features.reading.options import DEFAULT, ReadingOptions
from features.reading.schemas import CATALOGUE, INDICATORS

Snapshots = Literal["refuse", "spread"]


@dataclass(frozen=True, slots=True)
class IndicatorSpec:
    """One line of the indicator catalogue.

    Attributes
    ----------
    name, channel, label, unit
        Identifier, economic channel, words and unit.
    publication_lag_months
        Months from the end of a reference year to its publication.
    snapshot
        Whether the series has one year only.
    """

    name: str
    channel: str
    label: str
    unit: str
    publication_lag_months: int
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Indicators:
    """Indicator values aligned to a panel's countries.

    Attributes
    ----------
    specs
        Catalogue entry of each series, by name.
    years
        Consecutive calendar years, shape ``[year]``.
    values
        One array a series, float64, shape ``[year, country]``, NaN where unknown.
    countries
        Alpha-3 codes of the last axis.
    other_countries
        Countries of the table that the panel does not hold: not used, counted here.
    statements
        Which series stands in for another, and which snapshot was spread over all years.
    """

    specs: dict[str, IndicatorSpec]
    years: NDArray[np.int32]
    values: dict[str, NDArray[np.float64]]
    countries: tuple[str, ...]
    other_countries: tuple[str, ...]
    statements: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        path: Path | str,
        catalogue: Path | str,
        *,
        countries: tuple[str, ...],
        snapshots: Snapshots = "refuse",
        options: ReadingOptions = DEFAULT,
    ) -> Indicators:
        """Read the value table and its catalogue; see `read_indicators` and `from_frames`."""
        table = read_indicators(Path(path), options)
        specs = read_table(Path(catalogue), text=CATALOGUE.text, decimal=options.decimal)
        with table.placed():
            read = cls.from_frames(
                table.frame,
                specs,
                countries=countries,
                snapshots=snapshots,
                file=path,
                catalogue_file=catalogue,
            )
        return replace(read, statements=(*table.statements, *read.statements))

    @classmethod
    def from_frames(
        cls,
        frame: pd.DataFrame,
        catalogue: pd.DataFrame,
        *,
        countries: tuple[str, ...],
        snapshots: Snapshots = "refuse",
        file: object = "indicator table",
        catalogue_file: object = "indicator catalogue",
    ) -> Indicators:
        """Build from tidy tables.

        Parameters
        ----------
        frame
            Columns ``iso3, year, indicator, value``; unknown cells are absent rows.
        catalogue
            Columns ``indicator, channel, label, unit, publication_lag_months`` and, where there are
            any, ``snapshot`` (0 or 1).
        countries
            The panel's countries; others are counted and left out.
        snapshots
            Series of one year: ``"refuse"`` them, or ``"spread"`` them over all years, as if known
            in the past.

        Raises
        ------
        InputError
            Also where an indicator stands in one of the two tables only, or has no lag.
        """
        specs = _specs(CATALOGUE.check(catalogue, file=catalogue_file))
        checked = INDICATORS.check(frame, file=file)
        names, iso3 = checked.codes["indicator"], checked.codes["iso3"]
        series = names.used()
        _match_catalogue(names, specs, file=file, catalogue_file=catalogue_file)
        year, country = checked.years["year"], iso3.places(countries)
        first, last = int(year.min()), int(year.max())
        cube = np.full((len(series), last - first + 1, len(countries)), np.nan)
        keep = country >= 0
        cells = (names.places(series)[keep], (year - first)[keep], country[keep])
        cube[cells] = checked.numbers["value"][keep]
        values = dict(zip(series, cube, strict=True))
        years = np.arange(first, last + 1, dtype=np.int32)
        statements = _spread(specs, values, snapshots, file=catalogue_file)
        statements += _stand_in(specs, values, countries)
        others = tuple(sorted(set(iso3.names) - set(countries)))
        return cls(specs, years, values, countries, others, tuple(statements))


def _spread(
    specs: dict[str, IndicatorSpec],
    values: dict[str, NDArray[np.float64]],
    snapshots: Snapshots,
    *,
    file: object,
) -> list[str]:
    """Refuse series of one year, or give every year that year's values."""
    found = [name for name, spec in specs.items() if spec.snapshot]
    if not found:
        return []
    if snapshots == "refuse":
        raise InputError(
            f"{', '.join(found)} has one year only, which a back-test would use in years that "
            "did not know it",
            remedy="Leave it out of both files, or force it with `allow_snapshots: true` "
            "(--allow-snapshots)",
            file=file,
            column="snapshot",
            row=list(specs).index(found[0]) + 2,
        )
    for name in found:
        known = ~np.isnan(values[name]).all(axis=1)
        latest = values[name][int(np.flatnonzero(known)[-1])] if known.any() else np.nan
        values[name] = np.broadcast_to(latest, values[name].shape).copy()
        specs[name] = replace(specs[name], publication_lag_months=0)
    return [f"{name}: one year spread over all years, unknown at the time" for name in found]


def _stand_in(
    specs: dict[str, IndicatorSpec],
    values: dict[str, NDArray[np.float64]],
    countries: Sequence[str],
) -> list[str]:
    """Replace series that features use and the table lacks."""
    statements = []
    for name, other in stand_ins(set(values)).items():
        values[name], specs[name] = values[other], replace(specs[other], name=name)
        statements.append(f"{other} stands in for {name}")
    for name, other in fillers(set(values)).items():
        if specs[name].publication_lag_months < specs[other].publication_lag_months:
            continue
        # Only up to the year: later figures of a country were unknown then.
        never = np.logical_and.accumulate(np.isnan(values[name]), axis=0)
        filled = never & ~np.isnan(values[other])
        if filled.any():
            values[name] = np.where(filled, values[other], values[name])
            named = ", ".join(np.asarray(countries)[filled.any(axis=0)])
            statements.append(f"{other} stands in for {name} of {named} before its first figure")
    return statements


def _specs(catalogue: CheckedTable) -> dict[str, IndicatorSpec]:
    names = [str(name) for name in catalogue.codes["indicator"].texts()]
    snapshot = catalogue.flags.get("snapshot", np.zeros(len(names), dtype=bool))
    texts = (catalogue.texts[column] for column in ("channel", "label", "unit"))
    lags = catalogue.numbers["publication_lag_months"]
    return {
        name: IndicatorSpec(name, channel, label, unit, int(lag), bool(one_year))
        for name, channel, label, unit, lag, one_year in zip(
            names, *texts, lags, snapshot, strict=True
        )
    }


def _match_catalogue(
    names: Codes, specs: dict[str, IndicatorSpec], *, file: object, catalogue_file: object
) -> None:
    series = set(names.used())
    for name in sorted(series - set(specs)):
        raise InputError(
            f"{cut(name)} is not in the catalogue {catalogue_file}",
            remedy="Add a line with its channel, unit and publication lag",
            file=file,
            column="indicator",
            row=int((names.texts() == name).argmax()) + 2,
        )
    for name in sorted(set(specs) - series):
        raise InputError(
            f"{cut(name)} is in the catalogue but has no row in {file}",
            remedy="Remove the line or supply the values",
            file=catalogue_file,
            column="indicator",
            row=list(specs).index(name) + 2,
        )
