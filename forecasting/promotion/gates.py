"""Gates that a challenger must pass, and whether it beats the champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.evaluation.metrics import ratio_of_errors
from forecasting.evaluation.scores import SKILL_METRICS
from forecasting.evaluation.significance import UNTESTED, significance_table
from forecasting.promotion.evidence import Evidence
from forecasting.words.numbers import percent
from models.registry import MAIN_MODEL

LEAST_COVERED, MOST_COVERED = 0.86, 0.94
"""Share of outcomes inside the 90% intervals, at every setting and horizon."""
ADDITIVITY = 1e-6
"""Largest distance of a flow's SHAP values from its predicted shift."""
CHALLENGER, CHAMPION = "challenger", "champion"
_CELL = ["setting", "horizon"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition: what is required, what was found, and whether it passes."""

    name: str
    required: str
    found: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Errors of the challenger against another model's.

    Attributes
    ----------
    against
        The other model, in words.
    cells
        One row per setting and horizon: ``origins``, and for every metric the ratio of mean
        errors, challenger's to other's; below 1 is better.
    score
        Mean of all ratios; NaN if none is defined.
    worse, better
        Cells in which `significance.significance_table` finds the challenger worse or better:
        setting, horizon and metric.
    tested
        Whether equal accuracy was tested in any cell, which takes enough origins and forecasts
        that differ.
    """

    against: str
    cells: pd.DataFrame
    score: float
    worse: frozenset[tuple[str, int, str]]
    better: frozenset[tuple[str, int, str]]
    tested: bool

    @property
    def won(self) -> bool:
        """Whether the challenger's errors are lower on average and nowhere significantly higher."""
        return self.score < 1.0 and not self.worse


# Gates --------------------------------------------------------------------------------------------


def gates(evidence: Evidence) -> tuple[Gate, ...]:
    """Conditions that a model must meet whatever it is compared with."""
    audit = evidence.about.get("audit") or {}
    return (_coverage(evidence.of(MAIN_MODEL)), _leak(audit), _additivity(audit))


def _coverage(scores: pd.DataFrame) -> Gate:
    covered = scores.groupby(_CELL, sort=False)["coverage_90"].mean()
    outside = covered[~covered.between(LEAST_COVERED, MOST_COVERED)]
    found = f"{percent(covered.min())} to {percent(covered.max())}"
    if len(outside):
        named = ", ".join(f"{s} h{h}: {percent(value)}" for (s, h), value in outside.items())
        found = f"outside in {len(outside)} of {len(covered)}: {named}"
    limits = f"{percent(LEAST_COVERED, digits=0)} to {percent(MOST_COVERED, digits=0)}"
    required = f"90% intervals cover {limits} at every setting and horizon"
    return Gate("coverage", required, found, len(covered) > 0 and not len(outside))


def _leak(audit: Mapping[str, Any]) -> Gate:
    required = "nothing known at an origin changes when later data do"
    if not {"origins", "cells_altered", "features_changed", "totals_changed"} <= set(audit):
        return Gate("no leak", required, "not recorded", False)
    moved = [*audit["features_changed"], *(f"totals h{h}" for h in audit["totals_changed"])]
    altered, origins = audit["cells_altered"], len(audit["origins"])
    found = f"{altered:,} cells altered at {origins} origins: " + (
        f"{len(moved)} moved ({', '.join(moved[:3])})" if moved else "nothing moved"
    )
    return Gate("no leak", required, found, altered > 0 and origins > 0 and not moved)


def _additivity(audit: Mapping[str, Any]) -> Gate:
    required = f"SHAP values sum to the shift within {ADDITIVITY:.0e}"
    if "additivity" not in audit:
        return Gate("additivity", required, "not recorded", False)
    gap = float(audit["additivity"])
    return Gate("additivity", required, f"{gap:.0e}", gap <= ADDITIVITY)


# Comparison ---------------------------------------------------------------------------------------


def against_champion(challenger: Evidence, champion: Evidence, *, name: str) -> Comparison:
    """Compare with the champion's run, or one of its configuration, on the same data."""
    return _compare(challenger.of(MAIN_MODEL), champion.of(MAIN_MODEL), name=name)


def against_baseline(challenger: Evidence, baseline: str, *, name: str) -> Comparison:
    """Compare with a baseline (of `models.registry`) of the challenger's own back-test."""
    return _compare(challenger.of(MAIN_MODEL), challenger.of(baseline), name=name)


def _compare(ours: pd.DataFrame, theirs: pd.DataFrame, *, name: str) -> Comparison:
    """Compare two models cell by cell.

    Holm's adjustment applies within a cell, where there is one other model: adjusting forty cells
    together would never find a true loss in one of them. This errs on the side of stopping a
    challenger.
    """
    both = pd.concat([ours.assign(model=CHALLENGER), theirs.assign(model=CHAMPION)])
    tests = significance_table(both, model=CHALLENGER, others=[CHAMPION], metrics=SKILL_METRICS)
    if tests.empty:
        nothing: frozenset[tuple[str, int, str]] = frozenset()
        return Comparison(name, pd.DataFrame(), float("nan"), nothing, nothing, tested=False)
    tests["ratio"] = ratio_of_errors(tests["ours"], tests["theirs"])
    cells = tests.pivot_table(index=_CELL, columns="metric", values="ratio", sort=False)
    order = pd.MultiIndex.from_frame(ours[_CELL].drop_duplicates())
    cells = cells.reindex(index=order, columns=list(SKILL_METRICS))
    cells.insert(0, "origins", tests.groupby(_CELL, sort=False)["origins"].max())
    worse, better = (_cells(tests[tests["verdict"] == word]) for word in ("worse", "better"))
    return Comparison(
        against=name,
        cells=cells.reset_index(),
        score=float(np.nanmean(tests["ratio"])) if tests["ratio"].notna().any() else float("nan"),
        worse=worse,
        better=better,
        tested=bool((tests["verdict"] != UNTESTED).any()),
    )


def _cells(tests: pd.DataFrame) -> frozenset[tuple[str, int, str]]:
    return frozenset(
        (str(row.setting), int(row.horizon), str(row.metric)) for row in tests.itertuples()
    )
