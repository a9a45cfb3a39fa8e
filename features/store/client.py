"""HTTP as public statistical sources need it: polite, patient, resumable, honest about failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from features.errors import InputError, SourceError, UnreachableError
from features.store.part_file import PartFile
from features.store.source import Silent, Watcher

# Several sources answer 403 to clients that do not say who they are.
USER_AGENT = "Mozilla/5.0 (compatible; gravicast/0.1; trade statistics)"
PATIENCE_SECONDS = 120.0
"""Longest wait a source may ask for before we give up and say when to come back."""
_LONGEST_OWN_WAIT = 60.0
T = TypeVar("T")


class _RetryableError(Exception):
    """Worth another try, after the wait the source asked for or else a growing one."""

    def __init__(self, reason: str, *, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of a response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Body as text; a byte order mark is no part of it."""
        return self.body.decode("utf-8-sig", errors="replace")


class Client:
    """Asks public sources for files.

    Parameters
    ----------
    mirror
        Scheme and host of another server that has the same paths; replaces every host.
    pace_seconds
        Least time between two requests to a host. A mirror is the user's own: no pace there.
    attempts
        Fruitless tries in a row after which a source counts as unreachable.
    first_wait
        Seconds before the second try, doubled at every further one.
    sleep
        Waits; tests replace it.
    watcher
        Told about waits and bytes.
    """

    def __init__(
        self,
        *,
        mirror: str | None = None,
        pace_seconds: float = 0.0,
        attempts: int = 5,
        first_wait: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
        watcher: Watcher | None = None,
    ) -> None:
        self._mirror = None if mirror is None else _checked_mirror(mirror)
        self._pace = 0.0 if mirror else pace_seconds
        self._attempts, self._first_wait, self._sleep = attempts, first_wait, sleep
        self._last: dict[str, float] = {}
        self.watcher: Watcher = watcher or Silent()
        # The environment's proxies hold for public hosts, not for a server of one's own.
        self._http = httpx.Client(
            headers={"User-Agent": USER_AGENT}, timeout=60.0, trust_env=mirror is None
        )

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        follow: bool = True,
        read_timeout: float = 60.0,
    ) -> Answer:
        """Whole answer to a GET; 429, 5xx, 403 with Retry-After and lost connections are retried.

        Parameters
        ----------
        url, params, headers
            The request. Keys belong in headers: addresses are logged and cached.
        follow
            Whether redirects are followed. Not with a key among the headers, which a redirect
            would hand to another host.
        read_timeout
            Seconds without a byte before the connection counts as lost.

        Raises
        ------
        UnreachableError
            If the source cannot be reached, breaks off or asks for patience too often.
        """

        def once() -> Answer:
            self._wait_for_turn(url)
            try:
                response = self._http.get(
                    self._address(url),
                    params=params,
                    headers=headers,
                    follow_redirects=follow,
                    timeout=httpx.Timeout(60.0, read=read_timeout),
                )
            except httpx.TransportError as error:
                raise _RetryableError(_reason(error)) from error
            try:
                _retry_later(response.status_code, response.headers, response.content)
            except _RetryableError as error:
                raise _RetryableError(_blotted(str(error), headers), wait=error.wait) from None
            return Answer(response.status_code, response.headers, response.content)

        return self._patiently(url, once)

    def download(
        self,
        url: str,
        to: Path,
        *,
        headers: Mapping[str, str] | None = None,
        check: Callable[[Path], None] | None = None,
    ) -> Mapping[str, str] | None:
        """Download a file, going on where an earlier attempt broke off.

        Parameters
        ----------
        url
            Address.
        to
            Where the whole file is put; until then it grows beside it as ``.part``.
        headers
            Further request headers, such as ``If-None-Match``.
        check
            Raises `SourceError` where the whole file is not what was asked for: it is then thrown
            away, and what was at ``to`` stays.

        Returns
        -------
        Mapping or None
            Headers of the response; None where the source says the file has not changed (304).

        Raises
        ------
        UnreachableError
            If the source cannot be reached or breaks off too often without a byte of progress.
        SourceError
            If it refuses.
        """
        part = PartFile(to)
        before = part.size

        def once() -> Mapping[str, str] | None:
            nonlocal before
            self._wait_for_turn(url)
            try:
                return self._stream(url, part, dict(headers or {}))
            except (httpx.TransportError, _RetryableError) as error:
                grown, before = part.size > before, part.size
                wait = error.wait if isinstance(error, _RetryableError) else None
                reason = str(error) if isinstance(error, _RetryableError) else _reason(error)
                raise (_BrokenOffError if grown else _RetryableError)(reason, wait=wait) from error
            finally:
                self.watcher.end()

        answer = self._patiently(url, once)
        if answer is not None:
            part.finish(check)
        return answer

    def _stream(
        self, url: str, part: PartFile, headers: dict[str, str]
    ) -> Mapping[str, str] | None:
        # Compressed on the way, neither sizes nor ranges would be those of the file.
        headers["Accept-Encoding"] = "identity"
        done = part.resume(url, headers)
        with self._http.stream(
            "GET", self._address(url), headers=headers, follow_redirects=True
        ) as response:
            if response.status_code == 304:
                return None
            if response.status_code == 416:
                part.discard()
                raise _RetryableError("the source could not continue the file")
            if response.status_code not in (200, 206):
                body = response.read()
                _retry_later(response.status_code, response.headers, body)
                raise refusal(url, Answer(response.status_code, response.headers, body))
            if response.status_code == 206 and _range_start(response.headers) != done:
                part.discard()
                raise _RetryableError("the source continued the file at another place")
            done = done if response.status_code == 206 else 0
            length = response.headers.get("Content-Length")
            total = None if length is None else done + int(length)
            part.open(url, response.headers, append=response.status_code == 206)
            self.watcher.begin(part.to.name, total, done, "bytes")
            with part.path.open("ab") as out:
                # As they come: gathered into larger chunks, the last bytes before a break are lost.
                for chunk in response.iter_bytes():
                    out.write(chunk)
                    self.watcher.advance(len(chunk))
            if total is not None and part.size != total:
                raise _RetryableError(
                    f"the connection ended after {part.size:,} of {total:,} bytes"
                )
            return response.headers

    def _patiently(self, url: str, once: Callable[[], T]) -> T:
        fruitless = 0

        def attempt() -> T:
            nonlocal fruitless
            try:
                return once()
            except _RetryableError as error:
                fruitless = 0 if isinstance(error, _BrokenOffError) else fruitless + 1
                raise

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.wait if isinstance(error, _RetryableError) else None
            growing = min(self._first_wait * 2.0 ** max(fruitless - 1, 0), _LONGEST_OWN_WAIT)
            return self._checked_wait(url, growing if asked is None else asked, error)

        try:
            return Retrying(
                stop=lambda _: fruitless >= self._attempts,
                wait=wait,
                retry=retry_if_exception_type(_RetryableError),
                sleep=self._sleep,
                reraise=True,
            )(attempt)
        except _RetryableError as error:
            raise UnreachableError(
                f"no whole answer after {self._attempts} tries ({error})",
                remedy="Check the connection and run the command again: it goes on where it "
                "stopped",
                file=_host(url),
            ) from error

    def _checked_wait(self, url: str, seconds: float, error: BaseException | None) -> float:
        """The wait, said where it is long; nobody waits for hours."""
        if seconds > PATIENCE_SECONDS:
            raise UnreachableError(
                f"the source asks to come back in {seconds:,.0f} seconds",
                remedy="Run the command again then: what is already there is kept",
                file=_host(url),
            )
        if seconds >= 1.0:
            self.watcher.say(f"{_host(url)}: {error}; next try in {seconds:.0f} s")
        return seconds

    def _address(self, url: str) -> str:
        if self._mirror is None:
            return url
        scheme, host = self._mirror
        return urlunsplit((scheme, host, *urlsplit(url)[2:]))

    def _wait_for_turn(self, url: str) -> None:
        host = _host(url)
        due = self._last.get(host, float("-inf")) + self._pace
        now = time.monotonic()
        if due > now:
            self._sleep(due - now)
        self._last[host] = time.monotonic()


