"""Fetches a data set from its source into the store, in one call."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from features.countries import source_codes as country_codes
from features.download.client import Client
from features.download.raw_cache import RawCache
from features.download.watcher import Silent, Watcher
from features.errors import InputError, SourceError, UnreachableError
from features.store.connector import Connector
from features.store.dataset import Dataset
from features.store.store import Store


def fetch(
    connector: Connector,
    *,
    store: Store | Path | str | None = None,
    refresh: bool = False,
    given: Path | str | None = None,
    mirror: str | None = None,
    client: Client | None = None,
    watcher: Watcher | None = None,
    today: date | None = None,
    unknown_codes: str = "error",
) -> Dataset:
    """Download and convert a data set into the local store, or return the stored one.

    Parameters
    ----------
    connector
        The data set wanted, such as ``Baci(release="202601", level="hs2")``.
    store
        The store or its folder; by default ``GRAVICAST_STORE``, else ``gravicast-store``.
    refresh
        Ask the source again although the store has it. Unchanged files are not sent again.
    given
        A folder of files downloaded by hand, or one file, used instead of the source's and
        recognised by content.
    mirror
        Address of another server with the same paths, perhaps below its own.
    client
        Asks the source; by default one with the source's pace.
    watcher
        Receives progress.
    today
        Day of retrieval, which is the release of sources that overwrite their files.
    unknown_codes
        What happens to rows with unknown country codes: ``error`` ends the fetch, ``drop`` leaves
        them out and counts them in the data set's statements.

    Returns
    -------
    Dataset
        Complete and checked.

    Raises
    ------
    InputError
        For options that do not fit, a source that cannot be reached, refuses or has changed, or a
        full disk. The store then only gains complete raw files.
    """
    if not isinstance(connector, Connector):
        raise InputError(
            f"{connector!r} is not a data set of a source",
            remedy="Give one such as Baci(level='hs2'), from forecasting",
        )
    store = store if isinstance(store, Store) else Store(store)
    watcher, today = watcher or Silent(), today or date.today()
    release = f"{today:%Y%m%d}"
    connector = _dated(connector, store, release, refresh=refresh, given=given is not None)
    if store.has(connector.key) and not refresh and given is None:
        present = store.open(connector.key)
        present.verify()
        watcher.report(f"{present.key} is in the store since {present.retrieved}")
        return present
    pace = connector.INFO.pace_seconds
    asked: AbstractContextManager[Client] = (
        closing(Client(mirror=mirror, pace_seconds=pace, watcher=watcher))
        if client is None
        else nullcontext(client)
    )
    with asked as asking:
        cache = RawCache(
            asking,
            store.raw_folder(connector.INFO.raw, connector.release),
            earlier=store.raw_releases(connector.INFO.raw),
            given=None if given is None else Path(given),
            refresh=refresh,
            closed=_is_closed(connector, today),
            today=today,
        )
        with country_codes.unknown_codes(unknown_codes):
            return _made(connector, cache, store, watcher)


def _made(connector: Connector, cache: RawCache, store: Store, watcher: Watcher) -> Dataset:
    """Download and convert; errors come with a remedy."""
    try:
        with (
            disk_troubles(store),
            store.alone("raw", connector.INFO.raw, connector.release, watcher=watcher),
        ):
            raw = connector.download(cache)
            parts = list(connector.tidy(raw))
            watcher.begin(connector.key, len(parts), 0, "parts")
            return store.write(connector, raw, parts, watcher=watcher)
    except UnreachableError as error:
        raise _with_cached(error, connector, store) from error
    except SourceError:
        cache.distrust()
        raise
    finally:
        watcher.end()


@contextmanager
def disk_troubles(store: Store) -> Iterator[None]:
    """Turn write errors of the store into one-line errors."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(
                "the disk is full; no data set was changed",
                remedy="Free some space, or choose another folder with --store, and run it again",
                file=store.folder,
            ) from error
        raise InputError(
            f"the store cannot be written ({error.strerror or error})",
            remedy="Check the folder and its permissions, or choose another with --store",
            file=error.filename or store.folder,
        ) from error


def _is_closed(connector: Connector, today: date) -> bool:
    """Whether the release is of a day whose figures the source has overwritten since."""
    if not connector.INFO.dated:
        return False
    day = datetime.strptime(connector.release, "%Y%m%d").date()
    return not 0 <= (today - day).days <= connector.INFO.collected_days


def _dated(
    connector: Connector, store: Store, release: str, *, refresh: bool, given: bool
) -> Connector:
    """Set a dated source's release; past ones can only come from the cache."""
    if not connector.INFO.dated or connector.release == release:
        return connector
    if not connector.release:
        changes: Any = {"release": release}
        return replace(connector, **changes)  # type: ignore[type-var]
    cached = [path.name for path in store.raw_releases(connector.INFO.raw)]
    if not given and (refresh or connector.release not in cached):
        have = f"The store has {', '.join(cached)}" if cached else "The store has none"
        raise SourceError(
            f"release {connector.release} is gone: the source overwrites its files",
            remedy=f"Leave out --release for today's. {have}",
            file=connector.INFO.name,
        )
    return connector


def _with_cached(error: UnreachableError, connector: Connector, store: Store) -> UnreachableError:
    same = [d.key for d in store.datasets() if d.source == connector.INFO.name]
    cached = (
        f"In the store, and of use meanwhile: {', '.join(same)}"
        if same
        else f"The store has no other release of {connector.INFO.name}"
    )
    return UnreachableError(error.problem, remedy=f"{error.remedy}. {cached}", file=error.file)
