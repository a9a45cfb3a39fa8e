"""A run on active flows beside a dense one of the same generated panel.

    python tests/benchmarks/universe.py [--countries 30] [--chapters 8] [--years 20] [--flows 2500]

Prints the largest relative distance of bases of common flows, and that of scores by model, percent.
Models that learn from other rows (the dense run's hold flows that never trade) may differ; those
that learn nothing may not. The two baselines of lags learn mostly zeros in a dense panel, and are
no comparison.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from large_release import options, write

KEYS = ["exporter", "importer", "sector", "horizon"]
SCORES = ["setting", "model", "horizon", "stratum"]
METRICS = ["wape", "log_mae", "midpoint_mae", "pattern_distance", "n"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("countries", 30), ("chapters", 8), ("years", 20), ("flows", 2500)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write(folder, **given, seed=1)
        for universe in ("dense", "active"):
            command = [sys.executable, "-m", "forecasting.cli.main", "run", *options(folder)]
            command += ["--universe", universe, "--out", str(folder / universe), "--quiet"]
            command += ["--no-tracking", "--no-figures", "--no-report"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        compare(folder / "dense", folder / "active")


def compare(dense: Path, active: Path) -> None:
    """Print how far apart the two runs are."""
    every, some = (
        pd.read_parquet(run / "forecasts.parquet").set_index(KEYS) for run in (dense, active)
    )
    common = every.loc[some.index]
    apart = (some["base"] / common["base"] - 1).abs()[common["base"] > 0].max()
    outside = float(every.drop(some.index)["forecast"].sum())
    print(f"{len(some):,} of {len(every):,} flow x years; forecast outside {outside:g} USD")
    print(f"bases: largest relative distance {apart:.1e}")
    one, other = (pd.read_csv(run / "scores.csv").set_index(SCORES) for run in (dense, active))
    percent = 100 * (other[METRICS] / one[METRICS] - 1).abs()
    print("scores of all flows, largest distance in percent:")
    print(percent.xs("all", level="stratum").groupby("model").max().round(3).to_string())


if __name__ == "__main__":
    main()
