"""A run's figures drawn in a process of their own, beside its checks, tables and report.

Python draws on one core, however many there are, and figures take a fifth of a run's end. The
process starts as a command: one that `multiprocessing` starts would first run the user's script
anew. It is begun before there is anything to draw, while its imports wait for nobody. When this
process has nothing else to do, it draws the last figures while the other is at the first.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from features.cores import cores
from forecasting.figures import run_figures
from forecasting.figures.run_figures import Plot
from forecasting.memory import left_at_exit, seldom_collected
from forecasting.results.result import RunResult

LARGEST_SENT = 2**29
"""Bytes of explained values that are sent at most: the process holds a copy."""

Paths = dict[str, list[Path]]


class Drawing(Protocol):
    """Draws the figures of a run."""

    def begin(self, result: RunResult, folder: Path) -> None:
        """Take what is to be drawn, and the folder to draw it into."""

    def finished(self) -> Paths:
        """What `run_figures.save_figures` returns, once it is all there."""


@contextmanager
def drawing_process() -> Iterator[Drawing]:
    """Draw beside this process where that saves time; the files are the same to the byte."""
    if cores() == 1:
        yield DrawnHere()
        return
    # The process finds what this one imports, and nothing else in the working directory.
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    command = [sys.executable, "-P", "-m", "forecasting.figures.own_process"]
    try:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:  # no memory, or no interpreter where this one is a part of another program
        yield DrawnHere()
        return
    with (
        tempfile.TemporaryDirectory() as claims,
        ThreadPoolExecutor(1, thread_name_prefix="drawing") as sender,
    ):
        try:
            yield DrawnBeside(process, sender, Path(claims))
        finally:
            # Nothing is drawn into a folder that is about to be moved or removed.
            process.kill()
            process.wait()


def unclaimed(plots: Iterable[Plot], claims: Path) -> Iterator[Plot]:
    """Plots that nobody has claimed yet by a file of their name, each claimed in turn."""
    for plot in plots:
        try:
            (claims / plot.name).touch(exist_ok=False)
        except FileExistsError:
            continue
        yield plot


@dataclass(slots=True)
class DrawnHere:
    """Draws in this process when it is asked for the files."""

    _asked: tuple[RunResult, Path] | None = None

    def begin(self, result: RunResult, folder: Path) -> None:
        """Keep what is to be drawn."""
        self._asked = result, folder

    def finished(self) -> Paths:
        """Draw it."""
        assert self._asked is not None, "nothing was begun"
        return run_figures.save_figures(*self._asked)


class DrawnBeside(DrawnHere):
    """Draws in another process, and helps; if that fails it draws all: the fault then shows.

    Parameters
    ----------
    process
        Runs `main`, and draws what comes in at its standard input.
    sender
        Of one thread: a pipe takes no more until its reader has read.
    claims
        Empty folder, in which each of both processes notes what it draws.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], sender: ThreadPoolExecutor, claims: Path
    ) -> None:
        super().__init__()
        self._process, self._sender, self._claims = process, sender, claims
        self._sent: Future[None] | None = None

    def begin(self, result: RunResult, folder: Path) -> None:
        """Send what is to be drawn, unless it is too large to be held twice."""
        super().begin(result, folder)
        if result.explanation.values.nbytes <= LARGEST_SENT:
            self._sent = self._sender.submit(self._send, result, folder)

    def _send(self, result: RunResult, folder: Path) -> None:
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            pickle.dump((result, folder, self._claims), pipe, pickle.HIGHEST_PROTOCOL)

    def finished(self) -> Paths:
        """Draw what the process has not come to, and wait for it."""
        # Not sent whole: the process has ended, or a user's own class cannot be pickled.
        whole = self._sent is not None and self._sent.exception() is None
        if whole:
            assert self._asked is not None
            left = unclaimed(reversed(run_figures.PLOTS), self._claims)
            run_figures.save_figures(*self._asked, left)
            if self._process.wait() == 0:
                return run_figures.saved_figures(self._asked[1])
        return super().finished()


def main(given: BinaryIO) -> None:
    """Draw what a process sends, which waits until this one has ended."""
    left_at_exit()
    with seldom_collected():
        import matplotlib.figure
        import matplotlib.style  # noqa: F401

        result, folder, claims = pickle.load(given)
        run_figures.save_figures(result, folder, unclaimed(run_figures.PLOTS, claims))


if __name__ == "__main__":
    main(sys.stdin.buffer)
