"""A folder put in place whole: locked while it is written, and repaired after a kill.

While ``run`` is being written, these stand beside it: ``.run.gravicast-lock`` (the lock),
``.run.gravicast-new`` (the new content) and, while one run replaces another,
``.run.gravicast-old``. The names are fixed, so the holder of the lock knows that any leftovers
come from a killed process. ``.run.gravicast-folds`` holds finished folds
(`forecasting.evaluation.finished_tasks`): it outlives an interrupted run, for ``--resume``.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from features.errors import InputError
from forecasting.run_folder.interrupts import uninterrupted

_LOCK, _NEW, _OLD = "lock", "new", "old"
_ELSEWHERE = "Choose another --out folder"
_LOCK_WAIT_S = 5.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keep other processes from writing a folder within the block.

    First, leftovers of a killed process are removed, and a run whose replacement was cut short is
    put back. Parent folders made for ``out`` are removed if they are empty at the end.

    Raises
    ------
    InputError
        If another process is writing the folder, or it cannot be made.
    """
    folder = out.resolve()
    created = [parent for parent in folder.parents if not parent.exists()]
    lock = FileLock(beside(folder, _LOCK))
    try:
        _acquire(lock, out, timeout=0.0)
        try:
            _repair(folder)
            yield
        finally:
            _release(lock)
    finally:
        for parent in created:
            with suppress(OSError):  # another run may be in it by now
                parent.rmdir()


@contextmanager
def staged(out: Path, *, check: Callable[[], object] = lambda: None) -> Iterator[Path]:
    """A temporary folder beside ``out`` that replaces it when the block succeeds.

    If the block fails, nothing is left behind and the earlier run stays.

    Parameters
    ----------
    out
        Folder, `locked` by the caller.
    check
        Called before the folder is put in place; raises to prevent that.

    Raises
    ------
    InputError
        If the disk is full.
    """
    folder = out.resolve()
    stage = beside(folder, _NEW)
    stage.mkdir()
    try:
        yield stage
        check()
        with uninterrupted():
            _put(stage, folder)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise InputError(
            f"the output folder cannot be written ({os.strerror(error.errno)})",
            remedy="Make room, or choose another --out folder",
            file=out,
        ) from error
    finally:
        # By now this is the replaced run, or unfinished content.
        shutil.rmtree(stage, ignore_errors=True)


def restore(out: Path) -> None:
    """Put back a run whose replacement was killed halfway, if the folder can be locked.

    For readers, which may lack permission to write: a folder they cannot lock is left alone.
    """
    folder = out.resolve()
    if folder.exists() or not beside(folder, _OLD).is_dir():
        return
    lock = FileLock(beside(folder, _LOCK))
    with suppress(InputError):
        _acquire(lock, out, timeout=_LOCK_WAIT_S)
        try:
            _repair(folder)
        finally:
            _release(lock)


def beside(folder: Path, what: str) -> Path:
    """A hidden neighbour of an output folder, for what is not part of it."""
    return folder.with_name(f".{folder.name}.gravicast-{what}")


def _acquire(lock: FileLock, out: Path, *, timeout: float) -> None:
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout)
    except Timeout:
        raise InputError(
            "another process is writing to the output folder",
            remedy="Wait until it is done, or choose another --out folder",
            file=out,
        ) from None
    except OSError as error:
        raise InputError(
            f"the output folder cannot be made ({error.strerror})", remedy=_ELSEWHERE, file=out
        ) from error


def _release(lock: FileLock) -> None:
    """Leave no lock file: a process that has opened it notices, and makes another."""
    with suppress(OSError):  # Windows removes it on release only
        Path(lock.lock_file).unlink()
    lock.release()


def _repair(folder: Path) -> None:
    """Undo what a killed process left; holding the lock proves that none is alive."""
    stage, old = beside(folder, _NEW), beside(folder, _OLD)
    if old.is_dir():
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        if not folder.exists():
            old.rename(folder)
    for leftover in (old, stage):
        shutil.rmtree(leftover, ignore_errors=True)


def _put(stage: Path, folder: Path) -> None:
    """Swap the stage and the folder.

    Windows cannot rename onto an existing folder, so even an empty one must move.
    """
    old = beside(folder, _OLD)
    if not folder.exists():
        stage.rename(folder)
        return
    folder.rename(old)
    try:
        stage.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    # From now on it is waste: half removed, it must not be mistaken for a run to put back.
    old.rename(stage)
