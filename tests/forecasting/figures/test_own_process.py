"""Figures drawn in a process of their own: the same files, whatever becomes of the process."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

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
    few = tuple(plot for plot in run_figures.PLOTS if plot.name == "coverage")
    monkeypatch.setattr(run_figures, "PLOTS", few)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def drawn_by(drawing, result, folder):
    drawing.begin(result, folder)
    return drawing.finished()


@pytest.fixture
def beside(tmp_path_factory):
    """Make a drawing of a command's process."""
    with ThreadPoolExecutor(1) as sender:
        made = []

        def make(*command):
            process = subprocess.Popen(command, stdin=subprocess.PIPE)
            made.append(process)
            return DrawnBeside(process, sender, tmp_path_factory.mktemp("claims"))

        yield make
        for process in made:
            process.kill()
            process.wait()


@pytest.mark.usefixtures("few_figures")
def test_what_is_sent_draws_the_same_files(result, tmp_path):
    paths = drawn_by(DrawnHere(), result, tmp_path / "here")
    assert list(paths) == [plot.name for plot in run_figures.PLOTS]
    (claims := tmp_path / "claims").mkdir()
    own_process.main(io.BytesIO(pickle.dumps((result, tmp_path / "there", claims))))
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


@pytest.mark.usefixtures("few_figures")
@pytest.mark.parametrize("code", ["raise SystemExit(1)", "input(); 1 / 0"])
def test_a_process_that_fails_leaves_the_figures_to_this_one(code, beside, result, tmp_path):
    paths = drawn_by(beside(sys.executable, "-c", code), result, tmp_path)
    assert {path for files in paths.values() for path in files} == set(tmp_path.iterdir())
    assert list(paths) == [plot.name for plot in run_figures.PLOTS]


@pytest.mark.usefixtures("few_figures")
def test_what_cannot_be_sent_is_drawn_here(beside, result, tmp_path):
    drawing = beside(sys.executable, "-c", "import sys; sys.stdin.buffer.read()")
    assert drawn_by(drawing, replace(result, timings={"own": lambda: None}), tmp_path)


def test_a_process_that_succeeds_is_believed(beside, result, tmp_path):
    drawing = beside(sys.executable, "-c", "import sys; sys.stdin.buffer.read()")
    list(own_process.unclaimed(run_figures.PLOTS, drawing._claims))
    assert drawn_by(drawing, result, tmp_path) == {}


def test_each_figure_is_drawn_by_one_of_both(tmp_path):
    plots = run_figures.PLOTS
    first, last = (own_process.unclaimed(of, tmp_path) for of in (plots, reversed(plots)))
    met = [next(first), next(last), next(last), next(first)]
    assert met == [plots[0], plots[-1], plots[-2], plots[1]]
    assert [*first, *last] == list(plots[2:-2])


@pytest.mark.usefixtures("few_figures")
def test_what_the_process_has_not_come_to_is_drawn_here(beside, result, tmp_path):
    drawing = beside(sys.executable, "-c", "import sys; sys.stdin.buffer.read()")
    assert list(drawn_by(drawing, result, tmp_path)) == [p.name for p in run_figures.PLOTS]
    assert drawing._process.returncode == 0


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
