"""A real MLflow server that tests of tracking and of MLflow's pages start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

HOST, PATIENCE_S = "127.0.0.1", 90.0


@dataclass
class Server:
    """An MLflow server of our own: started at once, waited for when it is first needed."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def address(self) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < deadline:
            connection = HTTPConnection(HOST, self.port, timeout=5)
            try:
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return f"http://{HOST}:{self.port}"
            except (OSError, HTTPException):
                time.sleep(0.1)
            finally:
                connection.close()
        raise AssertionError(self.log.read_text(errors="replace")[-2_000:])

    def stop(self) -> None:
        """End the server's whole group: it has workers, which would wait for open connections."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def start(backend: str, folder: Path) -> Server:
    """``mlflow server`` that also serves the artifacts, which lie in a folder of its own."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--host", HOST]
    command += ["--port", str(port), "--workers", "1"]
    more = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONWARNINGS": "ignore",
    }
    log = folder / "server.log"
    with log.open("wb") as opened:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | more, stdout=opened, stderr=opened,
            process_group=0,
        )  # fmt: skip
    return Server(port, process, log)


@pytest.fixture(scope="session")
def start_server() -> Callable[[str, Path], Server]:
    """Start a server on a backend, with artifacts in a folder; its ``address`` waits for it."""
    return start


@pytest.fixture(scope="session")
def unused_port() -> Callable[[], int]:
    """Give a port of this machine on which nothing listens."""
    return free_port
