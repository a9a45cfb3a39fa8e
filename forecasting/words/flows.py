"""Flows in words: countries with their codes, sectors with their names."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from forecasting.results.subjects import country_name, named

LONGEST_NAME = 44
"""Longest name of a sector in texts and figures; longer ones are cut."""


def flow_words(
    row: Mapping[Hashable, Any] | pd.Series[Any], names: Sequence[str], sectors: Mapping[str, str]
) -> str:
    """A flow inside a sentence, such as ``Germany (DEU) to France (FRA), Machinery (MACH)``.

    Parameters
    ----------
    row
        Codes by key.
    names
        Keys that name the flow.
    sectors
        Names of sectors by code.
    """
    places = [str(row[name]) for name in names if name != "sector"]
    where = (
        f"sales at home in {named(places[0])}"
        if len(places) == 2 and places[0] == places[1]
        else " to ".join(map(named, places))
    )
    return f"{where}, {sector_in_text(row['sector'], sectors)}" if "sector" in names else where


def flow_label(flow: Sequence[str], sectors: Mapping[str, str]) -> str:
    """Exporter, importer and any sector as a label, such as ``Germany to France, Machinery``."""
    exporter, importer, *sector = flow
    where = (
        f"{country_name(exporter)}, sales at home"
        if exporter == importer
        else f"{country_name(exporter)} to {country_name(importer)}"
    )
    return ", ".join([where, *(sector_label(code, sectors) for code in sector)])


def sector_label(code: object, sectors: Mapping[str, str]) -> str:
    """Name of a sector, cut where it is long; its code if it has none."""
    return textwrap.shorten(sectors.get(str(code), str(code)), LONGEST_NAME, placeholder=" ...")


def sector_in_text(code: object, sectors: Mapping[str, str]) -> str:
    """Name and code of a sector, such as ``Machinery (MACH)``; the code alone if it has no name."""
    name = sector_label(code, sectors)
    return name if name == str(code) else f"{name} ({code})"
