"""Kinds of options: how a value of Python, YAML or the command line becomes the declared type."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from numbers import Integral
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, get_args

from features.choices import ROLES
from features.errors import InputError, cut
from forecasting.options.option import Kind
from models.booster_params import check_params
from models.learner_text import check_text, text_of

LONGEST_HORIZON = 10
"""Years ahead."""


def refusal(option: str, value: object, remedy: str) -> InputError:
    """The error for a value that an option does not take."""
    return InputError(f"option {option!r} cannot be {cut(repr(value))}", remedy=remedy)


def words(text: str) -> tuple[str, ...]:
    """Words between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


# One value ----------------------------------------------------------------------------------------


def _switch(option: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise refusal(option, value, "Give true or false")
    return value


def _path(option: str, value: Any) -> Path:
    if not isinstance(value, (str, Path)) or not _is_name(value):
        raise refusal(option, str(value) if isinstance(value, Path) else value, "Give a path")
    return Path(value)


def _is_name(path: str | Path) -> bool:
    """Whether a file system can hold the path at all."""
    parts = Path(path).parts
    return bool(parts) and "\0" not in str(path) and all(len(part) <= 255 for part in parts)


def _name(option: str, value: Any) -> str:
    if not isinstance(value, str):
        raise refusal(option, value, "Give a name")
    return value


def _cluster(option: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"local:[1-9]\d{0,3}|\w+://[^\s/]+", value):
        raise refusal(option, value, "Give tcp://HOST:PORT or local:N")
    return value


def _day(option: str, value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise refusal(option, value, "Give a date as YYYY-MM-DD") from None


def whole(low: int, high: int) -> Kind:
    """A whole number from ``low`` to ``high``, also as text such as ``"2017"``."""

    def read(option: str, value: Any) -> int:
        number = _number(value)
        if not _is_whole(number, low, high):
            raise refusal(option, number, f"Give a whole number from {low} to {high}")
        return int(number)

    return Kind(read, "N")


def number(low: float, high: float) -> Kind:
    """A number from ``low`` to ``high``."""

    def read(option: str, value: Any) -> float:
        try:
            found = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            found = math.nan
        if not low <= found <= high:
            raise refusal(option, value, f"Give a number from {low:g} to {high:g}")
        return found

    return Kind(read, "X")


def _number(value: Any) -> Any:
    """A whole number out of text; anything else as it is."""
    is_number = isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]{1,15}", value.strip())
    return int(value) if is_number else value


def _is_whole(value: object, low: int, high: int) -> bool:
    # Of Python or NumPy: years of a table are the latter.
    return isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) <= high


def choice(literal: Any) -> Kind:
    """One of the words of a `Literal`."""
    of = get_args(literal)
    spelled = ", ".join(word if word.isidentifier() else repr(word) for word in of)

    def read(option: str, value: Any) -> str:
        if not isinstance(value, str) or value not in of:
            raise refusal(option, value, f"Choose one of {spelled}")
        return value

    return Kind(read, "|".join(of), words=of)


# Several values -----------------------------------------------------------------------------------


def _items(option: str, value: Any) -> tuple[Any, ...]:
    """The items of a list, the words of a text, or a single value."""
    if isinstance(value, str):
        return words(value)
    if isinstance(value, (Integral, Path)):
        return (value,)
    if not isinstance(value, (list, tuple)):
        raise refusal(option, value, "Give a list")
    return tuple(value)


def several(of: tuple[str, ...], *, metavar: str, least: int = 0) -> Kind:
    """Different words out of ``of``, at least ``least`` of them."""

    def read(option: str, value: Any) -> tuple[str, ...]:
        chosen = _items(option, value)
        unknown = [word for word in chosen if not isinstance(word, str) or word not in of]
        if unknown or len(chosen) < least or len(set(chosen)) < len(chosen):
            wrong = unknown[0] if unknown else list(chosen)
            raise refusal(option, wrong, f"Choose from {', '.join(of)}")
        return chosen

    return Kind(read, metavar)


def _paths(option: str, value: Any) -> tuple[Path, ...]:
    # The name of a file may hold commas.
    paths = (value,) if isinstance(value, str) else _items(option, value)
    if not all(isinstance(path, (str, Path)) and _is_name(path) for path in paths):
        raise refusal(option, list(paths), "Give paths")
    return tuple(Path(path) for path in paths)


def _comparators(option: str, value: Any) -> tuple[str, ...]:
    """Models to compare with, each once; whether there are such is seen before the run."""
    names = _items(option, value)
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise refusal(option, list(names), "Give each model once, such as theta,ets,my.py:Mine")
    return names


def _flow(option: str, value: Any) -> tuple[str, ...]:
    codes = _items(option, value)
    if not all(isinstance(code, str) for code in codes):
        raise refusal(option, list(codes), "Give codes such as DEU,FRA")
    return codes


