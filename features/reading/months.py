"""Sums monthly flows to years; names years that lack months."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError, RepeatedRowsError, listed
from features.files.tables import numbers

_NAMED = 8
"""Exporters' incomplete years that are listed by name."""


def sum_months(
    frame: pd.DataFrame, *, file: object
) -> tuple[pd.DataFrame, NDArray[np.integer], list[str]]:
    """Sum the months of every flow and year.

    First or last years that lack months in the whole table are left out: their sums would be too
    small.

    Parameters
    ----------
    frame
        ``exporter, importer, [sector], year, month, value_usd``.

    Returns
    -------
    tuple
        ``exporter, importer, [sector], year, value_usd``; position of the first row of each; what
        was done.

    Raises
    ------
    RepeatedRowsError
        If a flow has a month twice.
    InputError
        If no year is complete.
    """
    value = numbers(frame["value_usd"], file=file)
    keys = [name for name in ("exporter", "importer", "sector", "year") if name in frame.columns]
    twice = frame.duplicated([*keys, "month"]).to_numpy()
    if twice.any():
        row = int(np.argmax(twice))
        at = frame.iloc[row]
        raise RepeatedRowsError(
            f"{at['exporter']} -> {at['importer']} occurs twice in month {at['month']} of "
            f"{at['year']} ({int(twice.sum())} rows too many)",
            remedy="Keep one row for each exporter, importer, sector and month",
            file=file,
            row=row + 2,
        )
    group = frame.groupby(keys, observed=True, sort=False).ngroup().to_numpy()
    _, first = np.unique(group, return_index=True)
    summed = frame[keys].iloc[first].reset_index(drop=True)
    summed["value_usd"] = np.bincount(group, weights=value)
    partial = _partial_ends(frame, file=file)
    kept = ~summed["year"].isin(list(partial)).to_numpy()
    notes = ["months summed to years"]
    if partial:
        named = ", ".join(f"{year} ({months} of 12 months)" for year, months in partial.items())
        notes.append(f"incomplete years left out: {named}")
    notes += _gaps(frame[~frame["year"].isin(list(partial))])
    return summed[kept].reset_index(drop=True), first[kept], notes


def _partial_ends(frame: pd.DataFrame, *, file: object) -> dict[int, int]:
    """Months of the first and the last years of which the whole table lacks some."""
    months = frame.groupby("year")["month"].nunique().sort_index()
    whole = np.flatnonzero(months.to_numpy() == 12)
    if not whole.size:
        raise InputError(
            "no year has twelve months",
            remedy="Give whole years, or months of whole years",
            file=file,
            column="year",
        )
    ends = [*range(int(whole[0])), *range(int(whole[-1]) + 1, len(months))]
    return {int(months.index[place]): int(months.iloc[place]) for place in ends}


def _gaps(frame: pd.DataFrame) -> list[str]:
    """Exporters' years that lack months, by name."""
    months = frame.groupby(["exporter", "year"], observed=True)["month"].nunique()
    short = months[months < 12]
    if short.empty:
        return []
    named = [f"{exporter} {year} ({n})" for (exporter, year), n in short.items()]
    return [f"exporters' years with fewer than 12 months: {listed(named, most=_NAMED)}"]
