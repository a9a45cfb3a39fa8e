"""The output folder: refused early, put in place whole, and nothing of the user's ever deleted."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from features.errors import InputError
from forecasting import RunConfig
from forecasting.job import _interruptible
from forecasting.run_folder.claim import check_out, claimed
from forecasting.run_folder.files import MARKER
from forecasting.run_folder.interrupts import Interrupted
from forecasting.run_folder.staging import locked, restore, staged
from forecasting.run_folder.whole_file import write_whole


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
    with locked(out), staged(out) as stage:
        write_run(stage, text)


# Refused before any work --------------------------------------------------------------------------


@pytest.mark.parametrize("present", ["nothing", "an empty folder"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_new_or_empty_folder_is_accepted_and_left_alone(tmp_path, present, overwrite):
    out = tmp_path / "new" / "run"
    if present == "an empty folder":
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
    stops(lambda: check_out(tmp_path, overwrite=overwrite), says="not from a gravicast run")
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


@pytest.mark.parametrize("present", ["nothing", "an empty folder", "a run", "missing parents"])
def test_a_block_that_succeeds_puts_its_folder_in_place_and_nothing_beside_it(tmp_path, present):
    out = tmp_path / ("a/b/run" if present == "missing parents" else "run")
    if present == "an empty folder":
        out.mkdir()
    if present == "a run":
        write_run(out, "old")
        (out / "figures" / "old.png").write_text("old")
    stage_run(out, "new")
    assert content(out) == {"figures": "", "figures/a.png": "new", MARKER: "new"}
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("present", ["nothing", "an empty folder", "a run"])
def test_a_block_that_fails_leaves_what_was_there_and_no_temporary_folder(tmp_path, present, error):
    out = tmp_path / "run"
    if present == "an empty folder":
        out.mkdir()
    if present == "a run":
        write_run(out, "old")
    before = content(tmp_path)

    def fail() -> None:
        with locked(out), staged(out) as stage:
            write_run(stage, "new")
            raise error

    with pytest.raises(error):
        fail()
    assert content(tmp_path) == before


def test_a_block_that_fails_leaves_no_parent_folder_that_it_made(tmp_path):
    def fail() -> None:
        out = tmp_path / "a" / "b" / "run"
        with locked(out), staged(out):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert content(tmp_path) == {}


def test_until_the_block_ends_the_old_run_stands(tmp_path):
    out = tmp_path / "run"
    write_run(out, "old")
    with locked(out), staged(out) as stage:
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
        with locked(tmp_path / "file" / "run"):
            raise AssertionError("the block must not run")

    stops(enter, says="the output folder cannot be made")
    assert content(tmp_path) == {"file": "mine"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("umask", "folder", "file"), [(0o077, 0o700, 0o600),
                                                       (0o002, 0o775, 0o664)])  # fmt: skip
def test_permissions_are_those_of_the_users_umask(tmp_path, umask, folder, file):
    before = os.umask(umask)
    try:
        with locked(tmp_path / "run"), staged(tmp_path / "run") as stage:
            write_whole(stage / "report.html", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "run").stat().st_mode & 0o777 == folder
    assert (tmp_path / "run" / "report.html").stat().st_mode & 0o777 == file


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "disk", target_is_directory=True)
    stage_run(tmp_path / "run", "new")
    assert (tmp_path / "run").is_symlink()
    assert content(tmp_path / "disk")[MARKER] == "new"


@pytest.mark.parametrize("out", ["n" * 300, "n" * 250])
def test_a_name_too_long_is_refused(tmp_path, stops, out):
    def enter() -> None:
        with claimed(tmp_path / out, overwrite=False):
            raise AssertionError("the block must not run")

    stops(enter, says="the output folder cannot be made")
    assert content(tmp_path) == {}


def test_a_full_disk_is_told_with_the_folder(tmp_path, stops):
    def go() -> None:
        with locked(tmp_path / "run"), staged(tmp_path / "run"):
            raise OSError(errno.ENOSPC, "No space left on device")

    error = stops(go, says="No space left on device")
    assert error.file == tmp_path / "run"
    assert content(tmp_path) == {}


# Several at once ----------------------------------------------------------------------------------


def test_a_second_run_into_the_same_folder_is_refused_while_the_first_is_at_work(tmp_path, stops):
    out = tmp_path / "deep" / "run"

    def second() -> None:
        with claimed(out, overwrite=True):
            raise AssertionError("the block must not run")

    with claimed(out, overwrite=False):
        stops(second, says="another process is writing to the output folder")
        with staged(out) as stage:
            write_run(stage, "first")
    assert content(out)[MARKER] == "first"
    assert list(out.parent.iterdir()) == [out]


def test_what_came_into_the_folder_meanwhile_is_kept(tmp_path, stops):
    # Of another machine, or of a program that knows no lock.
    out = tmp_path / "run"

    def go() -> None:
        check = partial(check_out, out, overwrite=False)
        with claimed(out, overwrite=False), staged(out, check=check) as stage:
            write_run(stage, "mine")
            write_run(out, "theirs")

    stops(go, says="already holds a run")
    assert content(tmp_path / "run")[MARKER] == "theirs"
    assert list(tmp_path.iterdir()) == [out]


def test_a_failure_says_its_reason_also_where_another_run_uses_the_parent_folder(tmp_path):
    def fail() -> None:
        with locked(tmp_path / "runs" / "a"):
            stage_run(tmp_path / "runs" / "b", "other")
            raise RuntimeError("the reason")

    with pytest.raises(RuntimeError, match="the reason"):
        fail()
    assert content(tmp_path / "runs")[str(Path("b", MARKER))] == "other"


# Killed -------------------------------------------------------------------------------------------

_KILLED = """
import os, sys
from pathlib import Path
from forecasting.run_folder.staging import locked, restore, staged
from forecasting.run_folder.whole_file import write_whole

