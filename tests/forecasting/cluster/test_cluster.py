"""A back-test on a cluster: the bytes of one in threads, whatever happens to its workers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from features.data.monthly import MonthlyTrade
from features.data.panel import TradePanel
from features.data.reports import Reports
from features.errors import InputError
from features.information import DataBundle
from features.world.reports import monthly_frame, reports_frame
from forecasting import RunConfig, simulate_world
from forecasting.cluster import client as cluster_client
from forecasting.cluster.client import Cluster, _refuse_other_code, connected
from forecasting.cluster.worker import SharedInputs, code_here
from forecasting.evaluation.finished_tasks import FinishedTasks

SHORT = {"horizons": (1,), "rounds": 3, "settings": ("ex_ante",), "first_origin": 2007}

HAS_DASK = cluster_client.find_spec("distributed") is not None


def needs_dask(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that starts a scheduler and workers."""
    skipped = pytest.mark.skipif(not HAS_DASK, reason="needs the extra 'cluster'")
    return pytest.mark.slow(skipped(test))


@dataclass(frozen=True)
class Toy:
    """A task that says where it ran; ``loses`` closes the worker that runs it first."""

    name: str
    loses: str = ""

    def run(self, _: object, config: RunConfig) -> str:
        if self.loses and not Path(self.loses).exists():
            from distributed import get_worker

            Path(self.loses).touch()
            worker = get_worker()
            worker.loop.add_callback(worker.close, nanny=False, reason="lost")
            time.sleep(2)
        return f"{self.name} by {config.workers}"

    def pack(self, result: str, archive: ZipFile) -> None:
        archive.writestr("toy", result)

    def unpack(self, archive: ZipFile) -> str:
        return archive.read("toy").decode()


