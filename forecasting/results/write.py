"""Writing the tables and the model of a run into its folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from forecasting.results.result import RunResult
from forecasting.run_folder.csv_files import write_csv
from forecasting.run_folder.files import MODEL
from models.forecaster import FittedForecaster
from models.saved import save_forecaster

ROWS = 2**20
"""Rows of a row group, as pandas writes them."""


def write_tables(result: RunResult, forecaster: FittedForecaster, stage: Path) -> None:
    """Write every table in memory, and the model; the back-test was written as it was made."""
    for file, table in result.tables():
        path = stage / file.name
        if path.suffix == ".csv":
            write_csv(table, path)
        else:
            _write_parquet(table, path)
    (stage / MODEL).mkdir()
    save_forecaster(forecaster, stage / MODEL)


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a table by row groups; at once, one of a large universe would be in memory twice."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = (
        pa.Table.from_pandas(table.iloc[start : start + ROWS], preserve_index=False)
        for start in range(0, max(len(table), 1), ROWS)
    )
    first = next(parts)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part.cast(first.schema))
