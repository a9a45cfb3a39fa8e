"""HTTP client for public statistical sources: paced, retrying, resumable."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from features.download.answers import (
    Answer,
    BrokenOffError,
    RetryableError,
    host_of,
    refusal,
    retry_later,
)
from features.download.partial_file import PartFile
from features.download.retries import Retries
from features.download.watcher import Silent, Watcher
from features.errors import InputError, SourceError, first_line
from features.files import inflated

# Several sources answer 403 to unnamed clients.
USER_AGENT = "Mozilla/5.0 (compatible; gravicast/0.1; trade statistics)"


class Client:
    """Asks public sources for files.

    Parameters
    ----------
    mirror
        Address of another server with the same paths, perhaps below its own; replaces every host.
    pace_seconds
        Least time between two requests to a host; not applied to a mirror, which is the user's own.
    attempts
        Failed tries in a row after which a source counts as unreachable.
    first_wait
        Seconds before the second try, doubled at every further one.
    sleep
        Waits; tests replace it.
    watcher
        Receives waits and bytes.

    Raises
    ------
    InputError
        If ``mirror`` is not an address, or the environment's proxy or certificates cannot be used.
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
        self.mirror = mirror or ""
        self._pace = 0.0 if mirror else pace_seconds
        self._last: dict[str, float] = {}
        self.watcher: Watcher = watcher or Silent()
        self._with_retries = Retries(
            attempts=attempts, first_wait=first_wait, sleep=sleep, watcher=self.watcher
        )
        # The environment's proxies hold for public hosts, not for a server of one's own.
        self._http = _http(trust_env=mirror is None)

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
            If the source cannot be reached, breaks off too often or asks for too long a wait.
        SourceError
            If it redirects in a circle.
        """
        url = self._address(url)
        secrets = tuple(value for value in (headers or {}).values() if value)

        def once() -> Answer:
            self._wait_for_turn(url)
            try:
                with self._http.stream(
                    "GET",
                    url,
                    params=params,
                    headers=headers,
                    follow_redirects=follow,
                    timeout=httpx.Timeout(60.0, read=read_timeout),
                ) as response:
                    body = _body(response, url)
            except httpx.HTTPError as error:
                raise _failure(error, url) from error
            answer = Answer(response.status_code, response.headers, body, secrets)
            retry_later(answer)
            return answer

        return self._with_retries(url, once)

    def download(
        self,
        url: str,
        to: Path,
        *,
        headers: Mapping[str, str] | None = None,
        check: Callable[[Path], None] | None = None,
    ) -> Mapping[str, str] | None:
        """Download a file, resuming an earlier attempt.

        Parameters
        ----------
        url
            Address.
        to
            Where the whole file is put; until then it grows beside it as ``.part``.
        headers
            Further request headers, such as ``If-None-Match``.
        check
            Raises `SourceError` for a wrong file: it is then discarded, and ``to`` stays as it was.

        Returns
        -------
        Mapping or None
            Headers of the response; None where the source says the file has not changed (304).

        Raises
        ------
        UnreachableError
            If the source cannot be reached or breaks off too often without progress.
        SourceError
            If it refuses.
        """
        url = self._address(url)
        part = PartFile(to)
        furthest = part.size

        def once() -> Mapping[str, str] | None:
            nonlocal furthest
            self._wait_for_turn(url)
            try:
                return self._stream(url, part, dict(headers or {}))
            except (httpx.HTTPError, RetryableError) as error:
                failure = error if isinstance(error, RetryableError) else _failure(error, url)
                if not isinstance(failure, RetryableError) or part.size <= furthest:
                    raise failure from error
                furthest = part.size
                raise BrokenOffError(str(failure), wait=failure.wait) from error
            finally:
                self.watcher.end()

        answer = self._with_retries(url, once)
        if answer is None:
            part.discard()
        else:
            part.finish(check)
        return answer

    def _stream(
        self, url: str, part: PartFile, headers: dict[str, str]
    ) -> Mapping[str, str] | None:
        conditional = "If-None-Match" in headers or "If-Modified-Since" in headers
        # With transport compression, sizes and ranges would not be those of the file.
        headers["Accept-Encoding"] = "identity"
        done = part.resume(url, headers)
        with self._http.stream("GET", url, headers=headers, follow_redirects=True) as response:
            if response.status_code == 304 and conditional:
                return None
            if response.status_code == 416:
                part.discard()
                raise RetryableError("the source could not continue the file")
            if response.status_code not in (200, 206):
                answer = Answer(response.status_code, response.headers, response.read())
                retry_later(answer)
                raise refusal(url, answer)
            total = self._whole_size(response, part, done)
            self.watcher.begin(
                part.to.name, total, done if response.status_code == 206 else 0, "bytes"
            )
            part.open(url, response.headers, append=response.status_code == 206)
            with part.path.open("ab") as out:
                # Unbuffered: larger chunks would lose the last bytes before a break.
                for chunk in response.iter_bytes():
                    out.write(chunk)
                    self.watcher.advance(len(chunk))
            if total is not None and part.size != total:
                raise RetryableError(f"it ended after {part.size:,} of {total:,} bytes")
            return response.headers

    def _whole_size(self, response: httpx.Response, part: PartFile, done: int) -> int | None:
        """Final size of the file; None where the source does not give it."""
        if response.status_code == 206:
            first, total = _content_range(response.headers.get("Content-Range", ""))
            if first != done:
                part.discard()
                raise RetryableError("the source continued the file at another place")
            return total
        # Compressed all the same: the length is of the transfer, not of the file.
        encoded = response.headers.get("Content-Encoding", "identity") != "identity"
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() and not encoded else None

    def _address(self, url: str) -> str:
        if self._mirror is None:
            return url
        scheme, host, folder = self._mirror
        parts = urlsplit(url)
        return urlunsplit((scheme, host, folder + parts.path, parts.query, parts.fragment))

    def _wait_for_turn(self, url: str) -> None:
        host = host_of(url)
        due = self._last.get(host, float("-inf")) + self._pace
        now = time.monotonic()
        if due > now:
            self._with_retries.sleep(due - now)
        self._last[host] = time.monotonic()


def _http(*, trust_env: bool) -> httpx.Client:
    try:
        return httpx.Client(headers={"User-Agent": USER_AGENT}, timeout=60.0, trust_env=trust_env)
    except (ImportError, ValueError, OSError) as error:
        raise InputError(
            f"the environment's proxy or certificates cannot be used ({first_line(error)})",
            remedy="Correct HTTPS_PROXY, ALL_PROXY or SSL_CERT_FILE, or unset them",
        ) from error


def _body(response: httpx.Response, url: str) -> bytes:
    """The body, inflated; refused where it inflates out of all proportion."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > inflated.proportionate_limit(response.num_bytes_downloaded):
            raise SourceError(
                f"an answer of {response.num_bytes_downloaded:,} bytes inflates to more than "
                f"{size:,}",
                remedy="Check --mirror, or try again later",
                file=url,
            )
    return b"".join(chunks)


def _failure(error: httpx.HTTPError, url: str) -> RetryableError | SourceError:
    """A connection error as ours: worth retrying, or final."""
    if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol):
        return RetryableError(first_line(error))
    return SourceError(
        f"the source's answer cannot be followed or read ({first_line(error)})",
        remedy="Try again later, or download the file by hand and give its folder with --from",
        file=url,
    )


def _content_range(value: str) -> tuple[int | None, int | None]:
    """First byte and total size of ``bytes 100-199/200``; None for what is missing."""
    span, _, total = value.removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    return (
        int(first) if first.isdecimal() else None,
        int(total) if total.isdecimal() else None,
    )


def _checked_mirror(mirror: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(mirror)
        whole = parts.scheme in ("http", "https") and bool(httpx.URL(mirror).host)
    except (ValueError, httpx.InvalidURL):
        whole = False
    if not whole or parts.query:
        raise InputError(
            f"{mirror!r} is not an address of a server",
            remedy="Give its address, such as http://localhost:8000 (--mirror)",
        )
    return parts.scheme, parts.netloc, parts.path.rstrip("/")