@pytest.fixture
def dask() -> Iterator[Any]:
    """A scheduler with two workers, in threads of this process: they start at once."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp://",
        host="127.0.0.1", dashboard_address=None,
    ) as found:  # fmt: skip
        yield found


@pytest.fixture
def compute_on(dask, bundle, tmp_path):
    """Run toy tasks on the cluster: their results, and what the user was told."""

    def go(tasks: list[Toy], *, code: dict[str, str] | None = None) -> tuple[list[str], list[str]]:
        said: list[str] = []
        config = RunConfig(out=tmp_path / "run", experiment=None, horizons=(1,))
        finished = FinishedTasks(tmp_path / "folds", {}, resumed=False, say=said.append)
        with connected(dask.scheduler_address, say=said.append) as cluster:
            assert cluster is not None
            with cluster.on_workers(bundle, config, finished) as compute:
                return list(compute(tasks)), said

    return go


@needs_dask
def test_a_run_on_a_cluster_has_the_bytes_of_a_run_in_threads(dask, bundle, run_on, tmp_path):
    here = run_on(bundle, "here", **SHORT)
    there = run_on(bundle, "there", **SHORT, cluster=dask.scheduler_address)
    files = [json.loads((run.out / "run.json").read_text())["files"] for run in (here, there)]
    assert files[0] == files[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "there"]


@needs_dask
def test_workers_of_this_machine_nowcast_from_reports_to_the_same_bytes(run_on, tmp_path):
    trade = simulate_world(seed=3, n_countries=10, n_years=16).trade
    panel = TradePanel.from_frame(trade)
    data = DataBundle(
        panel,
        reports=Reports.from_frame(reports_frame(trade, seed=3), flows=panel.flows, delays={}),
        monthly=MonthlyTrade.from_frame(monthly_frame(trade, seed=3)),
    )
    options = {
        "trade": "flows.csv", "reports": "reports.csv", "horizons": (1,), "rounds": 3,
        "settings": ("reports_known",), "first_origin": 2007,
    }  # fmt: skip
    here = run_on(data, "here", **options)
    there = run_on(data, "there", **options, cluster="local:2")
    files = [json.loads((run.out / "run.json").read_text())["files"] for run in (here, there)]
    assert files[0] == files[1]
    assert "backtest.parquet" in files[0]


@needs_dask
def test_the_task_of_a_lost_worker_is_run_again(compute_on, dask, tmp_path):
    tasks = [Toy("one"), Toy("two", loses=str(tmp_path / "lost")), Toy("three")]
    found, _ = compute_on(tasks)
    assert (tmp_path / "lost").exists()
    assert found == [f"{task.name} by 1" for task in tasks]


@needs_dask
def test_a_busy_cluster_is_waited_for_and_said(compute_on, dask, monkeypatch):
    from distributed import Client

    monkeypatch.setattr(cluster_client, "BUSY_S", 0.2)
    with Client(dask.scheduler_address) as other:
        busy = [other.submit(time.sleep, 2, pure=False, key=f"busy-{n}") for n in range(4)]
        found, said = compute_on([Toy("one")])
        assert len(busy) == 4
    assert found == ["one by 1"]
    assert any("its workers (2) are busy" in line for line in said)


@needs_dask
def test_an_error_of_the_user_comes_back_from_a_worker_as_it_was(compute_on, monkeypatch):
    def refuse(*_: object) -> None:
        raise InputError("the model says nonsense", remedy="Mend it", file="x.csv", row=3)

    monkeypatch.setattr(Toy, "run", refuse)
    with pytest.raises(InputError, match="nonsense") as caught:
        compute_on([Toy("one")])
    assert (caught.value.remedy, caught.value.file, caught.value.row) == ("Mend it", "x.csv", 3)


@needs_dask
def test_a_worker_that_joins_late_with_another_version_is_refused(
    dask, bundle, tmp_path, monkeypatch, stops
):
    other = {**code_here(), "lightgbm": "3.0"}
    finished = FinishedTasks(tmp_path / "folds", {}, resumed=False, say=print)
    with connected(dask.scheduler_address, say=print) as cluster:
        assert cluster is not None
        inputs = SharedInputs(str(tmp_path), "", RunConfig().to_dict(), other)
        results = cluster._results([Toy("one")], inputs, finished)
        error = stops(lambda: next(results), says="lightgbm")
    assert code_here()["lightgbm"] in str(error)
    assert "3.0" in str(error)


def test_versions_are_compared_before_any_work(stops):
    class Workers:
        def run(self, *_: object, **__: object) -> dict[str, object]:
            return {"tcp://a:1": code_here(), "tcp://b:1": {**code_here(), "gravicast": "9.9"}}

    error = stops(lambda: _refuse_other_code(Workers()), says="tcp://b:1 has gravicast 9.9")
    assert code_here()["gravicast"] in str(error)


def test_a_worker_without_gravicast_is_named(stops):
    class Workers:
        def run(self, *_: object, **__: object) -> dict[str, object]:
            return {"tcp://a:1": ModuleNotFoundError("No module named 'forecasting'")}

    stops(lambda: _refuse_other_code(Workers()), says="tcp://a:1 cannot run gravicast")


def connect(address: str) -> Cluster | None:
    with connected(address, say=print) as cluster:
        return cluster


@needs_dask
def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch, stops):
    import socket

    monkeypatch.setattr(cluster_client, "CONNECTING_S", 0.5)
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        stops(lambda: connect(address), says=f"no Dask scheduler answers at {address}")
    assert time.monotonic() - started < 10


def test_without_the_extra_the_user_is_told_what_to_install(monkeypatch, stops):
    monkeypatch.setattr(cluster_client, "find_spec", lambda _: None)
    error = stops(lambda: connect("local:2"), says="dask and distributed")
    assert "gravicast[cluster]" in error.remedy


@pytest.mark.parametrize("address", ["local:0", "local:", "local", "scheduler:8786", "tcp://", 3])
def test_what_is_no_address_is_refused(address, stops):
    stops(lambda: RunConfig(cluster=address), says="cluster")
