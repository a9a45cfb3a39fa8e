"""Finding MLflow runs whose process was killed, and marking them so.

A process that logs holds a lock, which the system releases however the process ends, and tags its
runs with the name of the lock.
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
    """Hold a lock within the block; yields the tag that its runs must carry."""
    file = Path(tempfile.gettempdir()) / f"gravicast-{uuid.uuid4().hex}.lock"
    lock = FileLock(file)
    with lock:
        try:
            yield {TAG: f"{_machine()}:{file}"}
        finally:
            _remove(file)


def end_killed(client: MlflowClient) -> list[str]:
    """Mark the runs of killed processes of this machine.

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
    """Whether nobody holds a lock; a free lock is removed."""
    if not file.exists():
        return True
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):  # OSError: of another user, so unknown
        return False
    _remove(file)
    lock.release()
    return True


def _remove(file: Path) -> None:
    with suppress(OSError):  # Windows removes it on release only
        file.unlink()
