"""Commands that answer with a brief print it, and write a folder where one is asked for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecasting.briefs.brief import Brief
    from forecasting.results.result import RunResult


def add_brief_files(parser: argparse.ArgumentParser) -> None:
    """Declare ``--out`` and ``--overwrite``."""
    files = parser.add_argument_group("files")
    files.add_argument("--out", help="folder for the brief with figures, and its tables as CSV")
    files.add_argument("--overwrite", action="store_true", help="replace the brief in the folder")


def check_brief_files(parsed: argparse.Namespace) -> None:
    """Refuse options of `add_brief_files` that cannot be met, before any work."""
    from pathlib import Path

    from features.errors import InputError
    from forecasting.briefs.write import check_brief_folder

    if parsed.overwrite and parsed.out is None:
        raise InputError("--overwrite needs --out", remedy="Give --out DIR too")
    if parsed.out is not None:
        check_brief_folder(Path(parsed.out), overwrite=parsed.overwrite)


def print_brief(brief: Brief, run: RunResult, parsed: argparse.Namespace) -> None:
    """Print a brief, and write its folder on request."""
    from forecasting.briefs.write import brief_text, write_brief

    if parsed.out is None:
        print(f"{brief_text(brief)}\nFigures, and all numbers as CSV: give --out DIR")
        return
    file = write_brief(brief, run, parsed.out, overwrite=parsed.overwrite)
    print(f"{brief_text(brief)}\nWith figures, and all numbers as CSV: {file}")
