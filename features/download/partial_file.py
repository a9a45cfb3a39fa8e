"""A partial download, and how to resume it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from features.errors import InputError


class PartFile:
    """The growing file beside its target, and the version of the source's file it belongs to."""

    def __init__(self, to: Path) -> None:
        self.to = to
        self.path = to.with_name(f"{to.name}.part")
        self._about = to.with_name(f"{to.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def resume(self, url: str, headers: dict[str, str]) -> int:
        """Ask for the rest if this version can be continued; return the bytes so far."""
        try:
            about = json.loads(self._about.read_text())
        except (OSError, ValueError):
            about = {}
        validator = about.get("validator") if about.get("url") == url else None
        if not self.size or not validator:
            self.discard()
            return 0
        headers["Range"] = f"bytes={self.size}-"
        # Otherwise the head of an old version would be joined to the rest of a new one.
        headers["If-Range"] = validator
        return self.size

    def open(self, url: str, headers: Mapping[str, str], *, append: bool) -> None:
        """Start or resume; a weak validator does not allow resuming."""
        if append:
            return
        self.discard()
        etag = headers.get("ETag", "")
        strong = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
        self._about.write_text(json.dumps({"url": url, "validator": strong}))

    def discard(self) -> None:
        """Start again next time."""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def finish(self, check: Callable[[Path], None] | None) -> None:
        """Put the complete file in place; discard it if the check refuses it."""
        self.path.touch()  # an empty body
        if check is not None:
            try:
                check(self.path)
            except InputError:
                self.discard()
                raise
        self.path.replace(self.to)
        self._about.unlink(missing_ok=True)
