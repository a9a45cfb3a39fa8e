"""A file written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, with the permissions that the umask leaves.

    Parameters
    ----------
    path
        In a folder that exists; a file that is there is replaced.
    content
        Of the file.

    Raises
    ------
    OSError
        If it cannot be written; what was there stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
