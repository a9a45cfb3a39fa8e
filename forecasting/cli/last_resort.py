"""Unforeseen failures: one line for the user, the traceback in a file."""

from __future__ import annotations

import errno
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LENGTH = 300
_REMEDIES = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "Make room, or write to another disk"
    ),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Change its permissions"),
    errno.ENAMETOOLONG: "Choose a shorter name",
}
_BROKEN_PIPE = 141
"""What shells report for a closed pipe: 128 plus SIGPIPE."""


@contextmanager
def plain_output() -> Iterator[None]:
    """Show characters that the terminal lacks as escapes, instead of failing."""
    streams = [s for s in (sys.stdout, sys.stderr) if isinstance(s, io.TextIOWrapper)]
    before = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in zip(streams, before, strict=True):
            stream.reconfigure(errors=errors)


def reader_gone() -> int:
    """The exit code for a closed pipe, as after ``| head``; nothing more is printed."""
    drop_output()
    return _BROKEN_PIPE


def drop_output() -> None:
    """Discard what can no longer be printed."""
    # Python would report what is still buffered as an error when it ends.
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(null, stream.fileno())
    os.close(null)


def refused_by_system(error: OSError) -> str:
    """What the operating system refused, in one line: a full disk, a long name, no permission."""
    why = os.strerror(error.errno) if error.errno else short(error)
    files = [str(name) for name in (error.filename, error.filename2) if name is not None]
    what = f"{files[-1]}: {why}" if files else why
    return f"{_cut(what)}. {_REMEDIES.get(error.errno or 0, 'Fix that and try again')}"


def keep_traceback() -> str:
    """Write the current traceback to a file; returns a sentence that names it."""
    text = traceback.format_exc()
    try:
        handle, name = tempfile.mkstemp(prefix="gravicast-error-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        return f"Its traceback could not be saved ({error.strerror})"
    return f"Please report it with its traceback, which is in {Path(name)}"


def short(error: BaseException) -> str:
    """Type and message of an error in one line."""
    words = " ".join(str(error).split())
    return _cut(f"{type(error).__name__}: {words}" if words else type(error).__name__)


def _cut(words: str) -> str:
    return words if len(words) <= _LENGTH else f"{words[:_LENGTH]} ..."
