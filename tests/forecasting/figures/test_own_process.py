"""Figures drawn in a process of their own: the same files, whatever becomes of the process."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from forecasting.figures import own_process, run_figures
from forecasting.figures.own_process import DrawnBeside, DrawnHere, drawing_process
from forecasting.results.read import read_run


@pytest.fixture
def result(finished_run):
    """A run whose figures take a moment."""
    return read_run(finished_run)


@pytest.fixture
def few_figures(monkeypatch):
    few = tuple(plot for plot in run_figures.PLOTS if plot.name in ("scoreboard", "waterfall"))
    monkeypatch.setattr(run_figures, "PLOTS", few)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def drawn_by(drawing, result, folder):
    drawing.begin(result, folder)
    return drawing.finished()


@pytest.fixture
def beside():
    """Make a drawing of a command's process."""
    with ThreadPoolExecutor(1) as sender:
        made = []

        def make(*command):
            process = subprocess.Popen(command, stdin=subprocess.PIPE)
            made.append(process)
            return DrawnBeside(process, sender)

        yield make
        for process in made:
            process.kill()
            process.wait()


@pytest.mark.usefixtures("few_figures")
def test_what_is_sent_draws_the_same_files(result, tmp_path):
    paths = drawn_by(DrawnHere(), result, tmp_path / "here")
    assert list(paths) == [plot.name for plot in run_figures.PLOTS]
    own_process.main(io.BytesIO(pickle.dumps((result, tmp_path / "there"))))
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


@pytest.mark.usefixtures("few_figures")
@pytest.mark.parametrize("code", ["raise SystemExit(1)", "input(); 1 / 0"])
def test_a_process_that_fails_leaves_the_figures_to_this_one(code, beside, result, tmp_path):
    paths = drawn_by(beside(sys.executable, "-c", code), result, tmp_path)
    assert {path for files in paths.values() for path in files} == set(tmp_path.iterdir())
    assert list(paths) == [plot.name for plot in run_figures.PLOTS]


def test_a_process_that_succeeds_is_believed(beside, result, tmp_path):
    code = "import sys; sys.stdin.buffer.read()"
    assert drawn_by(beside(sys.executable, "-c", code), result, tmp_path) == {}


@pytest.mark.usefixtures("few_figures")
def test_what_is_too_large_is_drawn_here(beside, result, tmp_path, monkeypatch):
    monkeypatch.setattr(own_process, "LARGEST_SENT", 0)
    drawing = beside(sys.executable, "-c", "")
    assert result.explanation.values.nbytes
    assert drawn_by(drawing, result, tmp_path)


def test_the_end_of_the_block_ends_the_process(monkeypatch):
    monkeypatch.setattr(own_process, "cores", lambda: 2)
    with pytest.raises(KeyboardInterrupt), drawing_process() as drawing:  # noqa: PT012
        assert isinstance(drawing, DrawnBeside)
        process = drawing._process
        raise KeyboardInterrupt
    assert process.returncode


def test_one_core_draws_here(monkeypatch):
    monkeypatch.setattr(own_process, "cores", lambda: 1)
    with drawing_process() as drawing:
        assert type(drawing) is DrawnHere


def test_without_an_interpreter_figures_are_drawn_here(monkeypatch, tmp_path):
    monkeypatch.setattr(own_process, "cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with drawing_process() as drawing:
        assert type(drawing) is DrawnHere


@pytest.mark.slow
def test_the_process_draws_every_figure_as_this_one_does(result, tmp_path, monkeypatch):
    monkeypatch.setattr(own_process, "cores", lambda: 2)
    with drawing_process() as drawing:
        paths = drawn_by(drawing, result, tmp_path / "there")
        assert drawing._process.returncode == 0
    assert paths == {
        name: [tmp_path / "there" / path.name for path in files]
        for name, files in drawn_by(DrawnHere(), result, tmp_path / "here").items()
    }
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
