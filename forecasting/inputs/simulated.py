"""The simulated worlds as inputs of a run without a trade file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from features.choices import DomesticFlows, SimulatedWorld
from features.data.input_output import InputOutputTable
from features.data.panel import TradePanel
from features.data.reports import Reports, with_assumed_revisions
from features.world.sector_world import SectorWorld, simulate_sector_world
from features.world.world import simulate_world
from forecasting.options.run_config import RunConfig

_COUNTRIES = 16
"""With sectors: flows are forecast with and without reports, and a run must stay short."""


@dataclass(frozen=True, slots=True)
class SimulatedData:
    """A simulated world in the form of a run's inputs.

    Attributes
    ----------
    name
        What ``run.json`` calls it.
    trade, domestic
        Flows, and what sales at home are.
    indicators, catalogue
        Indicators of countries, and what they are.
    pairs
        Names and tables of pair attributes.
    sectors
        Sector table; None without sectors.
    tables
        Input-output tables by year; None without any.
    reports, monthly
        What countries declare, and monthly trade; None without any.
    """

    name: str
    trade: pd.DataFrame
    domestic: DomesticFlows
    indicators: pd.DataFrame
    catalogue: pd.DataFrame
    pairs: tuple[tuple[str, pd.DataFrame], ...]
    sectors: pd.DataFrame | None = None
    tables: Mapping[int, InputOutputTable] | None = None
    reports: pd.DataFrame | None = None
    monthly: pd.DataFrame | None = None

    def reports_of(self, panel: TradePanel, config: RunConfig) -> Reports | None:
        """What countries declare of the panel's flows; None without reports."""
        if self.reports is None:
            return None
        # Every row has the day it came out.
        reports = Reports.from_frame(self.reports, flows=panel.flows, delays={})
        return with_assumed_revisions(
            reports, scale=config.report_revisions, seed=config.seed, until=panel.last_year
        )


def simulated_data(world: SimulatedWorld, *, seed: int) -> SimulatedData:
    """Simulate one of the worlds."""
    if world == "sectors":
        return data_of_sector_world(simulate_sector_world(seed=seed, n_countries=_COUNTRIES))
    return _goods(seed)


def _goods(seed: int) -> SimulatedData:
    world = simulate_world(seed=seed)
    return SimulatedData(
        name="simulated world",
        trade=world.trade,
        domestic="apart",
        indicators=world.indicators,
        catalogue=world.catalogue,
        pairs=(("geography", world.geography), ("agreements", world.agreements)),
    )


def data_of_sector_world(world: SectorWorld) -> SimulatedData:
    """A world with sectors in the form of a run's inputs."""
    return SimulatedData(
        name="simulated world with sectors",
        trade=world.trade,
        domestic="include",
        indicators=world.indicators,
        catalogue=world.catalogue,
        pairs=(("geography", world.geography), ("agreements", world.agreements)),
        sectors=world.sectors,
        tables=world.tables,
        reports=world.reports,
        monthly=world.monthly,
    )
