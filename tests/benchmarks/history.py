"""History features at every origin: this project against DuckDB window functions, same columns.

    python tests/benchmarks/history.py [--countries 200] [--sectors 25] [--years 28]

Writes a synthetic panel to Parquet, then in separate processes (so that each has its own peak
memory) reads it, builds the matrix and computes every column of ``HISTORY_COLUMNS`` at every
origin: once with `features.data.panel` and `features.channels.history`, once with one DuckDB
query. Prints seconds, peak memory and their ratio, and checks that both give the same numbers.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.channels.history import HISTORY_COLUMNS, write_history
from features.data.panel import TradePanel
from features.information import AsOfRule, DataBundle, InformationSet

FIRST_YEAR = 1995
SAMPLE = 2_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--countries", type=int, default=201)
    parser.add_argument("--sectors", type=int, default=25)
    parser.add_argument("--years", type=int, default=28)
    parser.add_argument("--engine", choices=("ours", "duckdb"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.engine:
        engine = run_ours if given.engine == "ours" else run_duckdb
        print(json.dumps(engine(given.file)))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "panel.parquet"
        flows = write_panel(file, given.countries, given.sectors, given.years)
        print(f"{flows:,} flows x {given.years} years, {len(HISTORY_COLUMNS)} columns")
        results = {}
        for name in ("ours", "duckdb"):
            command = [sys.executable, __file__, "--engine", name, "--file", str(file)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results[name] = json.loads(done.stdout.splitlines()[-1])
            print(name, {k: v for k, v in results[name].items() if k != "sample"})
        ours, theirs = (np.array(results[name]["sample"], dtype=float) for name in results)
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3)
        ratio = results["duckdb"]["seconds"] / results["ours"]["seconds"]
        print(f"same numbers; DuckDB takes {ratio:.1f} times as long")
    return 0


def write_panel(file: Path, countries: int, sectors: int, years: int) -> int:
    """A dense panel with a tenth of zeros, rows in the order exporter, importer, sector, year."""
    rng = np.random.default_rng(0)
    codes = [f"X{a}{b}" for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    exporter, importer = np.nonzero(~np.eye(countries, dtype=bool))
    flow_exporter = np.repeat(exporter.astype(np.int32), sectors)
    flow_importer = np.repeat(importer.astype(np.int32), sectors)
    flow_sector = np.tile(np.arange(sectors, dtype=np.int32), exporter.size)
    size = flow_sector.size
    walk = rng.normal(14, 3, size)[:, None] + rng.normal(0, 0.3, (size, years)).cumsum(axis=1)
    values = np.where(rng.random((size, years)) < 0.1, 0.0, np.exp(walk))
    names = pa.array(codes[:countries])
    table = pa.table(
        {
            "exporter": pa.DictionaryArray.from_arrays(np.repeat(flow_exporter, years), names),
            "importer": pa.DictionaryArray.from_arrays(np.repeat(flow_importer, years), names),
            "sector": pa.DictionaryArray.from_arrays(
                np.repeat(flow_sector, years), pa.array([f"s{k:02d}" for k in range(sectors)])
            ),
            "year": np.tile(np.arange(FIRST_YEAR, FIRST_YEAR + years, dtype=np.int16), size),
            "value_usd": values.ravel(),
        }
    )
    pq.write_table(table, file, compression="zstd")
    return size


def run_ours(file: Path) -> dict[str, object]:
    started = time.perf_counter()
    panel = TradePanel.read(file)
    read = time.perf_counter()
    bundle = DataBundle(panel)
    rule = AsOfRule()
    size = panel.flows.size
    # Two buffers in turn, as a caller that hands a finished origin on would use them.
    buffers = [np.empty((len(HISTORY_COLUMNS), size), dtype=np.float32) for _ in range(2)]
    for year in panel.years:
        out = buffers[int(year) % 2]
        write_history(InformationSet(bundle, as_of=rule.date(int(year))), out)
    done = time.perf_counter()
    last = pd.DataFrame(out[:, :SAMPLE].T, columns=list(HISTORY_COLUMNS))
    return {
        "seconds": round(done - started, 2),
        "reading": round(read - started, 2),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "sample": last.to_numpy(dtype=float).tolist(),
    }


QUERY = """
create temp table features as
with panel as (
  select exporter, importer, sector, cast(year as integer) as year, value_usd as v
  from read_parquet('{file}')
), margins as (
  select *, sum(v) over (partition by exporter, sector, year) as x,
    sum(v) over (partition by importer, sector, year) as m,
    sum(v) over (partition by sector, year) as w from panel
), logs as (
  select *, ln(greatest(v, 1)) as l,
    ln(greatest(v, 1)) - ln(greatest(x, 1)) - ln(greatest(m, 1)) + ln(greatest(w, 1)) as i
  from margins
), steps as (
  select *, case when v > 0 then exp(i) else 0 end as e,
    lag(case when v > 0 then exp(i) else 0 end) over flow as e_before
  from logs window flow as (partition by exporter, importer, sector order by year)
), windows as (
  select *,
    lag(v, 1) over flow as v1, lag(v, 2) over flow as v2,
    lag(v, 3) over flow as v3, lag(v, 5) over flow as v5,
    lag(w, 1) over flow as w1, lag(w, 2) over flow as w2,
    lag(w, 3) over flow as w3, lag(w, 5) over flow as w5,
    lag(e, 1) over flow as e1, lag(e, 2) over flow as e2,
    lag(e, 3) over flow as e3, lag(e, 5) over flow as e5,
    avg(case when v > 0 then i end) over (flow rows 2 preceding) as i3,
    avg(case when v > 0 then i end) over (flow rows 4 preceding) as i5,
    avg(case when v > 0 then i end) over (flow rows 9 preceding) as i10,
    avg(v) over (flow rows 4 preceding) as v_mean,
    stddev_pop(case when e + e_before = 0 then 0 else 2 * (e - e_before) / (e + e_before) end)
      over (flow rows 4 preceding) as volatility,
    sum(cast(v = 0 as integer)) over (flow rows 4 preceding) as zeros,
    max(case when v > 0 then year end) over flow as traded,
    max(case when v <= 0 then year end) over flow as idle,
    min(year) over flow as first, max(v) over flow as peak
  from steps window flow as (partition by exporter, importer, sector order by year)
)
select a.exporter, a.importer, a.sector, a.year,
  {columns}
