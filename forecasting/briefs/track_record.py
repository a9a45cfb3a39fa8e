"""How good past forecasts of a group of flows were: outcomes of the back-test in a brief's words.

Errors of single flows do not say how far their sum will be off, because what hits one flow of a
year hits others too. So a group's own sum is compared with its forecast at every past origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecasting.briefs.brief import BriefTable
from forecasting.evaluation.backtest_file import by_model, forecast_column, read_backtest
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import flow_columns
from forecasting.words.labels import SETTING_LABELS
from forecasting.words.numbers import points, years
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE

COMPARED = (MAIN_MODEL, LAST_VALUE, RAKED_BASE)
NO_RECORD = (
    "This folder holds a forecast without a back-test: how good past forecasts were stands in the "
    "run that trained the model."
)


def read_outcomes(run: RunResult, *, where: Sequence[tuple[str, str, Any]] = ()) -> pd.DataFrame:
    """Back-test forecasts whose outcome is known, in the setting of `record_setting`.

    ``where`` has further conditions on the rows, see `read_backtest`.

    Returns
    -------
    DataFrame
        ``model`` (`COMPARED`), ``origin, horizon, exporter, importer, [sector], actual, base,
        forecast, lower_90, upper_90``, USD; intervals of the main model only. Empty where nothing
        was back-tested.
    """
    columns = ["origin", "horizon", *flow_columns(run), "actual", "base", "lower_90", "upper_90"]
    if run.provenance["kind"] == "forecast":
        return pd.DataFrame(columns=["model", *columns, "forecast"])
    rows = read_backtest(
        run.out,
        columns=[*columns, *map(forecast_column, COMPARED)],
        where=[("setting", "==", record_setting(run)), *where],
    )
    return by_model(rows[rows["actual"].notna()], COMPARED)


def record_table(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Errors of a group of flows by horizon, from its rows of `read_outcomes`.

    Returns
    -------
    DataFrame
        ``horizon, origins, outcomes``; the sum of absolute errors in percent of the trade, of the
        forecast and of the two references (``wape_percent, last_value_wape_percent,
        raked_base_wape_percent``); ``inside_90_percent``, the share of outcomes inside the 90 %
        interval; ``same_direction_percent``, the share of them on the side of the base where the
        forecast was; all means over origins. Then by how much the group's sum ended above its
        forecast, percent, at the origin where that was least and most (``sum_lowest_percent,
        sum_highest_percent``), and the median over origins of its absolute value
        (``sum_typical_percent``).
    """
    by = _by_origin(outcomes)
    rows = []
    for horizon, block in by.groupby(level="horizon"):
        ours = block.xs(MAIN_MODEL, level="model")
        off = (100.0 * (ours["actual"] / ours["forecast"] - 1.0)).where(ours["forecast"] > 0)
        wape = block["wape"].groupby(level="model", observed=True).mean()
        rows.append(
            {
                "horizon": int(str(horizon)),
                "origins": len(ours),
                "outcomes": int(ours["count"].sum()),
                "wape_percent": wape[MAIN_MODEL],
                "last_value_wape_percent": wape[LAST_VALUE],
                "raked_base_wape_percent": wape[RAKED_BASE],
                "inside_90_percent": (100.0 * ours["inside"] / ours["bounded"]).mean(),
                "same_direction_percent": (100.0 * ours["same"] / ours["shifted"]).mean(),
                "sum_lowest_percent": off.min(),
                "sum_typical_percent": off.abs().median(),
                "sum_highest_percent": off.max(),
            }
        )
    return pd.DataFrame(rows)


def _by_origin(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Sums over the flows of every horizon, origin and model."""
    actual, base, forecast, low, high = (
        outcomes[name].to_numpy(dtype=np.float64)
        for name in ("actual", "base", "forecast", "lower_90", "upper_90")
    )
    shifted = (base > 0) & (forecast != base)
    cells = pd.DataFrame(
        {
            "actual": actual,
            "forecast": forecast,
            "error": np.abs(actual - forecast),
            "inside": (actual >= low) & (actual <= high),
            "bounded": ~np.isnan(actual + low + high),
            "shifted": shifted,
            "same": shifted & ((forecast - base) * (actual - base) > 0),
            "count": 1,
        },
        index=outcomes.index,
    ).astype(np.float64)
    keys = [outcomes["horizon"], outcomes["origin"], outcomes["model"]]
    by = cells.groupby(keys, observed=True).sum()
    by["wape"] = (100.0 * by["error"] / by["actual"]).where(by["actual"] > 0)
    return by


def record_of(run: RunResult, outcomes: pd.DataFrame, *, of: str) -> BriefTable | None:
    """Table of a group's errors; None where nothing was back-tested. ``of`` names the group."""
    if outcomes.empty:
        return None
    return BriefTable(
        f"{record_caption(run, of=of)}. Same direction: outcomes on the side of the base where the "
        "forecast was. Sum: by how much the whole group's outcome exceeded its forecast",
        record_table(outcomes),
    )


def record_caption(run: RunResult, *, of: str) -> str:
    """What a table of errors by horizon holds; ``of`` names the flows."""
    setting = SETTING_LABELS[record_setting(run)].lower()
    return (
        f"Back-test of {of} by years ahead (setting: {setting}). WAPE: sum of absolute errors in "
        "percent of the trade. Inside 90: outcomes inside the 90% interval"
    )


def no_outcome(horizon: int) -> str:
    """That the back-test says nothing on a horizon, in words."""
    return f"The back-test holds no forecast {years(horizon)} whose outcome is known."


def accuracy_words(row: pd.Series[Any], horizon: int, *, of: str) -> str:
    """Errors and coverage of a horizon in words, without the full stop; ``of`` names the flows."""
    return (
        f"Past forecasts of {of} {years(horizon)} were off by {points(row['wape_percent'])} of the "
        f"trade (mean of {int(row['origins'])} back-test origins), against "
        f"{points(row['last_value_wape_percent'])} for repeating the last value and "
        f"{points(row['raked_base_wape_percent'])} for the last values scaled to the totals known. "
        f"{points(row['inside_90_percent'])} of the outcomes were inside the 90% interval"
    )


def record_words(record: BriefTable | None, horizon: int, *, of: str) -> tuple[str, ...]:
    """Errors and coverage of a horizon in words; ``of`` names the flows."""
    if record is None:
        return (NO_RECORD,)
    if not (record.frame["horizon"] == horizon).any():
        return (no_outcome(horizon),)
    row = record.frame.set_index("horizon").loc[horizon]
    return (
        f"{accuracy_words(row, horizon, of=of)}, and {points(row['same_direction_percent'])} on "
        "the side of the base where the forecast was.",
        f"How far may the sum be off? At those origins {of} came out "
        f"{points(row['sum_lowest_percent'], sign=True)} to "
        f"{points(row['sum_highest_percent'], sign=True)} off what was forecast (plus: more was "
        f"traded), and in half of them within {points(row['sum_typical_percent'])}.",
    )
