"""Writing the tables and the model of a run into its folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from forecasting.results.result import RunResult
from forecasting.run_folder.csv_files import write_csv
from models.forecaster import FittedForecaster
from models.saved import save_forecaster


def write_tables(result: RunResult, forecaster: FittedForecaster, stage: Path) -> None:
    """Write every table of a run but the back-test, which was written as it was made."""
    for name, table in (
        ("forecasts", result.forecasts),
        ("attributions", result.attributions),
        *_pattern_tables(result),
    ):
        table.to_parquet(stage / f"{name}.parquet", compression="zstd", index=False)
    for name, table in _csv_tables(result).items():
        write_csv(table, stage / f"{name}.csv")
    (stage / "model").mkdir()
    save_forecaster(forecaster, stage / "model")


def _pattern_tables(result: RunResult) -> list[tuple[str, pd.DataFrame]]:
    """Tables of measures too large for CSV, by file name."""
    names = ("history", "forecasts", "backtest", "drivers")
    if result.measures is None:
        return []
    return [(f"measures_{name}", getattr(result.measures, name)) for name in names]


def _csv_tables(result: RunResult) -> dict[str, pd.DataFrame]:
    """Tables by file name; those of a study where there was one."""
    tables = {
        "scores": result.scores,
        "scores_by_origin": result.scores_by_origin,
        "significance": result.significance,
        "reliability": result.reliability,
        "coverage": result.coverage,
        "channels": result.channels,
        "drivers": result.drivers,
        "stability": result.stability,
    }
    if result.measures is not None:
        tables["measures_scores"] = result.measures.scores
    if result.study is not None:
        tables |= {
            "study_by_origin": result.study.by_origin,
            "ablation": result.study.ablation,
            "placebos": result.study.placebos,
            "trials": result.study.trials,
        }
    return tables
