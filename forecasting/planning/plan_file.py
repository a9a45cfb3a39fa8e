"""``plan.yaml`` as a user writes it, with a strict schema: an unknown key names the nearest one."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from features.errors import InputError, cut
from features.files.tables import CSV_SUFFIXES
from features.files.workbooks import WORKBOOK_SUFFIXES
from forecasting.options.yaml_file import read_options

FEWEST_DRAWS, MOST_DRAWS = 40, 2_000
"""Bounds of 50 and 90 % fall between two draws of a multiple of 20 from 40 up."""
_NAME = re.compile(r"\w[\w .-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of supplier shares.

    Attributes
    ----------
    largest_share
        Of a single supplier country.
    groups
        Largest share of countries together, by what names them, such as ``CHN+VNM`` or ``ASEAN``.
    budget
        Money a year for all that an item's suppliers deliver; infinite where there is none.
    """

    largest_share: float = 1.0
    groups: Mapping[str, float] = field(default_factory=dict)
    budget: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How shares weigh risk.

    Attributes
    ----------
    weight
        Of the CVaR of shortfall against cost, which is relative to the cheapest supplier.
    level
        Of CVaR.
    shortfall_cost
        Of orders not delivered, on average, in the cheapest supplier's price.
    switching_cost
        Of each unit of share given up or taken on, in the cheapest supplier's price.
    """

    weight: float = 1.0
    level: float = 0.9
    shortfall_cost: float = 1.0
    switching_cost: float = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan as written.

    Attributes
    ----------
    name
        Of its folder.
    items, suppliers, history
        Files; the last two may be absent.
    year
        Year to plan; None for the first that was not over when the forecast was made.
    demand_year
        Year that the items' demand is of; None for the one before.
    service_level
        Of items that give neither it nor a stock-out cost; None where all must.
    risk, limits
        Of the choice of suppliers.
    draws
        Joint draws, a multiple of 20 from 40 up.
    file
        Where it was read from.
    """

    name: str
    items: Path
    suppliers: Path | None = None
    history: Path | None = None
    year: int | None = None
    demand_year: int | None = None
    service_level: float | None = None
    risk: Risk = field(default_factory=Risk)
    limits: Limits = field(default_factory=Limits)
    draws: int = 200
    file: Path


def read_plan(path: Path | str) -> PlanFile:
    """Read ``plan.yaml``; or a table of items, which is a plan of nothing else.

    Raises
    ------
    InputError
        If the file cannot be read, or a key or value is not possible.
    """
    path = Path(path)
    if path.name.lower().endswith((".parquet", *CSV_SUFFIXES, *WORKBOOK_SUFFIXES)):
        return PlanFile(name=_Reader(path).name("name", path.stem), items=path, file=path)
    reader = _Reader(path)
    given = read_options(path)
    reader.only(given, _TOP, "a plan")
    if "items" not in given:
        raise reader.refusal("the plan has no `items`", "Name the file of items: items: items.csv")
    written = {key: _TOP[key](reader, key, value) for key, value in given.items()}
    return PlanFile(**{"name": path.stem, **written}, file=path)


class _Reader:
    """Reads values of one file; errors name it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def refusal(self, problem: str, remedy: str) -> InputError:
        return InputError(problem, remedy=remedy, file=self.file)

    def only(self, given: Mapping[Any, Any], known: Mapping[str, Any], what: str) -> None:
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.4)
                hint = f"Did you mean {near[0]!r}?" if near else f"Choose {', '.join(known)}"
                raise self.refusal(f"{what} has no key {cut(str(key))!r}", hint)

    def part(self, key: str, value: Any, known: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}",
                               f"Give a mapping of {', '.join(known)}")  # fmt: skip
        self.only(value, known, repr(key))
        return {name: known[name](self, name, cell) for name, cell in value.items()}

    def name(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            remedy = "Give letters, digits, spaces, points and hyphens, at most 100"
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}", remedy)
        return value

    def path(self, key: str, value: Any) -> Path:
        if not isinstance(value, str):
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}", "Give the path of a file")
        return self.file.parent / value

    def year(self, key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}", "Give a year")
        return value

    def number(self, key: str, value: Any) -> float:
        """A number, or a percentage such as ``25%``."""
        text = str(value).strip()
        try:
            found = math.nan if isinstance(value, bool) else float(text.removesuffix("%"))
        except ValueError:
            found = math.nan
        if not math.isfinite(found) or found < 0:
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}",
                               "Give a number of at least 0, or one such as 25%")  # fmt: skip
        return found / 100 if text.endswith("%") else found

    def positive(self, key: str, value: Any) -> float:
        found = self.number(key, value)
        if found == 0:
            raise self.refusal(f"{key!r} cannot be 0", "Give a number above 0")
        return found

    def share(self, key: str, value: Any) -> float:
        found = self.positive(key, value)
        if found > 1:
            raise self.refusal(f"{key!r} cannot be {found:g}", "Give a share of at most 1 or 100%")
        return found

    def level(self, key: str, value: Any) -> float:
        found = self.share(key, value)
        if found == 1:
            raise self.refusal(f"{key!r} cannot be 100 %: no stock is sure to last",
                               "Give less, such as 99%")  # fmt: skip
        return found

    def draws(self, key: str, value: Any) -> int:
        found = self.number(key, value)
        if not FEWEST_DRAWS <= found <= MOST_DRAWS or found % 20:
            remedy = f"Give a multiple of 20 from {FEWEST_DRAWS} to {MOST_DRAWS:,}"
            raise self.refusal(f"{key!r} cannot be {found:g}", remedy)
        return int(found)

    def groups(self, key: str, value: Any) -> dict[str, float]:
        if not isinstance(value, Mapping):
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}",
                               "Give shares by group, such as {CHN+VNM: 40%}")  # fmt: skip
        return {str(name): self.share(str(name), share) for name, share in value.items()}

    def limits(self, key: str, value: Any) -> Limits:
        return Limits(**self.part(key, value, _LIMITS))

    def risk(self, key: str, value: Any) -> Risk:
        return Risk(**self.part(key, value, _RISK))


_LIMITS: dict[str, Callable[..., Any]] = {
    "largest_share": _Reader.share,
    "groups": _Reader.groups,
    "budget": _Reader.positive,
}
_RISK: dict[str, Callable[..., Any]] = {
    "weight": _Reader.number,
    "level": _Reader.level,
    "shortfall_cost": _Reader.number,
    "switching_cost": _Reader.number,
}
_TOP: dict[str, Callable[..., Any]] = {
    "name": _Reader.name,
    "items": _Reader.path,
    "suppliers": _Reader.path,
    "history": _Reader.path,
    "year": _Reader.year,
    "demand_year": _Reader.year,
    "service_level": _Reader.level,
    "risk": _Reader.risk,
    "limits": _Reader.limits,
    "draws": _Reader.draws,
}
