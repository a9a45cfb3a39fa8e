"""What a plan returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

TABLES = ("demand", "inventory", "risk", "shares", "frontier")
"""Tables of a plan, each a Parquet file and a sheet; one without rows is not written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """A plan.

    Attributes
    ----------
    name
        Of its folder.
    demand
        See `demand.demand_table`.
    inventory
        See `stock.stock_table`; empty for the view of a market.
    risk
        See `sourcing.risk_table`.
    shares, frontier
        See `sourcing.share_tables`.
    record
        What the plan rests on: year, setting, files, limits.
    """

    name: str
    demand: pd.DataFrame
    inventory: pd.DataFrame
    risk: pd.DataFrame
    shares: pd.DataFrame
    frontier: pd.DataFrame
    record: dict[str, Any]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables with rows, by name."""
        found = {name: getattr(self, name) for name in TABLES}
        return {name: table for name, table in found.items() if len(table)}
