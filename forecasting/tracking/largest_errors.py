"""The flows a run forecast worst, from ``backtest.parquet`` without loading it whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from forecasting.evaluation.backtest_file import backtest_blocks, read_backtest

WORST_FLOWS = 50
"""Of each setting and horizon."""
_VALUES = ["value_origin", "actual", "forecast", "lower_90", "upper_90"]
_MILLION = 1e6


def largest_errors(folder: Path, *, keys: Sequence[str]) -> pd.DataFrame:
    """Flows with the largest mean absolute error of the main model, by setting and horizon.

    Parameters
    ----------
    folder
        Of a run with a back-test. One block of ``backtest.parquet`` is in memory at a time.
    keys
        Columns that identify a flow.

    Returns
    -------
    DataFrame
        ``setting, horizon, rank``, the flow, ``origins`` with a known outcome, and over them the
        means ``actual_usd_m``, ``error_usd_m`` (absolute) and ``last_value_error_usd_m`` (of
        repeating the last value); ``error_percent`` and ``bias_percent`` of the actual value (bias
        above 0: forecast too high), ``share_of_errors_percent`` of the errors of all flows, and
        ``in_90_interval_percent``.
    """
    sums: dict[tuple[str, int], pd.DataFrame] = {}
    for setting, origin, horizon in backtest_blocks(folder):
        block = (("setting", "==", setting), ("origin", "==", origin), ("horizon", "==", horizon))
        table = read_backtest(folder, columns=[*keys, *_VALUES], where=block)
        part = _errors(table).set_index(pd.MultiIndex.from_frame(table[list(keys)]))
        known = sums.get((setting, horizon))
        # Origins need not forecast the same flows.
        sums[setting, horizon] = part if known is None else known.add(part, fill_value=0.0)
    return pd.concat(
        [
            _worst(part.reset_index())
            .astype(dict.fromkeys(keys, "str"))
            .assign(setting=setting, horizon=horizon)
            for (setting, horizon), part in sums.items()
        ],
        ignore_index=True,
    )[["setting", "horizon", "rank", *keys, *_MEANS]]


_MEANS = (
    "origins",
    "actual_usd_m",
    "error_usd_m",
    "error_percent",
    "share_of_errors_percent",
    "bias_percent",
    "last_value_error_usd_m",
    "in_90_interval_percent",
)


def _errors(table: pd.DataFrame) -> pd.DataFrame:
    """Terms to sum over origins, one row per flow; 0 where the outcome is unknown."""
    values = table[_VALUES].astype("float64")
    actual = values["actual"]
    error = values["forecast"] - actual
    sums = {
        "origins": actual.notna().astype("float64"),
        "actual": actual,
        "error": error.abs(),
        "signed": error,
        "repeated": (values["value_origin"] - actual).abs(),
        "repeatable": (values["value_origin"].notna() & actual.notna()).astype("float64"),
        "bounded": (actual + values["lower_90"] + values["upper_90"]).notna().astype("float64"),
        "inside": actual.between(values["lower_90"], values["upper_90"]).astype("float64"),
    }
    return pd.DataFrame(sums).fillna(0.0)


def _worst(sums: pd.DataFrame) -> pd.DataFrame:
    everything = sums["error"].sum()
    known = sums[sums["origins"] > 0]
    worst = known.assign(mean=known["error"] / known["origins"])
    worst = worst.nlargest(WORST_FLOWS, "mean").reset_index(drop=True)
    years, actual = worst["origins"], worst["actual"].where(worst["actual"] > 0)
    bounded = worst["bounded"].where(worst["bounded"] > 0)
    return worst.assign(
        rank=worst.index + 1,
        origins=years.astype("int64"),
        actual_usd_m=worst["actual"] / years / _MILLION,
        error_usd_m=worst["mean"] / _MILLION,
        error_percent=100.0 * worst["error"] / actual,
        share_of_errors_percent=100.0 * worst["error"] / everything,
        bias_percent=100.0 * worst["signed"] / actual,
        last_value_error_usd_m=worst["repeated"] / worst["repeatable"] / _MILLION,
        in_90_interval_percent=100.0 * worst["inside"] / bounded,
    )
