"""What a scenario returns: tables, and what each number rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

FULL = "full"
"""The answer that goes furthest."""
NOT_ESTIMATED = (
    "flows that the baseline does not have: nothing new begins to be traded",
    "answers of third countries' policies, anticipation, and the time adjustment takes",
    "tariff revenue and what is done with it",
    "the booster's answer to a changed feature, which is no effect",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """A scenario answered.

    Attributes
    ----------
    name, text
        As the user named and described it.
    flows
        One row per flow and target year: ``exporter, importer, [sector], target_year, baseline,
        partial, conditional, full`` (USD; NaN without a full equilibrium), ``difference`` (of the
        answer that goes furthest, USD), ``lower_50 ... upper_90`` of the flow afterwards and
        ``difference_lower_50 ...`` of the difference.
    countries, groups
        The same of sums: ``unit, side`` (exports, imports, within); ``percent`` and its bounds.
        The world is among the groups.
    welfare
        ``country, target_year, percent`` and its bounds: spending over its price index; empty
        without a full equilibrium.
    measures
        ``measure, country, partner, sector, target_year, baseline, scenario, difference``.
    draws
        One row per unit and year, and per flow among those that move most (``side`` is ``flow``):
        ``unit, side, target_year``, and the difference by draw, USD, in
        ``draw_0, draw_1, ...``. The same draw of two scenarios of a run is the same future. Empty
        without intervals.
    record
        Closure, elasticities and effects with sources, support, what is not estimated.
    """

    name: str
    text: str
    flows: pd.DataFrame
    countries: pd.DataFrame
    groups: pd.DataFrame
    welfare: pd.DataFrame
    measures: pd.DataFrame
    draws: pd.DataFrame
    record: dict[str, Any]

    @property
    def sectors(self) -> Mapping[str, str]:
        """Names of sectors by code; empty where the data have none."""
        names: Mapping[str, str] = self.record.get("sector_names", {})
        return names

    @property
    def answer(self) -> str:
        """The answer that goes furthest: ``full`` or ``conditional``."""
        return str(self.record["answer"])
