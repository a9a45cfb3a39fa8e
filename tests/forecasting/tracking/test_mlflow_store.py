"""The store: made once and whole, found whatever its folder is called, not waited for long."""

from __future__ import annotations

import re
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from features.errors import InputError
from forecasting.tracking.mlflow_store import (
    HASTY,
    at_store,
    local_uri,
    prepare_tracking,
    sqlite_file,
    sqlite_uri,
    store_uri,
)
from forecasting.tracking.new_store import make_store

pytestmark = pytest.mark.usefixtures("elsewhere")

ODD = ["a%20b", "a?b", "a#b", "100% sure", "r\u00e9sum\u00e9 c", "a%3Fb"]


@pytest.mark.parametrize("name", ODD)
def test_addresses_mean_the_file_whatever_its_folder_is_called(tmp_path, name):
    file = tmp_path / name / "mlflow.db"
    assert sqlite_file(sqlite_uri(file)) == file


def test_the_default_address_is_plain_where_it_can_be(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert store_uri() == f"sqlite:///{Path.cwd().as_posix()}/mlflow.db"


@pytest.mark.parametrize("name", ["a%20b", "a?b#c"])
def test_store_and_artifacts_lie_in_a_folder_with_an_odd_name(
    migrated_store, tmp_path, monkeypatch, name
):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(migrated_store.read_bytes())
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (folder / "notes.txt").write_text("mine")
    with at_store(problem="no store", remedy="None") as client:
        place = local_uri(folder / "mlruns" / "mine")
        run = client.create_run(client.create_experiment("mine", artifact_location=place))
        client.log_artifact(run.info.run_id, str(folder / "notes.txt"))
    assert list((folder / "mlruns" / "mine").rglob("notes.txt"))
    assert list(tmp_path.iterdir()) == [folder]


@pytest.fixture
def made(migrated_store: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stores that were made: two at once break MLflow's own making, which takes a second."""
    addresses: list[str] = []

    def content(artifacts: str) -> bytes:
        addresses.append(artifacts)
        time.sleep(0.1)
        return migrated_store.read_bytes()

    monkeypatch.setattr("forecasting.tracking.new_store.empty_store", content)
    return addresses


def test_several_first_runs_at_once_make_one_store(made, tmp_path, migrated_store):
    file = tmp_path / "mlflow.db"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(make_store, artifacts="mlruns"), [file] * 4))
    assert made == ["mlruns"]
    assert file.read_bytes() == migrated_store.read_bytes()
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_first_run_left_is_made_anew(made, tmp_path, migrated_store):
    file = tmp_path / "mlflow.db"
    file.with_name(".mlflow.db.gravicast-new").write_bytes(b"half")
    make_store(file, "mlruns")
    assert file.read_bytes() == migrated_store.read_bytes()
    assert list(tmp_path.iterdir()) == [file]


def test_a_store_that_is_there_is_left_alone(made, tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"mine")
    make_store(tmp_path / "mlflow.db", "mlruns")
    assert not made


def test_a_store_made_in_memory_is_what_mlflow_makes_in_a_file(store, tmp_path):
    """``store`` is a copy of one that MLflow made."""
    mine = tmp_path / "mine.db"
    make_store(mine, str(tmp_path / "mlruns"))
    assert contents(mine) == contents(store)


def contents(file: Path) -> list[object]:
    """Tables, indexes and versions; MLflow's constraints come in any order."""
    with closing(sqlite3.connect(file)) as opened:
        schema = opened.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
        return [
            *((kind, name, sorted(re.findall(r"\w+", sql or ""))) for kind, name, sql in schema),
            *opened.execute("SELECT version_num FROM alembic_version"),
            *opened.execute("SELECT experiment_id, name FROM experiments"),
        ]


def test_tracking_is_prepared_without_a_file_or_a_server(tmp_path, monkeypatch):
    for address in (f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}", "http://127.0.0.1:9", "nothing"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        prepare_tracking()
    assert not list(tmp_path.iterdir())


@pytest.fixture
def dripping() -> Iterator[str]:
    """Address of a server that answers every request with a byte now and then, for ever."""
    done = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not done.wait(0.2):
                connection.sendall(b" ")

    def serve(listening: socket.socket) -> None:
        while not done.is_set():
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            threading.Thread(target=drip, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        done.set()
        thread.join()


def test_a_server_that_drips_is_given_up(dripping, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", dripping)
    monkeypatch.setitem(HASTY, "MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    started = time.monotonic()
    with (
        pytest.raises(InputError, match="took too long to answer"),
        at_store(problem="no store", remedy="None"),
    ):
        raise AssertionError("the block must not run")
    assert time.monotonic() - started < 5
