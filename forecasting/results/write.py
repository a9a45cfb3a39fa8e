"""Writing the tables and the model of a run into its folder."""

from __future__ import annotations

from pathlib import Path

from forecasting.results.result import RunResult
from forecasting.run_folder.csv_files import write_csv
from forecasting.run_folder.files import MODEL
from models.forecaster import FittedForecaster
from models.saved import save_forecaster


def write_tables(result: RunResult, forecaster: FittedForecaster, stage: Path) -> None:
    """Write every table in memory, and the model; the back-test was written as it was made."""
    for file, table in result.tables():
        path = stage / file.name
        if path.suffix == ".csv":
            write_csv(table, path)
        else:
            table.to_parquet(path, compression="zstd", index=False)
    (stage / MODEL).mkdir()
    save_forecaster(forecaster, stage / MODEL)
