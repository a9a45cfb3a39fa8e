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

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import factorial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.cores import cores
from models.tree_shap.leaf_paths import LeafPaths, leaf_paths
from models.tree_shap.path_dependent import TreeShap
from models.tree_shap.paths import (
    Matrix,
    Trees,
    clean,
    decide,
    measure,
    read_forest,
)

if TYPE_CHECKING:
    import lightgbm

Masks = NDArray[np.int64]
"""A bit a feature of a path."""

BLOCK = 512
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
    leaves = np.flatnonzero(trees.leaf_parent >= 0)
    paths = leaf_paths(trees, measure(trees), leaves)
    if paths.column.shape[1] > MOST_FEATURES:
        raise ValueError(f"a path splits on more than {MOST_FEATURES} features")
    weights = _weights()
    behind = [_Patterns.of_rows(met) for met in _met(trees, paths, background[:, forest.used])]

    def add(start: int) -> None:
        rows = features[start : start + BLOCK, forest.used]
        sums = np.zeros((forest.used.size, len(rows)))
        met_by_rows = _met(trees, paths, rows)
        for value, column, met, known in zip(
            trees.leaf_value[leaves], paths.column, met_by_rows, behind, strict=True
        ):
            used = column[column >= 0]
            sums[used] += value * _shares(_Patterns.of_rows(met), known, used.size, weights)
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


def _met(trees: Trees, paths: LeafPaths, rows: NDArray[np.floating[Any]]) -> Iterator[Masks]:
    """Bits of the features all of whose splits rows meet, shape ``[row]``, of every path."""
    columns = np.ascontiguousarray(rows.T, dtype=np.float64)
    clean(columns)
    left = np.empty((trees.column.size, columns.shape[1]), dtype=np.uint8)
    decide(trees, columns, 0, trees.column.size, left)
    for nodes, goes_left, slots in zip(paths.node, paths.left, paths.slot, strict=True):
        steps = nodes >= 0
        missed = left[nodes[steps]] != goes_left[steps, None]
        bits = np.where(missed, np.int64(1) << slots[steps, None], 0)
        yield ((1 << (slots[steps].max() + 1)) - 1) & ~np.bitwise_or.reduce(bits, axis=0)


class _Patterns(NamedTuple):
    """Different bits of rows, how many rows have them, and which of them a row has."""

    bits: Masks
    weight: Masks
    of: NDArray[np.intp]

    @classmethod
    def of_rows(cls, met: Masks) -> _Patterns:
        bits, of, count = np.unique(met, return_inverse=True, return_counts=True)
        return cls(bits, count, of)


def _shares(rows: _Patterns, known: _Patterns, slots: int, weights: Matrix) -> Matrix:
    """A leaf's values, as shares of its own, summed over the background, shape ``[slot, row]``."""
    one, other = rows.bits[:, None], known.bits
    apart = (one != other) & (one | other == (1 << slots) - 1)
    a, b = np.bitwise_count(one & ~other), np.bitwise_count(other & ~one)
    gain, loss = (np.where(apart, w, 0.0) * known.weight for w in (weights[a, b], weights[b, a]))
    slot = np.arange(slots)
    mine, theirs = one >> slot & 1, known.bits[:, None] >> slot & 1
    # Sums of products rather than products of matrices: those depend on how many rows there are.
    gained = (gain[:, :, None] * (1 - theirs)).sum(axis=1)
    lost = (loss[:, :, None] * theirs).sum(axis=1)
    return np.where(mine, gained, -lost).T[:, rows.of]
