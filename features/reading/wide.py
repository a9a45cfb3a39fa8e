"""Tables with years as columns, reshaped to one row per year."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError
from features.files.number_text import EMPTY
from features.files.tables import EMPTY_IF_UNKNOWN, NOT_FINITE, refuse_cells


def stacked(
    frame: pd.DataFrame, years: Mapping[str, int], *, file: object
) -> tuple[pd.DataFrame, NDArray[np.integer], list[str]]:
    """One row per key and year; empty cells are left out and counted.

    Parameters
    ----------
    frame
        One row per key, one column per year.
    years
        Year of each column.

    Returns
    -------
    tuple
        The other columns, ``year`` and ``value``; the row that each row is of; what was done.

    Raises
    ------
    InputError
        For two columns of one year, or a cell that is not a number.
    """
    columns = list(years)
    if len(set(years.values())) < len(years):
        raise InputError(
            f"two columns are one year: {', '.join(columns)}"[:200],
            remedy="Keep one column per year",
            file=file,
        )
    values = np.stack([_figures(frame[c], file=file) for c in columns])
    present = ~np.isnan(values)
    year, row = np.nonzero(present)
    tidy = frame.drop(columns=columns).iloc[row].reset_index(drop=True)
    tidy["year"] = np.array([years[c] for c in columns], dtype=np.int32)[year]
    tidy["value"] = values[present]
    empty = int(values.size - present.sum())
    notes = [f"{len(columns)} columns of years made rows"]
    if empty:
        notes.append(f"{empty:,} of their cells, which are empty, left out")
    return tidy, row, notes


def _figures(column: pd.Series, *, file: object) -> NDArray[np.float64]:
    """Numbers of a column, NaN where it has none."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_numeric_dtype(column):
        wrong = np.isinf(values)
    else:
        words = column.astype("str").str.strip().str.lower().isin(EMPTY).to_numpy()
        wrong = ~np.isfinite(values) & column.notna().to_numpy() & ~words
    refuse_cells(column, wrong, NOT_FINITE, remedy=EMPTY_IF_UNKNOWN, file=file)
    return np.where(np.isinf(values), np.nan, values)
