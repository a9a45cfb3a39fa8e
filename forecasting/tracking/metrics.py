"""Metrics and tables that a run logs in MLflow."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.feature import CHANNELS
from forecasting.evaluation.metrics import ratio_of_errors
from forecasting.evaluation.scores import SKILL_METRICS
from forecasting.results.result import RunResult
from forecasting.results.subjects import flow_columns
from forecasting.tracking.largest_errors import largest_errors
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import Metric

COMPARED = SKILL_METRICS
"""Metrics logged for every model, side by side; all others for gravicast alone."""
ALONE = (
    "r2_shift",
    "coverage_50",
    "coverage_90",
    "width_90",
    "crps",
    "brier",
    "auprc_births",
    "auprc_deaths",
)
SUMMARISED = (*COMPARED, "coverage_50", "coverage_90", "crps", "brier")
MEANS, BY_ORIGIN = "scores", "scores_by_origin"
"""Prefixes of means over origins and of series by origin, after the files that hold them."""
HEADLINES = {"wape": "wape", "skill": "skill_wape", "coverage90": "coverage_90"}
"""Plain name of a headline metric to its column of the scores."""
LARGEST_SHIFTS, LARGEST_FLOWS = 200, 500
AMOUNTS = ("value_origin", "base", "forecast", "lower_50", "upper_50", "lower_90", "upper_90")
_METRICS_A_BATCH = 1_000
_MILLION, _UNIT = 1e6, "usd_m"
_ROUNDING = 1e-12
"""Smaller values are rounding errors of sums, such as the skill of a model against itself."""
_NOT_A_NAME = re.compile(r"[^\w./ -]")


def log_metrics(client: MlflowClient, run_id: str, metrics: Sequence[Metric]) -> None:
    """Log metrics in as few requests as MLflow allows."""
    for start in range(0, len(metrics), _METRICS_A_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS_A_BATCH])


def origin_metrics(by_origin: pd.DataFrame) -> list[Metric]:
    """Scores with the origin as step, under `BY_ORIGIN`; NaN is left out.

    MLflow draws one chart per key, and one row of charts per prefix up to the last slash. So
    ``wape/totals_known/h1/<model>`` puts the models of a horizon side by side, and
    ``crps/totals_known/h1``, of gravicast alone, the horizons. Their prefix keeps them apart from
    means: MLflow shows of a series its last value, here that of the last origin.
    """
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = []
    for row in by_origin.to_dict("records"):
        group = f"{row['setting']}/h{row['horizon']}"
        values = {f"{name}/{group}/{row['model']}": row[name] for name in COMPARED}
        if row["model"] == MAIN_MODEL:
            values |= {f"{name}/{group}": row[name] for name in ALONE}
        metrics += [
            Metric(f"{BY_ORIGIN}/{key}", float(value), now, int(row["origin"]))
            for key, value in values.items()
            if np.isfinite(value)
        ]
    return metrics


def stage_metrics(timings: Mapping[str, float]) -> list[Metric]:
    """Seconds of every stage, and in total."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    seconds = {"total": sum(timings.values()), **timings}
    return [
        Metric(f"seconds/{_NOT_A_NAME.sub('', name)}", float(value), now, 0)
        for name, value in seconds.items()
    ]


def measure_metrics(scores: pd.DataFrame) -> list[Metric]:
    """Skill of every measure of the trade pattern against no change; NaN is left out.

    Parameters
    ----------
    scores
        See `forecasting.measurement.scores.score_measures`.
    """
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [
        Metric(
            f"{MEANS}/skill_of_measure/{row['measure']}/h{row['horizon']}",
            float(row["skill"]),
            now,
            0,
        )
        for row in scores.to_dict("records")
        if np.isfinite(row["skill"])
    ]


def summary_metrics(
    scores: pd.DataFrame, model_id: str, data: MetaDataset, *, setting: str
) -> list[Metric]:
    """Means over origins and skills of gravicast, linked to the logged model.

    Parameters
    ----------
    scores
        Of every model, see `forecasting.evaluation.scores.score`.
    model_id, data
        The logged model, and the data it was scored on.
    setting
        Of the headlines ``wape_h1``, ``skill_h1``, ``coverage90_h1`` and so on; those of every
        setting stand under `MEANS`.
    """
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    board = board_of(scores)
    values = headlines(board[board["setting"] == setting])
    for row in board.to_dict("records"):
        named = {f"mean_{name}": row[name] for name in SUMMARISED}
        for name in COMPARED:
            named[f"skill_{name}"] = row[f"skill_{name}"]
            named[f"skill_on_raked_{name}"] = row[f"skill_on_raked_{name}"]
        group = f"{row['setting']}/h{row['horizon']}"
        values |= {f"{MEANS}/{name}/{group}": value for name, value in named.items()}
    return [
        Metric(
            key,
            float(value),
            now,
            0,
            model_id=model_id,
            dataset_name=data.name,
            dataset_digest=data.digest,
        )
        for key, value in values.items()
        if np.isfinite(value)
    ]


