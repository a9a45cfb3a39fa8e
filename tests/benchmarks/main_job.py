"""Time and memory of the main job: start-up, features, simulated world, real goods.

    python tests/benchmarks/main_job.py [--data ../shared/data] [--skip-runs]

Every line is one fresh process, timed from outside, with its own peak memory. The feature matrix is
compared with a pandas group-by, the usual way, that computes the history columns alone. Real data
are skipped where the folder is absent.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HEAVY = "import forecasting"
MATRIX = """
import time
from forecasting import AsOfRule, DataBundle, Indicators, InformationSet, PairAttributes, TradePanel
from features.catalogue import NAMES, origin_matrix
from models.design import training_design
panel = TradePanel.read("{data}/trade/goods_totals.parquet")
countries = panel.flows.countries
bundle = DataBundle(
    panel,
    indicators=Indicators.read(
        "{data}/indicators/country_year.parquet", "{data}/indicators/catalogue.csv",
        countries=countries),
    pairs=PairAttributes.read(
        ["{data}/pairs/geography.parquet", "{data}/pairs/trade_agreements.parquet"],
        countries=countries))
rule = AsOfRule()
started = time.perf_counter()
matrices = {{o: [origin_matrix(InformationSet(bundle, as_of=rule.date(o)))]
            for o in range(1995, 2017)}}
features = time.perf_counter()
design = training_design(
    panel, matrices.__getitem__, origins=matrices, horizons=(1, 2, 3), last_year=2017, seed=0)
done = time.perf_counter()
seconds = features - started
print(f"{{design.features.shape[0]:,}} rows x {{len(NAMES)}} columns: features "
      f"{{features - started:.2f}} s, with stacking, bases and shifts {{done - started:.2f}} s")
frame = panel.to_frame().sort_values(["exporter", "importer", "year"])
started = time.perf_counter()
groups = frame.groupby(["exporter", "importer"], sort=False)["value_usd"]
for lag in (1, 2, 3, 5):
    frame[f"lag_{{lag}}"] = groups.shift(lag)
for years in (3, 5, 10):
    frame[f"mean_{{years}}"] = groups.transform(lambda x, w=years: x.rolling(w, 1).mean())
frame["deviation"] = groups.transform(lambda x: x.pct_change().rolling(5, 2).std())
for side in ("exporter", "importer"):
    frame[f"{{side}}_total"] = frame.groupby([side, "year"])["value_usd"].transform("sum")
slow = time.perf_counter() - started
print(f"ten lag, mean and total columns by pandas group-by: {{slow:.1f}} s, "
      f"{{slow / seconds:.0f}} times as long as the whole matrix")
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--skip-runs", action="store_true")
    given = parser.parse_args()
    timed("import forecasting", [sys.executable, "-c", HEAVY])
    timed("gravicast --help", [sys.executable, "-m", "forecasting.cli.main", "--help"])
    data = given.data.resolve()
    real = data.is_dir()
    if real:
        timed("goods: feature matrix", [sys.executable, "-c", MATRIX.format(data=data)], show=True)
    if given.skip_runs:
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{scratch}/mlflow.db"
        run = [sys.executable, "-m", "forecasting.cli.main", "run", "--quiet", "--out"]
        timed("simulated world, everything", [*run, f"{scratch}/world"])
        if real:
            timed("goods, everything", [*run, f"{scratch}/goods", *goods_options(data)])
    if not real:
        print(f"real data skipped: {data} is absent")
    return 0


def goods_options(data: Path) -> list[str]:
    return [
        *("--trade", f"{data}/trade/goods_totals.parquet"),
        *("--indicators", f"{data}/indicators/country_year.parquet"),
        *("--indicator-catalogue", f"{data}/indicators/catalogue.csv"),
        *("--pairs", f"{data}/pairs/geography.parquet"),
        *("--pairs", f"{data}/pairs/trade_agreements.parquet"),
    ]


def timed(name: str, command: list[str], *, show: bool = False) -> None:
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=None if show else subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    state = "" if status == 0 else f"  FAILED ({status})"
    print(f"{name}: {seconds:.2f} s, peak {usage.ru_maxrss / 2**20:.2f} GB{state}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