class _BrokenOffError(_RetryableError):
    """Broken off, but further than before."""


def refusal(url: str, answer: Answer) -> SourceError:
    """The error for an answer that is no data and that no further try would change."""
    text = " ".join(answer.text.split())
    said = f": {text[:160]}" if text and not text.startswith("<") else ""
    if answer.status == 404:
        return SourceError(
            f"the source has no such file (404){said}",
            remedy="Check the release and the options; `gravicast fetch --help` names what there "
            "is",
            file=url,
        )
    return SourceError(
        f"the source refused with status {answer.status}{said}",
        remedy="Try again later, or download the file by hand and give its folder with --from",
        file=url,
    )


def _retry_later(status: int, headers: Mapping[str, str], body: bytes) -> None:
    asked = _retry_after(headers.get("Retry-After"))
    if status == 429 or status >= 500 or (status == 403 and asked is not None):
        text = " ".join(body[:200].decode("utf-8", errors="replace").split())
        said = f": {text[:80]}" if text and not text.startswith("<") else ""
        raise _RetryableError(f"status {status}{said}", wait=asked)


def _retry_after(value: str | None) -> float | None:
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def _range_start(headers: Mapping[str, str]) -> int | None:
    value = headers.get("Content-Range", "")
    first = value.removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdigit() else None


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _blotted(text: str, headers: Mapping[str, str] | None) -> str:
    """What a source says without the values of our headers: some echo the key they were sent."""
    for value in (headers or {}).values():
        text = text.replace(value, "***") if value else text
    return text


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]


def _checked_mirror(mirror: str) -> tuple[str, str]:
    parts = urlsplit(mirror)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InputError(
            f"{mirror!r} is no address of a server",
            remedy="Give scheme and host, such as http://localhost:8000 (--mirror)",
        )
    return parts.scheme, parts.netloc
