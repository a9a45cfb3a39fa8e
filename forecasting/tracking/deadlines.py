"""A deadline for whole requests to an MLflow server.

MLflow's client only limits the wait for the next byte, so a server that sends one now and then
could block it for hours.
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
    """Limit every request to this server within the block to the total wait of its attempts.

    Uploads and downloads of files are not limited.
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
    """Total time the client may wait for an answer, over all attempts."""
    return float(os.environ[_TIMEOUT]) * (1 + int(os.environ[_RETRIES]))


def _within(seconds: float, call: Any) -> Any:
    from requests.exceptions import Timeout

    result: list[Any] = []
    errors: list[BaseException] = []

    def go() -> None:
        try:
            result.append(call())
        except BaseException as error:  # raised in the waiting thread
            errors.append(error)

    # A daemon: once abandoned, it must not keep the process alive.
    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not result:
        raise Timeout(f"no complete answer within {seconds:g} s")
    return result[0]
