"""Reads monthly trade of regions, as a tidy table or as series of the CPB World Trade Monitor."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries import monitor_regions
from features.errors import InputError
from features.files.tables import numbers
from features.reading import column_names as names
from features.reading.options import ReadingOptions
from features.reading.periods import read_periods
from features.reading.schemas import MONTHLY, columns_named
from features.reading.table import ReadTable, read_tidy

SERIES = re.compile(r"([tmx])gz_([a-z0-9]+)_(qn|pd)mi_[a-z]{2}")
"""Series of goods: total trade, imports or exports (t, m, x), region, volume or price (qn, pd)."""
_FLOWS = {"t": "trade", "m": "import", "x": "export"}
_VOLUME, _PRICE = "qn", "pd"
_WORDS = {"imports": "import", "exports": "export", "world trade": "trade", "oil": "oil price"}


def read_monthly_trade(path: Path, options: ReadingOptions) -> ReadTable:
    """Read a file of monthly trade; see `tidy_monthly`.

    Raises
    ------
    InputError
        For anything wrong with the file.
    """
    text = (*names.TEXT, *MONTHLY.text, "series")
    return read_tidy(path, options, tidy_monthly, text=text)


def tidy_monthly(frame: pd.DataFrame, options: ReadingOptions, *, file: object) -> ReadTable:
    """Make a table of monthly trade tidy.

    Parameters
    ----------
    frame
        ``region, flow, month, value``; or ``series, month, value`` with codes of the CPB World
        Trade Monitor such as ``tgz_w1_qnmi_sn``, of which volumes times prices are values.
    options
        The user's reading options, of which none concerns it.
    file
        Named in errors.

    Returns
    -------
    ReadTable
        ``region, flow, month, value``, months as 2024-05.

    Raises
    ------
    InputError
        For a missing column, a month that is none, or series without a volume and its price.
    """
    del options
    given, coded = _columns(frame, file=file)
    tidy = pd.DataFrame({role: frame[name] for role, name in given.items()})
    table = ReadTable(tidy, tuple(columns_named(given)), given=given)
    with table.placed():
        year, month = _months(frame, given["month"], file=file)
        tidy["month"] = [f"{y}-{m:02d}" for y, m in zip(year, month, strict=True)]
        if coded:
            tidy["value"] = numbers(tidy["value"], file=file)
            return replace(table, frame=values_of_series(tidy, file=file), given={}, rows=None)
    word = tidy["flow"].astype("str").str.strip().str.lower()
    tidy["flow"] = word.replace(_WORDS)
    tidy["region"] = tidy["region"].astype("str").str.strip().str.lower()
    return replace(table, frame=tidy)


def _columns(frame: pd.DataFrame, *, file: object) -> tuple[dict[str, str], bool]:
    """The table's column by role, and whether it has series of the monitor."""
    columns = [str(name) for name in frame.columns]
    series = names.find(columns, names.INDICATOR)
    coded = series is not None and bool(_is_coded(frame[series]).any())
    given = {"series": series} if coded else {
        "region": names.find(columns, names.REGION),
        "flow": names.find(columns, (*names.FLOW, "direction")),
    }  # fmt: skip
    given["month"] = names.find(columns, names.MONTH) or names.find(columns, names.YEAR)
    given["value"] = names.find(columns, ("value", "obsvalue", "val", "index"))
    for role, column in given.items():
        if column is None:
            raise InputError(
                "the column is missing",
                remedy=f"The columns found are: {', '.join(columns)}",
                file=file,
                column=role,
            )
    return {role: str(column) for role, column in given.items()}, coded


def values_of_series(frame: pd.DataFrame, *, file: object) -> pd.DataFrame:
    """Values of trade by region out of volumes and prices of the CPB World Trade Monitor.

    Parameters
    ----------
    frame
        ``series, month, value``: indices of volumes (``qnmi``) and prices in USD (``pdmi``).
    file
        Named in the error.

    Returns
    -------
    DataFrame
        ``region, flow, month, value``: their products. Groups of regions, industrial production
        and prices of commodities are left out, and a month without both of them.

    Raises
    ------
    InputError
        If no series has both.
    """
    parts = frame["series"].astype("str").str.extract(SERIES.pattern)
    parts.columns = ["flow", "region", "what"]
    parts = parts.assign(month=frame["month"], value=frame["value"])
    parts = parts[parts["region"].isin(monitor_regions.CODES)]
    wide = parts.pivot_table(
        index=["region", "flow", "month"], columns="what", values="value", aggfunc="first"
    )
    if not {_VOLUME, _PRICE} <= {*wide.columns}:
        raise InputError(
            "no series has a volume and a price",
            remedy="Give series such as tgz_w1_qnmi_sn and tgz_w1_pdmi_sn",
            file=file,
        )
    value = (wide[_VOLUME] * wide[_PRICE]).dropna().rename("value").reset_index()
    value["region"] = value["region"].map(monitor_regions.CODES)
    value["flow"] = value["flow"].map(_FLOWS)
    return value.sort_values(["region", "flow", "month"], ignore_index=True)


def _is_coded(column: pd.Series) -> NDArray[np.bool_]:
    return column.astype("str").str.fullmatch(SERIES.pattern).to_numpy(dtype=bool)


def _months(
    frame: pd.DataFrame, month: str, *, file: object
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Year and month of each row."""
    year = names.find([str(name) for name in frame.columns if name != month], names.YEAR)
    found = (
        read_periods(frame[month], None, file=file)
        if year is None
        else read_periods(frame[year], frame[month], file=file)
    )
    if found.month is None:
        raise InputError(
            "the column holds years, not months",
            remedy="Write months as 2024-05",
            file=file,
            column=month,
        )
    return found.year, found.month
