"""The declared files are those a run writes, and their keys tell rows apart."""

from __future__ import annotations

import json
from dataclasses import fields

import pandas as pd
import pytest

from forecasting import RunResult, read_run
from forecasting.evaluation.study import Study
from forecasting.evaluation.tuning import Tuning
from forecasting.measurement.tables import MeasureTables
from forecasting.run_folder.csv_files import read_csv
from forecasting.run_folder.files import FIGURES, FILES, NAMES, REPORT, RUN, RunFile, tables_of

TABLES = [file for file in FILES if file.key and file.of & RUN]


def test_a_run_writes_what_is_declared_and_nothing_else(finished_run):
    written = {path.name for path in finished_run.iterdir()}
    expected = {file.name.rstrip("/") for file in FILES if file.of & RUN}
    assert expected - {FIGURES, REPORT} <= written <= NAMES


@pytest.mark.parametrize("file", TABLES, ids=lambda file: file.name)
def test_the_key_identifies_a_row(finished_run, file: RunFile):
    path = finished_run / file.name
    table = read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    assert len(table)
    assert not table.duplicated(list(file.key)).any()
    assert table[list(file.key)].notna().all(axis=None)


def test_every_table_of_a_result_is_declared_once():
    def frames(holder: type, prefix: str = "") -> list[str]:
        return [prefix + f.name for f in fields(holder) if f.type == "pd.DataFrame"]

    parts = [
        *frames(MeasureTables, "measures."),
        *frames(Study, "study."),
        *frames(Tuning, "tuning."),
    ]
    declared = [file.result for file in FILES if file.result]
    assert sorted(declared) == sorted([*frames(RunResult), *parts])
    assert len(NAMES) == len(FILES)


def test_a_forecast_has_no_table_of_the_back_test():
    names = {file.result for file in tables_of("forecast", study=False)}
    assert names < {file.result for file in tables_of("run", study=False)}
    assert "scores" not in names
    assert "forecasts" in names


def test_a_table_without_a_key_column_is_refused(finished_run, tmp_path, stops):
    folder = tmp_path / "run"
    folder.mkdir()
    for path in finished_run.iterdir():
        (folder / path.name).symlink_to(path)
    record = json.loads((finished_run / "run.json").read_text())
    record["files"] = {}
    for name in ("run.json", "scores.csv"):
        (folder / name).unlink()
    (folder / "run.json").write_text(json.dumps(record))
    table = read_csv(finished_run / "scores.csv")
    table.drop(columns="stratum").to_csv(folder / "scores.csv", index=False)
    assert stops(lambda: read_run(folder), says="not whole").file == folder / "scores.csv"
