"""MLflow runs of processes that were killed: who is at work on a run, and whether they still are.

A process that logs holds a lock, which the system takes from it however it ends, and tags its runs
with the lock's name.
"""

from __future__ import annotations

import platform
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from mlflow import MlflowClient

TAG = "gravicast.process"
"""Machine and lock of the process that logs a run."""
_MOST = 1_000


@contextmanager
def at_work() -> Iterator[dict[str, str]]:
    """Hold a lock for a block; yields the tag that its runs must carry."""
    file = Path(tempfile.gettempdir()) / f"gravicast-{uuid.uuid4().hex}.lock"
    lock = FileLock(file)
    with lock:
        try:
            yield {TAG: f"{_machine()}:{file}"}
        finally:
            _remove(file)


def end_killed(client: MlflowClient) -> list[str]:
    """Mark the runs that processes of this machine left when they were killed.

    Returns
    -------
    list of str
        Their run ids.
    """
    experiments = [found.experiment_id for found in client.search_experiments()]
    running = client.search_runs(
        experiments,
        f"attributes.status = 'RUNNING' and tags.`{TAG}` LIKE '{_machine()}:%'",
        max_results=_MOST,
    )
    dead: dict[str, bool] = {}
    ended = []
    for run in running:
        file = run.data.tags[TAG].removeprefix(f"{_machine()}:")
        if file not in dead:
            dead[file] = _is_free(Path(file))
        if dead[file]:
            client.set_terminated(run.info.run_id, "KILLED")
            ended.append(str(run.info.run_id))
    return ended


def _machine() -> str:
    return platform.node().replace("'", "")


def _is_free(file: Path) -> bool:
    """Whether nobody holds a lock; whoever does not may remove it."""
    if not file.exists():
        return True
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):  # another user's, which cannot be told
        return False
    _remove(file)
    lock.release()
    return True


def _remove(file: Path) -> None:
    with suppress(OSError):  # Windows removes it on release, and not before
        file.unlink()
