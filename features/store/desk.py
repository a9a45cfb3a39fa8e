"""Where a connector gets raw files: the cache by release, a folder of the user's, the source."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from features.errors import InputError
from features.store.client import Answer, Client, refusal
from features.store.source import RawFile
from features.tables import sha256

Check = Callable[[Answer], None]
"""Raises `SourceError` where an answer is an error in disguise, so that it is never cached."""
FileCheck = Callable[[Path], None]
"""The same for a file of any size, which may be refused by its first bytes."""


class Desk:
    """Hands out raw files of one source and release.

    Parameters
    ----------
    client
        Asks the source.
    folder
        Cache of the release.
    earlier
        Caches of other releases of the source, newest first, for conditional requests.
    given
        A folder of files that the user downloaded; they are taken by name before any request.
    refresh
        Ask again although the cache is whole.
    today
        Day of retrieval.
    """

    def __init__(
        self,
        client: Client,
        folder: Path,
        *,
        today: date,
        earlier: Sequence[Path] = (),
        given: Path | None = None,
        refresh: bool = False,
    ) -> None:
        self.client, self.folder, self.today = client, folder, today
        self._earlier, self._given, self._refresh = tuple(earlier), given, refresh
        if given is not None and not given.is_dir():
            raise InputError("there is no such folder", remedy="Check --from", file=given)

    @property
    def offline(self) -> bool:
        """Whether the user gave a folder of files: nothing else is asked of the source."""
        return self._given is not None

    def file(self, url: str, *, name: str | None = None, check: FileCheck | None = None) -> RawFile:
        """A file of any size, downloaded resumably.

        Parameters
        ----------
        url
            Address.
        name
            Name in the cache and in the user's folder; by default the last part of the address.
        check
            Sees every new file, the user's too, before it is cached.

        Raises
        ------
        SourceError
            If the source refuses; `UnreachableError` if there is no whole answer.
        """
        name = name or url.rpartition("/")[2]
        ready = self._ready(url, name, check=check)
        if ready is not None:
            return ready
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        old = self._old(url, name)
        fetched = self.client.download(url, target, headers=_conditions(old), check=check)
        if fetched is None:
            return self._unchanged(name, old)
        return self._keep(url, target, fetched)

    def answer(
        self,
        url: str,
        *,
        name: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        check: Check | None = None,
        follow: bool = True,
        read_timeout: float = 60.0,
    ) -> RawFile:
        """The answer of an interface, cached as a file if ``check`` accepts it.

        Parameters
        ----------
        url, params, headers, follow, read_timeout
            See `Client.get`; headers are never written down.
        name
            Name in the cache.
        check
            Sees every answer, whatever its status. Without one, any status but 200 is an error.
        """
        ready = self._ready(url, name)
        if ready is not None:
            return ready
        old = self._old(url, name)
        got = self.client.get(
            url,
            params=params,
            headers={**(headers or {}), **_conditions(old)},
            follow=follow,
            read_timeout=read_timeout,
        )
        if got.status == 304:
            return self._unchanged(name, old)
        if check is not None:
            check(got)
        if got.status != 200:
            raise refusal(url, got)
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        part.write_bytes(got.body)
        part.replace(target)
        query = "&".join(f"{key}={value}" for key, value in (params or {}).items())
        return self._keep(f"{url}?{query}" if query else url, target, got.headers)

    def _ready(self, url: str, name: str, *, check: FileCheck | None = None) -> RawFile | None:
        """The file where it is to be had without asking: the user's own, or whole in the cache."""
        if self._given is not None:
            return self._from_user(name, check)
        if self._refresh:
            return None
        kept = _read_side(self.folder / name)
        if kept is None or kept["base"] != url.partition("?")[0]:
            return None
        if sha256(self.folder / name) != kept["sha256"]:
            self.client.watcher.say(f"{name}: the cached file was changed; it is fetched again")
            return None
        return _raw(self.folder / name, kept)

    def _from_user(self, name: str, check: FileCheck | None) -> RawFile:
        assert self._given is not None
        source, target = self._given / name, self.folder / name
        if not source.is_file():
            raise InputError(
                f"the folder has no file {name}",
                remedy="Download it into that folder, or leave out --from",
                file=self._given,
            )
        if check is not None:
            check(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        shutil.copyfile(source, part)
        part.replace(target)
        return self._keep(f"given by the user: {name}", target, {})

    def _old(self, url: str, name: str) -> tuple[Path, dict[str, str]] | None:
        """The newest whole copy of this address in any release."""
        for folder in (self.folder, *self._earlier):
            kept = _read_side(folder / name)
            if kept and kept["base"] == url and sha256(folder / name) == kept["sha256"]:
                return folder / name, kept
        return None

    def _unchanged(self, name: str, old: tuple[Path, dict[str, str]] | None) -> RawFile:
        assert old is not None, "304 without a condition"
        path, kept = old
        self.client.watcher.say(f"{name}: unchanged since {kept['retrieved']}")
        target = self.folder / name
        if path != target:
            part = target.with_name(f"{target.name}.part")
            part.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            _link(path, part)
            part.replace(target)
        return self._keep(
            kept["url"], target, {"ETag": kept["etag"], "Last-Modified": kept["last"]}
        )

    def _keep(self, url: str, path: Path, headers: Mapping[str, str]) -> RawFile:
        kept = {
            "url": url,
            "base": url.partition("?")[0],
            "sha256": sha256(path),
            "retrieved": self.today.isoformat(),
            "etag": headers.get("ETag") or "",
            "last": headers.get("Last-Modified") or "",
        }
        side = _side(path)
        part = side.with_name(f"{side.name}.part")
        part.write_text(json.dumps(kept, indent=1))
        part.replace(side)
        return _raw(path, kept)


def _side(path: Path) -> Path:
    return path.with_name(f"{path.name}.from.json")


def _read_side(path: Path) -> dict[str, str] | None:
    try:
        kept = json.loads(_side(path).read_text())
    except (OSError, ValueError):
        return None
    return kept if path.is_file() and isinstance(kept, dict) and "sha256" in kept else None


def _raw(path: Path, kept: Mapping[str, str]) -> RawFile:
    return RawFile(path, kept["url"], kept["sha256"], path.stat().st_size, kept["retrieved"])


def _conditions(old: tuple[Path, dict[str, str]] | None) -> dict[str, str]:
    if old is None:
        return {}
    kept = old[1]
    conditions = {"If-None-Match": kept["etag"], "If-Modified-Since": kept["last"]}
    return {name: value for name, value in conditions.items() if value}


def _link(old: Path, new: Path) -> None:
    """The same bytes under a second name, so that gigabytes are not written twice."""
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)
