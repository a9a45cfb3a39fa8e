"""Accuracy of each measure: errors against those of simpler forecasts, with tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.measures.measure import Measure
from forecasting.evaluation.metrics import ratio_of_errors
from forecasting.evaluation.significance import LEVEL, equal_accuracy, holm
from models.intervals import LEVELS
from models.registry import ABLATION

RIVALS: dict[str, str] = {
    "no_change": "value_origin",
    "base": "base",
    ABLATION: "without_technology",
}
"""Forecasts that a measure is compared with: its value at the origin, that of the raked base, and
that of the forecast without technology channels. Values are columns of the back-test."""


def score_measures(backtest: pd.DataFrame, measures: tuple[Measure, ...]) -> pd.DataFrame:
    """One row per measure and horizon, means over origins.

    ``backtest`` holds rows of `backtest.backtest_table`; the table has the order of ``measures``.

    Returns
    -------
    DataFrame
        ``measure, family, horizon, origins, n`` (units over all origins), ``mae`` and the rivals'
        ``mae_no_change, mae_base, mae_without_technology``, in the measure's unit; ``skill`` = 1 -
        mae / mae_no_change; ``direction``: share of units that moved as forecast; ``coverage_*`` of
        the intervals, over origins that have them; ``entries, entry_rate, brier, brier_of_rate``:
        crossings of the threshold by units below it, the Brier score of their probability, and
        that of the rate at earlier origins; ``difference_*, p_*, p_holm_*, verdict_*``: tests of
        equal accuracy against each rival, adjusted (Holm) for the number of measures of the family
        at that horizon; ``untested`` with too few origins, or if both forecast the same.
    """
    rows = []
    for measure in measures:
        rows_of = backtest[backtest["measure"] == measure.name]
        for horizon, block in rows_of.groupby("horizon", sort=True):
            rows.append(
                {
                    "measure": measure.name,
                    "family": measure.family,
                    "horizon": int(horizon),
                    **_errors(block, int(horizon)),
                    **_intervals(block),
                    **_entries(block, measure),
                }
            )
    return _with_verdicts(pd.DataFrame(rows))


def _errors(block: pd.DataFrame, horizon: int) -> dict[str, float]:
    actual = block["actual"]
    origins = block["origin"].to_numpy()
    ours = (block["forecast"] - actual).abs().groupby(origins).mean()
    moved = np.sign(actual - block["value_origin"])
    forecast = np.sign(block["forecast"] - block["value_origin"])
    counted = (moved != 0) & (forecast != 0)
    out: dict[str, float] = {"origins": len(ours), "n": len(block), "mae": float(ours.mean())}
    for rival, column in RIVALS.items():
        theirs = (block[column] - actual).abs().groupby(origins).mean()
        test = equal_accuracy((ours - theirs).to_numpy(dtype=np.float64), horizon=horizon)
        out |= {
            f"mae_{rival}": float(theirs.mean()),
            f"difference_{rival}": test.difference,
            f"wins_{rival}": test.wins,
            f"p_{rival}": test.p_value,
        }
    level = max(float(actual.abs().mean()), np.finfo(np.float64).tiny)
    out["skill"] = 1.0 - ratio_of_errors(out["mae"] / level, out["mae_no_change"] / level)
    out["direction"] = float((moved == forecast)[counted].mean()) if counted.any() else float("nan")
    return out


def _intervals(block: pd.DataFrame) -> dict[str, float]:
    out = {}
    for level in LEVELS:
        lower, upper = block[f"lower_{level}"], block[f"upper_{level}"]
        known = lower.notna() & upper.notna()
        inside = (block["actual"] >= lower) & (block["actual"] <= upper)
        by_origin = inside[known].groupby(block.loc[known, "origin"].to_numpy()).mean()
        out[f"coverage_{level}"] = float(by_origin.mean()) if known.any() else float("nan")
    return out


def _entries(block: pd.DataFrame, measure: Measure) -> dict[str, float]:
    names = ("entries", "entry_rate", "brier", "brier_of_rate")
    if measure.threshold is None:
        return dict.fromkeys(names, float("nan"))
    below = block[block["value_origin"] <= measure.threshold]
    entered = (below["actual"] > measure.threshold).astype(np.float64)
    rate = entered.groupby(below["origin"].to_numpy()).mean()
    # The rate known at an origin is that of origins whose target year had passed.
    horizon = int(block["horizon"].iloc[0])
    known = pd.Series({o: rate[rate.index <= o - horizon].mean() for o in rate.index})
    expected = below["origin"].map(known)
    scored = below["chance_above"].notna() & expected.notna()

    def brier(chance: pd.Series) -> float:
        return float(((chance - entered) ** 2)[scored].mean()) if scored.any() else float("nan")

    values = (entered.sum(), entered.mean(), brier(below["chance_above"]), brier(expected))
    return dict(zip(names, map(float, values), strict=True))


def _with_verdicts(table: pd.DataFrame) -> pd.DataFrame:
    for rival in RIVALS:
        adjusted = table.groupby(["family", "horizon"], sort=False)[f"p_{rival}"].transform(
            lambda p: holm(p.to_numpy(dtype=np.float64))
        )
        better = np.where(table[f"difference_{rival}"] < 0, "better", "worse")
        verdict = np.where(adjusted < LEVEL, better, "tie")
        table[f"p_holm_{rival}"] = adjusted
        table[f"verdict_{rival}"] = np.where(adjusted.isna(), "untested", verdict)
    return table
