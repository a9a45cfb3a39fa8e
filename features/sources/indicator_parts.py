"""From rows of an indicator source to the yearly parts of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from features.countries.source_codes import alpha3_to_iso3, translate
from features.errors import InputError, SourceError
from features.sources.indicator_sets import ReadySeries
from features.tidy.parts import Notes, Part, with_notes
from features.tidy.tidying import indicator_table, refuse_twice
from features.tidy.years import years_word

NO_COUNTRY = "rows of areas that are not countries dropped"


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows as a source gave them.

    Attributes
    ----------
    frame
        ``series`` (id at the source), ``code``, ``year``, ``value`` (NaN where the source has
        none) in the source's unit.
    file
        Named in errors.
    dropped
        Codes that are not countries, each with the words under which its rows are counted.
    statements
        Further statements on the data.
    """

    frame: pd.DataFrame
    file: str
    dropped: Mapping[str, str] = field(default_factory=dict)
    statements: tuple[str, ...] = ()


def check_release_day(release: str) -> None:
    """Raise `InputError` for a release that is neither empty nor a day as YYYYMMDD."""
    try:
        plain = not release or datetime.strptime(release, "%Y%m%d").strftime("%Y%m%d") == release
    except ValueError:
        plain = False
    if not plain:
        raise InputError(
            f"--release: {release!r} is not a day",
            remedy="Give the day of an earlier retrieval as YYYYMMDD, or leave it out for today's",
        )


def check_years(years: Sequence[int]) -> None:
    """Raise `InputError` for a year outside 1800 to 2200."""
    wrong = [year for year in years if not 1800 <= year <= 2200]
    if wrong:
        raise InputError(
            f"--years: {wrong[0]} is not a calendar year", remedy="Give years such as 1995-2024"
        )


def yearly_parts(
    reading: Reading,
    *,
    chosen: Sequence[ReadySeries],
    years: Sequence[int],
    using: Callable[[str], str | None] = alpha3_to_iso3,
) -> Iterator[Part]:
    """Parts of an indicator data set, one a year with at least one value.

    Parameters
    ----------
    reading
        Rows of the chosen series.
    chosen
        Their names in the project and factors to its units.
    years
        Years wanted; all for none.
    using
        Translates codes that ``reading.dropped`` does not name.

    Raises
    ------
    SourceError
        For a code that no table knows, a country and year that a series has twice, or a number
        that is not finite.
    InputError
        For a series without any value in these years.
    """
    frame = reading.frame
    if years:
        frame = frame[frame["year"].isin(years)]
    notes = Notes()
    for text in reading.statements:
        notes.say(text)
    frame = _countries(frame, reading, notes, using=using)
    refuse_twice(
        frame,
        ("series", "iso3", "year"),
        "{series} of {iso3} in {year}",
        file=reading.file,
        remedy="The source may have changed while it was read: run it again with --refresh",
    )
    known = frame["value"].notna()
    notes.count("empty cells left out", int((~known).sum()))
    frame = _in_project_units(frame[known], chosen, file=reading.file)
    _refuse_empty(frame, chosen, years)
    by_year = {int(year): rows for year, rows in frame.groupby("year", sort=True)}
    without = [year for year in years if year not in by_year]
    if without:
        notes.say(f"No series has a value in {', '.join(map(str, sorted(set(without))))}")
    parts = (Part.of_year(year, partial(_table, rows)) for year, rows in by_year.items())
    yield from with_notes(notes, parts)


def _table(rows: pd.DataFrame, notes: Notes) -> pa.Table:
    del notes
    return indicator_table(rows)


def _countries(
    frame: pd.DataFrame,
    reading: Reading,
    notes: Notes,
    *,
    using: Callable[[str], str | None],
) -> pd.DataFrame:
    """Rows of countries, with ``iso3``; all others are counted."""
    rows = frame["code"].value_counts().sort_index().to_dict()
    asked = {code: number for code, number in rows.items() if code not in reading.dropped}
    iso3 = translate(asked, using, file=reading.file, column="country code", count=notes.count)
    for code, number in rows.items():
        if iso3.get(code) is None:
            notes.count(reading.dropped.get(code, NO_COUNTRY), number)
    names = frame["code"].map({code: name for code, name in iso3.items() if name is not None})
    return frame.assign(iso3=names)[names.notna()]


def _in_project_units(
    frame: pd.DataFrame, chosen: Sequence[ReadySeries], *, file: str
) -> pd.DataFrame:
    by_id = {series.at_source: series for series in chosen}
    scale = frame["series"].map({key: series.scale for key, series in by_id.items()})
    values = frame["value"].to_numpy(dtype=np.float64) * scale.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        row = frame.iloc[int(np.argmin(np.isfinite(values)))]
        raise SourceError(
            f"{row['series']} of {row['iso3']} in {row['year']} is not a finite number",
            remedy="Take an earlier release, or leave the series out with --indicators",
            file=file,
        )
    names = frame["series"].map({key: series.name for key, series in by_id.items()})
    return frame.assign(indicator=names, value=values)[["iso3", "year", "indicator", "value"]]


def _refuse_empty(frame: pd.DataFrame, chosen: Sequence[ReadySeries], years: Sequence[int]) -> None:
    present = set(frame["indicator"].unique())
    empty = [s for s in chosen if s.name not in present]
    if empty:
        named = ", ".join(
            s.name if s.name == s.at_source else f"{s.name} ({s.at_source})" for s in empty
        )
        when = f" in {years_word(years).replace('_', ', ')}" if years else ""
        raise InputError(
            f"the source has no value{when} for any country of {named}",
            remedy="Widen --years, or leave the series out with --indicators",
        )
