"""Other forecasters on the same panel, origins and metrics as a finished run of gravicast.

    python tests/benchmarks/peers.py --run RUN [--data ../shared/data] [--origins 2005,2007]
        [--horizons 1,3,5] [--env DIR] [--work DIR] [--out FILE]

RUN is the output folder of a `gravicast run` on the goods panel. The peers (mlforecast, skforecast,
statsforecast, CatBoost) need pandas before 3 and so an environment of their own: it is made once,
in DIR, from ``peers-requirements.txt``, and ``peers_worker.py`` runs in it. Its forecasts are
scored here by gravicast's own metrics. Before and after, the last value must reproduce the run's
scores. Peers see years up to the origin and no totals published after it: the fair comparison is
gravicast ex ante. All origins take about 15 minutes on one core.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.data.panel import TradePanel
from features.errors import InputError
from features.files.tables import sha256
from forecasting.evaluation import metrics
from forecasting.evaluation.backtest_file import forecast_column, read_backtest

Vector = NDArray[np.float64]
Plan = dict[int, list[int]]

HERE = Path(__file__).resolve().parent
REQUIREMENTS, WORKER = HERE / "peers-requirements.txt", HERE / "peers_worker.py"
DATA_FILES = (
    "trade/goods_totals.parquet",
    "pairs/geography.parquet",
    "pairs/trade_agreements.parquet",
    "indicators/country_year.parquet",
)
RUN_FILES = ("run.json", "scores_by_origin.csv", "backtest.parquet")
OURS = {
    "last value": ("ex_ante", "last_value"),
    "raked base, totals known": ("totals_known", "last_value_raked"),
    "gravicast, totals known": ("totals_known", "gravicast"),
    "gravicast, ex ante": ("ex_ante", "gravicast"),
}
"""Row of the tables, and setting and model in the run's files."""
TOLERANCE = 5e-5


def missed(actual: Vector, forecast: Vector) -> float:
    """Share of the flows that traded and were forecast at zero, percent."""
    return 100.0 * float((forecast[actual > 0] == 0).mean())


