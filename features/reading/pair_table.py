"""Reads attributes of country pairs under common names and codes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from features.reading.country_column import CountryColumn, require_known
from features.reading.options import ReadingOptions
from features.reading.schemas import PAIRS, columns_found, columns_named
from features.reading.table import ReadTable, read_tidy


def read_pairs(path: Path, options: ReadingOptions) -> ReadTable:
    """Read a file of pairs; raises `InputError` as `tidy_pairs` does."""
    return read_tidy(path, options, tidy_pairs)


def tidy_pairs(frame: pd.DataFrame, options: ReadingOptions, *, file: object) -> ReadTable:
    """Name the two sides ``iso3_o`` and ``iso3_d`` and translate their countries.

    Raises
    ------
    InputError
        For a missing side, or countries that no table knows (all of them at once).
    """
    given = columns_found(frame, PAIRS, file=file)
    columns = CountryColumn.of_table(
        {side: frame[name] for side, name in given.items()}, extra_codes=options.extra_codes
    )
    require_known({given[side]: column for side, column in columns.items()}, file=file)
    notes = columns_named(given)
    if any(column.translated for column in columns.values()):
        notes.append("countries translated to alpha-3 codes")
    tidy = frame.rename(columns={name: side for side, name in given.items()})
    for side, column in columns.items():
        tidy[side] = column.categorical
    return ReadTable(tidy, tuple(notes), given=given)
