"""Names of models, settings, metrics and strata in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    pass


MODEL_LABELS: Mapping[str, str] = {
    "gravicast": "gravicast",
    "without_technology": "without technology",
    "last_value_raked": "raked base",
    "last_value": "last value",
    "drift": "drift",
    "lightgbm_levels": "LightGBM, levels",
    "lightgbm_differences": "LightGBM, differences",
    "gravity_three_way": "gravity, three-way PPML",
    "gravity_dynamic": "gravity, dynamic PPML",
    "gravity_three_way_oracle": "gravity, three-way PPML with true totals (oracle)",
}
"""Models in words, in the order of reports."""


SETTING_LABELS: Mapping[str, str] = {
    "totals_known": "Totals known",
    "ex_ante": "Ex ante",
}


METRIC_LABELS: Mapping[str, str] = {
    "wape": "WAPE",
    "pattern_distance": "Pattern distance",
    "midpoint_mae": "Midpoint MAE",
    "log_mae": "Log MAE",
}


STRATUM_LABELS: Mapping[str, str] = {
    "all": "All flows",
    "zero_origin": "Zero in the origin year",
    "crisis": "Crisis target years",
    "calm": "Other target years",
}


def stratum(name: str) -> str:
    """Name a stratum in words."""
    if name.startswith("decile_"):
        return f"Size decile {name.removeprefix('decile_')}"
    return STRATUM_LABELS.get(name, name.replace("_", " ").capitalize())


def settings_of(table: pd.DataFrame) -> list[str]:
    """List the settings of a table of scores in the order of reports."""
    return _in_order(table["setting"], tuple(SETTING_LABELS))


def models_of(table: pd.DataFrame) -> list[str]:
    """List the models of a table of scores in the order of reports."""
    return _in_order(table["model"], tuple(MODEL_LABELS))


def _in_order(present: pd.Series[Any], known: Sequence[str]) -> list[str]:
    found = [str(name) for name in present.unique()]
    return [n for n in known if n in found] + sorted(n for n in found if n not in known)
