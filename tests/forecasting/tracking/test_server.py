"""Tracking, promoting and serving over HTTP: real MLflow servers, some of which misbehave."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from forecasting import read_run
from forecasting.cli.main import main
from forecasting.evaluation.scores import SKILL_METRICS
from forecasting.promotion.evidence import read_evidence
from forecasting.promotion.gates import against_champion
from forecasting.run_folder.record import run_digest
from forecasting.tracking.mlflow_store import BOUNDED, HASTY
from models.registry import backtest_models

BACKTEST = [model.name for model in backtest_models()]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("elsewhere")]

HOST = "127.0.0.1"


@contextmanager
def postgres(port: int) -> Iterator[str]:
    """A throw-away PostgreSQL cluster: the address of its database, or a reason to skip."""
    programs = [Path(found) for found in [shutil.which("initdb")] if found]
    programs += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if not programs or find_spec("psycopg2") is None:
        lacking = "psycopg2" if programs else "PostgreSQL"
        pytest.skip(f"{lacking} is not installed (Debian: postgresql; pip: psycopg2-binary)")
    # PostgreSQL refuses to run as root, and another user cannot enter pytest's folders.
    who: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="gravicast-postgres-"))
    if os.geteuid() == 0:
        user = next(u for u in pwd.getpwall() if u.pw_name in ("postgres", "nobody"))
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(folder, user.pw_uid, user.pw_gid)
    data = str(folder / "data")

    def do(program: str, *words: str) -> None:
        subprocess.run(
            [str(programs[0].with_name(program)), "-D", data, *words],
            cwd=folder, check=True, stdout=subprocess.DEVNULL, **who,
        )  # fmt: skip

    try:
        do("initdb", "-A", "trust", "-U", "mlflow", "--no-sync", "--no-instructions")
        options = f"-F -p {port} -c listen_addresses={HOST} -c unix_socket_directories={folder}"
        do("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg2://mlflow@{HOST}:{port}/postgres"
        finally:
            do("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def starting(
    migrated_store, start_server, unused_port, tmp_path_factory
) -> Iterator[dict[str, Any]]:
    """Both servers, or why there is only one; they come up at the same time."""
    servers: dict[str, Any] = {}
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("sqlite-server")
        shutil.copy(migrated_store, folder / "store.db")
        servers["sqlite"] = start_server(f"sqlite:///{(folder / 'store.db').as_posix()}", folder)
        stack.callback(servers["sqlite"].stop)
        try:
            database = stack.enter_context(postgres(unused_port()))
            servers["postgres"] = start_server(database, tmp_path_factory.mktemp("postgres-server"))
            stack.callback(servers["postgres"].stop)
        except pytest.skip.Exception as reason:
            servers["postgres"] = reason
        yield servers


def use(server: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    if isinstance(server, pytest.skip.Exception):
        raise server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    return str(server.address)


@pytest.fixture
def server(starting, monkeypatch) -> str:
    """The server on SQLite, where runs are tracked now."""
    return use(starting["sqlite"], monkeypatch)


@pytest.fixture(params=["sqlite", "postgres"])
def each_server(request, starting, monkeypatch) -> str:
    return use(starting[request.param], monkeypatch)


def client_of(address: str) -> Any:
    import mlflow

    return mlflow.MlflowClient(address)


def runs_of(address: str, folder: Path) -> dict[str, str]:
    """Status by run id of the MLflow runs of a folder, whichever way they ended."""
    client = client_of(address)
    digest = run_digest(folder)
    experiments = [found.experiment_id for found in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.run_sha256 = '{digest}'")
    return {run.info.run_id: run.info.status for run in found}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# From a run to a forecast by the champion ---------------------------------------------------------


def test_a_run_is_tracked_promoted_and_served(
    each_server, requests, review_run, review_files, tmp_path, capsys
):
    assert main(["track", str(review_run), "--experiment", "a review"]) == 0
    printed = capsys.readouterr()
    run_id = printed.out.split()[2]
    assert printed.err == ""
    client = client_of(each_server)
    run = client.get_run(run_id)
    assert client.get_experiment(run.info.experiment_id).name == "a review"
    assert run.info.artifact_uri.startswith("mlflow-artifacts:")
    check_review(client, run, review_run)
    assert main(["promote", str(review_run), "--name", "flows"]) == 0
    version = client.get_model_version_by_alias("flows", "champion")
    assert version.run_id == run_id
    assert "| no leak&emsp; |" in version.description
    capsys.readouterr()
    forecast = ["forecast", *review_files.arguments(newer=True), "--quiet"]
    for model, out in (("models:/flows@champion", "champion"), (str(review_run), "folder")):
        assert main([*forecast, "--model", model, "--out", str(tmp_path / out)]) == 0
        assert capsys.readouterr().err == ""
    first, second = (
        pd.read_parquet(tmp_path / out / "forecasts.parquet") for out in ("champion", "folder")
    )
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def check_review(client: Any, run: Any, folder: Path) -> None:
    """What a reviewer finds without downloading: note, metrics, tables, data, files, model."""
    result = read_run(folder)
    assert run.info.status == "FINISHED"
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("**Against the last value**")
    for name in ("setting", "origin", "horizons", "data_vintage", "data_sha256", "as_of"):
        assert run.data.tags[name]
    for model in BACKTEST:
        for metric in SKILL_METRICS:
            key = f"scores_by_origin/{metric}/ex_ante/h2/{model}"
            found = {m.step: m.value for m in client.get_metric_history(run.info.run_id, key)}
            rows = result.scores_by_origin.query(
                "model == @model and setting == 'ex_ante' and horizon == 2"
            )
            assert found == pytest.approx(dict(zip(rows["origin"], rows[metric], strict=True)))
    datasets = [entry.dataset for entry in run.inputs.dataset_inputs]
    digests = {source["sha256"][:36] for source in result.provenance["data"]}
    assert {dataset.digest for dataset in datasets} == digests
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert files >= {
        "scoreboard.json", "channels.json", "largest_flows.json", "largest_shifts.json",
        "largest_errors.json", "forecasts.parquet", "scores_by_origin.csv", "config.yaml",
        "run.json", "report.html", "scoreboard.md", "measures.json", "measures_scores.csv",
        "measures_forecasts.parquet", "measures_history.parquet",
    }  # fmt: skip
    (output,) = run.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.name, model.status.name) == ("forecaster", "READY")
    assert {metric.key for metric in model.metrics} >= {"scores/skill_wape/ex_ante/h1"}


def test_the_story_of_a_challenger(
    unused_port,
    server,
    requests,
    review_run,
    review_files,
    tmp_path,
    capsys,
    monkeypatch,
    draw_nothing,
):
    """A run whose tracking fails, tracked later, refused, and compared as the refusal says."""
    challenger, again = tmp_path / "the challenger", tmp_path / "again"
    newer, name = review_files.arguments(newer=True), ["--name", "moving"]
    run = ["run", *newer, "--first-origin", "2006", "--workers", "1", "--quiet"]
    client = client_of(server)

    # The run is complete on disk although no server took it, and is logged later.
    options = read_run(review_run).config.to_dict() | {"seed": 2, "experiment": "gravicast"}
    (tmp_path / "challenger.yaml").write_text(yaml.safe_dump(options))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{HOST}:{unused_port()}")
    assert main([*run, str(tmp_path / "challenger.yaml"), "--out", str(challenger)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"`gravicast track '{challenger}'`" in message
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    assert main(["track", str(challenger)]) == 0
    run_id = capsys.readouterr().out.split()[2]
    assert runs_of(server, challenger) == {run_id: "FINISHED"}

    # The champion was trained on older data.
    assert main(["promote", str(review_run), *name]) == 0
    champion = client.get_model_version_by_alias("moving", "champion")
    capsys.readouterr()
    assert main(["promote", run_id, *name]) == 2
    message = capsys.readouterr().err
    assert "not scored on the same data" in message
    assert champion.run_id in message
    assert set(client.get_registered_model("moving").aliases) == {"champion"}

    # Its configuration, logged with it, stands in for it on the newer data.
    config = client.download_artifacts(champion.run_id, "config.yaml", str(tmp_path))
    assert main([*run, config, "--experiment", "gravicast", "--out", str(again)]) == 0
    capsys.readouterr()
    code = main(["promote", str(challenger), *name, "--against", str(again)])
    found = against_champion(
        read_evidence(client, run_id), read_evidence(client, str(again)), name=""
    )
    ratio = f"mean error ratio to the champion, version 1: {found.score:.4f}"
    assert ratio in capsys.readouterr().out
    assert found.score != 1
    assert code == (0 if found.won else 1)
    aliases = client.get_registered_model("moving").aliases
    won, lost = {"champion": "2"}, {"champion": "1", "challenger": "2"}
    assert {key: str(value) for key, value in aliases.items()} == (won if found.won else lost)


# Servers that fail --------------------------------------------------------------------------------


@dataclass
class Faults:
    """What a proxy does to which requests, counted from 1."""

    first: int = 0
    last: float = 0
    how: str = "500"
    seen: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> str:
        with self.lock:
            self.seen += 1
            return self.how if self.first <= self.seen <= self.last else ""


FRAMING = ("content-length", "transfer-encoding", "connection")
"""Headers of one connection, which are not passed on."""


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on to the real server, except some."""

    protocol_version = "HTTP/1.1"
    faults: Faults
    port: int

    def answer(self) -> None:
        body = self.body()
        fault = self.faults.next()
        if fault == "drop":
            self.close_connection = True
            return
        if fault == "hang":
            time.sleep(3)
        if fault in ("500", "hang"):
            self.reply(500, {}, b"out of order")
            return
        upstream = HTTPConnection(HOST, self.port, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in FRAMING}
        upstream.request(self.command, self.path, body, headers)
        got = upstream.getresponse()
        self.reply(got.status, dict(got.getheaders()), got.read())
        upstream.close()

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # An empty file comes like this.
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in FRAMING:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


for verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"):
    setattr(Proxy, f"do_{verb}", Proxy.answer)


@pytest.fixture
def behind(server, starting, monkeypatch) -> Iterator[Callable[[Faults], str]]:
    """Put a proxy with faults before the real server, and track there."""
    proxies: list[ThreadingHTTPServer] = []

    def go(faults: Faults) -> str:
        handler = type("Here", (Proxy,), {"faults": faults, "port": starting["sqlite"].port})
        proxies.append(ThreadingHTTPServer((HOST, 0), handler))
        threading.Thread(target=proxies[-1].serve_forever, daemon=True).start()
        address = f"http://{HOST}:{proxies[-1].server_port}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        return address

    yield go
    for proxy in proxies:
        proxy.shutdown()
        proxy.server_close()


@pytest.fixture
def at_once(monkeypatch) -> None:
    """Retries without a pause between them."""
    for values in (BOUNDED, HASTY):
        monkeypatch.setitem(values, "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")


@pytest.fixture(scope="module")
def requests(starting, review_run, tmp_path_factory) -> int:
    """How many requests it takes to log the run: one of them fails, and is not noticed."""
    faults = Faults(20, 20)
    address = starting["sqlite"].address
    client_of(address).create_experiment("gravicast")
    handler = type("Here", (Proxy,), {"faults": faults, "port": starting["sqlite"].port})
    proxy = ThreadingHTTPServer((HOST, 0), handler)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        patch.setenv("MLFLOW_TRACKING_URI", f"http://{HOST}:{proxy.server_port}")
        assert main(["track", str(review_run)]) == 0
    proxy.shutdown()
    proxy.server_close()
    (run_id,) = (r for r, how in runs_of(address, review_run).items() if how == "FINISHED")
    check_review(client_of(address), client_of(address).get_run(run_id), review_run)
    return faults.seen - 1


