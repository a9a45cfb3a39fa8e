"""All sources by name, loaded on demand."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import InputError

if TYPE_CHECKING:
    from features.store.connector import Connector

INDICATORS = "indicators"
"""What `features.sources.presets` joins from several sources."""

SOURCES: dict[str, tuple[str, str]] = {
    "baci": ("features.sources.baci", "Baci"),
    "technology": ("features.sources.technology", "Technology"),
    "gravity": ("features.sources.gravity", "Gravity"),
    "geodist": ("features.sources.geodist", "GeoDist"),
    "comtrade": ("features.sources.comtrade", "Comtrade"),
    "wdi": ("features.sources.wdi", "Wdi"),
    "weo": ("features.sources.weo", "Weo"),
    "imts": ("features.sources.imts", "Imts"),
    "aipi": ("features.sources.aipi", "Aipi"),
    "owid": ("features.sources.owid", "Owid"),
    "eurostat": ("features.sources.eurostat", "Eurostat"),
    "aidiffusion": ("features.sources.aidiffusion", "AiDiffusion"),
    "stri": ("features.sources.stri", "Stri"),
    "icio": ("features.sources.icio", "Icio"),
    "batis": ("features.sources.batis", "Batis"),
    "itpde": ("features.sources.itpde", "Itpde"),
    "desta": ("features.sources.desta", "Desta"),
    "larch": ("features.sources.larch", "Larch"),
    "cpb": ("features.sources.cpb", "Cpb"),
    "brent": ("features.sources.brent", "Brent"),
    "protee": ("features.sources.protee", "Protee"),
}
"""Module and class of every connector, in the order they are listed."""


def connector_class(name: str) -> type[Connector]:
    """Class of a source's connector; raises `InputError` if there is no such source."""
    if name not in SOURCES:
        raise InputError(f"there is no source {name!r}", remedy=f"Choose {', '.join(SOURCES)}")
    module, kind = SOURCES[name]
    found: type[Connector] = getattr(import_module(module), kind)
    return found


def is_key(text: str) -> bool:
    """Whether a word is the key of a data set rather than the name of a file."""
    first = text.partition(":")[0]
    return (first in SOURCES or first == INDICATORS) and not Path(text).exists()
