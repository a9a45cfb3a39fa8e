"""How fast, and in how much memory, a BACI release becomes pairs by chapter.

Run: ``python tests/benchmarks/baci.py [--rows 11000000] [--years 28] [--yearly-rows 2000000]``

Writes releases in BACI's format: sorted rows, padded numbers, quantities missing as padded ``NA``,
five thousand products of two hundred countries. Every reader runs in a process of its own, whose
peak memory the operating system reports. Prints the seconds of one large year against inflating
its zip and nothing else, and against pandas reading it whole; and the peak memory of fetching a
release of one, half and all of the years, which must not grow with their number.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from features.sources.baci import Baci, BaciArchive
from features.sources.baci_reading import aggregate_year
from features.sources.harmonized_system import level_named
from features.store.fetching import fetch
from features.tidy.parts import Notes

COUNTRIES, PRODUCTS = 226, 5_600


def write_release(folder: Path, *, years: int, rows: int) -> Path:
    """A zip of ``years`` years of about ``rows`` rows each."""
    import pycountry

    rng = np.random.default_rng(years)
    # BACI's code of Monaco is that of another area.
    codes = sorted(c.numeric for c in pycountry.countries if c.alpha_3 != "MCO")[:COUNTRIES]
    countries = [pycountry.countries.get(numeric=code) for code in codes]
    path = folder / "BACI_HS92_V202601.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for year in range(2025 - years, 2025):
            body = one_year(year, rows, rng, np.array([int(c.numeric) for c in countries]))
            archive.writestr(f"BACI_HS92_Y{year}_V202601.csv", body)
        names = "\n".join(f"{int(c.numeric)},x,{c.alpha_2},{c.alpha_3}" for c in countries)
        header = "country_code,country_name,country_iso2,country_iso3\n"
        archive.writestr("country_codes_V202601.csv", header + names)
    return path


def one_year(year: int, rows: int, rng: np.random.Generator, codes: np.ndarray) -> memoryview:
    """CSV of a year: a few large traders, sorted, without repeated flows."""
    weight = rng.lognormal(0, 1.2, COUNTRIES)
    chapters = rng.integers(1, 98, PRODUCTS)
    products = np.array([f"{c:02d}{k % 10_000:04d}" for k, c in enumerate(np.sort(chapters))])
    draw = {"size": int(rows * 1.7), "p": weight / weight.sum()}
    exporter, importer = rng.choice(COUNTRIES, **draw), rng.choice(COUNTRIES, **draw)
    product = rng.integers(0, PRODUCTS, exporter.size)
    key = (exporter * COUNTRIES + importer) * PRODUCTS + product
    key = np.unique(key[exporter != importer])
    key = np.sort(rng.choice(key, size=min(rows, key.size), replace=False))
    pair, product = np.divmod(key, PRODUCTS)
    exporter, importer = np.divmod(pair, COUNTRIES)
    quantity = padded(rng.lognormal(1, 3, key.size), 13)
    unknown = pa.array(rng.random(key.size) < 0.02)
    table = pa.table(
        {
            "t": np.full(key.size, year),
            "i": codes[exporter],
            "j": codes[importer],
            "k": pa.array(products).take(pa.array(product)),
            "v": padded(rng.lognormal(2, 3, key.size) + 0.001, 12),
            "q": pc.if_else(unknown, pa.scalar("           NA"), quantity),
        }
    )
    out = pa.BufferOutputStream()
    pacsv.write_csv(table, out, pacsv.WriteOptions(quoting_style="none"))
    return memoryview(out.getvalue())


def padded(values: np.ndarray, width: int) -> pa.Array:
    return pc.utf8_lpad(pc.cast(pa.array(np.round(values, 3)), pa.string()), width=width)


def ours(path: Path) -> None:
    archive = BaciArchive.open(path, revision="HS92", release="202601")
    (year, member), *_ = archive.members.items()
    flows = aggregate_year(path, member, year=year, countries=archive.countries,
                           level=level_named("hs2"), notes=Notes())  # fmt: skip
    print(f"{flows.value.size:,} flows by chapter, {flows.value.sum():,.0f} thousand USD", end="; ")


def inflate(path: Path) -> None:
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as stream:
        while stream.read(1 << 22):
            pass


def pandas(path: Path) -> None:
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as stream:
        frame = pd.read_csv(stream, dtype={"k": str}, skipinitialspace=True)
    frame["k"] = frame["k"].str[:2]
    flows = frame.groupby(["i", "j", "k"])["v"].sum()
    print(f"{flows.size:,} flows by chapter, {flows.sum():,.0f} thousand USD", end="; ")


def release(path: Path) -> None:
    with tempfile.TemporaryDirectory() as store:
        made = fetch(Baci(), store=store, given=path.parent)
        print(f"{len(made.years)} years, {made.rows:,} rows", end="; ")


READERS = {call.__name__: call for call in (ours, inflate, pandas, release)}


def measured(name: str, path: Path) -> tuple[float, float]:
    """Seconds and peak MB of a reader in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--only", name, str(path)], check=True,
                          capture_output=True, text=True)  # fmt: skip
    *printed, seconds, peak = done.stdout.split(";")
    print(f"{name:8} {float(seconds):7.2f} s {float(peak):7.0f} MB  {' '.join(printed).strip()}")
    return float(seconds), float(peak)


def peak_memory() -> float:
    """Peak MB of this process alone; getrusage's would begin with that of the one that began it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=11_000_000)
    options.add_argument("--years", type=int, default=28)
    options.add_argument("--yearly-rows", type=int, default=2_000_000)
    options.add_argument("--only", nargs=2, metavar=("READER", "ZIP"))
    chosen = options.parse_args()
    if chosen.only:
        started = time.perf_counter()
        READERS[chosen.only[0]](Path(chosen.only[1]))
        print(f"{time.perf_counter() - started:.3f};{peak_memory():.0f}")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = write_release(Path(folder), years=1, rows=chosen.rows)
        print(f"one year of {chosen.rows:,} rows:")
        seconds = {name: measured(name, path)[0] for name in ("ours", "inflate", "pandas")}
        for peer in ("inflate", "pandas"):
            print(f"ours / {peer}: {seconds['ours'] / seconds[peer]:.2f}")
    print(f"whole releases of {chosen.yearly_rows:,} rows a year, to Parquet in the store:")
    peaks = []
    for years in sorted({1, chosen.years // 2, chosen.years} - {0}):
        with tempfile.TemporaryDirectory() as folder:
            path = write_release(Path(folder), years=years, rows=chosen.yearly_rows)
            peaks.append(measured("release", path)[1])
    print(f"peak memory of all years / of one: {peaks[-1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