METRICS: dict[str, Callable[[Vector, Vector], float]] = {
    "wape": metrics.wape,
    "pattern_distance": metrics.pattern_distance,
    "midpoint_mae": metrics.midpoint_mae,
    "log_mae": metrics.log_mae,
    "missed": missed,
}
TITLES = {
    "wape": "WAPE",
    "pattern_distance": "Pattern distance",
    "midpoint_mae": "Midpoint MAE",
    "log_mae": "Log MAE",
    "missed": "Flows that traded, forecast as none, percent (the log MAE leaves them out)",
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--origins", help="comma-separated (default: all of the run)")
    parser.add_argument("--horizons", default="1,3,5", help="comma-separated (default 1,3,5)")
    parser.add_argument("--env", type=Path, help="environment of the peers, made where absent")
    parser.add_argument("--work", type=Path, help="leave the panel and forecasts in this folder")
    parser.add_argument("--out", type=Path, help="write the tables here as well")
    given = parser.parse_args()
    try:
        text = compare(given)
        print(text)
        if given.out:
            write(given.out, text)
    except InputError as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2
    return 0


def compare(given: argparse.Namespace) -> str:
    if given.out and (given.out.is_dir() or not given.out.resolve().parent.is_dir()):
        raise InputError("no file can be written there", remedy="Choose another", file=given.out)
    if given.work and not given.work.is_dir():
        raise InputError("the folder is absent", remedy="Make it first", file=given.work)
    run = Run.read(given.run)
    panel = read_panel(given.data, run)
    plan = plan_of(run, given.origins, given.horizons)
    ours = score_ours(run, plan)
    last = ours[ours["model"] == "last value"]
    with tempfile.TemporaryDirectory() as scratch:
        work = given.work or Path(scratch)
        write_panel(panel, work / "panel.parquet")
        require_same(last, score_last_value(work / "panel.parquet", panel, plan), "panel")
        interpreter = environment(given.env or default_environment())
        report = run_worker(interpreter, work, given.data, plan)
        theirs = score_peers(pd.read_parquet(work / "forecasts.parquet"), panel)
    require_same(last, theirs[theirs["model"] == "last_value"], "peers' environment")
    scores = pd.concat([ours, theirs[theirs["model"] != "last_value"]], ignore_index=True)
    return document(scores, plan, run, report)


# The run -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What a finished run states about itself."""

    folder: Path
    about: dict[str, Any]
    scores: pd.DataFrame

    @classmethod
    def read(cls, folder: Path) -> Run:
        remedy = "Give --run the output folder of a finished `gravicast run`"
        for name in RUN_FILES:
            if not (folder / name).is_file():
                raise InputError(f"the folder holds no {name}", remedy=remedy, file=folder)
        try:
            about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            return cls(folder, about, pd.read_csv(folder / "scores_by_origin.csv"))
        except ValueError as error:
            raise InputError("damaged", remedy="Run gravicast again", file=folder) from error

    @property
    def digest(self) -> str:
        """Of the trade file it read; empty for the simulated world."""
        return next((s["sha256"] for s in self.about["data"] if s["role"] == "trade"), "")


def read_panel(data: Path, run: Run) -> TradePanel:
    for name in DATA_FILES:
        if not (data / name).is_file():
            raise InputError(
                f"the folder holds no {name}", remedy="Give the data's folder as --data", file=data
            )
    file, remedy = data / DATA_FILES[0], "Give a run whose --trade is this file"
    if sha256(file) != run.digest:
        raise InputError("the run was made on another panel", remedy=remedy, file=file)
    config = run.about["config"]
    panel = TradePanel.read(file, absent=config["absent"], negatives=config["negatives"])
    if panel.flows.has_sectors or np.isnan(panel.values).any():
        raise InputError(
            "the peers need a panel without sectors and without unknown flows",
            remedy="Give a run on the goods panel",
            file=file,
        )
    return panel


def plan_of(run: Run, origins: str | None, horizons: str) -> Plan:
    """Horizons of each origin: those asked for that the run scored."""
    scored_cells = set(map(tuple, run.scores[["origin", "horizon"]].drop_duplicates().to_numpy()))
    ahead = integers(horizons, "--horizons")
    require_known("--horizons", ahead, {h for _, h in scored_cells}, run)
    scored = {int(o) for o, h in scored_cells if h in ahead}
    wanted = sorted(scored) if origins is None else integers(origins, "--origins")
    require_known("--origins", wanted, scored, run)
    return {o: [h for h in ahead if (o, h) in scored_cells] for o in wanted}


def require_known(option: str, asked: Sequence[int], known: set[int], run: Run) -> None:
    absent = [number for number in asked if number not in known]
    if absent:
        raise InputError(
            f"{option}: the run has no {absent[0]}",
            remedy=f"It has {', '.join(map(str, sorted(known)))}",
            file=run.folder,
        )


def integers(text: str, option: str) -> list[int]:
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise InputError(f"{option} {text!r} is not a list", remedy="Write it as 1,3,5") from None


# Scores ------------------------------------------------------------------------------------------


def score(actual: Vector, forecast: Vector) -> dict[str, float]:
    """As `forecasting.evaluation.scores` does: flows with an unknown outcome are left out."""
    known = ~np.isnan(actual)
    return {name: metric(actual[known], forecast[known]) for name, metric in METRICS.items()}


def score_ours(run: Run, plan: Plan) -> pd.DataFrame:
    """Our rows from the run's forecasts, checked against the scores the run wrote."""
    tables = []
    for label, (setting, model) in OURS.items():
        columns = ["actual", forecast_column(model)]
        forecasts = read_backtest(
            run.folder, columns=["origin", "horizon", *columns], where=[("setting", "==", setting)]
        )
        groups = forecasts.astype(float).groupby(["origin", "horizon"])
        table = pd.DataFrame(
            {"model": label, "origin": o, "horizon": h, **score(*rows[columns].to_numpy().T)}
            for (o, h), rows in groups
            if h in plan.get(int(o), ())
        )
        if len(table) != sum(map(len, plan.values())):
            raise InputError(f"the run has no {label}", remedy="Run both settings", file=run.folder)
        wrote = run.scores[(run.scores["setting"] == setting) & (run.scores["model"] == model)]
        require_same(wrote[wrote["stratum"] == "all"], table, "backtest.parquet", label)
        tables.append(table)
    return pd.concat(tables, ignore_index=True).astype({"origin": int, "horizon": int})


def score_last_value(file: Path, panel: TradePanel, plan: Plan) -> pd.DataFrame:
    """The last value as the peers' own panel has it."""
    wide = pd.read_parquet(file).pivot(index="flow", columns="year", values="value")
    return pd.DataFrame(
        {"origin": o, "horizon": h, **score(actual_of(panel, o + h), wide[o].to_numpy())}
        for o, horizons in plan.items()
        for h in horizons
    )


def score_peers(forecasts: pd.DataFrame, panel: TradePanel) -> pd.DataFrame:
    rows = []
    for keys, group in forecasts.groupby(["model", "origin", "horizon"], sort=False):
        model, origin, horizon = keys
        forecast = np.full(panel.flows.size, np.nan)
        forecast[group["flow"]] = group["forecast"]
        if np.isnan(forecast).any():
            raise RuntimeError(f"{model}, origin {origin}: flows without a forecast")
        scored = score(actual_of(panel, origin + horizon), forecast)
        rows.append({"model": model, "origin": origin, "horizon": horizon, **scored})
    return pd.DataFrame(rows)


def actual_of(panel: TradePanel, year: int) -> Vector:
    return panel.values[panel.row(year)].astype(np.float64)


def require_same(
    reference: pd.DataFrame, scores: pd.DataFrame, what: str, label: str = "last value"
) -> None:
    """Stop unless the scores agree to four decimals at every origin and horizon."""
    keys, names = ["origin", "horizon"], [name for name in METRICS if name != "missed"]
    found = scores.set_index(keys)[names]
    gap = (found - reference.set_index(keys)[names].reindex(found.index)).abs().to_numpy()
    if not (gap <= TOLERANCE).all():
        raise InputError(
            f"{what}: {label} does not reproduce the run's scores (largest gap {gap.max():.4f})",
            remedy="The run's panel or origins differ from these: run gravicast again",
        )


# The peers' environment --------------------------------------------------------------------------


def default_environment() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "gravicast-peers"


def environment(folder: Path) -> Path:
    """Interpreter of the environment; made, or brought up to the requirements, where needed."""
    interpreter, stamp = folder / "bin" / "python", folder / "requirements.sha256"
    if os.name == "nt":
        interpreter = folder / "Scripts" / "python.exe"
    content = REQUIREMENTS.read_bytes() + platform.python_version().encode()
    digest = hashlib.sha256(content).hexdigest()
    if interpreter.exists() and stamp.is_file() and stamp.read_text() == digest:
        return interpreter
    foreign = folder.is_dir() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").is_file()
    if foreign or folder.is_file():
        raise InputError("no virtual environment", remedy="Give an empty --env", file=folder)
    print(f"installing the peers in {folder}", file=sys.stderr, flush=True)
    started = time.perf_counter()
    if not interpreter.exists():
        install([sys.executable, "-m", "venv", str(folder)], "no virtual environment can be made")
    pip = [str(interpreter), "-m", "pip", "--disable-pip-version-check", "--retries", "2"]
    install([*pip, "install", "-q", "-r", str(REQUIREMENTS)], "the peers cannot be installed")
    stamp.write_text(digest)
    print(f"installed in {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return interpreter


def install(command: Sequence[str], problem: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if line.upper().startswith("ERROR")] or lines
        reason = errors[-1].strip() if errors else f"exit code {done.returncode}"
        raise InputError(f"{problem} ({reason})", remedy="Is there a network, and room?")


def write_panel(panel: TradePanel, file: Path) -> None:
    flows, years = panel.flows, panel.years
    codes = np.array(flows.countries)
    pd.DataFrame(
        {
            "exporter": np.repeat(codes[flows.exporter], years.size),
            "importer": np.repeat(codes[flows.importer], years.size),
            "flow": np.repeat(np.arange(flows.size), years.size),
            "year": np.tile(years, flows.size),
            "value": panel.values.T.ravel(),
        }
    ).to_parquet(file, index=False)


def run_worker(interpreter: Path, work: Path, data: Path, plan: Plan) -> dict[str, Any]:
    """Run the peers, one thread; their progress goes to stderr."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    command = [str(interpreter), str(WORKER), str(work / "panel.parquet"), json.dumps(plan)]
    done = subprocess.run(
        [*command, str(work), "--data", str(data)],
        env={**os.environ, **dict.fromkeys(threads, "1"), "PYTHONHASHSEED": "0"},
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"peers: {WORKER.name} failed with {done.returncode}, see above")
    return json.loads((work / "report.json").read_text(encoding="utf-8"))


# The document ------------------------------------------------------------------------------------


def document(scores: pd.DataFrame, plan: Plan, run: Run, report: dict[str, Any]) -> str:
    horizons = sorted({h for ahead in plan.values() for h in ahead})
    counts = ", ".join(f"{sum(h in a for a in plan.values())} at h={h}" for h in horizons)
    parts = [
        f"# Peers on goods_totals.parquet (sha256 {run.digest[:12]})",
        f"Origins {', '.join(map(str, plan))} ({counts}). Means over origins; lower is better. "
        "Peers see years up to the origin, so gravicast ex ante is their match; a peer's forecast "
        "below the smallest flow in the panel counts as no trade.",
    ]
    means = scores.groupby(["model", "horizon"], sort=False)[list(METRICS)].mean()
    for metric, title in TITLES.items():
        rows = means[metric].unstack("horizon").reindex(scores["model"].unique())
        digits = 1 if metric == "missed" else 4
        parts.append(f"## {title}\n\n{markdown(rows, digits)}")
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    filled = "failed fits, last value instead"
    seconds = pd.DataFrame({"seconds": report["seconds"], filled: report["filled"]})
    seconds = seconds.drop(index="last_value")
    parts.append(
        f"## Time\n\nSeconds over all origins and horizons, one thread. gravicast "
        f"{run.about['versions']['gravicast']}, {versions}.\n\n{markdown(seconds, 0)}"
    )
    return "\n\n".join(parts)


def markdown(table: pd.DataFrame, digits: int) -> str:
    heads = [f"h={name}" if isinstance(name, int) else str(name) for name in table.columns]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for label, row in table.iterrows():
        lines.append(f"| {label} | " + " | ".join(f"{value:.{digits}f}" for value in row) + " |")
    return "\n".join(lines)


def write(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(f"{text}\n", encoding="utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(
            f"the file cannot be written ({error.strerror})", remedy="Choose another", file=file
        ) from error


if __name__ == "__main__":
    sys.exit(main())
