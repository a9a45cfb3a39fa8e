"""Mutants of the core: do the tests of a module notice a wrong comparison, sign or constant in it?

    python tests/benchmarks/code_mutants.py [--count 110] [--seed 1] [--module raking] [--only 17]

Every mutant changes one operator, constant or condition of one of seventeen core modules, drawn
with a seed in equal numbers a module. It is written into a copy of the checkout, and the tests that
mirror the module run there until one fails. A mutant is killed where a test fails or nothing ends
in time; one that changes nothing that can be observed survives and counts as a survivor. The table
names kills a module, the list below it every survivor; ``--only`` repeats single mutants by number.

Two kinds of mutants are not drawn. A tuning constant at the top of a module (``RANKS``,
``LARGEST_SPREAD``) is one of many values that would do: a test that saw it change would be a
snapshot of it. ``strict=`` is a check of ours that columns of equal length never fail.
``--everything`` draws them too.
"""

from __future__ import annotations

import argparse
import ast
import copy
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
LEAST_KILLED = 0.9
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".hypothesis", "__pycache__", "runs", "build", "*.egg-info", ".*_cache"
)


@dataclass(frozen=True)
class Core:
    """A module and the tests that mirror it."""

    module: str
    tests: tuple[str, ...]


CORES = {
    "raking": Core("models/raking.py", ("models/test_raking.py",)),
    "intervals": Core("models/intervals.py", ("models/test_intervals.py",)),
    "information": Core("features/information.py", ("features/test_information.py",)),
    "significance": Core(
        "forecasting/evaluation/significance.py", ("forecasting/evaluation/test_significance.py",)
    ),
    "totals": Core("models/totals.py", ("models/test_totals.py",)),
    "known_totals": Core("models/known_totals.py", ("models/test_known_totals.py",)),
    "world_growth": Core("models/world_growth.py", ("models/test_world_growth.py",)),
    "design": Core("models/design.py", ("models/test_design.py",)),
    "history": Core("features/channels/history.py", ("features/channels/test_history.py",)),
    "walk": Core("models/tree_shap/walk.py", ("models/tree_shap/test_path_dependent.py",)),
    "value_chains": Core(
        "features/measures/value_chains.py", ("features/measures/test_value_chains.py",)
    ),
    "metrics": Core(
        "forecasting/evaluation/metrics.py", ("forecasting/evaluation/test_metrics.py",)
    ),
    "decompose": Core(
        "forecasting/results/decompose.py", ("forecasting/results/test_decompose.py",)
    ),
    "panel": Core("features/data/panel.py", ("features/data/test_panel.py",)),
    "trade_probability": Core("models/trade_probability.py", ("models/test_trade_probability.py",)),
    "reversion": Core("models/reversion.py", ("models/test_reversion.py",)),
    "calibration": Core(
        "forecasting/evaluation/calibration.py", ("forecasting/evaluation/test_calibration.py",)
    ),
}

# Mutants ------------------------------------------------------------------------------------------

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    core: str
    line: int
    before: str
    after: str
    source: str
    observable: bool = True

    @property
    def title(self) -> str:
        """Where it is, and what it changes."""
        return f"{CORES[self.core].module}:{self.line}  {self.before}  ->  {self.after}"


