"""Interventional SHAP values of a booster: against rows of a background, dependence broken.

With row x and background row b, a coalition S has the value f(x_S, b_rest). On the path to a leaf
of value v let A be the a features of which only x meets every split, and B the b features of which
only the background row does. If some feature is met by neither, the leaf adds nothing; otherwise

    phi_i = v (a - 1)! b! / (a + b)!    for i in A,
    phi_i = -v a! (b - 1)! / (a + b)!   for i in B,

the Shapley value of the game that pays v to coalitions that hold A and none of B (Lundberg et al.
2020, doi:10.1038/s42256-019-0138-9; why interventional: Janzing, Minorics and Bloebaum 2020,
arXiv:1910.13413). Values are means over the background. Unlike SHAP's own explainer this follows
LightGBM's handling of missing values in rows and background alike.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.cores import cores
from models.tree_shap.path_dependent import TreeShap
from models.tree_shap.paths import (
    Flags,
    Matrix,
    Numbers,
    Trees,
    clean,
    compiled,
    compiled_part,
    decide,
    read_forest,
)

if TYPE_CHECKING:
    import lightgbm

Masks = NDArray[np.int64]
"""A bit a feature of a path."""

BLOCK = 64
"""Rows a thread takes at a time."""
MOST_FEATURES = 62
"""Features on a path at most: they are bits of one integer."""


def tree_shap_interventional(
    booster: lightgbm.Booster,
    features: NDArray[np.floating[Any]],
    background: NDArray[np.floating[Any]],
    *,
    threads: int = 0,
) -> TreeShap:
    """Exact interventional SHAP values of the raw prediction.

    Parameters
    ----------
    booster
        LightGBM's, of one output, without linear leaves.
    features, background
        Rows to explain and rows that stand in for unknown features, shapes ``[row, feature]`` and
        ``[background row, feature]``; time is in proportion to the product of their numbers.
    threads
        At most; 0 takes every core.

    Returns
    -------
    TreeShap
        Values ``[row, feature]``; the base value is the background's mean prediction.

    Raises
    ------
    InputError
        If the booster is of a kind that is not supported.
    ValueError
        If shapes do not match the booster, the background is empty, or a path splits on more than
        `MOST_FEATURES` features.
    """
    forest = read_forest(booster)
    for table in (features, background):
        if table.ndim != 2 or table.shape[1] != len(forest.names):
            raise ValueError(f"shape {table.shape} does not fit {len(forest.names)} features")
    if not len(background):
        raise ValueError("the background has no rows")
    trees, values = forest.trees, np.zeros((len(features), len(forest.names)))
    weights = _weights()
    behind = _went_left(trees, background[:, forest.used])

    def add(start: int) -> None:
        rows = features[start : start + BLOCK, forest.used]
        sums = np.zeros((forest.used.size, len(rows)))
        if _explain(trees, _went_left(trees, rows), behind, weights, sums):
            raise ValueError(f"a path splits on more than {MOST_FEATURES} features")
        values[start : start + BLOCK, forest.used] = sums.T / len(background)

    with ThreadPoolExecutor(threads or cores()) as pool:
        list(pool.map(add, range(0, len(features), BLOCK)))
    return TreeShap(values, float(booster.predict(background, raw_score=True).mean()))


def _weights() -> Matrix:
    """``(a - 1)! b! / (a + b)!``, shape ``[a, b]``; 0 where a is 0."""
    most = MOST_FEATURES + 1
    out = np.zeros((most, most))
    for a in range(1, most):
        for b in range(most - a):
            out[a, b] = factorial(a - 1) * factorial(b) / factorial(a + b)
    return out


def _went_left(trees: Trees, rows: NDArray[np.floating[Any]]) -> Flags:
    """Which rows go left at every node of all trees, shape ``[node, row]``."""
    columns = np.ascontiguousarray(rows.T, dtype=np.float64)
    clean(columns)
    left = np.empty((trees.column.size, columns.shape[1]), dtype=np.uint8)
    decide(trees, columns, 0, trees.column.size, left)
    return left


@compiled
def _explain(trees: Trees, left: Flags, behind: Flags, weights: Matrix, sums: Matrix) -> bool:
    """Add every leaf's values, summed over the background; true where a path is too long."""
    features = np.empty(MOST_FEATURES, np.int64)
    met, known = np.empty(left.shape[1], np.int64), np.empty(behind.shape[1], np.int64)
    for leaf in range(trees.leaf_value.size):
        if trees.leaf_parent[leaf] < 0:
            continue
        count = _path(trees, leaf, features)
        if count > MOST_FEATURES:
            return True
        _meet(trees, leaf, features, count, left, met)
        _meet(trees, leaf, features, count, behind, known)
        _share(trees.leaf_value[leaf], features, count, met, known, weights, sums)
    return False


@compiled_part
def _path(trees: Trees, leaf: int, features: Numbers) -> int:
    """Collect the features on the path to a leaf; returns how many, or one too many."""
    count, node = 0, trees.leaf_parent[leaf]
    while node >= 0:
        slot = 0
        while slot < count and features[slot] != trees.column[node]:
            slot += 1
        if slot == count:
            if count == MOST_FEATURES:
                return MOST_FEATURES + 1
            features[count] = trees.column[node]
            count += 1
        node = trees.parent[node]
    return count


@compiled_part
def _meet(trees: Trees, leaf: int, features: Numbers, count: int, left: Flags, met: Masks) -> None:
    """Bits of the features whose splits a row meets, all of them, on the path to a leaf."""
    met[:] = (1 << count) - 1
    child, node = ~leaf, trees.leaf_parent[leaf]
    while node >= 0:
        slot = 0
        while features[slot] != trees.column[node]:
            slot += 1
        side, bit = trees.left[node] == child, 1 << slot
        for row in range(met.size):
            if (left[node, row] == 1) != side:
                met[row] &= ~bit
        child, node = node, trees.parent[node]


@compiled_part
def _share(
    value: float, features: Numbers, count: int, met: Masks, known: Masks, weights: Matrix,
    sums: Matrix,
) -> None:  # fmt: skip
    """Add a leaf's values for every pair of row and background row."""
    full = (1 << count) - 1
    for row in range(met.size):
        for other in range(known.size):
            apart = met[row] ^ known[other]
            if apart == 0 or (met[row] | known[other]) != full:
                continue
            a = 0
            b = 0
            for slot in range(count):
                a += met[row] >> slot & ~known[other] >> slot & 1
                b += known[other] >> slot & ~met[row] >> slot & 1
            for slot in range(count):
                if apart >> slot & 1:
                    if met[row] >> slot & 1:
                        sums[features[slot], row] += value * weights[a, b]
                    else:
                        sums[features[slot], row] -= value * weights[b, a]
