"""The local store: tidy data sets as Parquet by year, beside their raw files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from filelock import FileLock, Timeout

from features.download.raw_file import RawFile
from features.download.watcher import Silent, Watcher
from features.errors import InputError
from features.store.connector import Connector
from features.store.conversion import convert
from features.store.dataset import Dataset, read_dataset
from features.store.registry import INDICATORS, SOURCES
from features.tidy.parts import Part

STORE_VARIABLE = "GRAVICAST_STORE"
DEFAULT_STORE = "gravicast-store"


def default_store() -> Path:
    """The default store: ``GRAVICAST_STORE``, else ``gravicast-store`` here."""
    return Path(os.environ.get(STORE_VARIABLE) or DEFAULT_STORE)


class Store:
    """A folder of data sets (by key) and of raw files (by source and release).

    Parameters
    ----------
    folder
        Made at the first fetch.

    Raises
    ------
    InputError
        If it is a file.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = default_store() if folder is None else Path(folder)
        if self.folder.is_file():
            raise InputError(
                "this is a file, not a folder", remedy="Check --store", file=self.folder
            )

    def raw_folder(self, source: str, release: str) -> Path:
        """Cache of a release's raw files."""
        return self.folder / "raw" / source / release

    def raw_releases(self, source: str) -> tuple[Path, ...]:
        """Caches of a source, newest name first."""
        folder = self.folder / "raw" / source
        found = folder.iterdir() if folder.is_dir() else ()
        return tuple(sorted((p for p in found if p.is_dir()), reverse=True))

    def datasets(self) -> list[Dataset]:
        """All readable data sets, by key."""
        found = (read_dataset(folder) for folder in self._folders())
        return sorted((d for d in found if d is not None), key=lambda d: d.key)

    def broken(self) -> list[Path]:
        """Folders of data sets without a readable description."""
        return [folder for folder in self._folders() if read_dataset(folder) is None]

    def open(self, key: str) -> Dataset:
        """A data set by its key, or by a unique beginning of it.

        Raises
        ------
        InputError
            If there is none or more than one.
        """
        exact = read_dataset(self._folder(key))
        if exact is not None and exact.key == key:
            return exact
        wanted = key.split(":")
        present = self.datasets()
        found = [d for d in present if d.key.split(":")[: len(wanted)] == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"{key} could be {', '.join(d.key for d in found)}",
                remedy="Name one of them",
                file=self.folder,
            )
        raise InputError(
            f"the store has no data set {key}", remedy=_how_to_get(key, present), file=self.folder
        )

    def has(self, key: str) -> bool:
        """Whether a data set of exactly this key exists."""
        return read_dataset(self._folder(key)) is not None

    @contextmanager
    def alone(self, *names: str, watcher: Watcher | None = None) -> Iterator[None]:
        """Lock a part of the store; wait for another process that holds it.

        Otherwise two downloads could write to one file.

        Parameters
        ----------
        names
            Folders below the store's.
        watcher
            Receives a line where it waits.
        """
        locks = self.folder / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / f"{'--'.join(names)}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            held = self.folder.joinpath(*names)
            (watcher or Silent()).report(f"{held}: waiting for another process")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def write(
        self,
        connector: Connector,
        raw: Sequence[RawFile],
        parts: Iterable[Part],
        *,
        watcher: Watcher | None = None,
    ) -> Dataset:
        """Make the parts of a data set and put it in place once complete.

        Parts of an interrupted call are reused if their raw files are the same.

        Raises
        ------
        InputError
            From a part; the store is then as before.
        """
        watcher = watcher or Silent()
        target = self._folder(connector.key)
        with self.alone("data", connector.INFO.name, watcher=watcher):
            convert(connector, raw, parts, target, watcher=watcher)
        made = read_dataset(target)
        assert made is not None
        return made

    def _folder(self, key: str) -> Path:
        # Not nested: one key may be the beginning of another, and replacing the one would remove
        # the other.
        source, *others = key.split(":")
        return self.folder / "data" / source / ("--".join(others) or source)

    def _folders(self) -> list[Path]:
        """Folders of data sets, without hidden ones (in progress or set aside)."""
        found = (self.folder / "data").glob("*/[!.]*")
        return sorted(folder for folder in found if folder.is_dir())


def _how_to_get(key: str, present: Sequence[Dataset]) -> str:
    """How to fetch an absent data set, and which stored ones have similar keys."""
    keys = [dataset.key for dataset in present]
    near = get_close_matches(key, keys, n=3, cutoff=0.6)
    source = key.partition(":")[0]
    same = [other for other in keys if other.partition(":")[0] == source]
    have = f"Similar ones are {', '.join(near or same[:5])}" if near or same else ""
    fetch = f"`gravicast fetch {source}`" if source in {*SOURCES, INDICATORS} else ""
    get = f"Fetch it with {fetch}" if fetch else "`gravicast fetch --list` names the sources"
    return f"{get}. {have}" if have else f"{get}. `gravicast data list` lists the others"
