"""Compiling the kernels before they are needed.

On the first use after an installation that takes about ten seconds; afterwards they are read from
numba's cache.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.tree_shap.interventional import tree_shap_interventional
from models.tree_shap.path_dependent import tree_shap


def kernel_uses() -> tuple[Callable[[], object], ...]:
    """Calls that together use every kernel; each is short enough to wait for."""
    import lightgbm

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(512, 3))
    data = lightgbm.Dataset(rows, rows.prod(axis=1))
    options = {"num_leaves": 8, "num_threads": 1, "deterministic": True, "verbosity": -1}
    booster = lightgbm.train(options, data, num_boost_round=1)
    return (
        lambda: tree_shap(booster, rows, threads=1),  # by tables
        lambda: tree_shap(booster, rows[:2], threads=1),  # two rows: every path is too wide for one
        lambda: tree_shap_interventional(booster, rows[:2], rows[2:4], threads=1),
    )
