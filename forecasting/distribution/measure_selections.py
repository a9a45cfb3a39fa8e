"""Measures of the trade pattern that a user names, in the grammar of sums of flows.

A selection is ``COUNTRY:MEASURE`` (``VNM:supplier_concentration``), with a partner or a sector
after it where the measure has one: ``CHN:market_share:USA`` is China's share in the United States'
imports, ``DEU:export_structure:machines`` the share of machines in Germany's exports. Measures of a
sector alone are the world's: ``world:exporter_concentration:software``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from features.countries.groups import find_group
from features.countries.panel_codes import AGGREGATES
from features.errors import InputError
from features.measures.catalogue import MEASURES, UNMET
from features.measures.measure import Measure, PanelContext
from forecasting.distribution.selections import WORLD, check_sector, parts_of
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_country

_BY_NAME = {measure.name: measure for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class MeasureSelection:
    """A measure of one unit.

    Attributes
    ----------
    text
        As the user wrote it.
    measure
        Its declaration.
    unit
        Codes of its dimensions, in their order: countries, and a sector.
    """

    text: str
    measure: Measure
    unit: tuple[str, ...]

    def place(self, context: PanelContext) -> tuple[int, ...]:
        """Where the unit stands in the values of the measure."""
        names = {"sector": context.sectors}
        return tuple(
            names.get(dimension, context.countries).index(code)
            for dimension, code in zip(self.measure.of, self.unit, strict=True)
        )


def apart(of: str | Sequence[str]) -> tuple[list[str], list[str]]:
    """Selections of sums and of measures, in the order given."""
    found: tuple[list[str], list[str]] = ([], [])
    for text in parts_of(of):
        found[_named(text) is not None].append(text)
    return found


def _named(text: str) -> Measure | None:
    """The measure that a selection names, if any."""
    words = [word.strip() for word in text.split(":")]
    return _BY_NAME.get(words[1].casefold()) if len(words) > 1 else None


def measure_selections(run: RunResult, of: str | Sequence[str]) -> tuple[MeasureSelection, ...]:
    """Selections of measures, checked against a run.

    Raises
    ------
    InputError
        If one names no measure, or a unit that the run lacks, or a measure without draws.
    """
    found = tuple(_selection(run, text) for text in parts_of(of))
    if not found:
        raise InputError("no measure is named", remedy="Write COUNTRY:MEASURE")
    return found


def _selection(run: RunResult, text: str) -> MeasureSelection:
    measure = _named(text)
    if measure is None:
        raise InputError(
            f"{text!r} is not a measure of a country",
            remedy="Write COUNTRY:MEASURE; `gravicast measures --list` has the measures",
        )
    _check_drawn(measure, run.forecasts)
    first, _, *rest = (word.strip() for word in text.split(":"))
    of_world = measure.of[0] == "sector"
    given = rest if of_world else [first, *rest]
    if len(given) != len(measure.of) or (of_world and first.casefold() != WORLD):
        raise InputError(f"{text!r} is not a unit of the measure", remedy=f"Write {_form(measure)}")
    unit = tuple(
        check_sector(run.forecasts, word) if dimension == "sector" else _country(run, word)
        for dimension, word in zip(measure.of, given, strict=True)
    )
    if len(unit) == 2 and unit[0] == unit[1]:
        raise InputError(
            f"{text!r}: a country is not its own partner", remedy="Give two different countries"
        )
    return MeasureSelection(text, measure, unit)


def _form(measure: Measure) -> str:
    """How a unit of a measure is written."""
    words = ["SECTOR" if dimension == "sector" else "COUNTRY" for dimension in measure.of]
    if measure.of[0] == "sector":
        words.insert(0, WORLD)
    return ":".join([words[0], measure.name, *words[1:]])


def _country(run: RunResult, word: str) -> str:
    group = find_group(word)
    if group is not None:
        raise InputError(
            f"a measure is of one country, and {group.name} is a group", remedy="Name a country"
        )
    code = check_country(run.forecasts, word)
    if code in AGGREGATES:
        raise InputError(f"{code} is no country", remedy="Name a country")
    return code


def _check_drawn(measure: Measure, forecasts: pd.DataFrame) -> None:
    """Refuse measures of sectors without any, and those that are not of amounts."""
    if "sectors" in measure.needs and "sector" not in forecasts:
        raise InputError(
            f"the run cannot measure {measure.name}: {UNMET['sectors']}",
            remedy="Choose another measure: `gravicast measures --list` has what each needs",
        )
    why = ""
    if measure.family == "links":
        why = "comes from chances that links open and close, which draws of amounts do not hold"
    if "tables" in measure.needs:
        why = "takes an input-output table, which draws of flows do not have"
    if why:
        raise InputError(
            f"{measure.name} {why}",
            remedy=f"`gravicast measures {measure.name} RUN` has intervals of its own past errors",
        )
