"""Converts the files of a data set, resumably, and puts them in place together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from features.download.raw_file import RawFile
from features.download.watcher import Watcher
from features.errors import InputError
from features.files.tables import sha256
from features.plausibility.stored import noticed
from features.store.connector import Connector
from features.store.dataset import ABOUT, FORMAT, SECTORS, StoredPart
from features.store.source import IndicatorLine
from features.tidy.parts import Notes, Part

JOURNAL = "journal.json"


def convert(
    connector: Connector,
    raw: Sequence[RawFile],
    parts: Iterable[Part],
    target: Path,
    *,
    watcher: Watcher,
) -> None:
    """Make every part beside ``target``, then replace it by the complete set.

    Parameters
    ----------
    connector, raw
        What is made, and of which files.
    parts
        Its parts. Those an earlier call made of the same raw files are reused.
    target
        Folder of the data set; another process must not write to it meanwhile.

    Raises
    ------
    InputError
        From a part, or where no row is left; ``target`` is then as before.
    """
    stage = _stage(target)
    inputs = [str(FORMAT), connector.key, *(file.sha256 for file in raw)]
    journal, notes = _Journal(stage, inputs=inputs), Notes()
    try:
        stored = [_make(part, stage, journal, notes, watcher) for part in parts]
        if not any(part.rows for part in stored):
            raise InputError(
                "no row is left for the data set",
                remedy="Widen the years or the selection",
                file=connector.key,
            )
    except InputError:
        # Another try would fail as well: keep nothing.
        shutil.rmtree(stage)
        raise
    sectors = connector.sector_table(raw)
    if sectors is not None:
        sectors.to_csv(stage / SECTORS, index=False)
    wrong = noticed(stage / one.file for one in stored) if connector.kind == "trade" else []
    lines = _lines(connector, stage, stored)
    about = _about(connector, raw, stored, lines, notes, looks_wrong=wrong)
    text = json.dumps(about, indent=1, ensure_ascii=False)
    (stage / ABOUT).write_text(text, encoding="utf-8")
    journal.close()
    _swap(stage, target)


def _lines(
    connector: Connector, stage: Path, parts: Sequence[StoredPart]
) -> Sequence[IndicatorLine]:
    """Lines of the catalogue of series that have figures: an old vintage may lack some."""
    lines = connector.indicator_lines()
    if not lines:
        return lines
    files = [stage / part.file for part in parts]
    tables = [pq.read_table(file, columns=["indicator"]) for file in files]
    present = {name for table in tables for name in table["indicator"].unique().to_pylist()}
    return [line for line in lines if line.indicator in present]


def _about(
    connector: Connector,
    raw: Sequence[RawFile],
    parts: Sequence[StoredPart],
    lines: Sequence[IndicatorLine],
    notes: Notes,
    *,
    looks_wrong: Sequence[str],
) -> dict[str, Any]:
    info = connector.INFO
    return {
        "format": FORMAT,
        "key": connector.key,
        "source": info.name,
        "title": info.title,
        "kind": connector.kind,
        "release": connector.release,
        "retrieved": max((file.retrieved for file in raw), default=""),
        "licence": info.licence,
        "citation": info.citation,
        "publication_lag_months": info.publication_lag_months,
        "renewed_months": info.renewed_months,
        "absent": info.absent,
        "raw": [file.to_dict() for file in raw],
        "parts": [asdict(part) for part in parts],
        "indicators": [asdict(line) for line in lines],
        "statements": [*notes.statements, *looks_wrong],
    }


class _Journal:
    """Finished parts with their notes, to resume an interrupted conversion.

    Parts made of other raw files are removed.
    """

    def __init__(self, stage: Path, *, inputs: list[str]) -> None:
        self._path = stage / JOURNAL
        self._inputs = inputs
        self.done: dict[str, Any] = {}
        try:
            kept = json.loads(self._path.read_text())
            self.done = kept["done"] if kept["inputs"] == inputs else {}
        except (OSError, ValueError, KeyError, TypeError):
            pass
        if not self.done:
            shutil.rmtree(stage)
            stage.mkdir()

    def add(self, part: StoredPart, notes: Notes) -> None:
        self.done[part.file] = {
            "part": asdict(part),
            "counts": notes.counts,
            "texts": list(notes.texts),
        }
        fresh = self._path.with_suffix(".part")
        fresh.write_text(json.dumps({"inputs": self._inputs, "done": self.done}))
        fresh.replace(self._path)

    def close(self) -> None:
        self._path.unlink(missing_ok=True)


def _make(part: Part, stage: Path, journal: _Journal, notes: Notes, watcher: Watcher) -> StoredPart:
    path, own = stage / part.file, Notes()
    kept = journal.done.get(part.file)
    if kept and path.is_file() and sha256(path) == kept["part"]["sha256"]:
        own.counts, own.texts = kept["counts"], dict.fromkeys(kept["texts"])
        notes.add(own)
        watcher.advance(1)
        return StoredPart(**kept["part"])
    table = part.build(own)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.part")
    pq.write_table(table, fresh, compression="zstd")
    fresh.replace(path)
    stored = StoredPart(part.file, part.year, table.num_rows, sha256(path))
    journal.add(stored, own)
    notes.add(own)
    watcher.advance(1)
    return stored


def _stage(target: Path) -> Path:
    """A hidden folder beside the target, kept for the next try if this one fails."""
    old = _old(target)
    if old.is_dir() and not target.exists():
        old.rename(target)  # the process before was killed between the two renames of `_swap`
    stage = target.with_name(f".{target.name}.partial")
    stage.mkdir(parents=True, exist_ok=True)
    return stage


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _swap(stage: Path, target: Path) -> None:
    """Put the finished folder in place; an older one is moved aside first and then removed."""
    old = _old(target)
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    stage.rename(target)
    shutil.rmtree(old, ignore_errors=True)
