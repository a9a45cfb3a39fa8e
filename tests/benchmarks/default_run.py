"""Time of the run without options, against another checkout's.

    python tests/benchmarks/default_run.py [--against CHECKOUT] [--times 3] [--fresh-install]
        [--goods] [--data ../shared/data] [-- OPTIONS]

Every run has a folder and an MLflow store of its own; with ``--fresh-install`` it also compiles the
SHAP kernels and lists the fonts, as the first run after an installation does. The runs take turns,
so that a busy machine slows all.

Checkouts from before the world with sectors simulate goods alone. Against them, this checkout runs
the goods world too, for a ratio of like with like, and the default command for that of what a user
types. ``--goods`` runs the goods panel instead, for one to five years ahead, and prints the scores
side by side. What stands after ``--`` is passed to this checkout alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from main_job import goods_options

HERE = Path(__file__).resolve().parents[2]
METRICS = ["wape", "log_mae"]


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds on the clock and of the processors, peak memory in GB, and the run's folder."""

    wall: float
    cpu: float
    peak: float
    out: Path


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", type=Path, help="checkout to compare with")
    parser.add_argument("--times", type=int, default=1, help="runs of each (default 1)")
    parser.add_argument("--fresh-install", action="store_true")
    parser.add_argument("--goods", action="store_true", help="the goods panel, scores compared")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("options", nargs="*", help="of `gravicast run`")
    given = parser.parse_args()
    if given.goods and not given.data.is_dir():
        print(f"skipped: {given.data} is absent")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        commands = _commands(given)
        runs: dict[str, list[Timed]] = {name: [] for name in commands}
        for number in range(given.times):
            # Turn about, so that none always finds the others' files in memory.
            for name in list(commands)[:: 1 if number % 2 == 0 else -1]:
                folder = Path(tempfile.mkdtemp(dir=scratch))
                checkout, options = commands[name]
                made = timed(checkout, folder, options, fresh=given.fresh_install)
                runs[name].append(made)
                print(f"{name}: {made.wall:.1f} s, {made.cpu:.1f} CPU s, peak "
                      f"{made.peak:.2f} GB", flush=True)  # fmt: skip
        report(runs)
        if given.goods:
            print(scores([made[-1].out for made in runs.values()]).to_string())
    return 0


def _commands(given: argparse.Namespace) -> dict[str, tuple[Path, list[str]]]:
    """Checkout and options of every run by its name, the other checkout's last."""
    panel = ["--horizons", "1,2,3,4,5", *goods_options(given.data.resolve())]
    typed = panel if given.goods else []
    commands = {"this": (HERE, [*typed, *given.options])}
    if given.against is not None:
        if not given.goods:
            commands["this, goods world"] = (HERE, ["--world", "goods", *given.options])
        commands["the other"] = (given.against.resolve(), typed)
    return commands


def timed(checkout: Path, folder: Path, options: list[str], *, fresh: bool) -> Timed:
    """Run the main job of a checkout in a process of its own."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder.as_posix()}/mlflow.db",
    }
    if fresh:
        environment |= {"NUMBA_CACHE_DIR": f"{folder}/numba", "MPLCONFIGDIR": f"{folder}/mpl"}
    module = (
        "forecasting.cli.main" if (checkout / "forecasting/cli").is_dir() else "forecasting.cli"
    )
    command = [sys.executable, "-m", module, "run", "--quiet", "--out", f"{folder}/run", *options]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"the run of {checkout} failed ({status})")
    cpu = usage.ru_utime + usage.ru_stime
    return Timed(seconds, cpu, usage.ru_maxrss / 2**20, folder / "run")


def report(runs: dict[str, list[Timed]]) -> None:
    """Print the stages of the fastest runs, and the ratios of medians to the last command's."""
    best = {name: min(made, key=lambda run: run.wall) for name, made in runs.items()}
    stages = {name: json.loads((run.out / "run.json").read_text("utf-8"))["seconds"]
              for name, run in best.items()}  # fmt: skip
    print("\nSeconds of the stages, fastest run")
    print(pd.DataFrame(stages).round(1).fillna("").to_string())
    *ours, (_, theirs) = runs.items()
    for name, made in ours:
        print()
        for measured in ("wall", "cpu", "peak"):
            mine, other = (statistics.median(getattr(run, measured) for run in one)
                           for one in (made, theirs))  # fmt: skip
            print(f"{name}: {measured} {mine:.2f} against {other:.2f}, ratio {mine / other:.3f}")


def scores(folders: list[Path]) -> pd.DataFrame:
    """WAPE and log MAE of gravicast over all flows, and their changes in percent."""
    tables = []
    for folder in folders:
        table = pd.read_csv(folder / "scores.csv")
        table = table[(table["model"] == "gravicast") & (table["stratum"] == "all")]
        tables.append(table.set_index(["setting", "horizon"])[METRICS])
    if len(tables) == 1:
        return tables[0]
    change = 100 * (tables[0] / tables[1] - 1)
    return tables[0].join(tables[1], rsuffix=" theirs").join(change, rsuffix=" change, %").round(4)


if __name__ == "__main__":
    sys.exit(main())
