"""Interactions on wide paths in compiled code, path by path: for many rows and paths.

The formulas are in `models.tree_shap.path_dependent`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.tree_shap.integrals import WidePaths
from models.tree_shap.leaf_paths import LeafPaths, tree_of
from models.tree_shap.paths import (
    Flags,
    Matrix,
    Numbers,
    Rule,
    Trees,
    Vector,
    compiled,
    compiled_part,
    decide,
)


class PairPaths(NamedTuple):
    """Wide paths and the pairs of slots that are asked for on each.

    Attributes
    ----------
    tree, steps, slots, value
        Number of the tree, of splits and of features, and the leaf's value, shape ``[path]``.
    paths
        Down to the leaves.
    start
        First pair of every path and the number of pairs, shape ``[path + 1]``.
    first, second, out
        Slots, and where the value goes, shape ``[pair]``.
    """

    tree: Numbers
    steps: Numbers
    slots: Numbers
    value: Vector
    paths: LeafPaths
    start: Numbers
    first: Numbers
    second: Numbers
    out: Numbers


def lay_pairs(trees: Trees, wide: WidePaths) -> PairPaths:
    """The pairs of wide paths, path after path."""
    assert wide.pairs is not None
    path, pair = np.nonzero(wide.out >= 0)
    return PairPaths(
        tree=tree_of(trees, wide.paths.node[:, 0]),
        steps=wide.paths.steps,
        slots=wide.paths.slots,
        value=trees.leaf_value[wide.leaves],
        paths=wide.paths,
        start=np.searchsorted(path, np.arange(wide.leaves.size + 1)),
        first=wide.pairs[0][pair],
        second=wide.pairs[1][pair],
        out=wide.out[path, pair],
    )


@compiled
def add_pairs(columns: Matrix, sums: Matrix, trees: Trees, wide: PairPaths, rule: Rule) -> None:
    """Add all paths' values for a block of rows to ``sums``, shape ``[place, lane]``."""
    lanes, decided, top = columns.shape[1], -1, 0
    most = 1
    for tree in wide.tree:
        most = max(most, trees.start[tree + 1] - trees.start[tree])
    left = np.empty((most, lanes), np.uint8)
    held, product = np.empty((wide.paths.column.shape[1], lanes), np.bool_), np.empty(lanes)
    for path in range(wide.tree.size):
        if wide.tree[path] != decided:
            decided = wide.tree[path]
            top = trees.start[decided]
            decide(trees, columns, top, trees.start[decided + 1], left)
        _hold(wide, path, left, top, held)
        number = (wide.slots[path] + 1) // 2
        for k in range(number):
            t = rule.nodes[number, k]
            product[:] = wide.value[path] * rule.weights[number, k]
            for slot in range(wide.slots[path]):
                _multiply(product, held[slot], t, (1.0 - t) * wide.paths.share[path, slot])
            for pair in range(wide.start[path], wide.start[path + 1]):
                one, other = wide.first[pair], wide.second[pair]
                share, share_other = wide.paths.share[path, one], wide.paths.share[path, other]
                _add(sums[wide.out[pair]], product, held[one], held[other], t, share, share_other)


@compiled_part
def _hold(wide: PairPaths, path: int, left: Flags, top: int, held: NDArray[np.bool_]) -> None:
    """Which features' splits are met by every lane."""
    held[: wide.slots[path]] = True
    for step in range(wide.steps[path]):
        row = held[wide.paths.slot[path, step]]
        went = left[wide.paths.node[path, step] - top]
        wanted = wide.paths.left[path, step]
        for lane in range(row.size):
            row[lane] &= (went[lane] != 0) == wanted


@compiled_part
def _multiply(product: Vector, held: NDArray[np.bool_], t: float, fail: float) -> None:
    for lane in range(product.size):
        product[lane] *= fail + t * held[lane]


@compiled_part
def _add(
    row: Vector, product: Vector, one: NDArray[np.bool_], other: NDArray[np.bool_],
    t: float, share: float, share_other: float,
) -> None:  # fmt: skip
    low = -1.0 / (1.0 - t)
    rise = (1.0 - share) / (t + (1.0 - t) * share) - low
    rise_other = (1.0 - share_other) / (t + (1.0 - t) * share_other) - low
    for lane in range(row.size):
        both = (low + rise * one[lane]) * (low + rise_other * other[lane])
        row[lane] += 0.5 * product[lane] * both
