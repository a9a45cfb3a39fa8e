"""Where the pages of a run lie, and how one leads to another: folders may move together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from forecasting.run_folder.files import FORECASTS, REPORT

INDEX = "index.html"


def pages_folder(run: Path) -> Path:
    """Folder of a run's country pages where nobody chose another."""
    return run.with_name(f"{run.absolute().name}-countries")


def country_addresses(run: Path, page: Path) -> Mapping[str, str]:
    """Country pages of a run, seen from a page.

    Returns
    -------
    Mapping
        Address by code, that of the index, `INDEX`, first; empty where there are no pages, or they
        are of an earlier run of the same name.
    """
    folder, forecasts = pages_folder(run), run / FORECASTS
    index = folder / INDEX
    if not (index.is_file() and index.stat().st_mtime >= forecasts.stat().st_mtime):
        return {}
    files = sorted(file for file in folder.glob("*.html") if file.name != INDEX)
    found = {INDEX: index, **{file.stem: file for file in files}}
    return {code: address for code, file in found.items() if (address := _seen(file, page))}


def report_address(run: Path, page: Path) -> str:
    """Report of a run, seen from a page; empty where there is none."""
    report = run / REPORT
    return _seen(report, page) if report.is_file() else ""


def _seen(file: Path, page: Path) -> str:
    try:
        found = os.path.relpath(file.absolute(), page.absolute().parent)
    except ValueError:  # another drive
        return ""
    return Path(found).as_posix()
