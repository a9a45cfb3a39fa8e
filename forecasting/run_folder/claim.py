"""Claiming an output folder, which is refused early if it cannot be written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.errors import InputError
from forecasting.run_folder.files import MARKER, NAMES, Kind
from forecasting.run_folder.staging import locked


def check_out(out: Path, *, overwrite: bool, kind: Kind = "run") -> None:
    """Refuse an output folder before any work starts.

    Parameters
    ----------
    out
        Folder.
    overwrite
        Whether earlier output of the same ``kind`` may be replaced.
    kind
        ``run`` or ``forecast``; neither ever replaces the other.

    Raises
    ------
    InputError
        If it holds a run and ``overwrite`` is False, holds anything else, or cannot be written.
    """
    try:
        exists = out.exists()
    except OSError as error:  # a name too long
        raise InputError(
            f"the output folder cannot be made ({error.strerror})",
            remedy="Choose another --out folder",
            file=out,
        ) from error
    if exists and not out.is_dir():
        raise InputError("the output is a file", remedy="Choose another --out folder", file=out)
    if exists and any(out.iterdir()):
        if not (out / MARKER).exists():
            raise InputError(
                "the output folder holds files that are not from a gravicast run",
                remedy="Choose another --out folder; gravicast never empties one for you",
                file=out,
            )
        _spare_other(out, kind)
        if not overwrite:
            raise InputError(
                f"the output folder already holds a {kind}",
                remedy="Choose another --out folder or give --overwrite",
                file=out,
            )
    others = sorted({path.name for path in out.iterdir()} - NAMES) if exists else []
    if others:
        raise InputError(
            f"the output folder holds {others[0]!r}, which no run wrote",
            remedy="Move it away or choose another --out folder",
            file=out,
        )
    parent = _existing_parent(out)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(
            f"{parent} cannot be written", remedy="Choose another --out folder", file=out
        )


def _spare_other(out: Path, kind: Kind) -> None:
    try:
        found = json.loads((out / MARKER).read_text(encoding="utf-8")).get("kind", "run")
    except (OSError, ValueError, AttributeError):
        found = "run"  # damaged; assume the more valuable kind
    if found != kind:
        raise InputError(
            f"the output folder holds a {found}, which a {kind} never replaces",
            remedy="Choose another --out folder",
            file=out,
        )


def _existing_parent(out: Path) -> Path:
    folder = out.absolute().parent
    while not folder.exists():
        folder = folder.parent
    return folder


@contextmanager
def claimed(out: Path, *, overwrite: bool, kind: Kind = "run") -> Iterator[None]:
    """Check an output folder, and lock out other processes while work goes on.

    Raises
    ------
    InputError
        See `check_out`; also if another process is writing there.
    """
    check_out(out, overwrite=overwrite, kind=kind)
    with locked(out):
        # Taking the lock has restored a run that a killed process left half replaced.
        check_out(out, overwrite=overwrite, kind=kind)
        yield
