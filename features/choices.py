"""The words that options about data take. It imports nothing, so that the command line is quick."""

from __future__ import annotations

from typing import Literal

AbsentFlows = Literal["auto", "zero", "missing"]
NegativeFlows = Literal["error", "zero"]
DomesticFlows = Literal["apart", "include"]
LateReports = Literal["auto", "missing", "zero"]
SimulatedWorld = Literal["sectors", "goods"]
Universe = Literal["auto", "dense", "active"]
FlowDirection = Literal["exports", "imports"]
Unit = Literal["usd", "thousand", "million", "billion"]
Decimal = Literal[".", ","]

Setting = Literal["reports_known", "totals_known", "ex_ante"]
SETTINGS: tuple[Setting, ...] = ("reports_known", "totals_known", "ex_ante")
"""From the most that is known beside the flows of the origin to the least."""
REPORTS_KNOWN, TOTALS_KNOWN, EX_ANTE = SETTINGS

ROLES = ("exporter", "importer", "year", "month", "sector", "value")
"""Columns of a trade table that a user may name."""
