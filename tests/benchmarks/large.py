"""Memory and time of whole runs on generated releases, up to the size of BACI by HS chapter.

    python tests/benchmarks/large.py [--flows 100000,300000] [--work DIR] [-- OPTIONS]

Every size is one child process: 226 countries, 28 years and as many of 97 chapters as the flows
are of a million; horizons 1 to 3, both settings, 14 origins, explained and written, without
figures. It prints peak memory, minutes, CPU seconds, and CPU milliseconds per active flow, in all
and beyond the smallest size: what does not depend on the number of flows (fits draw the same number
of rows) is left out of the latter. The whole of BACI's size is ``--flows 1000000``: 9 GB and half
an hour are the most it may take on two idle cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from large_release import options, write

COUNTRIES, CHAPTERS, YEARS, WHOLE = 226, 97, 28, 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", default="100000,300000")
    parser.add_argument("--work", type=Path, default=None, help="folder that keeps releases")
    parser.add_argument("options", nargs="*", help="further options of the run, after --")
    given = parser.parse_args()
    sizes = sorted(int(size) for size in given.flows.split(","))
    with tempfile.TemporaryDirectory() as scratch:
        work = given.work or Path(scratch)
        found = [measured(flows, work, given.options) for flows in sizes]
    (first, first_cpu), *rest = found
    for flows, cpu in rest:
        step = 1000 * (cpu - first_cpu) / (flows - first)
        ratio = cpu / flows / (first_cpu / first)
        print(
            f"{first:,} to {flows:,} flows: {step:.2f} CPU ms for each further flow; "
            f"{ratio:.2f} times the CPU time a flow"
        )


def measured(flows: int, work: Path, extra: list[str]) -> tuple[int, float]:
    """Run one size; returns its active flows and CPU seconds."""
    folder = work / f"release-{flows}"
    if not (folder / "trade.parquet").exists():
        chapters = max(round(CHAPTERS * flows / WHOLE), 1)
        write(folder, countries=COUNTRIES, chapters=chapters, years=YEARS, flows=flows, seed=1)
    out = work / f"run-{flows}"
    command = [sys.executable, "-m", "forecasting.cli.main", "run", *options(folder)]
    command += ["--out", str(out), "--overwrite", "--quiet", "--no-tracking"]
    command += ["--no-figures", "--no-report", *extra]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    minutes = (time.perf_counter() - started) / 60
    if status:
        sys.exit(f"the run of {flows:,} flows failed")
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    active = record["explained"]["forecasts"] // len(record["horizons"])
    cpu = usage.ru_utime + usage.ru_stime
    print(
        f"{active:,} active flows: peak {usage.ru_maxrss / 2**20:.2f} GB, {minutes:.1f} minutes, "
        f"{cpu:.0f} CPU s, {1000 * cpu / active:.2f} CPU ms a flow",
        flush=True,
    )
    stages = sorted(record["seconds"].items(), key=lambda item: -item[1])
    print("  " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in stages[:8]), flush=True)
    return active, cpu


if __name__ == "__main__":
    main()