def _horizons(option: str, value: Any) -> tuple[int, ...]:
    """Sorted; spans such as ``"1-5"`` become their years."""
    years = tuple(year for item in _items(option, value) for year in _span(item))
    is_valid = all(_is_whole(year, 1, LONGEST_HORIZON) for year in years)
    if not years or not is_valid or len(set(years)) < len(years):
        remedy = f"Give different whole years from 1 to {LONGEST_HORIZON}"
        raise refusal(option, list(years), remedy)
    return tuple(sorted(int(year) for year in years))


def _span(value: Any) -> list[Any]:
    ends = isinstance(value, str) and re.fullmatch(r"\s*(\d{1,2})\s*-\s*(\d{1,2})\s*", value)
    return [*range(int(ends[1]), int(ends[2]) + 1)] if ends else [_number(value)]


def _codes(option: str, value: Any) -> tuple[str, ...]:
    """User-assigned country codes: any other may be a country's some day."""
    if isinstance(value, str):
        value = re.split(r"[,\s]+", value.strip())
    if not isinstance(value, (list, tuple)):
        raise refusal(option, value, "Give codes such as XEU,XAS")
    codes = tuple(dict.fromkeys(str(code) for code in value if code != ""))
    if codes:
        # Only here, since it loads pandas.
        from features.countries.panel_codes import is_user_assigned

        for code in codes:
            if not is_user_assigned(code):
                remedy = "Use codes that ISO 3166 leaves to users: XAA to XZZ, QMA to QZZ, AA., ZZ."
                raise refusal(option, code, remedy)
    return codes


# Mappings -----------------------------------------------------------------------------------------


def _columns(option: str, value: Any) -> Mapping[str, str]:
    """Columns by role, of a mapping or of ``exporter=reporter,value=cif``."""
    value = {} if value is None else value
    if isinstance(value, str):
        value = words(value)
    if isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value):
        pairs = [word.partition("=") for word in value]
        value = {role.strip(): column.strip() for role, _, column in pairs}
    if not isinstance(value, Mapping):
        raise refusal(option, value, "Give exporter=COLUMN,importer=COLUMN")
    columns = {str(role): str(column) for role, column in value.items()}
    if "value_usd" in columns:
        columns["value"] = columns.pop("value_usd")
    for role, column in columns.items():
        if role not in ROLES:
            raise refusal(option, f"{role}={column}", f"Name one of {', '.join(ROLES)}")
        if not column:
            raise refusal(option, role, f"Give {role}=COLUMN")
    return MappingProxyType(columns)


def _booster_params(option: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise refusal(option, value, "Give LightGBM parameters as `name: value`")
    params = {name: _power(parameter) for name, parameter in value.items()}
    if params:
        check_params(params)
    return MappingProxyType(params)


def _power(value: Any) -> Any:
    """A number out of text such as ``"1e-2"``, which YAML reads as a word."""
    number = r"[-+]?[0-9]+\.?[0-9]*[eE][-+]?[0-9]{1,3}"
    return float(value) if isinstance(value, str) and re.fullmatch(number, value) else value


def _learner(option: str, value: Any) -> str:
    """A learner as text; an object is named by its class and parameters."""
    if value is None:
        raise refusal(option, value, "Give lightgbm, or a learner of scikit-learn's kind")
    if not isinstance(value, str):
        return text_of(value)
    check_text(value)
    return value.strip()


def _modules(option: str, value: Any) -> tuple[str, ...]:
    """Modules by name or path; a module that is imported stands for its file."""
    given = (value,) if isinstance(value, (str, Path, ModuleType)) else _items(option, value)
    names = [_module(one) for one in given]
    if not all(isinstance(name, str) and name for name in names) or len({*names}) < len(names):
        raise refusal(option, names, "Give names of modules, or paths of files that end in .py")
    return tuple(str(name) for name in names)


def _module(one: Any) -> Any:
    if isinstance(one, ModuleType):
        return one.__name__
    return str(one) if isinstance(one, Path) else one


SWITCH = Kind(_switch)
PATH = Kind(_path, "PATH")
PATHS = Kind(_paths, "PATH", repeats=True)
NAME = Kind(_name, "NAME")
CLUSTER = Kind(_cluster, "ADDRESS")
DAY = Kind(_day, "YYYY-MM-DD")
FLOW = Kind(_flow, "EXPORTER,IMPORTER[,SECTOR]")
HORIZONS = Kind(_horizons, "YEARS")
CODES = Kind(_codes, "CODE,...")
COLUMNS = Kind(_columns, "ROLE=COLUMN,...")
MODULES = Kind(_modules, "MODULE", repeats=True)
COMPARATORS = Kind(_comparators, "MODEL,...")
LEARNER = Kind(_learner, "LEARNER")
BOOSTER_PARAMS = Kind(_booster_params, "NAME: VALUE")
