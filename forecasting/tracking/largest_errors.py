"""The flows a run forecast worst, from ``backtest.parquet`` without loading it whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.evaluation.backtest_file import backtest_blocks

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
    sums: dict[tuple[str, int], _Sums] = {}
    for setting, _, horizon, table in backtest_blocks(folder, [*keys, *_VALUES]):
        part = _Sums(table[list(keys)], _errors(table))
        known = sums.get((setting, horizon))
        sums[setting, horizon] = part if known is None else known.plus(part)
    return pd.concat(
        [
            _worst(part.table())
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


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of `_TERMS` over origins, shape ``[flow, term]``, and the flows."""

    flows: pd.DataFrame
    terms: NDArray[np.float64]

    def table(self) -> pd.DataFrame:
        return self.flows.assign(**dict(zip(_TERMS, self.terms.T, strict=True)))

    def plus(self, other: _Sums) -> _Sums:
        if self.flows.equals(other.flows):
            return _Sums(self.flows, self.terms + other.terms)
        # Origins need not forecast the same flows.
        keys = list(self.flows)
        one, two = (part.table().set_index(keys) for part in (self, other))
        both = one.add(two, fill_value=0.0).reset_index()
        return _Sums(both[keys], both[list(_TERMS)].to_numpy())


def _errors(table: pd.DataFrame) -> NDArray[np.float64]:
    """Terms to sum over origins, shape ``[flow, term]``; 0 where the outcome is unknown."""
    before, actual, forecast, lower, upper = (
        table[name].to_numpy(dtype=np.float64) for name in _VALUES
    )
    error = forecast - actual
    terms = (
        ~np.isnan(actual),
        actual,
        np.abs(error),
        error,
        np.abs(before - actual),
        ~np.isnan(before + actual),
        ~np.isnan(actual + lower + upper),
        (lower <= actual) & (actual <= upper),
    )
    return np.nan_to_num(np.column_stack(terms))


_TERMS = ("origins", "actual", "error", "signed", "repeated", "repeatable", "bounded", "inside")


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
