"""A run's figures drawn in a process of their own, beside its checks, tables and report.

Python draws on one core, however many there are, and figures take a fifth of a run's end. The
process starts as a command: one that `multiprocessing` starts would first run the user's script
anew. It is begun before there is anything to draw, while its imports wait for nobody.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from features.cores import cores
from forecasting.figures import run_figures
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
    with ThreadPoolExecutor(1, thread_name_prefix="drawing") as sender:
        try:
            yield DrawnBeside(process, sender)
        finally:
            # Nothing is drawn into a folder that is about to be moved or removed.
            process.kill()
            process.wait()


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
    """Draws in another process, and here what that failed to draw: the fault then shows.

    Parameters
    ----------
    process
        Runs `main`, and draws what comes in at its standard input.
    sender
        Of one thread: a pipe takes no more until its reader has read.
    """

    def __init__(self, process: subprocess.Popen[bytes], sender: ThreadPoolExecutor) -> None:
        super().__init__()
        self._process, self._sender = process, sender
        self._sent: Future[None] | None = None

    def begin(self, result: RunResult, folder: Path) -> None:
        """Send what is to be drawn, unless it is too large to be held twice."""
        super().begin(result, folder)
        if result.explanation.values.nbytes <= LARGEST_SENT:
            self._sent = self._sender.submit(self._send, result, folder)

    def _send(self, result: RunResult, folder: Path) -> None:
        assert self._process.stdin is not None
        with suppress(OSError), self._process.stdin as pipe:  # the process may have ended
            pickle.dump((result, folder), pipe, pickle.HIGHEST_PROTOCOL)

    def finished(self) -> Paths:
        """Wait for the process."""
        if self._sent is not None:
            self._sent.result()
            if self._process.wait() == 0:
                assert self._asked is not None
                return run_figures.saved_figures(self._asked[1])
        return super().finished()


def main(given: BinaryIO) -> None:
    """Draw what a process sends."""
    import matplotlib.figure
    import matplotlib.style  # noqa: F401

    result, folder = pickle.load(given)
    run_figures.save_figures(result, folder)


if __name__ == "__main__":
    main(sys.stdin.buffer)
