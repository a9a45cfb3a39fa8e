"""Values, changes and units of measures in words, and names of sectors."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping

from features.measures.measure import Measure
from forecasting.results.result import RunResult
from forecasting.results.subjects import named
from forecasting.words.numbers import DASH, MINUS, number, percent

SHARES: dict[str, str] = {"share": "percent", "share of exports": "percent of exports"}
"""Units written in percent, with changes in percentage points."""
NAMED_UNITS = ("km",)
"""Units written after a number; others, such as an index, are left out."""
LONGEST_NAME = 44
"""Longest name of a sector in texts and tables, after its code."""


def is_share(measure: Measure) -> bool:
    """Whether a measure is written in percent."""
    return measure.unit in SHARES


def unit_name(measure: Measure) -> str:
    """Unit of a measure's values in words."""
    return SHARES.get(measure.unit, measure.unit)


def change_name(measure: Measure) -> str:
    """Unit of a measure's changes in words."""
    return "percentage points" if is_share(measure) else measure.unit


def value_words(measure: Measure, value: float) -> str:
    """A value of a measure, such as ``12.3%``, ``5,230 km`` or ``0.412``."""
    if is_share(measure):
        return percent(value, digits=2 if abs(value) < 0.01 else 1)
    return _with_unit(measure, value, sign=False)


def range_words(measure: Measure, low: float, high: float) -> str:
    """An interval, such as ``10.1% to 12.3%`` or ``5,230 to 5,480 km``."""
    unit = f" {measure.unit}" if measure.unit in NAMED_UNITS else ""
    return f"{value_words(measure, low).removesuffix(unit)} to {value_words(measure, high)}"


def change_words(measure: Measure, change: float) -> str:
    """A change of a measure with its sign, such as ``+1.2 pp`` (percentage points)."""
    if is_share(measure):
        return f"{number(100.0 * change, sign=True)} pp" if math.isfinite(change) else DASH
    return _with_unit(measure, change, sign=True)


def size_words(measure: Measure, size: float) -> str:
    """The size of a change without its sign, such as ``1.2 pp``."""
    return change_words(measure, size).removeprefix("+")


def _with_unit(measure: Measure, value: float, *, sign: bool) -> str:
    if not math.isfinite(value):
        return DASH
    unit = f" {measure.unit}" if measure.unit in NAMED_UNITS else ""
    return f"{number(value, sign=sign)}{unit}"


def sector_names(run: RunResult) -> Mapping[str, str]:
    """Names of the run's sectors by code; empty if its data have no names."""
    names: Mapping[str, str] = run.provenance.get("sector_names", {})
    return names


def sector_words(code: str, names: Mapping[str, str]) -> str:
    """Code and name of a sector; long names are cut."""
    name = names.get(code, code)
    if name == code:
        return code
    return f"{code} {textwrap.shorten(name, LONGEST_NAME, placeholder=' ...')}"


def unit_words(unit: Mapping[str, str], names: Mapping[str, str]) -> str:
    """A unit of a measure: country, market it sells in, and sector, where it has them.

    ``unit`` has codes by ``country``, ``partner`` and ``sector``, which may be empty; ``names`` are
    those of sectors by code.
    """
    places = " in ".join(named(unit[key]) for key in ("country", "partner") if unit[key])
    sector = sector_words(unit["sector"], names) if unit["sector"] else ""
    return ", ".join(word for word in (places, sector) if word)


def basis_points(value: float) -> str:
    """A whole number of basis points with its sign."""
    return f"{value:+.0f}".replace("-", MINUS)
