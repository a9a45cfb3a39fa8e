"""Finished tasks of a back-test on disk, from which an interrupted run goes on.

They stand beside the output folder, in ``.run.gravicast-folds`` for ``run``, from the first
finished fold until the run is complete. Each is one file, put in place whole: a zip archive, whose
checksums tell a damaged one.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TypeVar

from features.errors import MALFORMED, InputError
from forecasting.evaluation.tasks import Task
from forecasting.run_folder.staging import beside
from forecasting.run_folder.whole_file import write_whole

T = TypeVar("T")

_RECORD = "run.json"
_FOLDS = "fold-*.zip"
_DAMAGED = (*MALFORMED, zipfile.BadZipFile)


class FinishedTasks:
    """Results by task, kept as they come.

    Parameters
    ----------
    folder
        Where they are kept; made with the first result, in place of an earlier run's.
    run
        What decides the results: `forecasting.fingerprint.fingerprint`.
    resumed
        Whether results that are there already are used.
    say
        Takes a line for the user.
    """

    def __init__(
        self, folder: Path, run: Mapping[str, str], *, resumed: bool, say: Callable[[str], None]
    ) -> None:
        self._folder, self._run, self._say = folder, run, say
        # From then on the folder holds nothing of another run.
        self._begun, self._lock = resumed, Lock()

    def read(self, task: Task[T]) -> T | None:
        """The result of a task, if it is there and whole."""
        file = self._folder / f"{task.name}.zip"
        if not self._begun or not file.is_file():
            return None
        try:
            with zipfile.ZipFile(file) as archive:
                if archive.testzip() is not None:
                    raise zipfile.BadZipFile
                return task.unpack(archive)
        except _DAMAGED:
            self._say(f"{file} is damaged: it is computed again")
            return None

    def write(self, task: Task[T], result: T) -> None:
        """Keep the result of a task."""
        with self._lock:
            if not self._begun:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder.mkdir()
                write_whole(self._folder / _RECORD, json.dumps(self._run).encode())
                self._begun = True
        file = self._folder / f"{task.name}.zip"
        part = file.with_suffix(".part")
        with zipfile.ZipFile(part, "w") as archive:
            task.pack(result, archive)
        part.replace(file)

    def result(self, task: Task[T], compute: Callable[[], T]) -> T:
        """The result that is there, or the one that is computed and kept now."""
        found = self.read(task)
        if found is None:
            found = compute()
            self.write(task, found)
        return found


@contextmanager
def finished_tasks(
    out: Path, run: Mapping[str, str], *, resume: bool, folds: int, say: Callable[[str], None]
) -> Iterator[FinishedTasks]:
    """Keep what is finished while the block goes on, and remove it when the block succeeds.

    Parameters
    ----------
    out
        Output folder, `run_folder.staging.locked` by the caller.
    run, say
        See `FinishedTasks`.
    resume
        Whether to go on from what an interrupted run left.
    folds
        Of the back-test.

    Raises
    ------
    InputError
        If ``resume`` finds folds of a run that would give other results.
    """
    folder = beside(out.resolve(), "folds")
    there = len(list(folder.glob(_FOLDS)))
    counted = f"{there} of {folds} folds"
    resumed = resume and folder.is_dir()
    if resumed:
        _refuse_other(folder, run)
        say(f"resumed: {counted} are finished")
    elif resume:
        say("nothing to resume: no interrupted run left finished folds here")
    elif there and _record(folder) == run:
        say(
            f"an interrupted run left {counted}: stop and give --resume to go on from them; "
            "this run replaces them with its own"
        )
    try:
        yield FinishedTasks(folder, run, resumed=resumed, say=say)
    except BaseException:
        there = len(list(folder.glob(_FOLDS)))
        if there:
            say(f"{there} of {folds} folds are kept in {folder}: --resume goes on from them")
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _record(folder: Path) -> dict[str, str] | None:
    """What decided the results in a folder; None if that cannot be read."""
    try:
        return dict(json.loads((folder / _RECORD).read_text(encoding="utf-8")))
    except (OSError, *MALFORMED):
        return None


def _refuse_other(folder: Path, run: Mapping[str, str]) -> None:
    known = _record(folder)
    if known == run:
        return
    if known is None:
        problem = "the record of the finished folds is damaged"
    else:
        name = next(n for n in (*run, *known) if run.get(n) != known.get(n))
        then, now = (of.get(name, "nothing") for of in (known, run))
        problem = f"the finished folds are of another run: {name} was {then}, and is {now} now"
    raise InputError(
        problem,
        remedy="Give what that run was given, or leave out --resume to start anew",
        file=folder,
    )
