"""Entries that ``run.json`` must have, so that readers of a run can rely on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from features.choices import SETTINGS
from features.errors import InputError

_ALWAYS: dict[str, type] = {
    "config": dict,
    "data": list,
    "as_of": str,
    "origin": int,
    "horizons": list,
    "setting": str,
    "seed": int,
    "versions": dict,
    "explained": dict,
    "notes": list,
    "seconds": dict,
}
_OF_A_RUN: dict[str, type] = {
    "nested_choices": dict,
    "audit": dict,
    "measures_missing": dict,
    "sector_names": dict,
}
_SOURCE: dict[str, type] = {"role": str, "path": str, "sha256": str, "statements": list}


def check_about(about: Mapping[str, Any], *, file: object, remedy: str) -> None:
    """Refuse a ``run.json`` that lacks an entry or has one of the wrong type.

    Raises
    ------
    InputError
        Names the first such entry.
    """
    required = {**_ALWAYS, **(_OF_A_RUN if about.get("kind") == "run" else {})}
    wrong = [name for name, kind in required.items() if type(about.get(name)) is not kind]
    if about.get("kind") not in ("run", "forecast"):
        wrong.insert(0, "kind")
    if not wrong:
        wrong = _damaged(about)
    if wrong:
        raise InputError(f"the entry {wrong[0]!r} is missing or damaged", remedy=remedy, file=file)


def _damaged(about: Mapping[str, Any]) -> list[str]:
    """Entries of the right type with the wrong content."""
    valid = {
        "data": all(
            isinstance(source, dict)
            and all(type(source.get(name)) is kind for name, kind in _SOURCE.items())
            for source in about["data"]
        ),
        "as_of": _is_day(about["as_of"]),
        "horizons": all(type(horizon) is int for horizon in about["horizons"]),
        "setting": about["setting"] in SETTINGS,
        "versions": all(type(version) is str for version in about["versions"].values())
        and "gravicast" in about["versions"],
        "notes": all(type(note) is str for note in about["notes"]),
        "seconds": all(type(took) in (int, float) for took in about["seconds"].values()),
    }
    return [name for name, right in valid.items() if not right]


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
