"""Mutated inputs of every kind: each is read, or refused in one short line, within seconds.

    python tests/benchmarks/mutants.py [--kind trade-csv] [--count 2000] [--seed 1]

Every mutant is made from a small valid input by a seeded change (bytes flipped, cells swapped,
types changed, columns and rows deleted or doubled, huge values, odd characters, another structure)
and goes through what a run does with it up to the built data. A mutant fails with anything but
`InputError` or well-formed data, with a message that is long or on several lines, or after more
than five seconds; its seed is printed, and ``--only SEED`` repeats it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.data.input_output import FINAL_USES, read_table_year
from features.errors import InputError
from forecasting import RunConfig
from forecasting.evaluation.folds import plan_folds
from forecasting.inputs.load import LoadedData, load

COUNTRIES = ("BRA", "CHN", "DEU", "NAM", "USA")
SECTORS = ("01", "S62")
YEARS = range(2000, 2012)
LONGEST_MESSAGE, LONGEST_SECONDS = 2_000, 5.0

Random = np.random.Generator


# Valid inputs -------------------------------------------------------------------------------------


def write_inputs(folder: Path) -> None:
    """Write one small valid input of every kind but a run."""
    rng = np.random.default_rng(1)
    keys = [(o, d, s, y) for o in COUNTRIES for d in COUNTRIES for s in SECTORS for y in YEARS]
    trade = pd.DataFrame(keys, columns=["exporter", "importer", "sector", "year"])
    trade["value_usd"] = rng.lognormal(15, 2, len(trade)).round(2)
    trade.to_csv(folder / "trade.csv", index=False)
    trade.to_parquet(folder / "trade.parquet", index=False)
    cells = [(c, y, n) for c in COUNTRIES for y in YEARS for n in ("MACRO.GDP", "WTO.MEMBER")]
    values = pd.DataFrame(cells, columns=["iso3", "year", "indicator"])
    values["value"] = np.where(values["indicator"] == "WTO.MEMBER", 1.0, rng.lognormal(9, 1))
    values.to_csv(folder / "indicators.csv", index=False)
    (folder / "catalogue.csv").write_text(
        "indicator,channel,label,unit,publication_lag_months,snapshot\n"
        "MACRO.GDP,economic_mass,GDP,USD,6,0\nWTO.MEMBER,trade_policy,Member of the WTO,0/1,0,0\n"
    )
    pairs = [(o, d) for o in COUNTRIES for d in COUNTRIES if o != d]
    static = pd.DataFrame(pairs, columns=["iso3_o", "iso3_d"]).assign(dist=9e3, contig=0)
    static.to_csv(folder / "pairs.csv", index=False)
    yearly = [(*pair, year, 1) for pair in pairs[:5] for year in YEARS]
    yearly_table = pd.DataFrame(yearly, columns=["iso3_o", "iso3_d", "year", "rta"])
    yearly_table.to_parquet(folder / "agreements.parquet", index=False)
    (folder / "sectors.csv").write_text(
        "sector,name,kind,digitally_deliverable,automation_exposure,ai_exposure\n"
        "01,Farming,goods,0,0.4,0.1\nS62,Software,services,1,0.2,0.9\n"
    )
    _write_tables(folder / "tables", rng)
    config = RunConfig(trade="trade.csv", params={"num_leaves": 7}, as_of="2014-07-01")
    lines = [f"{name}: {json.dumps(value)}" for name, value in config.to_dict().items()]
    (folder / "config.yaml").write_text("\n".join(lines) + "\n")


def _write_tables(folder: Path, rng: Random) -> None:
    folder.mkdir()
    uses = (*SECTORS, *FINAL_USES)
    keys = [(c, s, u, use) for c in COUNTRIES for s in SECTORS for u in COUNTRIES for use in uses]
    names = ["source_country", "source_sector", "use_country", "use"]
    output = []
    for year in YEARS[:2]:
        table = pd.DataFrame(keys, columns=names).assign(value_musd=rng.lognormal(5, 1, len(keys)))
        table.to_parquet(folder / f"wiot_{year}.parquet", index=False)
        rows = table.groupby(names[:2], as_index=False)["value_musd"].sum()
        output.append(rows.assign(year=year))
    named = {"source_country": "country", "source_sector": "sector", "value_musd": "output_musd"}
    pd.concat(output).rename(columns=named).to_parquet(folder / "gross_output.parquet", index=False)


def write_run(folder: Path) -> None:
    """Write a finished run on a few countries, without figures and report."""
    from unittest.mock import patch

    from forecasting import run

    config = RunConfig(
        trade=folder / "trade.parquet", out=folder / "run", experiment=None, rounds=3, workers=1,
        horizons=(1,), settings=("ex_ante",), params={"min_data_in_leaf": 5}, quiet=True,
    )  # fmt: skip
    with (
        patch("forecasting.figures.run_figures.save_figures", lambda *_: {}),
        patch("forecasting.reports.report.write_report", lambda *given: given[-1].write_text("")),
    ):
        run(config)


# Mutations ----------------------------------------------------------------------------------------

ODD_CELLS = (
    "", " ", "NA", "nan", "inf", "-inf", "1e308", "-1e308", "1e309", "9" * 400, "0x1A", "1,5",
    "1_0", "TRUE", "null", "\u0000", "\ufeff", "\u202e\u2066DEU", "\U0001f30d", "DE\u0301U", "'",
    '"', '""', "=1+1", "a\nb", "a\rb", "\t", ";", "x" * 5_000, "2015-02-30", "DEU", "de", "WLD",
    "ROW", "2017.5", "1800", "9999", "-5", "1e-320", "\x1b[31m", "%s{0}", "\ud800",
)  # fmt: skip
ODD_BYTES = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1a", b"\r", b"\n\n\n", b'"', b",", b",,,,", b"\t",
    b"x" * 131_000, b"\xc3\x28", b"[" * 3_000, b"{" * 3_000, b"- " * 2_000, b": ", b"&a ", b"*a ",
    b"!!python/object:os ", b"? ", b"<html>", b"\xed\xa0\x80", b"1e999", b"-", b"'", b"#", b"%",
    b"9" * 6_000, b"2015-02-30", b"null", b"true", b"[1, 2]", b"{a: 1}", b"\\u0000", b"~",
)  # fmt: skip
ODD_VALUES: tuple[object, ...] = (
    None, True, -1, 0, 1e308, 10**30, "", "x" * 3_000, [], {}, [[1]], "2015", {"a": None},
    float("nan"), float("inf"), "\u0000", 3.7, "../x",
)  # fmt: skip
ODD_OPTIONS = (
    "2015-02-30", "2014-07-01", "2014-07-01 10:00:00", "0001-01-01", "9999-12-31", "20140701",
    "1:30",
    "010", "0x1F", "1_000", "1e3", "1e400", ".inf", ".nan", "-1", "0", "1", "2", "5", "10", "11",
    "2005", '"2005"', "2005.0", "99999999999999999999", "9" * 5_000, "true", "'true'", "yes", "no",
    "null", "~", "''", '"\\0"', '"\\ud800"', "x", "x" * 3_000, "[]", "{}", "[1, 2]", "[1, 1]",
    "1-5", "1-99", "5-1", "1,2,3", "1,", ",", "[[[[1]]]]", "{a: {b: {c: 1}}}", "[null]", "[a, b]",
    "totals_known,ex_ante", "ex_ante", "[ex_ante, ex_ante]", "DEU,USA", "&a [1]", "*a", "!!set {a}",
    "!!binary aGk=", "!!int '7'", "!!float x", "!!timestamp 2015-02-30", "|\n  text", ">", "@", "`",
    "? a", "- 1", "<<: 1", "{<<: {a: 1}}", "{1: 2}", "{[1]: 2}", "/", "a/../b", "~/x", "baci:x",
)  # fmt: skip


def mutate_bytes(content: bytes, rng: Random) -> bytes:
    """Flip, delete, double, insert, move or cut off bytes."""
    data = bytearray(content)
    for _ in range(int(rng.choice([1, 1, 2, 5, 20]))):
        at, to = sorted(int(k) for k in rng.integers(0, len(data) + 1, 2))
        near = min(at + int(rng.integers(1, 40)), len(data))
        way = int(rng.integers(0, 8))
        if way == 0 and at < len(data):
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif way == 1:
            del data[at:near]
        elif way == 2:
            data[at:at] = data[at:to][:5_000]
        elif way in (3, 4):
            data[at : near if way == 4 else at] = ODD_BYTES[int(rng.integers(len(ODD_BYTES)))]
        elif way == 5:
            del data[at:]
        elif way == 6:
            data[at:near] = bytes(rng.integers(0, 256, near - at, dtype=np.uint8))
        else:
            lines = bytes(data).split(b"\n")
            rng.shuffle(lines)
            data = bytearray(b"\n".join(lines))
    return bytes(data)


def mutate_lines(content: bytes, rng: Random) -> bytes:
    """Change cells, columns and rows of comma-separated text."""
    rows = [line.split(b",") for line in content.rstrip(b"\n").split(b"\n")]
    for _ in range(int(rng.choice([1, 1, 1, 3]))):
        if not rows:
            break
        # The header is changed as often as all the rest: it decides most.
        row = 0 if rng.random() < 0.3 else int(rng.integers(len(rows)))
        cell = int(rng.integers(len(rows[row]))) if rows[row] else 0
        odd = ODD_CELLS[int(rng.integers(len(ODD_CELLS)))].encode("utf-8", "surrogatepass")
        way = int(rng.integers(0, 10))
        if way <= 2 and rows[row]:
            rows[row][cell] = odd
        elif way == 3 and rows[row]:
            other = rows[int(rng.integers(len(rows)))]
            rows[row][cell] = other[int(rng.integers(len(other)))] if other else b""
        elif way == 4:
            rows = [[*r[:cell], *r[cell + 1 :]] for r in rows]
        elif way == 5:
            rows = [[*r[:cell], *r[cell : cell + 1], *r[cell:]] for r in rows]
        elif way == 6:
            rows[row].insert(cell, odd)
        elif way == 7:
            rows = [[*r[:cell], odd, *r[cell + 1 :]] if k else r for k, r in enumerate(rows)]
        elif way == 8:
            del rows[row]
        else:
            rows.insert(row, list(rows[int(rng.integers(len(rows)))]))
    return b"\n".join(b",".join(row) for row in rows) + b"\n"


def mutate_text(content: bytes, rng: Random) -> bytes:
    """Change a text file by bytes or by cells."""
    return (mutate_bytes if rng.random() < 0.4 else mutate_lines)(content, rng)


def _object(value: object) -> Callable[[pa.ChunkedArray], pa.Array]:
    return lambda column: pa.array([value] * len(column))


ARROW_TYPES: tuple[Callable[[pa.ChunkedArray], pa.Array], ...] = (
    _object(None),
    _object([1.0]),
    _object({"a": 1}),
    _object(b"\xff\x00"),
    _object("x" * 3_000),
    _object(True),
    _object(1e308),
    _object(-1e308),
    _object(float("inf")),
    _object(float("nan")),
    _object(2**63 - 1),
    _object(pd.Timestamp("2015-01-01")),
    _object(pd.Timedelta("1D")),
    lambda column: column.cast(pa.string()),
    lambda column: column.cast(pa.string()).cast(pa.binary()),
    lambda column: column.cast(pa.string()).cast(pa.large_string()).combine_chunks(),
    lambda column: column.cast(pa.string()).dictionary_encode(),
    lambda column: column.cast(pa.string()).cast(pa.binary()).dictionary_encode(),
    lambda column: column.cast(pa.float64()).cast(pa.decimal128(38, 2), safe=False),
    lambda column: column.cast(pa.int16(), safe=False),
    lambda column: column.cast(pa.float32(), safe=False),
    lambda column: column.cast(pa.int64(), safe=False).cast(pa.timestamp("ms")),
    lambda column: column.cast(pa.int32(), safe=False).cast(pa.date32()),
    lambda column: column.cast(pa.uint64(), safe=False),
    lambda column: pa.array([[v] for v in column.to_pylist()]),
    lambda column: pa.array([None if k % 3 else v for k, v in enumerate(column.to_pylist())]),
    lambda column: pa.array(column.to_pylist()[::-1]),
)


def mutate_table(table: pa.Table, rng: Random) -> pa.Table:
    """Change types, columns, names, rows or one cell of a table."""
    for _ in range(int(rng.choice([1, 1, 2]))):
        if not table.num_columns or not table.num_rows:
            break
        place, row = int(rng.integers(table.num_columns)), int(rng.integers(table.num_rows))
        name, column = table.column_names[place], table.column(place)
        way = int(rng.integers(0, 8))
        if way <= 2:
            try:
                made = ARROW_TYPES[int(rng.integers(len(ARROW_TYPES)))](column)
            except (pa.ArrowException, OverflowError, TypeError):
                continue
            table = table.set_column(place, name, made)
        elif way == 3:
            table = table.remove_column(place)
        elif way == 4:
            table = table.append_column(name, column)
        elif way == 5:
            odd = ODD_CELLS[int(rng.integers(len(ODD_CELLS)))].encode("utf-8", "replace").decode()
            names = [odd if k == place else n for k, n in enumerate(table.column_names)]
            table = table.rename_columns(names)
        elif way == 6:
            kept = rng.permutation(table.num_rows)[: int(rng.integers(0, table.num_rows))]
            table = (
                table.take(kept)
                if rng.random() < 0.5
                else pa.concat_tables([table, table.slice(row)])
            )
        else:
            values = column.to_pylist()
            values[row] = (
                values[0]
                if rng.random() < 0.3
                else (
                    float(rng.choice([1e308, -1e308, np.inf, -1.0, 0.5, 1e30]))
                    if isinstance(values[row], (int, float))
                    else ODD_CELLS[int(rng.integers(len(ODD_CELLS)))]
                    .encode("utf-8", "replace")
                    .decode()
                )
            )
            with suppress(pa.ArrowException):  # of types that make no column together
                table = table.set_column(place, name, pa.array(values))
    return table


def mutate_json(text: str, rng: Random) -> str:
    """Replace, delete or rename values of a JSON document, anywhere in it."""
    document = json.loads(text)
    for _ in range(int(rng.choice([1, 1, 3]))):
        places = list(_places(document))
        if not places:
            break
        holder, key = places[int(rng.integers(len(places)))]
        way = int(rng.integers(0, 4))
        if way == 0:
            del holder[key]
        elif way == 1 and isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        else:
            holder[key] = ODD_VALUES[int(rng.integers(len(ODD_VALUES)))]
    return json.dumps(document)


def mutate_options(text: str, rng: Random) -> str:
    """Give options of a YAML file other values."""
    lines = text.splitlines()
    for _ in range(int(rng.choice([1, 1, 3]))):
        line = int(rng.integers(len(lines)))
        name, _, value = lines[line].partition(":")
        odd = ODD_OPTIONS[int(rng.integers(len(ODD_OPTIONS)))]
        lines[line] = f"{name}: {lines[0].partition(':')[2] if rng.random() < 0.05 else odd}"
        if rng.random() < 0.1:
            lines.append(f"{odd}: {value}")
    return "\n".join(lines) + "\n"


def _places(document: object, depth: int = 0) -> Iterator[tuple[object, object]]:
    """Containers and keys; shallow ones are drawn as often as the many deep ones."""
    if not isinstance(document, (dict, list)):
        return
    items = document.items() if isinstance(document, dict) else enumerate(document[:3])
    for key, value in list(items):
        yield from [(document, key)] * (5 if depth < 2 else 1)
        if depth < 5:
            yield from _places(value, depth + 1)


def mutate_file(path: Path, rng: Random) -> None:
    """Change a file by what it is, or put something else in its place."""
    chance = rng.random()
    if chance < 0.02:
        _replace_by_structure(path, rng)
    elif path.suffix == ".parquet" and chance < 0.8:
        pq.write_table(mutate_table(pq.read_table(path), rng), path)
    elif path.suffix == ".json" and chance < 0.8:
        path.write_text(mutate_json(path.read_text(encoding="utf-8"), rng), encoding="utf-8")
    elif path.suffix == ".yaml" and chance < 0.7:
        path.write_text(mutate_options(path.read_text(encoding="utf-8"), rng), encoding="utf-8")
    elif path.suffix == ".csv":
        path.write_bytes(mutate_text(path.read_bytes(), rng))
    else:
        path.write_bytes(mutate_bytes(path.read_bytes(), rng))


def _replace_by_structure(path: Path, rng: Random) -> None:
    content = path.read_bytes()
    path.unlink()
    way = int(rng.integers(0, 6))
    if way == 0:
        path.mkdir()
    elif way == 1:
        path.write_bytes(b"")
    elif way == 2:
        path.write_bytes(gzip.compress(content))
    elif way == 3:
        path.write_bytes(content.decode("latin-1").encode("utf-16"))
    elif way == 4:
        with suppress(
            OSError
        ):  # Windows lets few users make links: the file is then simply missing
            path.symlink_to(path.name)


# What a run does with them ------------------------------------------------------------------------


def _check_data(data: LoadedData) -> None:
    """Raise where a run could not compute with the data that were read."""
    panel = data.bundle.panel
    assert not np.isinf(panel.values).any()
    assert not (panel.values < 0).any()
    if data.bundle.indicators is not None:
        assert not any(np.isinf(v).any() for v in data.bundle.indicators.values.values())
    if data.bundle.pairs is not None:
        assert not any(np.isinf(v).any() for v in data.bundle.pairs.static.values())
        assert not any(np.isinf(v.values).any() for v in data.bundle.pairs.yearly.values())
    for source in data.sources:
        assert all(len(line) < 20_000 for line in source.statements)


def _load(folder: Path, *names: str, **options: object) -> None:
    given = {name.split(".")[0]: folder / name for name in names}
    if "indicators" in given:
        given["indicator_catalogue"] = given.pop("catalogue")
    data = load(RunConfig(**{"trade": folder / "trade.csv", **given}, **options))
    _check_data(data)


def _tables(folder: Path) -> None:
    _load(folder, "tables", domestic="include")
    for year in YEARS[:2]:
        table = read_table_year(folder / "tables", year, countries=COUNTRIES, sectors=SECTORS)
        assert np.isfinite(table.intermediate).all()
        assert np.isfinite(table.final).all()


def _config(folder: Path) -> None:
    config = RunConfig.from_yaml(folder / "config.yaml")
    assert RunConfig.from_mapping(config.to_dict()) == config
    config.as_of_rule(YEARS[-1]).date(YEARS[0])
    with suppress(InputError):  # the file is not at fault if the flows have too few years
        plan_folds(
            first_year=YEARS[0], last_year=YEARS[-1], horizons=config.horizons,
            first_origin=config.first_origin,
        )  # fmt: skip


def _run(folder: Path) -> None:
    from forecasting import read_run

    read_run(folder / "run")


@dataclass(frozen=True)
class Kind:
    """A kind of input: the files that are changed, and what a run does with them."""

    files: tuple[str, ...]
    read: Callable[[Path], None]


KINDS: dict[str, Kind] = {
    "trade-csv": Kind(("trade.csv",), lambda f: _load(f, "trade.csv")),
    "trade-parquet": Kind(("trade.parquet",), lambda f: _load(f, "trade.parquet", largest=4)),
    "indicators": Kind(
        ("indicators.csv",), lambda f: _load(f, "indicators.csv", "catalogue.csv")
    ),
    "catalogue": Kind(
        ("catalogue.csv",),
        lambda f: _load(f, "indicators.csv", "catalogue.csv", allow_snapshots=True),
    ),
    "pairs": Kind(
        ("pairs.csv", "agreements.parquet"),
        lambda f: _load(f, pairs=(f / "pairs.csv", f / "agreements.parquet")),
    ),
    "sectors": Kind(("sectors.csv",), lambda f: _load(f, "sectors.csv")),
    "tables": Kind(
        ("tables/wiot_2000.parquet", "tables/wiot_2001.parquet", "tables/gross_output.parquet"),
        _tables,
    ),
    "config": Kind(("config.yaml",), _config),
    "run": Kind(("run/run.json", "run/forecasts.parquet", "run/attributions.parquet",
                 "run/scores.csv", "run/channels.csv", "run/drivers.csv",
                 "run/measures_history.parquet", "run/model/forecaster.json",
                 "run/model/state.parquet", "run/coverage.csv"),
                _run),
}  # fmt: skip


# One mutant ---------------------------------------------------------------------------------------


class TooSlow(BaseException):
    """A mutant took longer than it may."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise `TooSlow` after some seconds, where the system has alarms."""
    possible = hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
    if not possible:
        yield
        return

    def stop(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def check_inputs(inputs: Path, kinds: Iterable[str]) -> None:
    """Raise where an input is refused unchanged: its mutants would show nothing."""
    for kind in kinds:
        KINDS[kind].read(inputs)


def try_mutant(kind: str, seed: int, inputs: Path, scratch: Path) -> tuple[str, str]:
    """Make a mutant and read it.

    Returns
    -------
    tuple
        ``read``, ``refused`` or ``failed``, and the message or what went wrong.
    """
    rng = np.random.default_rng([seed, *kind.encode()])
    what = KINDS[kind]
    if scratch.exists():
        shutil.rmtree(scratch)
    shutil.copytree(
        inputs,
        scratch,
        ignore=lambda _, names: () if kind == "run" else {"run"} & {*names},
        copy_function=os.link,
    )
    name = what.files[int(rng.integers(len(what.files)))]
    (scratch / name).unlink()
    shutil.copy(inputs / name, scratch / name)
    mutate_file(scratch / name, rng)
    start = time.perf_counter()
    try:
        with _alarm(LONGEST_SECONDS), warnings.catch_warnings():
            # To a user, a library's warning is a wall of text.
            warnings.simplefilter("error")
            what.read(scratch)
    except InputError as error:
        return _judged(error, str(scratch))
    except (Exception, TooSlow):
        return "failed", traceback.format_exc(limit=-6)
    took = time.perf_counter() - start
    return ("failed", f"took {took:.1f} s") if took > LONGEST_SECONDS else ("read", "")


def _judged(error: InputError, folder: str) -> tuple[str, str]:
    message = str(error)
    faults = []
    if len(message) > LONGEST_MESSAGE:
        faults.append(f"{len(message)} characters")
    if not message.isprintable():
        faults.append("control characters")
    if not error.remedy or not error.problem:
        faults.append("no remedy")
    if folder not in message:
        faults.append("no file")
    return ("failed", f"{', '.join(faults)}: {message}") if faults else ("refused", message)


def main() -> int:
    """Try mutants of some or all kinds and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first mutant")
    parser.add_argument("--only", type=int, help="one seed: print its message")
    parser.add_argument("--messages", action="store_true", help="print the commonest messages")
    given = parser.parse_args()
    kinds = given.kind or list(KINDS)
    failed = 0
    with tempfile.TemporaryDirectory() as made:
        inputs = Path(made) / "inputs"
        inputs.mkdir()
        write_inputs(inputs)
        if "run" in kinds:
            write_run(inputs)
        check_inputs(inputs, kinds)
        for kind in kinds:
            failed += _try_many(kind, given, inputs, Path(made) / "mutant")
    return 1 if failed else 0


def _try_many(kind: str, given: argparse.Namespace, inputs: Path, scratch: Path) -> int:
    counts, messages, start, slowest = Counter(), Counter(), time.perf_counter(), 0.0
    seeds = [given.only] if given.only is not None else range(given.seed, given.seed + given.count)
    for seed in seeds:
        began = time.perf_counter()
        became, text = try_mutant(kind, seed, inputs, scratch)
        slowest = max(slowest, time.perf_counter() - began)
        counts[became] += 1
        messages[text] += 1
        if became == "failed" or given.only is not None:
            print(f"--- {kind} seed {seed}: {became}\n{text[-3_000:]}", flush=True)
    took = time.perf_counter() - start
    print(f"{kind}: {dict(counts)} in {took:.0f} s, slowest {slowest:.1f} s", flush=True)
    if given.messages:
        for text, count in messages.most_common(60):
            print(f"{count:6} {text.replace(str(scratch), '')[:200]}")
    return counts["failed"]


if __name__ == "__main__":
    sys.exit(main())
