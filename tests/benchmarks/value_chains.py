"""Seconds for the value chains of every input-output table, and against the explicit inverse.

Run: ``python tests/benchmarks/value_chains.py FOLDER_OF_TABLES [--threads 2]``.

Each year is read, measured and moved to its own flows. Wall and CPU seconds are printed separately:
on a busy machine only the second measures the work. The peers are a pivot in pandas for reading
and, for the measures, the formulas as published: full inverses, and the whole matrix of value added
in exports by origin.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from features.data.input_output import InputOutputTable, read_table_year, table_years
from features.measures.value_chains import value_chains
from models.table_update import update_table


@dataclass
class Clock:
    """Wall and CPU seconds of everything called through it."""

    wall: float = 0.0
    cpu: float = 0.0

    def __call__(self, call: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        result = call()
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
        return result

    def __str__(self) -> str:
        return f"{self.wall:7.2f} s  (CPU {self.cpu:7.2f} s)"


def explicit(table: InputOutputTable) -> dict[str, np.ndarray]:
    """The same measures from explicit inverses."""
    n, k = len(table.countries), len(table.sectors)
    output, own = table.output, np.arange(n)
    working = np.where(output > 0, output, 1.0)
    leontief = np.linalg.inv(np.eye(n * k) - table.intermediate / working)
    flows = table.flows()
    exports = flows.sum(axis=1) - flows[own, own]
    value = (table.value_added / working)[:, None] * leontief * exports.ravel()
    content = value.reshape(n, k, n, k).sum(axis=(1, 3))
    sales = np.linalg.inv(np.eye(n * k) - table.intermediate / working[:, None])
    idle = output <= 0
    return {
        "foreign_content": content.sum(axis=0) - content[own, own],
        "indirect_value_added": content.sum(axis=1) - content[own, own],
        "origin_of_exports": value.reshape(n, k, n, k).sum(axis=(0, 3)).T,
        "upstreamness": np.where(idle, np.nan, sales.sum(axis=1)).reshape(n, k),
        "downstreamness": np.where(idle, np.nan, leontief.sum(axis=0)).reshape(n, k),
    }


def pivoted(folder: Path, year: int) -> pd.DataFrame:
    """A table as pandas lays it out: rows by country and sector, columns by country and use."""
    frame = pd.read_parquet(folder / f"wiot_{year}.parquet")
    return frame.pivot_table(
        index=["source_country", "source_sector"], columns=["use_country", "use"],
        values="value_musd", aggfunc="sum", fill_value=0, observed=True,
    )  # fmt: skip


def largest_difference(found: object, other: dict[str, np.ndarray]) -> float:
    """Of any measure of both, relative to its largest value."""
    return max(
        float(np.nanmax(np.abs(getattr(found, name) - values)) / np.nanmax(np.abs(values)))
        for name, values in other.items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2, help="of BLAS")
    arguments = parser.parse_args()
    years = table_years(arguments.folder)
    reading, measuring, moving, inverting, pivoting = (Clock() for _ in range(5))
    slowest, difference = 0.0, 0.0
    with threadpool_limits(limits=arguments.threads, user_api="blas"):
        for year in years:
            table = reading(lambda year=year: read_table_year(arguments.folder, year))
            before = measuring.wall
            goods = np.arange(len(table.sectors)) % 2 == 0
            found = measuring(lambda table=table, goods=goods: value_chains(table, goods=goods))
            slowest = max(slowest, measuring.wall - before)
            flows = np.maximum(table.flows(), 0.0)
            moving(lambda table=table, flows=flows: update_table(table, flows))
            pivoting(lambda year=year: pivoted(arguments.folder, year))
            other = inverting(lambda table=table: explicit(table))
            difference = max(difference, largest_difference(found, other))
    size = len(table.countries) * len(table.sectors)
    print(f"{len(years)} tables of {size:,} x {size:,}, {arguments.threads} BLAS threads")
    print(f"reading                 {reading}")
    print(f"all measures            {measuring}, slowest year {slowest:.2f} s (asked: < 1.5 s)")
    both = reading.wall + measuring.wall
    print(f"reading and measures    {both:7.2f} s (asked of 15 years: < 20 s)")
    print(f"moving to other flows   {moving}")
    print(f"explicit inverses       {inverting}, {inverting.cpu / measuring.cpu:.1f} times the CPU")
    print(f"reading by a pivot      {pivoting}, {pivoting.cpu / reading.cpu:.1f} times the CPU")
    print(f"largest difference between the two ways: {difference:.0e} of the largest value")


if __name__ == "__main__":
    main()