out, stop_before = Path(sys.argv[1]), int(sys.argv[2])
calls = 0

def counted(call):
    def go(*given, **named):
        global calls
        calls += 1
        if calls > stop_before:
            os._exit(9)  # as kill -9: no cleaning, no lock released by hand
        return call(*given, **named)
    return go

for name in ("mkdir", "rename", "unlink", "write_text"):
    setattr(Path, name, counted(getattr(Path, name)))
with locked(out), staged(out) as stage:
    (stage / "run.json").write_text("new")
    (stage / "figures").mkdir()
    (stage / "figures" / "a.png").write_text("new")
sys.exit(calls)
"""


def killed(out: Path, *, after: int) -> int:
    """Write a run in a process of its own that dies after some calls to the system."""
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", _KILLED, str(out), str(after)]
    return subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": root}).returncode


@pytest.mark.parametrize("present", ["nothing", "a run"])
def test_after_a_kill_at_any_point_a_reader_and_the_next_run_find_all_or_nothing(tmp_path, present):
    for point in range(1, 12):
        out = tmp_path / f"at-{point}" / "run"
        out.parent.mkdir()
        if present == "a run":
            write_run(out, "old")
        finished = killed(out, after=point) != 9
        restore(out)
        whole = {"run.json", "figures", str(Path("figures", "a.png"))}
        if present == "a run" or out.exists():
            assert set(content(out)) == whole
            assert len(set(content(out).values()) - {""}) == 1
        stage_run(out, "next")
        assert content(out)[MARKER] == "next"
        assert list(out.parent.iterdir()) == [out]
        if finished:
            break
    assert finished
    assert point >= 6


def test_an_empty_folder_made_after_a_kill_does_not_cost_the_old_run(tmp_path):
    out = tmp_path / "run"
    write_run(tmp_path / ".run.gravicast-old", "old")
    out.mkdir()
    with locked(out):
        assert content(out)[MARKER] == "old"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.usefixtures("hears_ctrl_c")
def test_signals_wait_until_the_run_is_in_place(tmp_path, monkeypatch):
    out = tmp_path / "run"
    write_run(out, "old")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        signal.raise_signal(signal.SIGINT)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stage_run(out, "new")
    assert content(out)[MARKER] == "new"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("written", "experiment", "says"),
    [
        (False, "mine", "the output folder is as it was"),
        (True, None, "the run is complete in"),
        (True, "mine", "interrupted while tracking; the run is complete in"),
    ],
)
def test_an_interrupt_says_what_is_left(tmp_path, written, experiment, says):
    config = RunConfig(out=tmp_path / "a run", experiment=experiment, overwrite=True)
    write_run(config.out, "old")

    def go() -> None:
        with _interruptible(config):
            if written:
                stage_run(config.out, "new")
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        go()
    assert says in str(caught.value)
    tracks = f"gravicast track '{config.out}'" in str(caught.value)
    assert tracks == (written and experiment is not None)


@pytest.mark.parametrize(("present", "comes"), [("forecast", "run"), ("run", "forecast")])
def test_a_run_and_a_forecast_never_replace_each_other(tmp_path, stops, present, comes):
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text(json.dumps({"kind": present}))
    check_out(out, overwrite=True, kind=present)
    says = f"holds a {present}, which a {comes} never replaces"
    stops(lambda: check_out(out, overwrite=True, kind=comes), says=says)
