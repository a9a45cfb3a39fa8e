"""Country-year indicators and their catalogue (channel, unit, publication lag)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.panel_codes import place_of, to_iso3
from features.data.stand_ins import fillers, stand_ins
from features.errors import InputError, cut
from features.files.frames import as_frame
from features.files.tables import flags, numbers, read_table, require_columns, whole_years
from features.reading.indicator_table import read_indicators
from features.reading.options import DEFAULT, ReadingOptions

Snapshots = Literal["refuse", "spread"]
CATALOGUE_COLUMNS = ("indicator", "channel", "label", "unit", "publication_lag_months")
CATALOGUE_TEXT = ("indicator", "channel", "label", "unit", "source", "note")


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
        Whether the series has one year only, which says nothing of the past.
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
        specs = read_table(Path(catalogue), text=CATALOGUE_TEXT, decimal=options.decimal)
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
            What becomes of series of one year: ``"refuse"``, or ``"spread"`` them over all years,
            as if the past had known them.

        Raises
        ------
        InputError
            Also where an indicator stands in one of the two tables only, or has no lag.
        """
        frame = as_frame(frame, text=("iso3", "indicator"), file=file)
        catalogue = as_frame(catalogue, text=(), file=catalogue_file)
        specs = _read_specs(catalogue, file=catalogue_file)
        require_columns(frame, ("iso3", "year", "indicator", "value"), file=file)
        names = frame["indicator"].astype("category").cat.remove_unused_categories()
        _match_catalogue(names, specs, file=file, catalogue_file=catalogue_file)
        codes, iso3 = to_iso3(frame["iso3"], file=file)
        year = whole_years(frame["year"], file=file)
        value = numbers(frame["value"], file=file)
        country = place_of(iso3, countries)[codes]
        _refuse_duplicates(names, np.asarray(iso3)[codes], year, file=file)
        others = tuple(sorted(set(iso3) - set(countries)))
        first, last = int(year.min()), int(year.max())
        cube = np.full((len(names.cat.categories), last - first + 1, len(countries)), np.nan)
        keep = country >= 0
        cube[names.cat.codes.to_numpy()[keep], (year - first)[keep], country[keep]] = value[keep]
        values = {str(name): cube[k] for k, name in enumerate(names.cat.categories)}
        years = np.arange(first, last + 1, dtype=np.int32)
        said = _spread(specs, values, snapshots, file=catalogue_file)
        said += _stand_in(specs, values, countries)
        return cls(specs, years, values, countries, others, tuple(said))


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
            f"{', '.join(found)} has one year only, which a back-test would spread over a past "
            "that did not know it",
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
    return [
        f"{name}: one year spread over all years, which the past did not know" for name in found
    ]


def _stand_in(
    specs: dict[str, IndicatorSpec],
    values: dict[str, NDArray[np.float64]],
    countries: Sequence[str],
) -> list[str]:
    """Put series in the place of those that features know and the table lacks."""
    said = []
    for name, other in stand_ins(set(values)).items():
        values[name], specs[name] = values[other], replace(specs[other], name=name)
        said.append(f"{other} stands in for {name}")
    for name, other in fillers(set(values)).items():
        if specs[name].publication_lag_months < specs[other].publication_lag_months:
            continue
        # Up to the year only: that a country has figures later on is no knowledge of the year.
        never = np.logical_and.accumulate(np.isnan(values[name]), axis=0)
        filled = never & ~np.isnan(values[other])
        if filled.any():
            values[name] = np.where(filled, values[other], values[name])
            named = ", ".join(np.asarray(countries)[filled.any(axis=0)])
            said.append(f"{other} stands in for {name} of {named} before its first figure")
    return said


def _read_specs(catalogue: pd.DataFrame, *, file: object) -> dict[str, IndicatorSpec]:
    require_columns(catalogue, CATALOGUE_COLUMNS, file=file)
    lag_column = catalogue["publication_lag_months"]
    if lag_column.isna().any():
        row = int(lag_column.isna().to_numpy().argmax())
        raise InputError(
            f"the publication lag of {cut(str(catalogue['indicator'].iloc[row]))} is missing",
            remedy="Give the months from the end of a year to its publication",
            file=file,
            column="publication_lag_months",
            row=row + 2,
        )
    lags = numbers(lag_column, file=file)
    wrong = (lags < 0) | (lags != np.floor(lags)) | (lags > 240)
    twice = catalogue["indicator"].duplicated().to_numpy()
    for bad, column, problem in (
        (wrong, "publication_lag_months", "the lag is not a whole number of months from 0 to 240"),
        (twice, "indicator", "the indicator is listed twice"),
    ):
        if bad.any():
            row = int(bad.argmax())
            remedy = "Correct the catalogue"
            raise InputError(problem, remedy=remedy, file=file, column=column, row=row + 2)
    snapshot = np.zeros(len(catalogue), dtype=bool)
    if "snapshot" in catalogue.columns:
        remedy = "Write 1 for a series of one year only, 0 for others"
        snapshot = flags(catalogue["snapshot"], remedy=remedy, file=file)
    rows = zip(
        catalogue["indicator"],
        catalogue["channel"],
        catalogue["label"],
        catalogue["unit"],
        lags,
        snapshot,
        strict=True,
    )
    return {
        str(name): IndicatorSpec(str(name), str(channel), str(label), str(unit), int(lag), bool(of))
        for name, channel, label, unit, lag, of in rows
    }


def _match_catalogue(
    names: pd.Series, specs: dict[str, IndicatorSpec], *, file: object, catalogue_file: object
) -> None:
    if names.isna().any():
        row = int(names.isna().to_numpy().argmax())
        remedy = "Name the indicator"
        raise InputError(
            "an empty cell is no name", remedy=remedy, file=file, column="indicator", row=row + 2
        )
    there = {str(name) for name in names.cat.categories}
    for name in sorted(there - set(specs)):
        raise InputError(
            f"{cut(name)} is not in the catalogue {catalogue_file}",
            remedy="Add a line with its channel, unit and publication lag",
            file=file,
            column="indicator",
            row=int((names == name).to_numpy().argmax()) + 2,
        )
    for name in sorted(set(specs) - there):
        raise InputError(
            f"{cut(name)} is in the catalogue but has no row in {file}",
            remedy="Remove the line or supply the values",
            file=catalogue_file,
            column="indicator",
            row=list(specs).index(name) + 2,
        )


def _refuse_duplicates(
    names: pd.Series, iso3: NDArray[np.str_], year: NDArray[np.integer], *, file: object
) -> None:
    keys = pd.DataFrame({"n": names.cat.codes.to_numpy(), "c": iso3, "y": year})
    twice = keys.duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise InputError(
            f"{cut(str(names.iloc[row]))} of {iso3[row]} in {year[row]} occurs twice",
            remedy="Keep one row for each country, year and indicator",
            file=file,
            row=row + 2,
        )
