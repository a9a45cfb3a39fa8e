"""Rows per second of exact SHAP values: gravicast, SHAP's explainer, LightGBM itself and woodelf.

Run: ``python tests/benchmarks/tree_shap.py [--rows 20000] [--trees 300] [--features 60]``.

Every figure includes what the peer prepares per model. One call comes first, so that none includes
compilation, which is printed separately. TreeExplainer and LightGBM take the same time for every
row, so they are timed on `SUBSET` rows and scaled. woodelf (woodelf-explainer on PyPI) is timed
where it is installed, in a limited process of its own: its tables double with every level of depth.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import resource
import time
from collections.abc import Callable
from multiprocessing import get_context

import lightgbm
import numpy as np

from features.cores import cores
from models.tree_shap.path_dependent import tree_shap, tree_shap_interactions

SUBSET = 1_000
GROUPS = 13
WOODELF_LIMIT, WOODELF_MEMORY = 60.0, 6_000_000_000
"""Seconds and bytes woodelf is given."""


def made(rows: int, trees: int, features: int, **params) -> tuple[lightgbm.Booster, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, features))
    y = x @ rng.normal(size=features) + x[:, 0] * x[:, 1] + rng.normal(size=rows)
    defaults = {"verbosity": -1, "seed": 1, "num_threads": 1}
    booster = lightgbm.train({**defaults, **params}, lightgbm.Dataset(x, y), trees)
    # Read again for each number of cores: a booster keeps the threads it was trained with.
    text = booster.model_to_string().replace("[num_threads: 1]", "[num_threads: 0]")
    return lightgbm.Booster(model_str=text, params={"num_threads": 0}), x


def seconds(call: Callable[[], object], *, repeats: int = 1) -> float:
    """Best of some calls."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def tree_explainer(booster: lightgbm.Booster, x: np.ndarray) -> np.ndarray:
    import shap

    return shap.TreeExplainer(booster).shap_values(x)


def woodelf(booster: lightgbm.Booster, x: np.ndarray) -> np.ndarray:
    import pandas as pd
    from woodelf import WoodelfExplainer

    frame = pd.DataFrame(x, columns=booster.feature_name())
    with contextlib.redirect_stdout(io.StringIO()):
        return np.asarray(WoodelfExplainer(booster).shap_values(frame, verbose=False))


def _woodelf_seconds(text: str, x: np.ndarray, answers) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (WOODELF_MEMORY, WOODELF_MEMORY))
    booster = lightgbm.Booster(model_str=text)
    taken = seconds(lambda: woodelf(booster, x))
    difference = np.abs(woodelf(booster, x[:200]) - tree_shap(booster, x[:200]).values).max()
    answers.put((taken, float(difference)))


def time_woodelf(booster: lightgbm.Booster, x: np.ndarray) -> str | tuple[float, float]:
    """Seconds and largest difference from our values, or why there are none."""
    if importlib.util.find_spec("woodelf") is None:
        return "skipped: woodelf-explainer is not installed"
    context = get_context("spawn")
    answers = context.Queue()
    worker = context.Process(target=_woodelf_seconds, args=(booster.model_to_string(), x, answers))
    worker.start()
    start = time.perf_counter()
    while worker.is_alive() and answers.empty() and time.perf_counter() - start < WOODELF_LIMIT:
        time.sleep(0.2)
    found = answers.get() if not answers.empty() else f"no answer in {WOODELF_LIMIT:.0f} s"
    if isinstance(found, str) and not worker.is_alive():
        found = f"stopped with exit code {worker.exitcode}"
    worker.terminate()
    worker.join()
    return found


def compare(title: str, booster: lightgbm.Booster, x: np.ndarray, *, peers: bool) -> None:
    rows = len(x)
    depth = booster.trees_to_dataframe()["node_depth"].max() - 1
    print(f"\n{title}: {rows:,} rows, {x.shape[1]} features, {booster.num_trees()} trees, ", end="")
    print(f"depth up to {depth}")
    ours = seconds(lambda: tree_shap(booster, x), repeats=3)
    part = x[: min(SUBSET, rows)]
    theirs = booster.predict(part, pred_contrib=True)
    scale = rows / len(part)
    values = tree_shap(booster, x)
    spread = float(np.ptp(booster.predict(x)))
    gap = np.abs(values.values[: len(part)] - theirs[:, :-1]).max() / spread
    total = values.base_value + values.values.sum(axis=1)
    added = np.abs(total - booster.predict(x)).max() / spread
    print(f"  share of the spread: {gap:.0e} off LightGBM's values, {added:.0e} off the prediction")
    lines = {"gravicast": ours}
    groups = np.arange(x.shape[1]) % GROUPS
    lines[f"gravicast, {GROUPS} groups"] = seconds(lambda: tree_shap(booster, x, groups=groups))
    pairs = [(0, k) for k in range(1, min(6, x.shape[1]))]
    lines[f"gravicast, {len(pairs)} interactions"] = seconds(
        lambda: tree_shap_interactions(booster, x, pairs=pairs)
    )
    lines[f"shap.TreeExplainer, {len(part):,} rows scaled"] = scale * seconds(
        lambda: tree_explainer(booster, part)
    )
    lines[f"LightGBM pred_contrib, {len(part):,} rows scaled"] = scale * seconds(
        lambda: booster.predict(part, pred_contrib=True, num_threads=0)
    )
    found = time_woodelf(booster, x) if peers else "skipped: --no-woodelf"
    if not isinstance(found, str):
        lines[f"woodelf, largest difference {found[1]:.0e}"] = found[0]
    for name, taken in lines.items():
        print(f"  {name:45s}{taken:9.3f} s{rows / taken:12,.0f} rows/s{taken / ours:9.1f} x ours")
    if isinstance(found, str):
        print(f"  woodelf: {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--no-woodelf", action="store_true")
    options = parser.parse_args()
    booster, x = made(3_000, 5, 30, num_leaves=63)
    first = seconds(lambda: tree_shap(booster, x))
    kept = "compiles, or loads what is kept from an earlier run"
    print(f"{cores()} cores; first call {first:.1f} s ({kept})")
    peers = not options.no_woodelf
    size = (options.rows, options.trees, options.features)
    compare("depth 6", *made(*size, num_leaves=64, max_depth=6), peers=peers)
    compare("63 leaves", *made(*size, num_leaves=63), peers=peers)
    ours = {"num_leaves": 24, "min_data_in_leaf": 200, "feature_fraction": 0.25, "max_bin": 63}
    compare("as in gravicast", *made(29_106, 80, 116, **ours), peers=peers)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
