"""The record of a run holds the sum of every file, is checked before reading, and stays true."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from features.files.tables import sha256
from forecasting import load_forecaster, read_run
from forecasting.evaluation.backtest_file import read_backtest
from forecasting.reports.scoreboard import write_scoreboard
from forecasting.run_folder.files import MARKER
from forecasting.run_folder.record import SUMS, note_drawn, run_digest
from forecasting.serving.served_model import open_model


@pytest.fixture
def copy(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "copy"))


def sums(folder: Path) -> dict[str, str]:
    return dict(json.loads((folder / MARKER).read_text(encoding="utf-8"))[SUMS])


def is_true(folder: Path) -> bool:
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    files.pop(MARKER)
    return sums(folder) == {name: sha256(path) for name, path in files.items()}


def alter(file: Path) -> None:
    """Change one digit, and leave the length."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle] = content[middle] ^ 1
    file.write_bytes(content)


def test_every_file_of_a_run_has_its_sum(finished_run):
    assert is_true(finished_run)
    assert len(sums(finished_run)) > 15


@pytest.mark.parametrize(
    "name",
    ["forecasts.parquet", "scores.csv", "model/shift.txt", "model/state.parquet",
     "model/forecaster.json", "measures_drivers.parquet"],
)  # fmt: skip
def test_an_altered_file_is_refused_before_it_is_parsed(copy, stops, name):
    alter(copy / name)
    assert stops(lambda: read_run(copy), says="altered or damaged").file == copy / name


def test_an_altered_booster_is_refused_wherever_a_model_is_read(copy, stops):
    booster = copy / "model" / "shift.txt"
    # LightGBM ends the process on this line.
    booster.write_text(booster.read_text().replace("\nnum_leaves=", "\nnum_leaves=9", 1))
    stops(lambda: load_forecaster(copy / "model"), says="altered or damaged")
    stops(lambda: open_model(copy), says="altered or damaged")
    stops(lambda: read_run(copy), says="altered or damaged")


def test_an_altered_backtest_is_refused(copy, stops):
    read_backtest(copy, columns=["origin"])
    alter(copy / "backtest.parquet")
    stops(lambda: read_backtest(copy, columns=["origin"]), says="altered or damaged")


def test_files_that_nobody_reads_may_be_altered_and_others_added(copy):
    (copy / "report.html").write_text("drawn by hand")
    (copy / "thesis.docx").write_text("mine")
    read_run(copy)


def test_what_is_drawn_again_is_recorded_and_the_run_is_still_the_same(copy):
    before = run_digest(copy)
    (copy / "scoreboard.md").write_text("old")
    write_scoreboard(copy)
    (copy / "report.html").write_text("new")
    note_drawn(copy / "report.html")
    assert is_true(copy)
    assert run_digest(copy) == before


def test_other_tables_make_another_run(copy):
    before = run_digest(copy)
    about = json.loads((copy / MARKER).read_text())
    about[SUMS]["forecasts.parquet"] = "another"
    (copy / MARKER).write_text(json.dumps(about))
    assert run_digest(copy) != before


@pytest.mark.parametrize("record", ["[]", "{", '{"files": 3}', '{"files": {"other.png": "1"}}'])
def test_a_record_of_another_tool_is_left_alone(tmp_path, record):
    (tmp_path / MARKER).write_text(record)
    (tmp_path / "report.html").write_text("")
    note_drawn(tmp_path / "report.html")
    assert (tmp_path / MARKER).read_text() == record
