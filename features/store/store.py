"""The local store: tidy data sets as Parquet by year, each beside what it was made from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import InputError
from features.store.connector import Connector
from features.store.source import (
    Absent,
    IndicatorLine,
    Kind,
    Notes,
    Part,
    RawFile,
    Silent,
    Watcher,
)
from features.tables import sha256

FORMAT = 1
ABOUT, SECTORS, JOURNAL = "dataset.json", "sectors.csv", "journal.json"
STORE_VARIABLE = "GRAVICAST_STORE"
DEFAULT_STORE = "gravicast-store"
TEXT = ("exporter", "importer", "sector", "iso3", "indicator", "iso3_o", "iso3_d",
        "source_country", "source_sector", "use_country", "use", "country")  # fmt: skip


def default_store() -> Path:
    """The store where none is named: ``GRAVICAST_STORE``, else ``gravicast-store`` here."""
    return Path(os.environ.get(STORE_VARIABLE) or DEFAULT_STORE)


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One Parquet file of a data set."""

    file: str
    year: int | None
    rows: int
    sha256: str


@dataclass(frozen=True)
class Dataset:
    """A data set of the store.

    Attributes
    ----------
    folder
        Where it lies.
    key, source, title, kind, release, retrieved
        Name in the store, source and its name in words, what it is, release, day of retrieval.
    licence, citation
        As the source states them.
    publication_lag_months
        Months from the end of a year to its publication.
    renewed_months
        Months after which it is called stale.
    absent
        What a flow without a row means: ``"zero"``, ``"missing"`` or, where the table tells,
        ``"auto"``.
    raw
        The source's files: name, address, sha256, size and day.
    parts
        Its Parquet files.
    indicators
        Catalogue of an indicator data set.
    statements
        What was dropped, mapped or filled in making it.
    """

    folder: Path
    key: str
    source: str
    title: str
    kind: Kind
    release: str
    retrieved: str
    licence: str
    citation: str
    publication_lag_months: int
    renewed_months: int
    absent: Absent
    raw: tuple[dict[str, Any], ...]
    parts: tuple[StoredPart, ...]
    indicators: tuple[IndicatorLine, ...]
    statements: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def years(self) -> tuple[int, ...]:
        """Its years in order."""
        return tuple(sorted({part.year for part in self.parts if part.year is not None}))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the sums of its parts: what a run records as the input's."""
        return hashlib.sha256(
            "\n".join(f"{p.file} {p.sha256}" for p in self.parts).encode()
        ).hexdigest()

    @property
    def sectors(self) -> Path | None:
        """Table of the sectors of a trade data set, where it has one."""
        path = self.folder / SECTORS
        return path if path.is_file() else None

    @property
    def catalogue(self) -> pd.DataFrame:
        """Catalogue of an indicator data set, as `features.indicators` reads it."""
        return pd.DataFrame([asdict(line) for line in self.indicators])

    def verify(self) -> None:
        """Check every part against its sum.

        Raises
        ------
        InputError
            For a part that is absent or was changed.
        """
        for part in self.parts:
            path = self.folder / part.file
            if not path.is_file() or sha256(path) != part.sha256:
                raise InputError(
                    "the file was changed or is gone since it was fetched",
                    remedy=f"Make it again: gravicast fetch {self.source} ... --refresh",
                    file=path,
                )

    def read(self) -> pd.DataFrame:
        """All parts as one table, checked against their sums."""
        self.verify()
        tables = [_read_part(self.folder / part.file) for part in self.parts]
        table = pa.concat_tables(tables, promote_options="default").unify_dictionaries()
        return table.to_pandas(split_blocks=True, self_destruct=True)


def _read_part(path: Path) -> pa.Table:
    # Arrow refuses names that the file does not have.
    text = [name for name in pq.read_schema(path).names if name in TEXT]
    return pq.ParquetFile(path, read_dictionary=text).read()


