"""A run of a process that was killed does not stay RUNNING, and one that is at work does."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from forecasting.tracking.killed_runs import TAG, at_work, end_killed

pytestmark = pytest.mark.usefixtures("elsewhere")

ROOT = Path(__file__).resolve().parents[3]
_KILLED = """
import os
from forecasting.tracking.killed_runs import at_work
with at_work() as tags:
    print(*tags.values(), flush=True)
    os._exit(9)
"""


@pytest.fixture
def client(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    import mlflow

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return mlflow.MlflowClient(f"sqlite:///{store.as_posix()}")


def status(client: Any, run: Any) -> str:
    return str(client.get_run(run.info.run_id).info.status)


def test_only_runs_of_processes_that_are_gone_are_ended(client, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _KILLED], check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    gone = {TAG: done.stdout.strip()}
    child = client.create_run("0", tags=gone)
    killed, other = client.create_run("0", tags=gone), client.create_run("0")
    elsewhere = client.create_run("0", tags={TAG: "another-machine:/tmp/gravicast-1.lock"})
    with at_work() as working:
        alive = client.create_run("0", tags=working)
        ended = end_killed(client)
        assert set(ended) == {killed.info.run_id, child.info.run_id}
    for run, wanted in ((killed, "KILLED"), (child, "KILLED"), (other, "RUNNING"),
                        (elsewhere, "RUNNING"), (alive, "RUNNING")):  # fmt: skip
        assert status(client, run) == wanted
    assert not list(tmp_path.glob("*.lock"))


def test_a_lock_that_is_gone_is_nobodys(client):
    with at_work() as working:
        pass
    # The machine was started again, and its temporary files are gone.
    run = client.create_run("0", tags=working)
    assert end_killed(client) == [run.info.run_id]
