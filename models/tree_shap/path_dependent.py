"""Exact path-dependent SHAP values of LightGBM boosters: tables of leaf groups, else quadrature.

On the path to a leaf with value v, let o_k be 1 where a row satisfies every split on feature k and
0 otherwise, and z_k the share of training rows that do. The path's part of the Shapley value of a
feature i of the path is

    v (o_i - z_i) * integral over t in [0, 1] of  product over k != i of (t o_k + (1 - t) z_k)

and of an interaction of i and j, as SHAP defines it (half the Shapley interaction index),

    v / 2 (o_i - z_i)(o_j - z_j) * integral of  product over k != i, j of (t o_k + (1 - t) z_k).

The integrand is a polynomial of a degree below the number u of features, so ceil(u / 2)
Gauss-Legendre nodes are exact. Per node, all features share one product P: feature i's integrand is
P times (1 - z_i) / (t + (1 - t) z_i) where o_i is 1 and P times -1 / (1 - t) where it is 0, so
that no row divides by anything.

A row enters through the few bits o alone. Leaves that hang together therefore share one table of
sums, indexed by the bits of the features split on above them and of the splits among them; a row
then costs a look-up a feature and group of leaves, not a product a leaf. Paths with too many
features for a table are integrated one by one where there are few (`models.tree_shap.integrals`),
else by walking the tree (`models.tree_shap.walk`).

Sources: Lundberg et al. (2020), Nature Machine Intelligence 2, 56-67, doi:10.1038/s42256-019-0138-9
(path-dependent values); Yu, Bifet, Read and Xu (2022), arXiv:2209.08192 (Linear TreeShap: its
polynomials); Nadel and Wettenstein (2025), arXiv:2511.09376 (patterns of bits, a leaf at a time).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.cores import cores
from models.tree_shap.integrals import integrate, wide_paths
from models.tree_shap.paths import (
    Forest,
    Matrix,
    Rule,
    Sizes,
    Trees,
    clean,
    measure,
    quadrature,
    read_forest,
)
from models.tree_shap.tables import build, look_up
from models.tree_shap.units import Asked, batches, wide_leaves
from models.tree_shap.walk import LANES, lay_edges, walk
from models.tree_shap.wide_pairs import add_pairs, lay_pairs

if TYPE_CHECKING:
    import lightgbm

BLOCK = 512
"""Rows a thread takes at a time: its splits, bits and sums stay in the second-level cache."""
FEW = 4_000_000
"""Wide paths times rows that NumPy integrates one by one: up to there, code that is compiled at its
first use saves less than a second."""

Kernel = Callable[[Matrix, Matrix], object]
"""Adds values of a block of rows, shape ``[used, lane]``, to sums, shape ``[place, lane]``."""


@dataclass(frozen=True, slots=True)
class TreeShap:
    """SHAP values of a booster's raw predictions, in their units.

    Attributes
    ----------
    values
        Shape ``[row, feature]``, ``[row, group]`` or, of interactions, ``[row, pair]``.
    base_value
        Mean raw prediction where no feature is known: by the trees' shares of training rows.
    """

    values: Matrix
    base_value: float


def tree_shap(
    booster: lightgbm.Booster,
    features: NDArray[np.floating[Any]],
    *,
    groups: ArrayLike | None = None,
    threads: int = 0,
) -> TreeShap:
    """Exact path-dependent SHAP values of the raw prediction.

    Parameters
    ----------
    booster
        LightGBM's, of one output, without linear leaves.
    features
        Rows, shape ``[row, feature]``; NaN where missing, compared as LightGBM compares.
    groups
        Code from 0 of every feature's group; values are then summed by group, shape
        ``[row, max(groups) + 1]``. That is not the Shapley value of a group as one player.
    threads
        At most; 0 takes every core. No number depends on it, though the last digits of a row's
        may on how many rows there are.

    Returns
    -------
    TreeShap
        ``base_value + values.sum(axis=1)`` is the raw prediction.

    Raises
    ------
    InputError
        If the booster is of a kind that is not supported.
    ValueError
        If shapes do not match the booster or a code is negative.
    """
    return forest_shap(read_forest(booster), features, groups=groups, threads=threads)


def forest_shap(
    forest: Forest,
    features: NDArray[np.floating[Any]],
    *,
    groups: ArrayLike | None = None,
    threads: int = 0,
) -> TreeShap:
    """`tree_shap` of trees that are read already, as those of one class among several."""
    _check_rows(features, forest)
    codes = np.arange(len(forest.names)) if groups is None else np.asarray(groups)
    if codes.shape != (len(forest.names),) or codes.dtype.kind not in "iu" or codes.min() < 0:
        raise ValueError(f"groups must be {len(forest.names)} integers from 0, one a feature")
    columns, place = np.unique(codes[forest.used], return_inverse=True)
    values = np.zeros((features.shape[0], int(codes.max()) + 1))
    asked = Asked(place.astype(np.int64), np.empty((0, 0), np.int64), columns.size)
    base_value = _fill(values, columns, features, forest, asked, threads)
    return TreeShap(values, base_value)


def tree_shap_interactions(
    booster: lightgbm.Booster,
    features: NDArray[np.floating[Any]],
    *,
    pairs: Sequence[tuple[int, int]],
    threads: int = 0,
) -> TreeShap:
    """Exact path-dependent SHAP interaction values of chosen pairs of features.

    Parameters
    ----------
    booster, features, threads
        As for `tree_shap`.
    pairs
        Two different features each, by column; their order does not matter.

    Returns
    -------
    TreeShap
        Values ``[row, pair]``: entries off the diagonal of SHAP's interaction matrix, each half the
        Shapley interaction index of the pair.

    Raises
    ------
    InputError
        If the booster is of a kind that is not supported.
    ValueError
        If a pair or a shape does not match the booster.
    """
    return forest_interactions(read_forest(booster), features, pairs=pairs, threads=threads)


def forest_interactions(
    forest: Forest,
    features: NDArray[np.floating[Any]],
    *,
    pairs: Sequence[tuple[int, int]],
    threads: int = 0,
) -> TreeShap:
    """`tree_shap_interactions` of trees that are read already."""
    _check_rows(features, forest)
    wanted = np.sort(np.asarray(pairs, dtype=np.int64).reshape(-1, 2), axis=1)
    if ((wanted < 0) | (wanted >= len(forest.names))).any() or (wanted[:, 0] == wanted[:, 1]).any():
        raise ValueError(f"a pair must be two different columns from 0 to {len(forest.names) - 1}")
    distinct, position = np.unique(wanted, axis=0, return_inverse=True)
    members, cells = np.unique(distinct, return_inverse=True)
    first, second = cells.reshape(-1, 2).T
    codes = np.full((members.size, members.size), -1)
    codes[first, second] = codes[second, first] = np.arange(first.size)
    place = np.full(len(forest.names), -1)
    place[members] = np.arange(members.size)
    values = np.zeros((features.shape[0], first.size))
    asked = Asked(place[forest.used].astype(np.int64), codes.astype(np.int64), first.size)
    base_value = _fill(values, np.arange(first.size), features, forest, asked, threads)
    return TreeShap(values[:, position.ravel()], base_value)


def _check_rows(features: NDArray[np.floating[Any]], forest: Forest) -> None:
    if features.ndim != 2 or features.shape[1] != len(forest.names):
        raise ValueError(
            f"features have shape {features.shape}, the booster has {len(forest.names)} columns"
        )


def _fill(
    values: Matrix,
    columns: NDArray[np.intp],
    features: NDArray[np.floating[Any]],
    forest: Forest,
    asked: Asked,
    threads: int,
) -> float:
    """Add every tree's values to columns of ``values`` and return the base value."""
    trees, rows = forest.trees, features.shape[0]
    sizes = measure(trees)
    if not rows or not asked.size:
        return sizes.base_value
    rule = quadrature(int(sizes.leaf_above.max(initial=0)))

    def add(kernel: Kernel, start: int) -> None:
        size = min(BLOCK, rows - start)
        block, sums = (
            np.zeros((n, -(-size // LANES) * LANES)) for n in (forest.used.size, asked.size)
        )
        block[:, :size] = features[start : start + size, forest.used].T
        clean(block)
        kernel(block, sums)
        values[start : start + size, columns] += sums[:, :size].T

    with ThreadPoolExecutor(threads or cores()) as pool:
        for kernel in _kernels(trees, sizes, asked, rule, rows):
            list(pool.map(partial(add, kernel), range(0, rows, BLOCK)))
    return sizes.base_value


def _kernels(trees: Trees, sizes: Sizes, asked: Asked, rule: Rule, rows: int) -> Iterator[Kernel]:
    """What is to be run on every block of rows."""
    for units in batches(trees, sizes, asked, rows):
        yield partial(look_up, trees=trees, tables=build(trees, asked, units, rule))
    wide = wide_leaves(trees, sizes, rows)
    if not wide.size:
        return
    if asked.codes.size or wide.size * rows <= FEW:
        paths = wide_paths(trees, sizes, wide, asked.place, asked.codes)
        if paths.leaves.size * rows <= FEW:
            yield partial(integrate, trees=trees, wide=paths, rule=rule)
        else:
            yield partial(add_pairs, trees=trees, wide=lay_pairs(trees, paths), rule=rule)
    else:
        edges = lay_edges(trees, wide, sizes.leaf_above, asked.place)
        yield partial(walk, trees=trees, edges=edges, rule=rule)
