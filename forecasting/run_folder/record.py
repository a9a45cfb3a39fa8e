"""``run.json``: what a run was, and the sha256 of every file beside it, checked before it is read.

A file that was altered or half copied is told in a line. Read as it is, an altered line in a
booster's text ends the process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256 as digest_of
from pathlib import Path
from typing import Any

from features.errors import InputError
from features.files.tables import sha256
from forecasting.run_folder.whole_file import write_whole

MARKER = "run.json"
FORMAT = 7
"""Of the folder's files; a folder of another format is refused, not guessed at."""
AGAIN = "Run `gravicast run` again, with the data that run.json names"
SUMS = "files"
"""Key of the sums: sha256 by path below the folder, parts between slashes."""
_DRAWN = ("report.html", "scoreboard.md", "figures/")
"""What commands may draw again from the other files."""


def write_record(
    folder: Path, provenance: Mapping[str, Any], *, seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Write ``run.json`` into a folder that holds everything else.

    Parameters
    ----------
    folder
        Of the run.
    provenance
        What to record.
    seconds
        By stage.

    Returns
    -------
    dict
        ``provenance`` with the sums of the folder's files.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
    sums.pop(MARKER, None)
    _write(folder, {**provenance, SUMS: sums, "seconds": seconds})
    return {**provenance, SUMS: sums}


def note_drawn(file: Path) -> None:
    """Keep the record true after a report, scoreboard or figure was written into a run's folder.

    A file that the run did not write is the user's, and not recorded.
    """
    for folder in file.absolute().parents[:2]:
        name = file.absolute().relative_to(folder).as_posix()
        record = folder / MARKER
        if name.startswith(_DRAWN) and record.is_file() and name in _sums(*_version(record)):
            about = json.loads(record.read_text(encoding="utf-8"))
            about[SUMS][name] = sha256(file)
            _write(folder, about)


def check_file(folder: Path, name: str) -> None:
    """Refuse a file that is not the one the run wrote.

    While a run is being written there is no record yet, and nothing to check.

    Raises
    ------
    InputError
        If its sha256 is not the recorded one.
    """
    record, file = folder / MARKER, folder / name
    if not record.is_file() or not file.is_file():
        return
    wrote = _sums(*_version(record)).get(name)
    if wrote is not None and _digest(*_version(file)) != wrote:
        raise InputError(
            "the run is not whole: this file was altered or damaged since it was written",
            remedy=AGAIN,
            file=file,
        )


def run_digest(folder: Path) -> str:
    """What tells a run from any other: sha256 of its record, less what can be drawn again."""
    about = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    if SUMS in about:
        about[SUMS] = lasting_sums(about)
    return digest_of(json.dumps(about, sort_keys=True).encode()).hexdigest()


def lasting_sums(about: Mapping[str, Any]) -> dict[str, str]:
    """Sums of the files that stay as the run wrote them."""
    return {k: v for k, v in about.get(SUMS, {}).items() if not k.startswith(_DRAWN)}


def _write(folder: Path, about: Mapping[str, Any]) -> None:
    write_whole(folder / MARKER, (json.dumps(about, indent=2) + "\n").encode())


def _version(file: Path) -> tuple[Path, int, int]:
    """A file as it is now: asked again, an unchanged one is not read again."""
    about = file.stat()
    return file.absolute(), about.st_size, about.st_mtime_ns


@lru_cache(maxsize=64)
def _digest(file: Path, _size: int, _changed: int) -> str:
    return sha256(file)


@lru_cache(maxsize=8)
def _sums(file: Path, _size: int, _changed: int) -> dict[str, str]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")).get(SUMS, {}))
    except (ValueError, AttributeError, TypeError):
        return {}  # whoever reads the record itself says so
