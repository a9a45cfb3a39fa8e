"""A partial download, and how to resume it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from features.errors import InputError


class PartFile:
    """The growing file beside its target, and which version of the source's file it is of."""

    def __init__(self, to: Path) -> None:
        self.to = to
        self.path = to.with_name(f"{to.name}.part")
        self._about = to.with_name(f"{to.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes there are."""
        return self.path.stat().st_size if self.path.exists() else 0

    def resume(self, url: str, headers: dict[str, str]) -> int:
        """Ask for the rest where this very version can be continued; give the bytes there are."""
        try:
            about = json.loads(self._about.read_text())
        except (OSError, ValueError):
            about = {}
        validator = about.get("validator") if about.get("url") == url else None
        if not self.size or not validator:
            self.discard()
            return 0
        headers["Range"] = f"bytes={self.size}-"
        # Without it a file replaced in between would be joined to the head of the old one.
        headers["If-Range"] = validator
        return self.size

    def open(self, url: str, headers: Mapping[str, str], *, append: bool) -> None:
        """Begin or go on; a weak validator allows no continuation."""
        if append:
            return
        self.discard()
        etag = headers.get("ETag", "")
        strong = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
        self._about.write_text(json.dumps({"url": url, "validator": strong}))

    def discard(self) -> None:
        """Begin anew the next time."""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def finish(self, check: Callable[[Path], None] | None) -> None:
        """Put the whole file in place; what the check refuses is thrown away."""
        self.path.touch()  # an empty body
        if check is not None:
            try:
                check(self.path)
            except InputError:
                self.discard()
                raise
        self.path.replace(self.to)
        self._about.unlink(missing_ok=True)
