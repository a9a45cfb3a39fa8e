"""The flows a run forecast worst, from ``backtest.parquet`` without loading it whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from models.registry import MAIN_MODEL

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

WORST_FLOWS = 50
"""Of each setting and horizon."""
_BLOCK = ["setting", "model", "origin", "horizon"]
_VALUES = ["value_origin", "actual", "forecast", "lower_90", "upper_90"]
_MILLION = 1e6


def largest_errors(backtest: Path) -> pd.DataFrame:
    """Flows with the largest mean absolute error of the main model, by setting and horizon.

    Parameters
    ----------
    backtest
        Written by `backtest_file.BacktestWriter`: blocks of one setting, model, origin and horizon,
        with the flows of every block in the same order. One row group is in memory at a time.

    Returns
    -------
    DataFrame
        ``setting, horizon, rank``, the flow, ``origins`` with a known outcome, and over them the
        means ``actual_usd_m``, ``error_usd_m`` (absolute) and ``last_value_error_usd_m`` (of
        repeating the last value); ``error_percent`` and ``bias_percent`` of the actual value (bias
        above 0: forecast too high), ``share_of_errors_percent`` of the errors of all flows, and
        ``in_90_interval_percent``.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(backtest)
    keys = [name for name in ("exporter", "importer", "sector") if name in file.schema_arrow.names]
    rows_of: Counter[tuple[str, int, int]] = Counter()
    flows: dict[int, pd.DataFrame] = {}
    sums: dict[tuple[str, int], dict[int, pd.DataFrame]] = {}
    for setting, horizon, origin, table in _main_model(file, [*keys, *_VALUES]):
        # A large block spans several row groups, split at the same flows in every block.
        start = rows_of[setting, horizon, origin]
        rows_of[setting, horizon, origin] += len(table)
        flows.setdefault(start, table[keys].astype("str"))
        parts = sums.setdefault((setting, horizon), {})
        part = _errors(table)
        parts[start] = parts[start] + part if start in parts else part
    return pd.concat(
        [
            _worst(pd.concat([pd.concat([flows[start], parts[start]], axis=1) for start in parts]))
            .assign(setting=setting, horizon=horizon)
            for (setting, horizon), parts in sums.items()
        ],
        ignore_index=True,
    )[["setting", "horizon", "rank", *keys, *_MEANS]]  # fmt: skip


def _main_model(
    file: ParquetFile, columns: list[str]
) -> Iterator[tuple[str, int, int, pd.DataFrame]]:
    """Row groups of the main model: setting, horizon, origin and the columns."""
    for number in range(file.num_row_groups):
        (block,) = file.read_row_group(number, columns=_BLOCK).slice(0, 1).to_pylist()
        if block["model"] == MAIN_MODEL:
            table = file.read_row_group(number, columns=columns).to_pandas()
            yield block["setting"], block["horizon"], block["origin"], table


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
