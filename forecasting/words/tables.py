"""Column headings and cells of tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from forecasting.words.numbers import DASH, plain, points, usd, whole_usd

_YEARS = {"year", "origin", "horizon"}
_UNITS = {"usd": "USD", "percent": "percent"}


def column_label(name: str) -> str:
    """Name of a column in words, with its unit."""
    stem, _, unit = name.rpartition("_")
    if unit not in _UNITS:
        stem, unit = name, ""
    words = stem.replace("_", " ").replace("wape", "WAPE")
    words = words[:1].upper() + words[1:]
    return f"{words}, {_UNITS[unit]}" if unit else words


def cell(column: str, value: Any) -> str:
    """A cell of a table in words."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return DASH
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if column.endswith("_usd"):
        return usd(whole_usd(float(value)))
    if column.endswith("_percent"):
        return points(float(value)).removesuffix("%")
    if isinstance(value, (int, np.integer)):
        return str(value) if column in _YEARS or column.endswith("_year") else f"{value:,}"
    if isinstance(value, (float, np.floating)):
        return plain(float(value))
    return str(value)
