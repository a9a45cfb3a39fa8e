"""The MLflow UI on the runs' store: what it needs, that it serves, and that it stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from features.errors import InputError
from forecasting.tracking.mlflow_store import store_uri
from forecasting.tracking.ui import _stop, serve

ROOT = Path(__file__).resolve().parents[3]


def test_ui_needs_a_store(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert store_uri() == f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}"
    with pytest.raises(InputError, match=r"mlflow\.db: there is no MLflow store yet"):
        serve()
    assert list(tmp_path.iterdir()) == []


def test_ui_needs_a_free_port(store):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="cannot be used"):
            serve(port=taken.getsockname()[1])
    with pytest.raises(InputError, match="port 70000 does not exist"):
        serve(port=70_000)


def test_ui_needs_the_address_of_a_store():
    with pytest.raises(InputError, match=r"'mlflow\.db' is not an address.*sqlite:///"):
        serve(store="mlflow.db")


def test_ui_needs_a_database_that_can_be_opened(tmp_path, monkeypatch):
    (tmp_path / "notes.db").write_text("this is a note and no database")
    with pytest.raises(InputError, match=r"cannot be opened .*not a SQLite database"):
        serve(store=f"sqlite:///{(tmp_path / 'notes.db').as_posix()}")
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(InputError, match="driver is not installed"):
        serve(store="mysql+pymysql://me:secret@127.0.0.1/runs")


def test_ui_of_a_server_is_the_server():
    with pytest.raises(InputError, match="is a server"):
        serve(store="http://127.0.0.1:5000")


def test_where_there_are_no_process_groups_the_server_is_ended_itself(monkeypatch):
    # Windows
    monkeypatch.delattr(os, "killpg")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as server:
        _stop(server)
        assert server.returncode is not None


@pytest.mark.slow
def test_ui_serves_until_interrupted(store):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # A background job is deaf to Ctrl-C unless it asks to hear it.
    script = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        f"from forecasting.tracking.ui import serve; sys.exit(serve(port={port}))"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE
    )
    try:
        assert b"<title>MLflow</title>" in patient_read(f"http://127.0.0.1:{port}/", server)
        # The whole group, as a terminal does.
        os.killpg(server.pid, signal.SIGINT)
        _, printed = server.communicate(timeout=30)
    finally:
        if server.poll() is None:
            server.terminate()
    assert server.returncode == 0
    assert f"http://127.0.0.1:{port}/#/experiments" in printed.decode()
    assert b"Traceback" not in printed
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def patient_read(address: str, server: subprocess.Popen[bytes]) -> bytes:
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=5) as page:
                return bytes(page.read())
        except OSError:
            time.sleep(0.3)
    raise AssertionError("the UI did not come up")
