"""A source's answers: data, refusals and requests to retry later."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from features.errors import SourceError


class RetryableError(Exception):
    """Worth retrying, after the wait the source asked for or a growing one."""

    def __init__(self, reason: str, *, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class BrokenOffError(RetryableError):
    """Broken off, but with more bytes than before."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of a response.

    Attributes
    ----------
    status, headers, body
        As they came.
    secrets
        Values of our own headers: some sources echo the key they were sent.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    secrets: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Body as text without our secrets; a byte order mark is not part of it."""
        text = self.body.decode("utf-8-sig", errors="replace")
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text

    def excerpt(self, length: int) -> str:
        """The beginning of its text, after a colon; empty for a page of HTML."""
        text = " ".join(self.text.split())
        return f": {text[:length]}" if text and not text.startswith("<") else ""


def retry_later(answer: Answer) -> None:
    """Raise `RetryableError` for 429, 5xx, and 403 with Retry-After."""
    asked = retry_after(answer.headers.get("Retry-After"))
    status = answer.status
    if status == 429 or status >= 500 or (status == 403 and asked is not None):
        raise RetryableError(f"status {status}{answer.excerpt(80)}", wait=asked)


def retry_after(value: str | None) -> float | None:
    """Seconds that a header asks for, given as a number or a date; None for anything else."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdecimal():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def refusal(url: str, answer: Answer) -> SourceError:
    """The error for a final refusal."""
    if answer.status == 404:
        return SourceError(
            f"the source has no such file (404){answer.excerpt(160)}",
            remedy="Check the release and the options; `gravicast fetch --help` names what there "
            "is",
            file=url,
        )
    return SourceError(
        f"the source refused with status {answer.status}{answer.excerpt(160)}",
        remedy="Try again later, or download the file by hand and give its folder with --from",
        file=url,
    )


def host_of(url: str) -> str:
    """Host of an address, for messages."""
    return urlsplit(url).netloc