class Store:
    """A folder of data sets (by key) and of raw files (by source and release).

    Parameters
    ----------
    folder
        Made at the first fetch.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = default_store() if folder is None else Path(folder)

    def raw_folder(self, source: str, release: str) -> Path:
        """Cache of a release's raw files."""
        return self.folder / "raw" / source / release

    def raw_releases(self, source: str) -> tuple[Path, ...]:
        """Caches of a source, newest name first."""
        folder = self.folder / "raw" / source
        found = folder.iterdir() if folder.is_dir() else ()
        return tuple(sorted((p for p in found if p.is_dir()), reverse=True))

    def datasets(self) -> list[Dataset]:
        """Every data set that can be read, by key."""
        found = (self._read(path.parent) for path in self._about_files())
        return sorted((d for d in found if d is not None), key=lambda d: d.key)

    def broken(self) -> list[Path]:
        """Folders whose description cannot be read."""
        return [path.parent for path in self._about_files() if self._read(path.parent) is None]

    def open(self, key: str) -> Dataset:
        """A data set by its key, or by the beginning of one that only one data set has.

        Raises
        ------
        InputError
            If there is none or more than one.
        """
        exact = self._read(self._folder(key))
        if exact is not None and exact.key == key:
            return exact
        wanted = key.split(":")
        there = self.datasets()
        found = [d for d in there if d.key.split(":")[: len(wanted)] == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"{key} could be {', '.join(d.key for d in found)}",
                remedy="Name one of them",
                file=self.folder,
            )
        have = f"It has {', '.join(d.key for d in there)}" if there else "It is empty"
        raise InputError(
            f"the store has no data set {key}",
            remedy=f"Fetch it with `gravicast fetch {wanted[0]}`. {have}",
            file=self.folder,
        )

    def has(self, key: str) -> bool:
        """Whether a data set of exactly this key is there."""
        return self._read(self._folder(key)) is not None

    def write(
        self,
        connector: Connector,
        raw: Sequence[RawFile],
        parts: Iterable[Part],
        *,
        watcher: Watcher | None = None,
    ) -> Dataset:
        """Make the parts of a data set and put it in place when all are there.

        Parts made by an earlier call that broke off are taken over if they were made from the same
        raw files.

        Raises
        ------
        InputError
            From a part; the store is then as before.
        """
        watcher = watcher or Silent()
        target = self._folder(connector.key)
        with _stage(target) as stage:
            journal = _Journal(stage, inputs=[connector.key, *(r.sha256 for r in raw)])
            notes = Notes()
            stored = [_make(part, stage, journal, notes, watcher) for part in parts]
            if not stored or not any(part.rows for part in stored):
                raise InputError(
                    "no row is left for the data set",
                    remedy="Widen the years or the selection",
                    file=connector.key,
                )
            sectors = connector.sector_table()
            if sectors is not None:
                sectors.to_csv(stage / SECTORS, index=False)
            about = _about(connector, raw, stored, notes)
            (stage / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False))
            journal.close()
            _swap(stage, target)
        made = self._read(target)
        assert made is not None
        return made

    def _folder(self, key: str) -> Path:
        # Not nested: the key of one data set may be the beginning of another's, and replacing the
        # one would take the other with it.
        source, *others = key.split(":")
        return self.folder / "data" / source / ("--".join(others) or source)

    def _about_files(self) -> Iterator[Path]:
        data = self.folder / "data"
        for path in sorted(data.rglob(ABOUT)) if data.is_dir() else ():
            if not any(name.startswith(".") for name in path.relative_to(data).parts):
                yield path

    def _read(self, folder: Path) -> Dataset | None:
        try:
            about = json.loads((folder / ABOUT).read_text())
            if about.pop("format") != FORMAT:
                return None
            about["parts"] = tuple(StoredPart(**part) for part in about["parts"])
            about["indicators"] = tuple(IndicatorLine(**line) for line in about["indicators"])
            about["raw"], about["statements"] = tuple(about["raw"]), tuple(about["statements"])
            return Dataset(folder=folder, **about)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def _about(
    connector: Connector, raw: Sequence[RawFile], parts: Sequence[StoredPart], notes: Notes
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
        "indicators": [asdict(line) for line in connector.indicator_lines()],
        "statements": list(notes.statements),
    }


class _Journal:
    """Parts that are done, with their notes, so that a broken-off conversion goes on."""

    def __init__(self, stage: Path, *, inputs: list[str]) -> None:
        self._path = stage / JOURNAL
        self._inputs = inputs
        self.done: dict[str, Any] = {}
        try:
            kept = json.loads(self._path.read_text())
            self.done = kept["done"] if kept["inputs"] == inputs else {}
        except (OSError, ValueError, KeyError, TypeError):
            pass

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


@contextmanager
def _stage(target: Path) -> Iterator[Path]:
    """A hidden folder beside the target, left for the next try when the block fails."""
    stage = target.with_name(f".{target.name}.partial")
    stage.mkdir(parents=True, exist_ok=True)
    yield stage


def _swap(stage: Path, target: Path) -> None:
    """Put the finished folder in place; an older one is moved aside first and then removed."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    stage.rename(target)
    shutil.rmtree(old, ignore_errors=True)