def headlines(board: pd.DataFrame) -> dict[str, float]:
    """Headline metrics of one setting by plain name: of its first, middle and last horizon.

    Parameters
    ----------
    board
        Scores of gravicast in that setting, a row a horizon, with the columns of `HEADLINES`.
    """
    by_horizon = board.set_index("horizon")
    return {
        f"{name}_h{horizon}": float(by_horizon.loc[horizon, column])
        for name, column in HEADLINES.items()
        for horizon in shown_horizons(list(by_horizon.index))
    }


def shown_horizons(horizons: Sequence[int]) -> list[int]:
    """The first, the middle and the last horizon."""
    ordered = sorted(map(int, horizons))
    return [ordered[place] for place in sorted({0, len(ordered) // 2, len(ordered) - 1})]


def board_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of gravicast over all flows, with its skill against the raked base."""
    everything = scores[scores["stratum"] == "all"]
    keys = ["setting", "horizon"]
    main = everything[everything["model"] == MAIN_MODEL]
    other = everything[everything["model"] == RAKED_BASE][[*keys, *COMPARED]]
    board = main.merge(other, on=keys, how="left", suffixes=("", "_of_raked"))
    last = everything[everything["model"] == LAST_VALUE][[*keys, *COMPARED]]
    board = board.merge(last, on=keys, how="left", suffixes=("", "_of_last"))
    for name in COMPARED:
        board[f"skill_on_raked_{name}"] = 1.0 - ratio_of_errors(
            board[name], board[f"{name}_of_raked"]
        )
    return board


def tables(result: RunResult) -> dict[str, pd.DataFrame]:
    """Tables for the MLflow UI, small enough to read there."""
    board = result.scores[result.scores["stratum"] == "all"].drop(columns="stratum")
    paired = [column for name in COMPARED for column in (name, f"skill_{name}")]
    first = ["setting", "horizon", "model", *paired]
    board = board[[*first, *(name for name in board if name not in first)]]
    shown = {file.shown: table for file, table in result.tables() if file.shown}
    derived = {
        "scoreboard.json": board,
        "largest_shifts.json": _largest_shifts(result.attributions),
        "largest_flows.json": _largest_flows(result.forecasts),
        "largest_errors.json": largest_errors(result.out, keys=flow_columns(result)),
    }
    return {name: _plain(table) for name, table in {**shown, **derived}.items()}


def _largest_shifts(attributions: pd.DataFrame) -> pd.DataFrame:
    """Explained flows with the largest shift in USD, and their strongest channel."""
    change = attributions["forecast"] - attributions["base"]
    top = change.abs().sort_values(ascending=False, kind="stable").index[:LARGEST_SHIFTS]
    rows = attributions.loc[top]
    keys = ["exporter", "importer", "sector", "target_year"]
    table = rows[[name for name in keys if name in rows]].copy()
    table["change_percent"] = 100.0 * change[top] / rows["base"]
    table[f"change_{_UNIT}"] = change[top] / _MILLION
    channels = rows[[name for name in rows if str(name).startswith("channel:")]]
    if not channels.empty:
        strongest = channels.abs().to_numpy().argmax(axis=1)
        labels = {f"channel:{name}": label for name, label in CHANNELS.items()}
        table["strongest_channel"] = [labels[str(channels.columns[k])] for k in strongest]
        table["its_percent"] = channels.to_numpy()[np.arange(len(rows)), strongest]
    for name in ("base", "forecast"):
        table[f"{name}_{_UNIT}"] = rows[name] / _MILLION
    return table


def _largest_flows(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Flows that are largest at the shortest horizon, at every horizon, largest first."""
    keys = [name for name in ("exporter", "importer", "sector") if name in forecasts]
    near = forecasts[forecasts["horizon"] == forecasts["horizon"].min()]
    largest = near.nlargest(LARGEST_FLOWS, "forecast")[keys]
    rows = forecasts.merge(largest.assign(rank=np.arange(1, len(largest) + 1)), on=keys)
    rows = rows.sort_values(["rank", "horizon"])
    table = rows[["rank", *keys, "target_year"]].copy()
    for name in AMOUNTS:
        table[f"{name}_{_UNIT}"] = rows[name] / _MILLION
    return table.assign(probability_of_trade=rows["probability_of_trade"])


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Text and numbers in four digits; missing cells stay empty."""
    out: dict[str, list[object]] = {}
    for name, column in table.items():
        if pd.api.types.is_float_dtype(column):
            out[str(name)] = [_four_digits(value) for value in column.to_numpy(dtype=np.float64)]
        elif pd.api.types.is_integer_dtype(column):
            out[str(name)] = [None if pd.isna(value) else int(value) for value in column]
        else:
            out[str(name)] = [None if pd.isna(value) else _word(value) for value in column]
    return pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in out.items()})


def _word(value: object) -> object:
    return value if isinstance(value, (int, float)) else str(value)


def _four_digits(value: float) -> float | None:
    if not np.isfinite(value):
        return None
    if abs(value) < _ROUNDING:
        return 0.0
    return round(value) * 1.0 if abs(value) >= 10_000 else float(f"{value:.4g}")
