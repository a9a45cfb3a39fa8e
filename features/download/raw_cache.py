"""Raw files for a connector: from the cache, the user's folder or the source."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from features.download.answers import Answer, refusal
from features.download.client import Client
from features.download.given import Fits, Given, Member, answers, passes
from features.download.raw_file import RawFile
from features.errors import SourceError
from features.files.inflated import refuse_bomb
from features.files.tables import sha256

SIDE = ".from.json"
"""Ending of the file beside a raw file that says where it is from."""
Check = Callable[[Answer], None]
"""Raises `SourceError` for an error sent as a normal answer, so that it is never cached."""
FileCheck = Callable[[Path], None]
"""The same for a file of any size, by its first bytes if need be."""


class RawCache:
    """Raw files of one source and release.

    Parameters
    ----------
    folder
        Cache of the release.
    earlier
        Caches of other releases of the source, newest first, for conditional requests.
    given
        Files that the user downloaded, a folder or one file: nothing is asked of the source.
    refresh
        Ask again although the cache is complete.
    closed
        Use the cache only: the release is a past day of a source that overwrites its files.
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
        closed: bool = False,
    ) -> None:
        self.client, self.folder, self.today = client, folder, today
        self._earlier, self._refresh = tuple(earlier), refresh
        self._given = None if given is None else Given(given)
        self._closed = closed
        self._handed: list[Path] = []

    @property
    def offline(self) -> bool:
        """Whether the user gave the files: nothing is asked of the source."""
        return self._given is not None

    def file(
        self,
        url: str,
        *,
        name: str | None = None,
        check: FileCheck | None = None,
        fits: Fits | None = None,
        member: Member | None = None,
    ) -> RawFile:
        """A file of any size, downloaded resumably.

        Parameters
        ----------
        url
            Address.
        name
            Name in the cache; by default the last part of the address.
        check
            Sees every new file, the user's too, before it is cached.
        fits
            Recognises the file among the user's, whatever its name; by default ``check``.
        member
            Recognises the user's files unpacked from this archive, which are repacked.

        Raises
        ------
        SourceError
            If the source refuses; `UnreachableError` without a complete answer.
        """
        name = name or url.rpartition("/")[2]
        ready = self._from_user(url, name, check, fits, member) or self._ready(url, name)
        if ready is not None:
            return ready
        self._refuse_closed(name)
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        old = self._old(url, name)

        def whole(path: Path) -> None:
            refuse_bomb(path)
            if check is not None:
                check(path)

        fetched = self.client.download(url, target, headers=_conditions(old), check=whole)
        if fetched is None and old is not None:
            return self._unchanged(name, old)
        return self._keep(url, target, fetched or {})

    def answer(
        self,
        url: str,
        *,
        name: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        check: Check | None = None,
        fits: Fits | None = None,
        follow: bool = True,
        read_timeout: float = 60.0,
    ) -> RawFile:
        """The answer of an API, cached as a file if ``check`` accepts it.

        Parameters
        ----------
        url, params, headers, follow, read_timeout
            See `Client.get`; headers are never written down.
        name
            Name in the cache.
        check
            Sees every answer, whatever its status. Without one, any status but 200 is an error.
        fits
            Recognises the answer among the user's files, whatever its name; by default ``check``.
        """
        fits = fits or (None if check is None else answers(check))
        ready = self._from_user(url, name, None, fits, None) or self._ready(url, name)
        if ready is not None:
            return ready
        self._refuse_closed(name)
        old = self._old(url, name)
        got = self.client.get(
            url,
            params=params,
            headers={**(headers or {}), **_conditions(old)},
            follow=follow,
            read_timeout=read_timeout,
        )
        if got.status == 304 and old is not None:
            return self._unchanged(name, old)
        if check is not None:
            check(got)
        if got.status != 200:
            raise refusal(url, got)
        target = self.folder / name
        with _replaced(target) as part:
            part.write_bytes(got.body)
        query = "&".join(f"{key}={value}" for key, value in (params or {}).items())
        return self._keep(f"{url}?{query}" if query else url, target, got.headers)

    def all_given(self, fits: Fits, *, kind: str) -> tuple[RawFile, ...]:
        """All the user's files that fit, under their own names; ``kind`` is named in the error.

        Raises
        ------
        InputError
            If there is none.
        """
        assert self._given is not None
        found = [path for path in self._given.files() if fits(path)]
        if not found:
            raise self._given.lacks(kind, kind)
        return tuple(self._copied(path, path.name, path.name) for path in found)

    def _ready(self, url: str, name: str) -> RawFile | None:
        """The file, if complete in the cache."""
        if self._refresh:
            return None
        kept = read_side(self.folder / name)
        if kept is None or kept["base"] != url.partition("?")[0]:
            return None
        if sha256(self.folder / name) != kept["sha256"]:
            self.client.watcher.report(f"{name}: the cached file was changed; it is fetched again")
            return None
        self._handed.append(self.folder / name)
        return _raw(self.folder / name, kept)

    def _from_user(
        self, url: str, name: str, check: FileCheck | None, fits: Fits | None, member: Member | None
    ) -> RawFile | None:
        if self._given is None:
            return None
        source = self._given.named_or_fitting(name, fits or (passes(check) if check else None))
        if source is None:
            with _replaced(self.folder / name) as part:
                if member is None or not self._given.packed(member, part):
                    raise self._given.lacks(name, url)
            return self._keep(f"given by the user: {name}", self.folder / name, {}, base=url)
        if check is not None and (fits is None or not fits(source)):
            check(source)
        return self._copied(source, name, url)

    def _copied(self, source: Path, name: str, base: str) -> RawFile:
        """Copy a user's file into the cache."""
        refuse_bomb(source)
        target = self.folder / name
        with _replaced(target) as part:
            shutil.copyfile(source, part)
        if source.name != name:
            self.client.watcher.report(f"{source.name} is used as {name}")
        return self._keep(f"given by the user: {source.name}", target, {}, base=base)

    def _old(self, url: str, name: str) -> tuple[Path, dict[str, str]] | None:
        """The newest complete copy of this address in any release."""
        for folder in (self.folder, *self._earlier):
            kept = read_side(folder / name)
            if kept and kept["base"] == url and sha256(folder / name) == kept["sha256"]:
                return folder / name, kept
        return None

    def _unchanged(self, name: str, old: tuple[Path, dict[str, str]]) -> RawFile:
        path, kept = old
        self.client.watcher.report(f"{name}: unchanged since {kept['retrieved']}")
        target = self.folder / name
        if path != target:
            with _replaced(target) as part:
                part.unlink(missing_ok=True)
                _link(path, part)
        return self._keep(
            kept["url"], target, {"ETag": kept["etag"], "Last-Modified": kept["last"]}
        )

    def distrust(self) -> None:
        """Forget the validators of the files in use, since reading them failed.

        Otherwise the source would report a broken file as unchanged for ever.
        """
        for path in self._handed:
            kept = read_side(path)
            if kept is not None:
                _write_side(path, {**kept, "etag": "", "last": ""})

    def _refuse_closed(self, name: str) -> None:
        if self._closed:
            raise SourceError(
                f"release {self.folder.name} has no file {name}, and the source overwrites its "
                "files",
                remedy="Leave out --release, or ask for what that release has",
                file=self.folder,
            )

    def _keep(
        self, url: str, path: Path, headers: Mapping[str, str], *, base: str | None = None
    ) -> RawFile:
        kept = {
            "url": url,
            "base": (base or url).partition("?")[0],
            "sha256": sha256(path),
            "retrieved": self.today.isoformat(),
            "via": "" if base else self.client.mirror,
            "etag": headers.get("ETag") or "",
            "last": headers.get("Last-Modified") or "",
        }
        _write_side(path, kept)
        self._handed.append(path)
        return _raw(path, kept)


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A file beside ``path`` to write to, put in its place once complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    yield part
    part.replace(path)


def _side(path: Path) -> Path:
    return path.with_name(f"{path.name}{SIDE}")


def _write_side(path: Path, kept: Mapping[str, str]) -> None:
    with _replaced(_side(path)) as part:
        part.write_text(json.dumps(kept, indent=1))


def read_side(path: Path) -> dict[str, str] | None:
    """Origin and checksum of a raw file; None where either file is absent or damaged."""
    try:
        kept = json.loads(_side(path).read_text())
    except (OSError, ValueError):
        return None
    return kept if path.is_file() and isinstance(kept, dict) and "sha256" in kept else None


def _raw(path: Path, kept: Mapping[str, str]) -> RawFile:
    size = path.stat().st_size
    return RawFile(path, kept["url"], kept["sha256"], size, kept["retrieved"], kept.get("via", ""))


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
