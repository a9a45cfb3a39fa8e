"""The countries of the simulated world with sectors: invented names and regions.

Their codes are among those that ISO 3166 leaves to users. No statistical source that gravicast
reads uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "XRV": "Arvenia",
        "XJV": "Jorvia",
        "XPL": "Pellaria",
        "XUM": "Ulmara",
        "XDV": "Dorvane",
        "XKT": "Kestral",
        "XQT": "Quintara",
        "XVT": "Velanta",
        "XFM": "Feldmoor",
        "XLZ": "Lorenza",
        "XRM": "Rosmere",
        "XWD": "Wendara",
        "XEL": "Elstrand",
        "XMV": "Marovia",
        "XSD": "Soldana",
        "XYR": "Yoranda",
        "XHM": "Halmar",
        "XNV": "Norvale",
        "XTS": "Tarsis",
        "XZR": "Zerani",
    }
)
"""Names by code, region after region in turn, so that the first few are of every region."""

REGIONS: Mapping[str, str] = MappingProxyType(
    {
        "Hestria": "XRV XDV XFM XEL XHM",
        "Meridia": "XJV XKT XLZ XMV XNV",
        "Oranda": "XPL XQT XRM XSD XTS",
        "Sunara": "XUM XVT XWD XYR XZR",
    }
)
"""Codes by region."""

LOW_COST: tuple[str, ...] = tuple(REGIONS["Sunara"].split())
"""The poorest countries, which one region holds."""
