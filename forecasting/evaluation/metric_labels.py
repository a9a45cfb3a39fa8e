"""Metrics by which models are compared, and how tables and figures show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric by which models are compared, as tables and figures show it.

    Attributes
    ----------
    name, label
        Column of the scores, and its name in words.
    unit, factor
        Unit it is shown in, and what a score is multiplied by for that.
    sees
        What it is and which flows weigh in it, as a sentence goes on after the label.
    """

    name: str
    label: str
    unit: str
    factor: float
    sees: str


COMPARED: tuple[Metric, ...] = (
    Metric("wape", "WAPE", "percent of trade", 100,
           "is the sum of errors in percent of trade, which large flows dominate"),
    Metric("pattern_distance", "Pattern distance", "percent of trade", 100,
           "is the share of trade that is with the wrong partner, the world total set aside"),
    Metric("midpoint_mae", "Midpoint MAE", "midpoint growth", 1,
           "counts every pair alike, pairs that start or stop trading included"),
    Metric("log_mae", "Log MAE", "log points", 1, "counts every flow alike"),
)  # fmt: skip
"""Metrics with a skill, in the order of reports."""
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in COMPARED}