from windows a join windows b
  on a.exporter = b.importer and a.importer = b.exporter
  and a.sector = b.sector and a.year = b.year
"""


def sql_columns() -> str:
    def midpoint(now: str, then: str) -> str:
        return (
            f"case when {now} + {then} = 0 then 0 else 2 * ({now} - {then}) / ({now} + {then}) end"
        )

    columns = {
        "log_value": "a.l",
        "share_of_exporter": "a.l - ln(greatest(a.x, 1))",
        "share_of_importer": "a.l - ln(greatest(a.m, 1))",
        "intensity": "a.i",
        **{
            f"growth_vs_world_{k}": f"{midpoint('a.v', f'a.v{k}')} - {midpoint('a.w', f'a.w{k}')}"
            for k in (1, 2, 3, 5)
        },
        **{f"growth_vs_margins_{k}": midpoint("a.e", f"a.e{k}") for k in (1, 2, 3, 5)},
        **{f"intensity_gap_{k}": f"a.i - a.i{k}" for k in (3, 5, 10)},
        "value_gap_5": "a.l - ln(greatest(a.v_mean, 1))",
        "volatility_5": "a.volatility",
        "zeros_5": "a.zeros",
        "years_since_trade": "a.year - coalesce(a.traded, a.first - 1)",
        "link_age": "a.year - coalesce(a.idle, a.first - 1)",
        "peak_gap": "a.l - ln(greatest(a.peak, 1))",
        "reverse_value": "b.l",
        "reverse_growth_3": midpoint("b.v", "b.v3"),
        "balance": midpoint("a.v", "b.v"),
    }
    return ",\n  ".join(f"{columns[name]} as {name}" for name in HISTORY_COLUMNS)


def run_duckdb(file: Path) -> dict[str, object]:
    import duckdb

    started = time.perf_counter()
    connection = duckdb.connect()
    connection.execute("set preserve_insertion_order = false")
    connection.execute(QUERY.format(file=file, columns=sql_columns()))
    done = time.perf_counter()
    last = connection.execute("select max(year) from features").fetchone()[0]
    names = ", ".join(HISTORY_COLUMNS)
    rows = connection.execute(
        f"select {names} from features where year = {last} "
        f"order by exporter, importer, sector limit {SAMPLE}"
    ).fetchnumpy()
    sample = np.column_stack([np.ma.filled(rows[name].astype(float), np.nan) for name in rows])
    return {
        "seconds": round(done - started, 2),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "sample": sample.tolist(),
    }


if __name__ == "__main__":
    sys.exit(main())
