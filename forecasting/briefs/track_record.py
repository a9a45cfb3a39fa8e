"""How good past forecasts of a group of flows were: outcomes of the back-test as facts.

Errors of single flows do not say how far their sum will be off, because what hits one flow of a
year hits others too. So a group's own sum is compared with its forecast at every past origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.briefs.brief import BriefTable
from forecasting.evaluation.backtest_file import by_model, forecast_column, read_backtest
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import flow_columns
from forecasting.words.labels import SETTING_LABELS
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE

COMPARED = (MAIN_MODEL, LAST_VALUE, RAKED_BASE)


@dataclass(frozen=True, slots=True)
class Record:
    """Errors of past forecasts of a group of flows at a horizon; see `record_table`."""

    horizon: int
    origins: int
    wape_percent: float
    last_value_wape_percent: float
    raked_base_wape_percent: float
    inside_90_percent: float
    same_direction_percent: float = np.nan
    sum_lowest_percent: float = np.nan
    sum_typical_miss_percent: float = np.nan
    sum_highest_percent: float = np.nan
    outcomes: int = 0


@dataclass(frozen=True, slots=True)
class PastErrors:
    """What the back-test says on a horizon; ``of`` names the flows."""

    of: str
    horizon: int
    back_tested: bool
    record: Record | None


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
        (``sum_typical_miss_percent``).
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
                "sum_typical_miss_percent": off.abs().median(),
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


def past_errors(table: BriefTable | None, horizon: int, *, of: str) -> PastErrors:
    """Facts of a table of errors by horizon, None where nothing was back-tested."""
    rows = [] if table is None else table.frame.to_dict("records")
    found = (Record(**row) for row in rows if row["horizon"] == horizon)
    return PastErrors(of, horizon, table is not None, next(found, None))
