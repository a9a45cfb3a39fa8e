"""Claiming an output folder: refused early where it cannot be written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from features.errors import InputError
from forecasting.run_folder.record import FORMAT as FORMAT
from forecasting.run_folder.record import MARKER as MARKER
from forecasting.run_folder.staging import locked

Kind = Literal["run", "forecast"]


RUN_FILES = frozenset(
    {
        MARKER,
        "ablation.csv",
        "attributions.parquet",
        "backtest.parquet",
        "channels.csv",
        "coverage.csv",
        "drivers.csv",
        "figures",
        "forecasts.parquet",
        "model",
        "placebos.csv",
        "reliability.csv",
        "report.html",
        "scoreboard.md",
        "scores.csv",
        "scores_by_origin.csv",
        "measures_backtest.parquet",
        "measures_drivers.parquet",
        "measures_forecasts.parquet",
        "measures_history.parquet",
        "measures_scores.csv",
        "significance.csv",
        "stability.csv",
        "study_by_origin.csv",
        "trials.csv",
    }
)
"""Everything a run writes; a folder that holds more is never replaced."""


def check_out(out: Path, *, overwrite: bool, kind: Kind = "run") -> None:
    """Refuse an output folder before any work starts.

    Parameters
    ----------
    out
        Folder.
    overwrite
        Whether what ``kind`` of work left there before may be replaced.
    kind
        ``run`` or ``forecast``: neither ever replaces the other.

    Raises
    ------
    InputError
        If it holds a run and ``overwrite`` is off, holds anything else, or cannot be written.
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
                "the output folder holds files that are no run",
                remedy="Choose another --out folder; it is never emptied for you",
                file=out,
            )
        _spare_other(out, kind)
        if not overwrite:
            raise InputError(
                f"the output folder already holds a {kind}",
                remedy="Choose another --out folder or give --overwrite",
                file=out,
            )
    others = sorted({path.name for path in out.iterdir()} - RUN_FILES) if exists else []
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
        found = "run"  # broken, and of a version that made nothing else
    if found != kind:
        raise InputError(
            f"the output folder holds a {found}, which a {kind} does not replace",
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
    """Check an output folder, and keep every other process from writing it while work goes on.

    Raises
    ------
    InputError
        See `check_out`; or if another process is writing there.
    """
    check_out(out, overwrite=overwrite, kind=kind)
    with locked(out):
        # A run that a killed process left half replaced is back in its place by now.
        check_out(out, overwrite=overwrite, kind=kind)
        yield
