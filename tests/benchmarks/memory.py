"""Peak memory of a run for each flow of a dense panel.

    python tests/benchmarks/memory.py [--against CHECKOUT] [--chapters 8,24] [--countries 60]

Two generated panels in which nearly every flow trades are run in child processes, and the slope of
peak memory over flows is printed, here and in another checkout. Both panels must have more flows
than a training block keeps (`models.design.MAX_FLOWS`), or the design is part of the slope.
Horizons 1 to 3, both settings, 28 years, one fold at a time on each core; few rounds, which take no
memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from large_release import options, write

HERE = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, default=None)
    parser.add_argument("--chapters", default="8,24")
    parser.add_argument("--countries", type=int, default=60)
    given = parser.parse_args()
    chapters = sorted(int(number) for number in given.chapters.split(","))
    slopes = {}
    with tempfile.TemporaryDirectory() as scratch:
        folders = {}
        for number in chapters:
            flows = given.countries * (given.countries - 1) * number
            folders[flows] = Path(scratch) / str(flows)
            write(
                folders[flows], countries=given.countries, chapters=number, years=28, flows=flows,
                seed=1,
            )  # fmt: skip
        for checkout in [path for path in (given.against, HERE) if path is not None]:
            peaks = {flows: peak(checkout, folder) for flows, folder in folders.items()}
            (few, low), *_, (many, high) = sorted(peaks.items())
            slopes[checkout] = (high - low) / (many - few)
            found = ", ".join(f"{kb / 2**20:.2f} GB of {flows:,}" for flows, kb in peaks.items())
            print(f"{checkout}: {slopes[checkout]:.1f} kB a flow ({found})", flush=True)
    if given.against is not None:
        print(f"ratio {slopes[HERE] / slopes[given.against]:.2f}")


def peak(checkout: Path, release: Path) -> int:
    """Peak memory of a run, kB."""
    module = "forecasting.cli.main"
    command = [sys.executable, "-m", module, "run", *options(release), "--rounds", "20"]
    command += ["--no-figures", "--no-report", "--no-tracking", "--quiet", "--overwrite"]
    command += ["--out", str(release / "run")]
    help_text = subprocess.run(
        [sys.executable, "-m", module, "run", "--help"],
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "--universe" in help_text:
        command += ["--universe", "dense"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=checkout,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"the run of {checkout} failed")
    return usage.ru_maxrss


if __name__ == "__main__":
    main()
