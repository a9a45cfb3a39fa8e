"""Compiling the kernels before they are needed.

On the first use after an installation that takes a few seconds; afterwards they are read from
numba's cache.
"""

from __future__ import annotations

import numpy as np

from models.tree_shap.path_dependent import tree_shap


def use_kernels() -> None:
    """Use every kernel that a run uses; `models.tree_shap.walk` is for trees of many leaves."""
    import lightgbm

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(64, 3))
    options = {"num_leaves": 4, "num_threads": 1, "deterministic": True, "verbosity": -1}
    data = lightgbm.Dataset(rows, rows.prod(axis=1), params=options)
    tree_shap(lightgbm.train(options, data, num_boost_round=1), rows, threads=1)
