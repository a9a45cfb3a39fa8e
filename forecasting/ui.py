"""The MLflow UI on the store that the runs wrote."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from features.errors import InputError
from forecasting.progress import Progress
from forecasting.tracking import quiet_environment, sqlite_file, store_uri

HOST = "127.0.0.1"
_PATIENCE_S = 5
_DEFAULTS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}


def serve(*, port: int = 5000, store: str | None = None) -> int:
    """Serve the MLflow UI on this machine until interrupted.

    Parameters
    ----------
    port
        Of 127.0.0.1; no other machine can reach it.
    store
        MLflow store; by default the one `forecasting.tracking.track` writes to.

    Returns
    -------
    int
        Exit status: 0 when stopped with Ctrl-C, else the server's.

    Raises
    ------
    InputError
        If there is no store yet, it is itself a server, or the port is taken.
    """
    uri = store or store_uri()
    artifacts = _check_store(uri)
    _check_port(port)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri]
    command += ["--host", HOST, "--port", str(port), "--workers", "1"]
    command += ["--uvicorn-opts", "--log-level warning"]
    if artifacts is not None:
        # What the UI's own button creates must be as reachable for later runs as what runs create.
        command += ["--default-artifact-root", str(artifacts), "--no-serve-artifacts"]
    server = subprocess.Popen(command, env={**_DEFAULTS, **os.environ, **quiet_environment()})
    Progress(show=True).say(f"MLflow UI: {address(port)} (stop it with Ctrl-C)")
    try:
        return server.wait()
    except KeyboardInterrupt:
        # The terminal sent Ctrl-C to the server as well.
        return 0
    finally:
        _stop(server)


def address(port: int) -> str:
    """Where the UI opens: without the last part, on its pages about language models."""
    return f"http://{HOST}:{port}/#/experiments?workflowType=machine_learning"


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Wait for the server to end, and end it where it does not."""
    for end in (server.terminate, server.kill):
        try:
            server.wait(timeout=_PATIENCE_S)
            return
        except subprocess.TimeoutExpired:
            end()


def _check_store(uri: str) -> Path | None:
    """Folder of the store's artifacts, where it is a SQLite file."""
    if uri.startswith(("http://", "https://")):
        raise InputError(
            f"the store {uri} is a server", remedy="Open that address in a browser instead"
        )
    file = sqlite_file(uri)
    if file is None:
        return None
    if not file.is_file():
        raise InputError(
            "there is no MLflow store yet",
            remedy="Run `gravicast run` first, or give the store with MLFLOW_TRACKING_URI",
            file=file,
        )
    return file.parent / "mlruns"


def _check_port(port: int) -> None:
    if not 1 <= port <= 65_535:
        raise InputError(f"port {port} does not exist", remedy="Choose one from 1024 to 65535")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the server does: a port just closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"port {port} cannot be used ({error.strerror})",
                remedy="Choose another with --port",
            ) from error
