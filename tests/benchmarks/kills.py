"""Kill `gravicast run` again and again, and count what it leaves.

    python tests/benchmarks/kills.py --kills 40 --tracking

Each kill starts a run on a tiny panel, with ``--overwrite`` where the folder holds one, waits until
it writes, sends SIGKILL or SIGTERM after a random time, and looks at the output folder and beside
it. The next run must be able to write the folder; where it was stopped before, it is resumed in
every other case. A resumed run that finishes must hold the bytes of one that was never stopped, and
in the end nothing but one whole run may be left. Prints a line a kill and the counts; exits with 1
if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from features.files.tables import sha256

ROOT = Path(__file__).resolve().parents[2]


FOLDS = ".run.gravicast-folds"
"""Finished folds of a run that was stopped."""


def write_panel(file: Path) -> None:
    """Trade of five countries in twelve years."""
    chance, countries = random.Random(1), ("BRA", "CHN", "DEU", "FRA", "USA")
    rows = [
        f"{a},{b},{year},{1e6 * chance.lognormvariate(3, 0.3):.0f}"
        for a in countries
        for b in countries
        for year in range(2005, 2017)
        if a != b
    ]
    file.write_text("exporter,importer,year,value_usd\n" + "\n".join(rows) + "\n")


WITHOUT_FIGURES = """
import sys
from forecasting.cli.main import main
from forecasting.figures import run_figures
from forecasting.reports import report
run_figures.save_figures = lambda *_: {}
report.write_report = lambda *given: given[-1].write_text("")
sys.exit(main(sys.argv[1:]))
"""
"""They take most of the time of so small a run."""


def start(
    folder: Path, options: argparse.Namespace, *, overwrite: bool, resume: bool = False
) -> subprocess.Popen[bytes]:
    """A run into ``folder / "run"``."""
    program = ["-m", "forecasting.cli.main"] if options.figures else ["-c", WITHOUT_FIGURES]
    command = [sys.executable, *program, "run", "--trade", str(folder / "trade.csv")]
    command += ["--rounds", "3", "--horizons", "1", "--workers", "1", "--quiet"]
    command += ["--out", str(folder / "run")]
    command += ["--overwrite"] if overwrite else []
    command += ["--resume"] if resume else []
    command += [] if options.tracking else ["--no-tracking"]
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore",
        "MLFLOW_TRACKING_URI": f"sqlite:///{(folder / 'store.db').as_posix()}",
    }  # fmt: skip
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def sums(folder: Path) -> dict[str, str]:
    """The sha256 of every file of the run but its record, which holds times."""
    about = json.loads((folder / "run" / "run.json").read_text(encoding="utf-8"))
    return dict(about["files"])


def faults(folder: Path) -> list[str]:
    """What is wrong with the run in the folder, if it holds one."""
    run = folder / "run"
    if not run.exists():
        return []
    if not (run / "run.json").is_file():
        return ["a folder without a record"]
    known = sums(folder)
    found = {
        path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()
    } - {"run.json"}  # fmt: skip
    wrong = [name for name in found & set(known) if sha256(run / name) != known[name]]
    return [f"{name} altered" for name in wrong] + [f"{name}?" for name in found ^ set(known)]


def beside(folder: Path) -> list[str]:
    """What lies beside the run and the data."""
    known = {"run", "trade.csv", "store.db", "mlruns"}
    return sorted(path.name for path in folder.iterdir() if path.name not in known)


def running(folder: Path) -> int:
    """MLflow runs still marked as running."""
    import mlflow

    if not (folder / "store.db").exists():
        return 0
    client = mlflow.MlflowClient(f"sqlite:///{(folder / 'store.db').as_posix()}")
    experiments = [found.experiment_id for found in client.search_experiments()]
    return len(client.search_runs(experiments, "attributes.status = 'RUNNING'"))


def wait_for_work(folder: Path, run: subprocess.Popen[bytes], since: float) -> None:
    """Wait until the run writes: a kill before that finds nothing to spoil."""
    stage = folder / ".run.gravicast-new"
    while run.poll() is None:
        with suppress(FileNotFoundError):
            if stage.stat().st_ctime > since:
                return
        time.sleep(0.005)


def finish(folder: Path, options: argparse.Namespace, *, resume: bool = False) -> float:
    """Let a run finish; return the seconds that it was writing."""
    since, run = time.time(), start(folder, options, overwrite=True, resume=resume)
    wait_for_work(folder, run, since)
    started = time.monotonic()
    _, output = run.communicate()
    if run.returncode:
        raise SystemExit(output.decode())
    return time.monotonic() - started


def kill(
    folder: Path, options: argparse.Namespace, number: int, longest: float
) -> tuple[str, list[str]]:
    """Kill one run; return the signal sent and what is wrong with what it left."""
    existed, resume = (folder / "run").exists(), number % 4 > 1
    sent = signal.SIGKILL if number % 2 else signal.SIGTERM
    since, run = time.time(), start(folder, options, overwrite=existed, resume=resume)
    wait_for_work(folder, run, since)
    after = random.uniform(0.0, longest)
    try:
        run.wait(after)
    except subprocess.TimeoutExpired:
        run.send_signal(sent)
    _, output = run.communicate()
    wrong = faults(folder)
    if existed and not (folder / "run").exists() and not (folder / ".run.gravicast-old").exists():
        wrong.append("the old run is gone")
    if b"Traceback" in output:
        wrong.append("a traceback")
    left = beside(folder)
    if sent == signal.SIGTERM:
        wrong += [f"left {name}" for name in left if name != FOLDS]
    name = signal.Signals(sent).name if run.returncode else "finished"
    print(f"{number:3} {name:8} {after:5.1f} s  exit {run.returncode:4}  left {left}  {wrong}")
    return name, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--tracking", action="store_true", help="log to a SQLite store too")
    parser.add_argument("--figures", action="store_true", help="draw figures and report too")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="gravicast-kills-"))
    write_panel(folder / "trade.csv")
    longest = 1.05 * finish(folder, options)
    whole = sums(folder)
    sent, wrong = Counter[str](), []
    for number in range(options.kills):
        if number % 4 == 0:
            shutil.rmtree(folder / "run", ignore_errors=True)
        name, found = kill(folder, options, number, longest)
        sent[name] += 1
        wrong += found
        if (folder / FOLDS).exists() and number % 4 == 3:
            finish(folder, options, resume=True)
            sent["resumed to the end"] += 1
            wrong += [f"{n} of a resumed run" for n, s in sums(folder).items() if s != whole[n]]
    finish(folder, options)
    wrong += faults(folder) + [f"left {name}" for name in beside(folder)]
    wrong += [f"{name} of the last run" for name, s in sums(folder).items() if s != whole[name]]
    wrong += [f"{count} MLflow runs RUNNING" for count in [running(folder)] if count]
    print(f"{dict(sent)}; longest {longest:.1f} s; wrong: {wrong or 'nothing'}")
    shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
