"""Jinja2 environments of the rooms that fill templates: all are strict about what a fact lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def template_environment(room: str, *, escape: bool, filters: Mapping[str, Any]) -> Environment:
    """Environment of the folder ``templates`` of a package.

    Parameters
    ----------
    room
        Name of the package.
    escape
        Whether text is escaped for HTML; sentences that are escaped later are not.
    filters
        Functions that write a value, by name.
    """
    environment = Environment(
        loader=PackageLoader(room, "templates"),
        autoescape=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= filters
    return environment
