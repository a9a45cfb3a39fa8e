"""Names of settings, metrics and strata in words; those of models are in `models.registry`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from features.choices import SETTINGS
from forecasting.evaluation.metric_labels import COMPARED
from models.registry import model_names

SETTING_LABELS: Mapping[str, str] = dict(
    zip(SETTINGS, ("Reports known", "Totals known", "Ex ante"), strict=True)
)
SETTING_WORDS: Mapping[str, str] = dict(
    zip(
        SETTINGS,
        (
            "with what countries had reported of the year after the last known one",
            "with published totals of the year after the last known one",
            "with nothing known after the last known year",
        ),
        strict=True,
    )
)
"""What a setting takes as known, in a sentence."""
METRIC_LABELS: Mapping[str, str] = {metric.name: metric.label for metric in COMPARED}
STRATUM_LABELS: Mapping[str, str] = {
    "all": "All flows",
    "zero_origin": "Zero in the origin year",
    "reported_by_both": "Reported by both countries",
    "reported_by_one": "Reported by one country",
    "reported_by_none": "Reported by neither country",
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
    return _in_order(table["setting"], SETTINGS)


def cells_of(table: pd.DataFrame) -> Iterator[tuple[str, int]]:
    """List the settings and horizons of a table of scores in the order of reports."""
    for setting in settings_of(table):
        block = table[table["setting"] == setting]
        yield from ((setting, int(horizon)) for horizon in sorted(block["horizon"].unique()))


def models_of(table: pd.DataFrame) -> list[str]:
    """List the models of a table of scores in the order of reports."""
    return _in_order(table["model"], model_names())


def _in_order(present: pd.Series[Any], known: Sequence[str]) -> list[str]:
    found = [str(name) for name in present.unique()]
    return [n for n in known if n in found] + sorted(n for n in found if n not in known)
