"""Options that say how files are read where they do not say it themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from features.choices import ROLES, Decimal, FlowDirection, Unit
from features.countries.panel_codes import is_user_assigned
from features.errors import InputError
from features.reading.options import ReadingOptions

READING = ("columns", "unit", "flow", "decimal", "extra_codes")
"""Names of these options in a configuration."""

_WORDS = {"unit": get_args(Unit), "flow": get_args(FlowDirection), "decimal": get_args(Decimal)}


def plain_columns(value: Any) -> Mapping[str, str]:
    """Columns by role, of a mapping or of ``exporter=reporter,value=cif``.

    Raises
    ------
    InputError
        For a role that there is not, or one without a column.
    """
    if value is None:
        value = {}
    if isinstance(value, str):
        value = [word for word in value.split(",") if word.strip()]
    if isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value):
        pairs = [word.partition("=") for word in value]
        value = {role.strip(): column.strip() for role, _, column in pairs}
    if not isinstance(value, Mapping):
        raise _refuse("columns", value, "Give exporter=COLUMN,importer=COLUMN")
    columns = {str(role): str(column) for role, column in value.items()}
    if "value_usd" in columns:
        columns["value"] = columns.pop("value_usd")
    for role, column in columns.items():
        if role not in ROLES:
            raise _refuse("columns", f"{role}={column}", f"Name one of {', '.join(ROLES)}")
        if not column:
            raise _refuse("columns", role, f"Give {role}=COLUMN")
    return MappingProxyType(columns)


def plain_codes(value: Any) -> tuple[str, ...]:
    """Codes of a user's own, of a list or of words between commas.

    Raises
    ------
    InputError
        For one that ISO 3166 does not leave to users: it may be a country's some day.
    """
    if isinstance(value, str):
        value = re.split(r"[,\s]+", value.strip())
    if not isinstance(value, (list, tuple)):
        raise _refuse("extra_codes", value, "Give codes such as XEU,XAS")
    codes = tuple(dict.fromkeys(str(code) for code in value if code != ""))
    for code in codes:
        if not is_user_assigned(code):
            remedy = "Use codes that ISO 3166 leaves to users: XAA to XZZ, QMA to QZZ, AA., ZZ."
            raise _refuse("extra_codes", code, remedy)
    return codes


def check_words(option: str, value: Any) -> None:
    """Refuse a word that ``unit``, ``flow`` or ``decimal`` does not know.

    Raises
    ------
    InputError
        Naming those that it knows.
    """
    if value is not None and value not in _WORDS[option]:
        raise _refuse(option, value, f"Choose one of {' '.join(map(repr, _WORDS[option]))}")


def reading_options(config: Any) -> ReadingOptions:
    """How the files of a configuration are read."""
    return ReadingOptions(**{name: getattr(config, name) for name in READING})


def _refuse(option: str, value: object, remedy: str) -> InputError:
    return InputError(f"option {option!r} cannot be {value!r}", remedy=remedy)
