"""What a cluster costs beside threads, whether it survives a lost worker, and what HS6 would take.

    python tests/benchmarks/cluster.py [--data ../shared/data] [--rounds N]
    python tests/benchmarks/cluster.py --lose [--rounds N]
    python tests/benchmarks/cluster.py --blocks

The first runs the same job in threads and on ``local:2`` and prints CPU and wall-clock ratios: on
the goods panel with ``--data``, else on the simulated world. The second starts a scheduler and two
workers on this machine, kills one of them (SIGKILL) while it works, and compares every file with
the run in threads. The third times one fold, and keeping it for ``--resume``, on two panels of the
same world and extends the line through them to HS6. Exits with 1 if a file differs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from forecasting.evaluation.finished_tasks import FinishedTasks
from forecasting.evaluation.folds import plan_folds
from forecasting.evaluation.prepared import PreparedData, prepare
from forecasting.evaluation.tasks import FoldTask
from forecasting.options.run_config import RunConfig
from models.shift import CHOICES

SMALLEST, COUNTRIES = 20, (60, 150)
"""Of the two worlds whose folds are timed."""
PRODUCTS, PAIRS, TRADED, A_RUN = 5_000, 50_000, 0.2, 1_000_000
"""HS6: products, pairs of countries, the share of cells that ever trade, and flows in one run."""
ORIGINS, WORKERS = 14, 7
"""Folds of a run, and workers that share them, two each."""


def run(out: Path, job: Sequence[str], *options: str) -> tuple[float, float]:
    """CPU and wall-clock seconds of a run, its processes included."""
    command = [sys.executable, "-m", "forecasting.cli.main", "run", *job, "--quiet"]
    command += ["--no-tracking", "--no-figures", "--no-report", "--out", str(out), *options]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started


def sums(out: Path) -> dict[str, str]:
    """The sha256 of every file but the record, which holds times."""
    return dict(json.loads((out / "run.json").read_text(encoding="utf-8"))["files"])


def compare(threads: Path, cluster: Path) -> int:
    """Print whether two runs hold the same bytes; returns the exit code."""
    known, found = sums(threads), sums(cluster)
    differ = sorted(name for name in known.keys() | found.keys()
                    if known.get(name) != found.get(name))  # fmt: skip
    print(f"{len(known)} files: {'; '.join(differ) + ' differ' if differ else 'the same bytes'}")
    return 1 if differ else 0


def beside_threads(folder: Path, job: Sequence[str]) -> int:
    """The same job in threads and on two processes."""
    cpu, wall = run(folder / "threads", job, "--workers", "2")
    cluster_cpu, cluster_wall = run(folder / "cluster", job, "--cluster", "local:2")
    print(f"threads {cpu:.1f} CPU s, {wall:.1f} s; local:2 {cluster_cpu:.1f} CPU s, "
          f"{cluster_wall:.1f} s: {cluster_cpu / cpu:.2f} of the CPU time, "
          f"{cluster_wall / wall:.2f} of the time")  # fmt: skip
    return compare(folder / "threads", folder / "cluster")


@contextmanager
def processes(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers on this machine: its address and the workers."""
    place = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1",
                 "--port", "0", "--no-dashboard", "--scheduler-file", str(place)]  # fmt: skip
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(place),
              "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1",
              "--local-directory", str(folder / "dask")]  # fmt: skip
    started = [subprocess.Popen(scheduler, **quiet)]  # type: ignore[call-overload]
    try:
        while not place.exists():
            time.sleep(0.1)
        started += [subprocess.Popen(worker, **quiet) for _ in range(2)]  # type: ignore[call-overload]
        yield json.loads(place.read_text(encoding="utf-8"))["address"], started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def lose_a_worker(folder: Path, job: Sequence[str]) -> int:
    """Kill a worker as soon as the first fold is kept."""
    run(folder / "threads", job)
    folds = folder / ".cluster.gravicast-folds"
    with processes(folder) as (address, workers):
        command = [sys.executable, "-m", "forecasting.cli.main", "run", *job, "--quiet"]
        command += ["--no-tracking", "--no-figures", "--no-report", "--cluster", address]
        client = subprocess.Popen([*command, "--out", str(folder / "cluster")],
                                  stdout=subprocess.DEVNULL)  # fmt: skip
        while client.poll() is None and not list(folds.glob("fold-*.zip")):
            time.sleep(0.05)
        there = len(list(folds.glob("fold-*.zip")))
        workers[0].send_signal(signal.SIGKILL)
        if client.wait():
            raise SystemExit("the run failed after a worker was lost")
    print(f"a worker was killed after {there} folds; the run finished on the other")
    return compare(folder / "threads", folder / "cluster")


