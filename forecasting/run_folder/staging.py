"""A folder put in place whole: locked while it is written, and mended after a kill.

Beside a folder ``run`` that is being written stand ``.run.gravicast-lock`` (the lock),
``.run.gravicast-new`` (what is being written) and, while one run replaces another,
``.run.gravicast-old``. Their names are fixed, so that whoever holds the lock knows that what lies
there is of a process that was killed.
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
_PATIENCE_S = 5.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keep every other process from writing a folder for the length of a block.

    What a killed process left beside it is removed first, and a run whose replacement was cut off
    is put back. Folders made for it above ``out`` go again if they are empty at the end.

    Raises
    ------
    InputError
        If another process is writing the folder, or it cannot be made.
    """
    folder = out.resolve()
    made = [above for above in folder.parents if not above.exists()]
    lock = FileLock(_beside(folder, _LOCK))
    try:
        _acquire(lock, out, timeout=0.0)
        try:
            _mend(folder)
            yield
        finally:
            _release(lock)
    finally:
        for above in made:
            with suppress(OSError):  # another run may be in it by now
                above.rmdir()


@contextmanager
def staged(out: Path, *, check: Callable[[], object] = lambda: None) -> Iterator[Path]:
    """A temporary folder beside ``out`` that takes its place when the block succeeds.

    Nothing is left behind when it does not; a run that was there before stays until then.

    Parameters
    ----------
    out
        Folder, `locked` by the caller.
    check
        Called before the folder is put in place: raises if that must not be.

    Raises
    ------
    InputError
        If the disk is full.
    """
    folder = out.resolve()
    stage = _beside(folder, _NEW)
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
        # By now the run that was replaced lies there, or what was not finished.
        shutil.rmtree(stage, ignore_errors=True)


def restore(out: Path) -> None:
    """Put a run back whose replacement was killed half way, where that can be told.

    For readers: they may not write, so that a folder they cannot lock is left as it is.
    """
    folder = out.resolve()
    if folder.exists() or not _beside(folder, _OLD).is_dir():
        return
    lock = FileLock(_beside(folder, _LOCK))
    with suppress(InputError):
        _acquire(lock, out, timeout=_PATIENCE_S)
        try:
            _mend(folder)
        finally:
            _release(lock)


def _beside(folder: Path, what: str) -> Path:
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
    """Leave no lock file: a process that opened this one finds it gone and makes another."""
    with suppress(OSError):  # Windows removes it on release, and not before
        Path(lock.lock_file).unlink()
    lock.release()


def _mend(folder: Path) -> None:
    """Undo what a killed process left, as the lock tells that there is none alive."""
    stage, old = _beside(folder, _NEW), _beside(folder, _OLD)
    if old.is_dir():
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        if not folder.exists():
            old.rename(folder)
    for left in (old, stage):
        shutil.rmtree(left, ignore_errors=True)


def _put(stage: Path, folder: Path) -> None:
    """Put the stage in place, and what was there in the stage's.

    Windows renames onto nothing that exists, so that an empty folder makes way too.
    """
    old = _beside(folder, _OLD)
    if not folder.exists():
        stage.rename(folder)
        return
    folder.rename(old)
    try:
        stage.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    # From now on it counts as waste: half removed, it must not be taken for a run to put back.
    old.rename(stage)
