"""A local server that answers as a function of the request says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit


class Request:
    """What a faked source sees of a request: path, query and headers by lower-case name."""

    def __init__(self, target: str, headers: dict[str, str]) -> None:
        parts = urlsplit(target)
        self.path, self.target = unquote(parts.path), target
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.headers = {name.lower(): value for name, value in headers.items()}


class Reply:
    """What it answers; ``cut`` breaks the connection after so many bytes of the body."""

    def __init__(
        self,
        body: bytes | str = b"",
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        cut: int | None = None,
    ) -> None:
        self.body = body.encode() if isinstance(body, str) else body
        self.status, self.headers, self.cut = status, headers or {}, cut


Fake = Callable[[Request], Reply]


def ranged(body: bytes, request: Request, *, etag: str = '"v1"', cut: int | None = None) -> Reply:
    """A file served with ETag, conditional requests and ranges, as most file servers do."""
    if request.headers.get("if-none-match") == etag:
        return Reply(status=304, headers={"ETag": etag})
    asked = request.headers.get("range", "")
    if asked and request.headers.get("if-range", etag) == etag:
        first = int(asked.removeprefix("bytes=").rstrip("-"))
        if first >= len(body):
            return Reply(status=416)
        headers = {"ETag": etag, "Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"}
        return Reply(body[first:], status=206, headers=headers, cut=cut)
    return Reply(body, headers={"ETag": etag}, cut=cut)


class Server:
    """A running fake: its address and every request it saw."""

    def __init__(self, fake: Fake) -> None:
        self.requests: list[Request] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                request = Request(self.path, dict(self.headers))
                server.requests.append(request)
                # Most real ones turn away a client that does not say who it is.
                agent = request.headers.get("user-agent", "")
                bare = not agent or agent.startswith(("python", "Python"))
                reply = Reply("Forbidden", status=403) if bare else fake(request)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status not in (204, 304):
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body[: reply.cut])
                if reply.cut is not None:
                    self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
