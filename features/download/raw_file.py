"""One raw file of a source, as it was downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file as the source served it, and its origin.

    Attributes
    ----------
    path
        Its place on disk.
    url
        Its address, without any key.
    sha256, size
        Of its bytes.
    retrieved
        Day of retrieval, YYYY-MM-DD.
    via
        Address of the mirror that stood in for the source; empty without one.
    """

    path: Path
    url: str
    sha256: str
    size: int
    retrieved: str
    via: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``dataset.json``."""
        return {
            "name": self.path.name,
            "url": self.url,
            "sha256": self.sha256,
            "size": self.size,
            "retrieved": self.retrieved,
            "via": self.via,
        }