@pytest.fixture
def refused(capsys, caplog) -> Callable[[Path], str]:
    """Track a run where that must fail: one line, which names the way out; the files untouched."""

    def go(folder: Path) -> str:
        before = contents(folder)
        capsys.readouterr()
        caplog.clear()
        assert main(["track", str(folder)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("gravicast: ")
        assert printed.err.count("\n") == 1
        assert f"`gravicast track {folder}` uploads it" in printed.err
        # Outside of pytest a library's warnings would stand on stderr too.
        assert [record.getMessage() for record in caplog.records] == []
        assert contents(folder) == before
        return printed.err

    return go


@pytest.mark.parametrize(
    ("share", "how"), [(0.0, "500"), (0.3, "drop"), (0.7, "500"), (1.0, "drop")]
)
def test_a_server_that_fails_from_some_request_on(
    behind, server, at_once, requests, review_run, refused, how, share
):
    before = runs_of(server, review_run)
    first = 1 + round(share * (requests - 1))
    behind(Faults(first, float("inf"), how))
    message = refused(review_run)
    says = {"500": "with an error", "drop": "the server does not answer"}
    assert says[how] in message
    new = {run: how for run, how in runs_of(server, review_run).items() if run not in before}
    assert len(new) == (share > 0)
    # The server could not be told that it failed; it must not look finished.
    assert set(new.values()) <= {"RUNNING"}


def test_a_server_that_comes_back_hears_that_the_run_failed(
    behind, server, at_once, requests, review_run, refused, capsys
):
    client = client_of(server)
    before = runs_of(server, review_run)
    # Children come last: among the last requests some are theirs.
    behind(Faults(requests - 4, requests - 2))
    refused(review_run)
    (failed,) = set(runs_of(server, review_run)) - set(before)
    run = client.get_run(failed)
    assert run.info.status == "FAILED"
    children_of = f"tags.`mlflow.parentRunId` = '{failed}'"
    children = client.search_runs([run.info.experiment_id], children_of)
    ends = {child.info.status for child in children}
    assert "FAILED" in ends
    assert "RUNNING" not in ends
    # The way out that the message names.
    assert main(["track", str(review_run)]) == 0
    run_id = capsys.readouterr().out.split()[2]
    assert runs_of(server, review_run)[run_id] == "FINISHED"


def test_giving_up_takes_seconds(behind, requests, review_run, refused):
    """As a user has it, with pauses between retries; MLflow alone goes on for minutes."""
    behind(Faults(requests // 5, float("inf")))
    started = time.monotonic()
    refused(review_run)
    assert time.monotonic() - started < 15


def test_a_server_that_hangs_is_given_up(behind, server, review_run, refused, monkeypatch):
    for values in (BOUNDED, HASTY):
        monkeypatch.setitem(values, "MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    behind(Faults(1, float("inf"), "hang"))
    started = time.monotonic()
    message = refused(review_run)
    assert "does not answer" in message or "took too long" in message
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("command", ["promote", "forecast"])
def test_other_commands_say_in_a_line_that_the_server_is_down(
    unused_port, command, review_run, review_files, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@{HOST}:{unused_port()}")
    words = {
        "promote": [str(review_run)],
        "forecast": ["--model", "models:/flows@champion", *review_files.arguments(),
                     "--quiet", "--out", str(tmp_path / "out")],
    }  # fmt: skip
    assert main([command, *words[command]]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "does not answer" in message
    assert "MLFLOW_TRACKING_URI" in message
    assert "secret" not in message
    assert not (tmp_path / "out").exists()


def test_a_promotion_that_failed_half_way_is_completed_by_the_next(
    behind, server, at_once, requests, review_run, capsys, monkeypatch
):
    faults = Faults()
    behind(faults)
    assert main(["promote", str(review_run), "--name", "counted"]) == 0
    client, name = client_of(server), "half-way"
    for back in (1, 6):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
        behind(Faults(faults.seen + 1 - back, float("inf")))
        capsys.readouterr()
        assert main(["promote", str(review_run), "--name", f"{name}-{back}"]) == 2
        assert capsys.readouterr().err.count("\n") == 1
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
        assert main(["promote", str(review_run), "--name", f"{name}-{back}"]) == 0
        found = client.search_model_versions(f"name = '{name}-{back}'")
        assert [str(version.version) for version in found] == ["1"]
        aliases = client.get_registered_model(f"{name}-{back}").aliases
        assert set(aliases) == {"champion"}, back
        tags = client.get_model_version(f"{name}-{back}", "1").tags
        assert tags["gravicast.verdict"] == "promoted"
