"""Processor time and errors of gravicast, mlforecast and an analyst's own script, in one run.

    python tests/benchmarks/peers_time.py [--data ../shared/data] [--world] [--origins 14]
        [--env DIR | --python PATH]

All forecast the goods panel (without real data, or with ``--world``, the simulated world) one to
three years ahead from the same origins, on one thread. mlforecast needs pandas before 3: it runs in
the environment of ``peers.py``, made in DIR, or under the interpreter PATH that has it. The
analyst's script makes 135 columns by pandas group-bys and fits LightGBM for every origin and
horizon. gravicast's time also holds its nested choices, baselines, intervals, explanation and
tables; only figures, report and tracking are left out. All origins take some ten minutes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from main_job import goods_options
from peers import default_environment, environment

from features.data.panel import TradePanel
from features.errors import InputError
from features.world.world import simulate_world
from forecasting.evaluation import metrics
from forecasting.options.run_config import RunConfig

WORKER = Path(__file__).resolve().with_name("peers_time_worker.py")
HORIZONS = (1, 2, 3)
METRICS = {"wape": metrics.wape, "log_mae": metrics.log_mae}
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--world", action="store_true", help="the simulated world")
    parser.add_argument("--origins", type=int, default=14, help="the last so many (default 14)")
    parser.add_argument("--env", type=Path, help="environment of mlforecast, made where absent")
    parser.add_argument("--python", type=Path, help="interpreter that has mlforecast")
    given = parser.parse_args()
    if given.origins < max(HORIZONS):
        parser.error(f"--origins must be at least {max(HORIZONS)}")
    real = given.data.is_dir() and not given.world
    data = given.data.resolve()
    panel = (
        TradePanel.read(data / "trade/goods_totals.parquet")
        if real
        else TradePanel.from_frame(simulate_world(seed=RunConfig().seed).trade)
    )
    # As in gravicast's back-test: every horizon of the last origin but two is known.
    last = panel.last_year - 1
    origins = list(range(last - given.origins + 1, last + 1))
    try:
        peers = given.python or environment(given.env or default_environment())
    except InputError as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        frame = panel.to_frame()
        frame.to_parquet(work / "panel.parquet", index=False)
        rows = [
            peer("mlforecast", peers, work, origins, frame),
            peer("analyst", Path(sys.executable), work, origins, frame),
            *gravicast(work, goods_options(data) if real else ["--world", "goods"], origins[0]),
        ]
    table = pd.DataFrame(rows).set_index("model")
    table["cpu_ratio"] = table["cpu_s"] / table["cpu_s"].iloc[-1]
    print(table.round(3).to_string())
    return 0


def peer(
    name: str, interpreter: Path, work: Path, origins: list[int], frame: pd.DataFrame
) -> dict[str, object]:
    """Time a peer's forecasts and score them."""
    out = work / f"{name}.parquet"
    command = [str(interpreter), str(WORKER), name, str(work / "panel.parquet"), str(out)]
    seconds, wall = timed([*command, ",".join(map(str, origins)), ",".join(map(str, HORIZONS))])
    forecasts = pd.read_parquet(out)
    forecasts["year"] = forecasts["origin"] + forecasts["horizon"]
    keys = ["exporter", "importer", "year"]
    both = forecasts.merge(frame.astype({"year": "int64"}), on=keys)
    scores = [
        {k: metric(rows["value_usd"].to_numpy(), rows["forecast"].to_numpy())
         for k, metric in METRICS.items()}
        for _, rows in both.groupby(["origin", "horizon"])
    ]  # fmt: skip
    columns = int(forecasts["columns"].iloc[0])
    mean = pd.DataFrame(scores).mean()
    return {"model": name, "columns": columns, "cpu_s": seconds, "wall_s": wall, **mean}


def gravicast(work: Path, options: list[str], first: int) -> list[dict[str, object]]:
    """Time a run without figures, report and tracking; one row a setting."""
    out = work / "run"
    command = [sys.executable, "-m", "forecasting.cli.main", "run", *options, "--out", str(out)]
    command += ["--horizons", ",".join(map(str, HORIZONS)), "--first-origin", str(first)]
    command += ["--workers", "1", "--no-figures", "--no-report", "--no-tracking", "--quiet"]
    seconds, wall = timed(command)
    scores = pd.read_csv(out / "scores_by_origin.csv")
    scores = scores[(scores["model"] == "gravicast") & (scores["stratum"] == "all")]
    columns = len(pd.read_csv(out / "drivers.csv"))
    return [
        {"model": f"gravicast, {setting}", "columns": columns, "cpu_s": seconds, "wall_s": wall,
         **rows[list(METRICS)].mean()}
        for setting, rows in scores.groupby("setting", sort=False)
    ]  # fmt: skip


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds of the processor and on the clock."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed ({status}): {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started


if __name__ == "__main__":
    np.seterr(all="ignore")
    sys.exit(main())