def prepared_world(countries: int) -> tuple[PreparedData, RunConfig]:
    """The simulated world of a size, prepared."""
    from features.data.indicators import Indicators
    from features.data.pairs import PairAttributes
    from features.data.panel import TradePanel
    from features.information import DataBundle
    from features.world.world import simulate_world

    world = simulate_world(n_countries=countries)
    panel = TradePanel.from_frame(world.trade)
    codes = panel.flows.countries
    tables = [("geography", world.geography), ("agreements", world.agreements)]
    bundle = DataBundle(
        panel,
        indicators=Indicators.from_frames(world.indicators, world.catalogue, countries=codes),
        pairs=PairAttributes.from_frames(tables, countries=codes),
    )
    config = RunConfig(world="goods", experiment=None, workers=1)
    return prepare(bundle, config), config


def blocks() -> int:
    """Time a fold at two sizes, and extend the line through them."""
    costs = []
    for countries in (SMALLEST, *COUNTRIES):
        started = time.process_time()
        prepared, config = prepared_world(countries)
        ready = time.process_time() - started
        folds = plan_folds(first_year=prepared.panel.first_year, last_year=prepared.last_origin,
                           horizons=config.horizons)  # fmt: skip
        started = time.process_time()
        task = FoldTask(folds[len(folds) // 2], CHOICES[0])
        result = task.run(prepared, config)
        fold = time.process_time() - started
        with tempfile.TemporaryDirectory() as scratch:
            finished = FinishedTasks(Path(scratch) / "folds", {}, resumed=False, say=print)
            started = time.process_time()
            finished.write(task, result)
            kept = time.process_time() - started
            size = sum(file.stat().st_size for file in Path(scratch).rglob("*.zip"))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        costs.append((prepared.panel.flows.size, ready, fold, peak))
        print(f"{costs[-1][0]:,} flows: prepared in {ready:.1f} CPU s, a fold in {fold:.1f} CPU s, "
              f"kept in {kept:.3f} CPU s ({kept / fold:.1%}) and {size / 1e6:.1f} MB, "
              f"peak {peak:.2f} GB")  # fmt: skip
        del prepared, result
    # The first compiles the kernels.
    (small, *first), (large, *second) = costs[1:]
    # A fit draws a capped number of rows; the rest of a fold, and preparing, grow with the flows.
    ready, fold, peak = (
        b + (b - a) / (large - small) * (A_RUN - large) for a, b in zip(first, second, strict=True)
    )
    runs = PRODUCTS * PAIRS * TRADED / A_RUN
    hours = runs * (WORKERS * ready + (ORIGINS + 1) * fold) / 3600
    print(f"HS6, {PRODUCTS:,} products x {PAIRS:,} pairs, a fifth of which trade: {runs:.0f} runs "
          f"of {A_RUN:,} flows, groups of products. A run on {WORKERS} workers: each prepares for "
          f"{ready:.0f} CPU s in {peak:.0f} GB, {ORIGINS} folds and the final fit take {fold:.0f} "
          f"CPU s each; in all {hours:.0f} core hours, beside what the client does (scores, "
          "contributions, files)")  # fmt: skip
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of real data, for the goods panel")
    parser.add_argument("--rounds", default="80")
    parser.add_argument("--horizons", default="1,2,3")
    parser.add_argument("--lose", action="store_true", help="kill a worker")
    parser.add_argument("--blocks", action="store_true", help="time a fold, and reckon HS6")
    given = parser.parse_args()
    if given.blocks:
        return blocks()
    job = ["--rounds", given.rounds, "--horizons", given.horizons]
    if given.data is not None:
        data = given.data.resolve()
        job += [
            *("--trade", f"{data}/trade/goods_totals.parquet"),
            *("--indicators", f"{data}/indicators/country_year.parquet"),
            *("--indicator-catalogue", f"{data}/indicators/catalogue.csv"),
            *("--pairs", f"{data}/pairs/geography.parquet"),
            *("--pairs", f"{data}/pairs/trade_agreements.parquet"),
        ]
    with tempfile.TemporaryDirectory() as folder:
        return (lose_a_worker if given.lose else beside_threads)(Path(folder), job)


if __name__ == "__main__":
    sys.exit(main())
