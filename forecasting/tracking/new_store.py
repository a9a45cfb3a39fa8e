"""A new SQLite store for MLflow.

Importing this module is cheap: MLflow is imported by the functions.
"""

from __future__ import annotations

import functools
import sqlite3
import uuid
from contextlib import closing, suppress
from pathlib import Path

from filelock import FileLock

_CREATION_WAIT_S = 300.0
"""Longest wait while another process creates the store."""


@functools.cache
def empty_store(artifacts: str) -> bytes:
    """Content of a new store's file, with the address of the folder of its artifacts.

    Made in memory: in a file, MLflow's sixty migrations wait for the disk after every step.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    name = f"file:gravicast-{uuid.uuid4().hex}?mode=memory&cache=shared"
    # The database lives as long as a connection to it.
    with closing(sqlite3.connect(name, uri=True)) as kept:
        made = SqlAlchemyStore(f"sqlite:///{name}&uri=true", artifacts)
        content = kept.serialize()
        made.engine.dispose()
    return content


def make_store(file: Path, artifacts: str) -> None:
    """Create a missing SQLite store: whole or not at all, and by one process.

    MLflow lets several processes create it at once, or leaves it half made; such a store is
    unusable.
    """
    if file.exists() and file.stat().st_size:
        return
    part = file.with_name(f".{file.name}.gravicast-new")
    lock = FileLock(file.with_name(f".{file.name}.gravicast-lock"))
    with lock.acquire(timeout=_CREATION_WAIT_S):
        try:
            if not file.exists() or not file.stat().st_size:
                part.write_bytes(empty_store(artifacts))
                part.replace(file)
        finally:
            part.unlink(missing_ok=True)
            with suppress(OSError):  # Windows removes it on release only
                Path(lock.lock_file).unlink()
