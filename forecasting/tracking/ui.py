"""Serving the MLflow UI on the store of the runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

from features.errors import InputError
from forecasting.progress import Progress
from forecasting.run_folder.interrupts import stoppable
from forecasting.tracking.mlflow_store import (
    check_database,
    first_line,
    local_uri,
    quiet_environment,
    require_store,
    sqlite_file,
    store_uri,
    without_password,
)

HOST = "127.0.0.1"
_STOP_WAIT_S = 5.0
_DEFAULTS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}


def serve(*, port: int = 5000, store: str | None = None) -> int:
    """Serve the MLflow UI on this machine until interrupted.

    Parameters
    ----------
    port
        Of 127.0.0.1; no other machine can reach it.
    store
        MLflow store; by default that of `forecasting.tracking.track.track`.

    Returns
    -------
    int
        Exit status: 0 when stopped with Ctrl-C, else the server's.

    Raises
    ------
    InputError
        If the store does not exist, is not an address or is itself a server, or the port is taken.
    """
    uri = store or store_uri()
    artifacts = _check_store(uri)
    _check_port(port)
    page = _run_table(uri)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri]
    command += ["--host", HOST, "--port", str(port), "--workers", "1"]
    command += ["--uvicorn-opts", "--log-level warning"]
    if artifacts is not None:
        # Experiments created in the UI must be as reachable for later runs as those of runs.
        command += ["--default-artifact-root", artifacts, "--no-serve-artifacts"]
    environment = {**_DEFAULTS, **os.environ, **quiet_environment()}
    # In its own process group: the server answers Ctrl-C in the terminal with a traceback.
    server = subprocess.Popen(command, env=environment, process_group=0)
    progress = Progress(show=True)
    progress.say(f"MLflow UI: http://{HOST}:{port}/{page}")
    progress.say("Stop it with Ctrl-C")
    try:
        with stoppable():
            return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(server)


def _run_table(uri: str) -> str:
    """Page that the address opens: the run table, or the experiments where it cannot be read.

    Asked in a process of its own: once MLflow's client has opened the store here, Ctrl-C no longer
    ends this process.
    """
    script = (
        "import sys; from mlflow import MlflowClient;"
        "from forecasting.tracking.run_table import run_table_page;"
        "print(run_table_page(MlflowClient(sys.argv[1])))"
    )
    environment = {**_DEFAULTS, **os.environ, **quiet_environment()}
    command = [sys.executable, "-c", script, uri]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    # Where it fails, the server says what is wrong with the store.
    return answer.stdout.split()[-1] if answer.returncode == 0 else "#/experiments"


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and its children, by force after a while."""
    if not hasattr(os, "killpg"):  # Windows
        server.terminate()
        server.wait()
        return
    try:
        os.killpg(server.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_WAIT_S
        while time.monotonic() < deadline:
            server.poll()
            os.killpg(server.pid, 0)
            time.sleep(0.05)
        os.killpg(server.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _check_store(uri: str) -> str | None:
    """Folder of the store's artifacts, if the store is a SQLite file."""
    from sqlalchemy.exc import SQLAlchemyError

    if uri.startswith(("http://", "https://")):
        raise InputError(
            f"the store {uri} is a server", remedy="Open that address in a browser instead"
        )
    if "://" not in uri:
        raise InputError(
            f"the store {uri!r} is not an address", remedy="Write it as sqlite:///path/to/mlflow.db"
        )
    require_store(uri)
    try:
        check_database(uri)
    except (OSError, SQLAlchemyError) as error:
        raise InputError(
            f"the store cannot be opened ({first_line(error)})",
            remedy="Check the address, and that the database is up",
            file=without_password(uri),
        ) from error
    file = sqlite_file(uri)
    return None if file is None else local_uri(file.parent / "mlruns")


def _check_port(port: int) -> None:
    if not 1 <= port <= 65_535:
        raise InputError(f"port {port} does not exist", remedy="Choose one from 1024 to 65535")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Like the server: a port that was just closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"port {port} cannot be used ({error.strerror})",
                remedy="Choose another with --port",
            ) from error
