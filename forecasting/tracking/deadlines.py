"""A deadline for whole requests to an MLflow server.

Its client only bounds the wait for the next byte: a server that sends one now and then would hold
it for hours.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_TIMEOUT, _RETRIES = "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"


@contextmanager
def deadlines(uri: str) -> Iterator[None]:
    """Give every request of a block to this server as long as all its attempts may wait in all.

    Uploads and downloads of files may take as long as they need.
    """
    import requests

    send = requests.Session.send

    def bounded(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        of_a_file = options.get("stream") or not isinstance(request.body, str | bytes | None)
        if of_a_file or not str(request.url).startswith(uri):
            return send(self, request, **options)
        return _within(_seconds(), lambda: send(self, request, **options))

    setattr(requests.Session, "send", bounded)  # noqa: B010
    try:
        yield
    finally:
        setattr(requests.Session, "send", send)  # noqa: B010


def _seconds() -> float:
    """What the client waits for an answer, once for every attempt."""
    return float(os.environ[_TIMEOUT]) * (1 + int(os.environ[_RETRIES]))


def _within(seconds: float, call: Any) -> Any:
    from requests.exceptions import Timeout

    result: list[Any] = []
    errors: list[BaseException] = []

    def go() -> None:
        try:
            result.append(call())
        except BaseException as error:  # told in the thread that waits
            errors.append(error)

    # A daemon: given up, it must not keep the process from ending.
    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not result:
        raise Timeout(f"no whole answer within {seconds:g} s")
    return result[0]
