"""Reads indicators: country names, dates, and years as columns as in WDI files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from features.countries.panel_codes import counted
from features.errors import listed
from features.reading import column_names as names
from features.reading.country_column import CountryColumn, require_filled
from features.reading.country_names import WORLD
from features.reading.options import ReadingOptions
from features.reading.periods import read_periods
from features.reading.schemas import INDICATORS, columns_found, columns_named
from features.reading.table import ReadTable, read_tidy
from features.reading.wide import stacked

_NAMED = 12


def read_indicators(path: Path, options: ReadingOptions) -> ReadTable:
    """Read a file of indicators; raises `InputError` as `tidy_indicators` does."""
    return read_tidy(path, options, tidy_indicators)


def tidy_indicators(frame: pd.DataFrame, options: ReadingOptions, *, file: object) -> ReadTable:
    """Make a table of indicators tidy.

    Rows of codes that are not countries (WLD, EUU, ARB and other groups) are left out, counted and
    named, as countries outside the panel are not used.

    Parameters
    ----------
    frame
        One row per country, year and indicator, or years as columns.

    Returns
    -------
    ReadTable
        ``iso3, year, indicator, value``.

    Raises
    ------
    InputError
        For a missing column, an empty cell in place of a country, or a year that is none.
    """
    columns = list(frame.columns)
    wide = {} if names.find(columns, names.YEAR) else names.year_columns(columns)
    given = columns_found(frame, INDICATORS, file=file, without=("year", "value") if wide else ())
    taken = {role: column for role, column in given.items() if role != column}
    notes = columns_named(given)
    stale = [role for role in taken if role in columns]
    tidy = frame.drop(columns=stale).rename(columns={c: r for r, c in taken.items()})
    (country,) = CountryColumn.of_table(
        {"iso3": tidy["iso3"]}, extra_codes=options.extra_codes
    ).values()
    require_filled(country, file=file, column=given["iso3"])
    no_country = _no_countries(country, notes)
    tidy["iso3"] = country.categorical
    table = ReadTable(tidy, given=given).only(None if no_country is None else ~no_country)
    if wide:
        with table.placed():
            keys = table.frame[["iso3", "indicator", *wide]]
            stack, source, done = stacked(keys, wide, file=file)
        rows = source if table.rows is None else table.rows[source]
        return ReadTable(stack, (*notes, *done), rows, given)
    with table.placed():
        # Months are not years: such a column is kept, and its check refuses the row.
        periods = read_periods(table.frame["year"], None, file=file)
    if periods.done and periods.month is None:
        notes.append(periods.done)
        table = replace(table, frame=table.frame.assign(year=periods.year))
    return replace(table, notes=tuple(notes))


def _no_countries(country: CountryColumn, notes: list[str]) -> np.ndarray | None:
    """Rows of codes that are not countries, which are counted; None where there are none."""
    marks = [mark for name in (WORLD, None) if (mark := country.marked(name)) is not None]
    if not marks:
        return None
    rows = np.logical_or.reduce(marks)
    found = sorted(country.counted(WORLD) | country.counted(None))
    notes.append(
        f"{counted(int(rows.sum()))} of {len(found)} codes that are not countries left out: "
        f"{listed([code[:40] for code in found], most=_NAMED)}"
    )
    return None if rows.all() else rows
