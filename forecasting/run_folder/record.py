"""``run.json``: the record of a run, with the sha256 of every file, checked before reading.

A file that was altered or copied in part is refused with one message. Without the check, an altered
line in the text of a booster crashes the process.
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
from forecasting.run_folder.files import MARKER, REDRAWN
from forecasting.run_folder.whole_file import write_whole

FORMAT = 9
"""Format of the folder; one of another format is refused, not guessed at."""
AGAIN = "Run `gravicast run` again, with the data that run.json names"
SUMS = "files"
"""Key of the checksums: sha256 by path below the folder, with slashes."""


def write_record(
    folder: Path, provenance: Mapping[str, Any], *, seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Write ``run.json``, with the seconds by stage, into a folder that holds everything else.

    Returns ``provenance`` with the checksums of the files.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
    sums.pop(MARKER, None)
    _write(folder, {**provenance, SUMS: sums, "seconds": seconds})
    return {**provenance, SUMS: sums}


def note_drawn(file: Path) -> None:
    """Update the record after a report, scoreboard or figure was written into a run's folder.

    A file that the run did not write belongs to the user and is not recorded.
    """
    for folder in file.absolute().parents[:2]:
        name = file.absolute().relative_to(folder).as_posix()
        record = folder / MARKER
        if name.startswith(REDRAWN) and record.is_file() and name in _sums(*_version(record)):
            about = json.loads(record.read_text(encoding="utf-8"))
            about[SUMS][name] = sha256(file)
            _write(folder, about)


def check_file(folder: Path, name: str) -> None:
    """Refuse a file that differs from the one the run wrote.

    A run that is still being written has no record yet, so nothing is checked.

    Raises
    ------
    InputError
        If its sha256 differs from the recorded one.
    """
    record, file = folder / MARKER, folder / name
    if not record.is_file() or not file.is_file():
        return
    recorded = _sums(*_version(record)).get(name)
    if recorded is not None and _digest(*_version(file)) != recorded:
        raise InputError(
            "the run is not whole: this file was altered or damaged after it was written",
            remedy=AGAIN,
            file=file,
        )


def run_digest(folder: Path) -> str:
    """Identity of a run: sha256 of its record without the files that can be drawn again."""
    about = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    if SUMS in about:
        about[SUMS] = lasting_sums(about)
    return digest_of(json.dumps(about, sort_keys=True).encode()).hexdigest()


def lasting_sums(about: Mapping[str, Any]) -> dict[str, str]:
    """Checksums of the files that stay as the run wrote them."""
    return {k: v for k, v in about.get(SUMS, {}).items() if not k.startswith(REDRAWN)}


def _write(folder: Path, about: Mapping[str, Any]) -> None:
    write_whole(folder / MARKER, (json.dumps(about, indent=2) + "\n").encode())


def _version(file: Path) -> tuple[Path, int, int]:
    """Cache key of a file: an unchanged one is not read twice."""
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
        return {}  # reading the record itself reports this
