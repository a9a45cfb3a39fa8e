"""A scenario as a user wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from forecasting.scenarios.estimate import TRADE_ELASTICITY, Estimate
from models.counterfactual import Deficits

Names = tuple[str, ...]
DRAWS = 200
FEWEST_DRAWS, MOST_DRAWS = 40, 10_000
"""Bounds of 50 and 90 % fall between two draws of a multiple of 20 from 40 up."""
EVERYONE = ("world",)
FROM_MODEL = "from_model"
"""In place of an effect: estimate it on the run's data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a scenario, as written.

    Attributes
    ----------
    kind
        One of `KINDS`.
    exporters, importers
        Countries or groups by name whose trade it touches; `EVERYONE` where not given.
    members
        Parties of an agreement, countries or groups: trade between two parties is touched.
    both_ways
        Whether it also touches trade in the other direction.
    sectors
        Empty for all.
    size
        A ratio: the tariff, the change of the cost or of productivity.
    effect
        Of an agreement on the log of a flow; of one unit of an indicator, on the log of a flow.
    path
        Change of an indicator by year, in its unit.
    indicator
        Its name.
    from_model
        Series or pair attribute of the run whose effect is to be estimated on the run's data;
        ``effect`` is None until then. Empty where the effect is stated.
    phase
        Share of the change in force by year; in force throughout where empty.
    """

    kind: str
    exporters: Names = EVERYONE
    importers: Names = EVERYONE
    members: Names = ()
    both_ways: bool = False
    sectors: Names = ()
    size: float = 0.0
    effect: Estimate | None = None
    path: Mapping[int, float] = field(default_factory=dict)
    indicator: str = ""
    from_model: str = ""
    phase: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFile:
    """A scenario as written.

    Attributes
    ----------
    name
        Of its folder.
    text
        What it asks, in the user's words.
    changes
        What changes.
    years
        Target years; all of the run where empty.
    elasticity
        Of trade to costs (theta), one for all sectors or by sector.
    elasticity_of_others
        Of sectors that ``elasticity`` does not name; None if there is none.
    elasticity_file
        Table of elasticities by sector, or None.
    product_sectors
        Table of the sector of every product, or a level of the Harmonized System;
        ``elasticity_file`` is then CEPII's table by product, or its key in the store.
    supply_elasticity
        psi, at least 0.
    deficits
        How a trade deficit moves with income.
    domestic_sales
        Table of what countries sell to themselves, or None.
    tables
        Folder of input-output tables, or None.
    groups
        Own groups of countries by name.
    draws
        Joint draws behind intervals; 0 for none.
    file
        Where it was read from.
    """

    name: str
    text: str = ""
    changes: tuple[Change, ...]
    years: tuple[int, ...] = ()
    elasticity: Estimate | Mapping[str, Estimate] = TRADE_ELASTICITY
    elasticity_of_others: Estimate | None = None
    elasticity_file: Path | None = None
    product_sectors: Path | str | None = None
    supply_elasticity: float = 0.0
    deficits: Deficits = "multiplicative"
    domestic_sales: Path | None = None
    tables: Path | None = None
    groups: Mapping[str, Names] = field(default_factory=dict)
    draws: int = DRAWS
    file: Path
