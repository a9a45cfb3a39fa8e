"""What a scenario's numbers rest on, in words for the terminal and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from forecasting.words.flows import flow_label, sector_label

FEW = 3
"""Sectors whose elasticity is spelled out; scenario.json has all."""


def rests_on(record: Mapping[str, Any]) -> list[str]:
    """One line each for closure, elasticities, changes, intervals and what is not estimated."""
    elasticities, names = record["trade_elasticity"], record.get("sector_names", {})
    lines = [f"closure: {record['closure']}; largest gap {record['largest_residual']:.0e}"]
    lines.append(f"domestic sales: {record['domestic_sales']}")
    lines += [
        f"trade elasticity theta ({sector_label(one['sector'], names)}): {_estimate(one)}"
        for one in elasticities[:FEW]
    ]
    if len(elasticities) > FEW:
        lines.append(f"trade elasticities of {len(elasticities) - FEW} more sectors: scenario.json")
    for one in record["changes"]:
        effect = f"; effect {_estimate(one['effect'])}" if one["effect"] else ""
        lines.append(f"{one['change']}{effect}; {one['support']}")
    lines.append(f"intervals: {record['uncertainty']}")
    lines += [
        f"{name}: the run lacks {', '.join(absent)}, left out"
        for name, absent in record["absent_members"].items()
    ]
    return [*lines, f"not estimated here: {'; '.join(record['not_estimated_here'])}"]


def _estimate(one: Mapping[str, Any]) -> str:
    error = one["standard_error"]
    spread = "no standard error" if error is None else f"s.e. {error:g}"
    return f"{one['value']:g} ({spread}; {one['source']})"


def flow_words(row: pd.Series[Any], sectors: Mapping[str, str]) -> str:
    """A flow in words; ``sectors`` are names by code."""
    names = ("exporter", "importer", "sector")
    return flow_label([str(row[name]) for name in names if name in row], sectors)
