"""``scenario.yaml``: a scenario as a user writes it, with a strict schema.

An unknown key names the nearest one. Countries, groups, sectors and years are checked against the
run by `forecasting.scenarios.binding`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from features.channels.trade_policy import AGREEMENT
from features.errors import InputError, cut
from features.store.registry import is_key
from forecasting.options.yaml_file import read_options
from forecasting.scenarios.estimate import AGREEMENT_EFFECT, Estimate
from forecasting.scenarios.product_elasticities import LEVELS
from forecasting.scenarios.written import (
    FEWEST_DRAWS,
    FROM_MODEL,
    MOST_DRAWS,
    Change,
    Names,
    ScenarioFile,
)
from models.counterfactual import Deficits

LARGEST_PLAIN = 2.0
"""Ratios from here on must be written with a percent sign: ``tariff: 25`` is a slip for 25%."""


def read_scenario(path: Path | str) -> ScenarioFile:
    """Read a scenario.

    Raises
    ------
    InputError
        If the file cannot be read, or a key or value is not possible; an unknown key names the
        nearest.
    """
    path = Path(path)
    reader = _Reader(path)
    given = read_options(path)
    reader.only(given, _TOP, "a scenario")
    written = {key: reader.top(key, value) for key, value in given.items()}
    if "changes" not in written:
        raise reader.refusal("the scenario has no `changes`", f"List what changes: {_KINDS_WORD}")
    if not isinstance(written.get("elasticity", 1.0), (float, Estimate)):
        written.update(written.pop("elasticity"))
    return ScenarioFile(**{"name": path.stem, **written}, file=path)


class _Reader:
    """Reads values of one file; errors name it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def refusal(self, problem: str, remedy: str) -> InputError:
        return InputError(problem, remedy=remedy, file=self.file)

    def only(self, given: Mapping[Any, Any], known: Sequence[str], what: str) -> None:
        """Refuse keys that are not known; name the nearest."""
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.4)
                hint = f"Did you mean {near[0]!r}?" if near else f"Choose {', '.join(known)}"
                raise self.refusal(f"{what} has no key {cut(str(key))!r}", hint)

    def top(self, key: str, value: Any) -> Any:
        """A value of the top level."""
        return _TOP_READERS[key](self, key, value)

    # One value ------------------------------------------------------------------------------------

    def name(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"\w[\w .-]{0,99}", value):
            remedy = "Give letters, digits, spaces, points and hyphens, at most 100"
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}", remedy)
        return value

    def text(self, key: str, value: Any) -> str:
        if not isinstance(value, str):
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}", "Give text")
        return value

    def number(self, key: str, value: Any) -> float:
        """A number, or a percentage such as ``25%``."""
        text = str(value).strip()
        share = text.endswith("%")
        try:
            found = math.nan if isinstance(value, bool) else float(text.removesuffix("%"))
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}",
                               "Give a number, or a percentage such as 25%")  # fmt: skip
        return found / 100 if share else found

    def not_negative(self, key: str, value: Any) -> float:
        found = self.number(key, value)
        if found < 0:
            raise self.refusal(f"{key!r} cannot be {found:g}", "Give a number of at least 0")
        return found

    def draws(self, key: str, value: Any) -> int:
        found = self.number(key, value)
        if found != 0 and (not FEWEST_DRAWS <= found <= MOST_DRAWS or found % 20):
            remedy = f"Give a multiple of 20 from {FEWEST_DRAWS} to {MOST_DRAWS:,}, or 0 for none"
            raise self.refusal(f"{key!r} cannot be {found:g}", remedy)
        return int(found)

    def deficits(self, key: str, value: Any) -> str:
        if value not in get_args(Deficits):
            remedy = f"Choose {' or '.join(get_args(Deficits))}"
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}", remedy)
        return str(value)

    def switch(self, key: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}", "Give true or false")
        return value

    def path(self, key: str, value: Any) -> Path:
        """A path, from the folder of the scenario."""
        return self.file.parent / self.text(key, value)

    def path_or_key(self, key: str, value: Any) -> Path:
        """A path, or the key of a data set in the store."""
        path = self.path(key, value)
        return Path(value) if is_key(value) and not path.exists() else path

    def year(self, key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refusal(f"{cut(repr(value))} in {key!r} is not a year", "Give whole years")
        return value

    # Several values -------------------------------------------------------------------------------

    def names(self, key: str, value: Any) -> Names:
        """Different names, of a list or a text between commas."""
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(word, str) for word in items):
            remedy = "Give names such as CHN or [EU27, USA]"
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}", remedy)
        found = tuple(word.strip() for word in items if word.strip())
        if not found:
            raise self.refusal(f"{key!r} names nothing", "Give at least one name")
        twice = [word for word in found if found.count(word) > 1]
        if twice:
            raise self.refusal(f"{twice[0]} is in {key!r} twice", "Name it once")
        return found

    def years(self, key: str, value: Any) -> tuple[int, ...]:
        items = value if isinstance(value, list) else [value]
        return tuple(sorted({self.year(key, item) for item in items}))

    def by_year(self, key: str, value: Any) -> dict[int, float]:
        if not isinstance(value, Mapping) or not value:
            remedy = "Give `year: value`, such as {2026: 50%, 2027: 100%}"
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}", remedy)
        return {self.year(key, y): self.number(key, v) for y, v in sorted(value.items())}

    def groups(self, key: str, value: Any) -> dict[str, Names]:
        if not isinstance(value, Mapping):
            remedy = "Give `name: [countries]`"
            raise self.refusal(f"{key!r} cannot be {cut(repr(value))}", remedy)
        return {self.name(key, name): self.names(str(name), of) for name, of in value.items()}

    # Estimates ------------------------------------------------------------------------------------

    def estimate(self, key: str, value: Any) -> Estimate:
        """A number with its standard error and source."""
        if not isinstance(value, Mapping):
            raise self.refusal(
                f"{key!r} cannot be {cut(repr(value))}",
                "Give {value: ..., standard_error: ..., source: ...}",
            )
        self.only(value, ("value", "standard_error", "source", "is"), f"{key!r}")
        for needed in ("value", "standard_error", "source"):
            if needed not in value:
                raise self.refusal(
                    f"{key!r} does not state its {needed.replace('_', ' ')}",
                    "Give value, standard_error and source",
                )
        number = self.number(f"{key}: value", value["value"])
        if value.get("is", "theta") not in ("theta", "sigma"):
            raise self.refusal(
                f"{key!r} cannot be {cut(repr(value['is']))}",
                "Say `is: theta` (trade elasticity) or `is: sigma` (theta + 1)",
            )
        error = self.not_negative(f"{key}: standard_error", value["standard_error"])
        source = self.text(f"{key}: source", value["source"])
        return Estimate(number - (value.get("is") == "sigma"), error, source)

    def positive_estimate(self, key: str, value: Any) -> Estimate:
        if not isinstance(value, Mapping):
            raise self.refusal(
                f"{key!r} does not state its standard error and source",
                "Give value, standard_error and source",
            )
        found = self.estimate(key, value)
        if not found.value > 0:
            raise self.refusal(f"the trade elasticity {found.value:g} in {key!r} is not positive",
                               "Give theta above 0, or sigma above 1")  # fmt: skip
        return found

    def elasticity(self, key: str, value: Any) -> Any:
        """One for all sectors; or what ``sectors``, ``others`` and ``file`` say."""
        if not isinstance(value, Mapping) or "value" in value:
            return self.positive_estimate(key, value)
        self.only(value, ("value", *_ELASTICITIES), f"{key!r}")
        out: dict[str, Any] = {"elasticity": {}}
        if "sectors" in value:
            if not isinstance(value["sectors"], Mapping):
                raise self.refusal("'sectors' is not a mapping", "Give `sector: {value: ...}`")
            out["elasticity"] = {
                str(code): self.positive_estimate(f"{key} of {code}", of)
                for code, of in value["sectors"].items()
            }
        if "others" in value:
            out["elasticity_of_others"] = self.positive_estimate(
                f"{key} of others", value["others"]
            )
        if "file" in value:
            out["elasticity_file"] = self.path_or_key(key, value["file"])
        by_product = "elasticity_file" in out and is_key(str(out["elasticity_file"]))
        if by_product and "products" not in value:
            raise self.refusal(
                f"{value['file']} has elasticities by product, and `products` does not say of "
                "which sector each is",
                f"Give a table hs6, sector, or the level of the run's sectors: {', '.join(LEVELS)}",
            )
        if "products" in value:
            if "file" not in value:
                raise self.refusal("`products` stands without `file`", "Give both, or neither")
            is_level = value["products"] in LEVELS
            out["product_sectors"] = (
                value["products"] if is_level else self.path(key, value["products"])
            )
        return out

    # Changes --------------------------------------------------------------------------------------

    def changes(self, key: str, value: Any) -> tuple[Change, ...]:
        if not isinstance(value, list) or not value:
            raise self.refusal(f"{key!r} is not a list of changes", f"List {_KINDS_WORD}")
        return tuple(self.change(number, one) for number, one in enumerate(value, start=1))

    def change(self, number: int, given: Any) -> Change:
        """One change; its first word says which keys it may have."""
        kinds = [kind for kind in KINDS if isinstance(given, Mapping) and kind in given]
        if len(kinds) != 1:
            wrong = next(iter(given), "nothing") if isinstance(given, Mapping) else given
            near = difflib.get_close_matches(str(wrong), KINDS, n=1, cutoff=0.5)
            remedy = f"Did you mean {near[0]!r}?" if near else f"Give one of {_KINDS_WORD}"
            raise self.refusal(f"change {number} ({cut(str(wrong))}) is of no known kind", remedy)
        kind = kinds[0]
        self.only(given, (kind, *KINDS[kind], *_EVERY_CHANGE), f"change {number} ({kind})")
        out = {
            name: read(self, name, given[name]) for name, read in _PARTS.items() if name in given
        }
        if "from" in out:
            if "phase" in out:
                raise self.refusal(f"change {number} has both `from` and `phase`", "Keep one")
            out["phase"] = {out.pop("from"): 1.0}
        out.update(self._main(kind, given))
        return Change(kind=kind, **out)

    def _main(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """What stands at the kind's own key, and what that kind needs."""
        value = given[kind]
        if kind == "agreement":
            members = self.names(kind, value)
            if given.get("effect") == FROM_MODEL:
                return {"members": members, "from_model": AGREEMENT}
            effect = given.get("effect")
            found = AGREEMENT_EFFECT if effect is None else self.estimate("effect", effect)
            return {"members": members, "effect": found}
        if kind == "embargo":
            if "exporters" not in given and "importers" not in given:
                raise self.refusal("the embargo names no country", "Give exporters or importers")
            return {} if self.switch(kind, value) else {"phase": {0: 0.0}}
        if kind == "indicator":
            return self._indicator(given)
        size = self.number(kind, value)
        if isinstance(value, (int, float)) and size >= LARGEST_PLAIN:
            raise self.refusal(
                f"{'a tariff' if kind == 'tariff' else kind} of {value:g} is {size:.0%}",
                f"Write {value:g}% for {value:g} percent, or {size:.0%} if that is meant",
            )
        if size <= -1:
            problem = (
                f"{'a tariff' if kind == 'tariff' else kind} of {size:.0%} is not above -100 %"
            )
            raise self.refusal(problem, "Give a larger one; to stop trade, use an embargo")
        return {"size": size}

    def _indicator(self, given: Mapping[str, Any]) -> dict[str, Any]:
        for needed in ("semi_elasticity", "change"):
            if needed not in given:
                raise self.refusal(
                    f"the indicator {given['indicator']} has no {needed}",
                    "State the effect of one unit on the log of a flow, with its standard error "
                    f"and source, or {FROM_MODEL}, and the change by year: there is no default",
                )
        name = self.text("indicator", given["indicator"])
        out = {"indicator": name, "path": self.by_year("change", given["change"])}
        if given["semi_elasticity"] == FROM_MODEL:
            return {**out, "from_model": name}
        return {**out, "effect": self.estimate("semi_elasticity", given["semi_elasticity"])}


KINDS: dict[str, tuple[str, ...]] = {
    "tariff": ("exporters", "importers", "both_ways"),
    "agreement": ("effect",),
    "iceberg": ("exporters", "importers", "both_ways"),
    "embargo": ("exporters", "importers", "both_ways"),
    "productivity": ("exporters",),
    "indicator": ("exporters", "importers", "both_ways", "semi_elasticity", "change"),
}
"""Kinds of change and the keys of each, besides those of every change."""
_ELASTICITIES = ("sectors", "others", "file", "products")
_KINDS_WORD = ", ".join(KINDS)
_EVERY_CHANGE = ("sectors", "from", "phase")
_PARTS: dict[str, Callable[..., Any]] = {
    "exporters": _Reader.names,
    "importers": _Reader.names,
    "both_ways": _Reader.switch,
    "sectors": _Reader.names,
    "from": _Reader.year,
    "phase": _Reader.by_year,
}
_TOP_READERS: dict[str, Callable[..., Any]] = {
    "name": _Reader.name,
    "text": _Reader.text,
    "changes": _Reader.changes,
    "years": _Reader.years,
    "elasticity": _Reader.elasticity,
    "supply_elasticity": _Reader.not_negative,
    "deficits": _Reader.deficits,
    "domestic_sales": _Reader.path,
    "tables": _Reader.path,
    "groups": _Reader.groups,
    "draws": _Reader.draws,
}
_TOP = tuple(_TOP_READERS)