def mutations(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of an expression."""
    new = copy.deepcopy(node)
    match new:
        case ast.Compare():
            for k, sign in enumerate(new.ops):
                new.ops[k] = SWAPPED[type(sign)]()  # type: ignore[call-overload]
                yield copy.deepcopy(new)
                new.ops[k] = sign
        case ast.BoolOp() | ast.BinOp() | ast.AugAssign() if type(new.op) in SWAPPED:
            new.op = SWAPPED[type(new.op)]()  # type: ignore[assignment]
            yield new
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield new.operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not new.value)
        case ast.Constant(value=int()):
            yield ast.Constant(new.value + 1)
        case ast.Constant(value=float()):
            yield ast.Constant(2 * new.value if new.value else 1.0)


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Every field that holds an expression which computes; annotations and decorators declare."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list") or isinstance(
            tree, ast.JoinedStr | ast.Raise
        ):
            continue
        for k, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or _is_for_readers(node):
                continue
            yield tree, name, k
            yield from places(node)


def _is_for_readers(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):  # a type alias: its operators are no arithmetic
        return ast.unparse(node.value).startswith(("NDArray", "Callable", "Mapping", "Literal"))
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def mutants_of(core: str, root: Path) -> list[Mutant]:
    """All mutants of a module, in the order of its text."""
    tree = ast.parse((root / CORES[core].module).read_text(encoding="utf-8"))
    unseen = _tuning_and_checks(tree)
    found = []
    for parent, name, k in places(tree):
        node = getattr(parent, name) if k is None else getattr(parent, name)[k]
        for new in mutations(node):
            _put(parent, name, k, new)
            line = getattr(node, "lineno", 0)
            texts = (ast.unparse(node), ast.unparse(new), ast.unparse(tree))
            found.append(Mutant(core, line, *texts, observable=id(node) not in unseen))
            _put(parent, name, k, node)
    return found


def _tuning_and_checks(tree: ast.Module) -> set[int]:
    """Identities of the nodes of constants of the module and of ``strict=``."""
    roots: list[ast.AST] = [
        node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "strict"
    ]
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if all(isinstance(one, ast.Name) and one.id.isupper() for one in targets):
                roots.append(node)
    return {id(node) for root in roots for node in ast.walk(root)}


def _put(parent: ast.AST, name: str, k: int | None, node: ast.AST) -> None:
    if k is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[k] = node


def draw(
    count: int, seed: int, root: Path, cores: list[str], *, everything: bool = False
) -> list[Mutant]:
    """Mutants in equal numbers a module, without repetition."""
    drawn = []
    for k, core in enumerate(cores):
        every = mutants_of(core, root)
        shuffled = np.random.default_rng((seed, [*CORES].index(core))).permutation(len(every))
        fit = [number for number in shuffled if everything or every[number].observable]
        size = count // len(cores) + (k < count % len(cores))
        drawn += [every[number] for number in sorted(fit[:size])]
    return drawn


# Tests --------------------------------------------------------------------------------------------


LIBRARIES = ("hypothesis", "lightgbm", "numba", "pandas", "pyarrow.parquet", "pytest",
             "scipy.stats", "sklearn.linear_model", "threadpoolctl")  # fmt: skip
"""Loaded once and inherited by every process of tests, where the system can fork."""


def processes() -> Any:
    """What starts processes of tests."""
    way = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(way)
    if way == "forkserver":
        context.set_forkserver_preload([*LIBRARIES])
    return context


def run_tests(context: Any, root: Path, core: str, timeout: float) -> tuple[str, float]:
    """``passed``, ``failed`` or ``timed out``, and the seconds it took."""
    # A compiled function is cached by its own file alone: one that calls a mutant would be stale.
    shutil.rmtree(root / "numba", ignore_errors=True)
    start = time.monotonic()
    process = context.Process(target=_tests, args=(root, CORES[core].tests))
    process.start()
    process.join(timeout)
    if process.is_alive():
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
        return "timed out", time.monotonic() - start
    return "passed" if process.exitcode == 0 else "failed", time.monotonic() - start


def _tests(root: Path, tests: tuple[str, ...]) -> None:
    """Run tests of the copy, silently, in a process group of their own."""
    import pytest

    if hasattr(os, "setsid"):
        os.setsid()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.chdir(root)
    sys.path[:] = [str(root), *(path for path in sys.path if Path(path).resolve() != ROOT)]
    os.environ["PYTHONPATH"] = str(root)
    options = ("-n", "0", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0")
    sys.exit(int(pytest.main([*options, *(f"tests/{name}" for name in tests)])))


def try_mutant(context: Any, mutant: Mutant, root: Path, timeout: float) -> tuple[bool, float]:
    """Whether the module's tests notice a mutant; the module is put back afterwards."""
    file = root / CORES[mutant.core].module
    original = file.read_text(encoding="utf-8")
    try:
        file.write_text(mutant.source, encoding="utf-8")
        outcome, seconds = run_tests(context, root, mutant.core, timeout)
    finally:
        file.write_text(original, encoding="utf-8")
    return outcome != "passed", seconds


def main() -> int:
    """Try mutants and print which of them survive; the exit status is 1 below nine in ten."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=110)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--module", nargs="+", choices=CORES, default=[*CORES])
    parser.add_argument("--only", type=int, nargs="+", help="numbers of the mutants to try")
    parser.add_argument("--everything", action="store_true", help="draw tuning constants too")
    given = parser.parse_args()
    killed: dict[str, list[bool]] = {core: [] for core in given.module}
    survivors = []
    with tempfile.TemporaryDirectory(prefix="gravicast-mutants-") as folder:
        root = Path(folder) / "checkout"
        shutil.copytree(ROOT, root, ignore=LEFT_OUT)
        os.environ |= {
            "NUMBA_CACHE_DIR": str(root / "numba"),
            "OMP_NUM_THREADS": "1",
            "MLFLOW_TRACKING_URI": f"sqlite:///{root.as_posix()}/mlflow.db",
        }
        context = processes()
        limits: dict[str, float] = {}
        drawn = draw(given.count, given.seed, root, given.module, everything=given.everything)
        for number, mutant in enumerate(drawn):
            if given.only and number not in given.only:
                continue
            if mutant.core not in limits:
                outcome, seconds = run_tests(context, root, mutant.core, 1_800)
                if outcome != "passed":
                    parser.error(f"the tests of {mutant.core} fail without a mutant")
                limits[mutant.core] = 60 + 5 * seconds
            dead, seconds = try_mutant(context, mutant, root, limits[mutant.core])
            killed[mutant.core].append(dead)
            survivors += [] if dead else [f"{number:4d}  {mutant.title}"]
            word = "killed" if dead else "SURVIVED"
            print(f"{number:4d} {word:8s} {seconds:5.0f} s  {mutant.title}", flush=True)
    return report(killed, survivors)


def report(killed: dict[str, list[bool]], survivors: list[str]) -> int:
    """Print the table and the survivors."""
    print(f"\n{'module':20s} {'mutants':>8s} {'killed':>7s}")
    for core, dead in killed.items():
        print(f"{core:20s} {len(dead):8d} {sum(dead):7d}")
    every = [dead for core in killed.values() for dead in core]
    share = sum(every) / max(len(every), 1)
    print(f"{'all':20s} {len(every):8d} {sum(every):7d}  ({share:.0%})")
    print("\nsurvivors:", *survivors or ["none"], sep="\n")
    return int(share < LEAST_KILLED)


if __name__ == "__main__":
    raise SystemExit(main())
