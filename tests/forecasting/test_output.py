"""The output folder: refused early, put in place whole, and nothing of the user's ever deleted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from features.errors import InputError
from forecasting.output import MARKER, check_out, staged


def write_run(folder: Path, text: str) -> None:
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text(text)
    (folder / "figures" / "a.png").write_text(text)


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with its text; folders as empty text."""
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


def stage_run(out: Path, text: str) -> None:
    with staged(out) as stage:
        write_run(stage, text)


# Refused before any work --------------------------------------------------------------------------


@pytest.mark.parametrize("there", ["nothing", "an empty folder"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_new_or_empty_folder_is_accepted_and_left_alone(tmp_path, there, overwrite):
    out = tmp_path / "new" / "run"
    if there == "an empty folder":
        out.mkdir(parents=True)
    before = content(tmp_path)
    check_out(out, overwrite=overwrite)
    assert content(tmp_path) == before


def test_a_run_is_only_replaced_on_request(tmp_path, stops):
    out = tmp_path / "run"
    write_run(out, "old")
    before = content(tmp_path)
    error = stops(lambda: check_out(out, overwrite=False), says="already holds a run")
    assert "--overwrite" in error.remedy
    assert error.file == out
    check_out(out, overwrite=True)
    assert content(tmp_path) == before


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["thesis.docx", ".hidden", "forecasts.parquet"])
def test_a_folder_with_other_files_is_refused_even_with_overwrite(tmp_path, stops, overwrite, name):
    (tmp_path / name).write_text("mine")
    stops(lambda: check_out(tmp_path, overwrite=overwrite), says="files that are no run")
    assert content(tmp_path) == {name: "mine"}


@pytest.mark.parametrize("marker", ["", '{"name": "of another tool"}'])
def test_overwriting_a_run_never_deletes_a_file_that_is_not_the_runs(tmp_path, marker):
    out = tmp_path / "run"
    write_run(out, marker)
    (out / "thesis.docx").write_text("mine")
    try:
        check_out(out, overwrite=True)
        stage_run(out, "new")
    except InputError:
        pass
    assert any(text == "mine" for text in content(tmp_path).values())


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, stops):
    (tmp_path / "run").write_text("mine")
    stops(lambda: check_out(tmp_path / "run", overwrite=True), says="the output is a file")
    assert content(tmp_path) == {"run": "mine"}


@pytest.mark.parametrize("below", ["run", "deep/below/run"])
def test_a_folder_below_a_file_is_refused(tmp_path, stops, below):
    (tmp_path / "file").write_text("mine")
    out = tmp_path / "file" / below
    assert stops(lambda: check_out(out, overwrite=False), says="cannot be written").file == out
    assert content(tmp_path) == {"file": "mine"}


def test_a_parent_without_permission_is_refused(tmp_path, stops, monkeypatch):
    # Root may write anywhere, so that permission itself cannot be taken away in every CI.
    asked = []

    def access(path: object, mode: int) -> bool:
        asked.append((Path(str(path)), mode))
        return False

    monkeypatch.setattr(os, "access", access)
    stops(lambda: check_out(tmp_path / "deep" / "run", overwrite=False), says="cannot be written")
    assert asked == [(tmp_path, os.W_OK | os.X_OK)]


# Put in place whole -------------------------------------------------------------------------------


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a run", "missing parents"])
def test_a_block_that_succeeds_puts_its_folder_in_place_and_nothing_beside_it(tmp_path, there):
    out = tmp_path / ("a/b/run" if there == "missing parents" else "run")
    if there == "an empty folder":
        out.mkdir()
    if there == "a run":
        write_run(out, "old")
        (out / "figures" / "old.png").write_text("old")
    stage_run(out, "new")
    assert content(out) == {"figures": "", "figures/a.png": "new", MARKER: "new"}
    assert list(out.parent.iterdir()) == [out]
    assert out.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a run"])
def test_a_block_that_fails_leaves_what_was_there_and_no_temporary_folder(tmp_path, there, error):
    out = tmp_path / "run"
    if there == "an empty folder":
        out.mkdir()
    if there == "a run":
        write_run(out, "old")
    before = content(tmp_path)

    def fail() -> None:
        with staged(out) as stage:
            write_run(stage, "new")
            raise error

    with pytest.raises(error):
        fail()
    assert content(tmp_path) == before


def test_a_block_that_fails_leaves_no_parent_folder_that_it_made(tmp_path):
    def fail() -> None:
        with staged(tmp_path / "a" / "b" / "run"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert content(tmp_path) == {}


def test_until_the_block_ends_the_old_run_stands(tmp_path):
    out = tmp_path / "run"
    write_run(out, "old")
    with staged(out) as stage:
        write_run(stage, "new")
        assert stage.parent == out.parent  # the same disk, so that a rename is enough
        assert content(out)[MARKER] == "old"
    assert content(out)[MARKER] == "new"


def test_where_the_new_run_cannot_be_put_in_place_the_old_one_is_kept(tmp_path, monkeypatch):
    out = tmp_path / "run"
    write_run(out, "old")
    before, rename = content(tmp_path), Path.rename

    def fails_for_the_new(self: Path, target: Path) -> Path:
        if Path(target) == out and (self / MARKER).read_text() == "new":
            raise OSError("no space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_for_the_new)
    with pytest.raises(OSError, match="no space"):
        stage_run(out, "new")
    assert content(tmp_path) == before


def test_a_folder_that_cannot_be_made_is_a_users_mistake(tmp_path, stops):
    (tmp_path / "file").write_text("mine")

    def enter() -> None:
        with staged(tmp_path / "file" / "run"):
            raise AssertionError("the block must not run")

    stops(enter, says="the output folder cannot be made")
    assert content(tmp_path) == {"file": "mine"}


@pytest.mark.parametrize(("there", "comes"), [("forecast", "run"), ("run", "forecast")])
def test_a_run_and_a_forecast_never_replace_each_other(tmp_path, stops, there, comes):
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text(json.dumps({"kind": there}))
    check_out(out, overwrite=True, kind=there)
    says = f"holds a {there}, which a {comes} does not replace"
    stops(lambda: check_out(out, overwrite=True, kind=comes), says=says)
