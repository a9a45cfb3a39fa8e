"""Trees cut into groups of leaves, each with a table of values by pattern of the group's bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.tree_shap.leaf_paths import LeafPaths, leaf_paths, tree_of
from models.tree_shap.paths import Numbers, Sizes, Trees

MOST_BITS = 8
"""Bits of a group of leaves at most: a column of its table is then 2 KB."""
MOST_PATH_BITS = 11
"""Bits of a path's own table at most."""
TABLE_SIZE = 4_000_000
"""Doubles in the tables held at a time, if no tree alone needs more."""


class Asked(NamedTuple):
    """What to sum: one value a column of `place`, or where `codes` is not empty one a pair.

    Attributes
    ----------
    place
        Of every used column: where its values go, or its row in `codes`; -1 for neither.
    codes
        Where a pair's values go, -1 for nowhere; symmetric.
    size
        Number of places.
    """

    place: Numbers
    codes: Numbers
    size: int


class Units(NamedTuple):
    """Groups of leaves below a node, and single leaves, in the order of their trees.

    A group's bits are first the features above its root, then the splits below.

    Attributes
    ----------
    bits
        Number of them, shape ``[unit]``.
    above
        How many of them are features, shape ``[unit]``.
    first_node, stop_node
        First of its tree, and of the next, shape ``[unit]``.
    leaves
        Shape ``[leaf]``; this and the others are of the leaves in all units.
    unit
        Ascending.
    paths
        Down to the leaves.
    steps_above
        Steps of the path above the group's root.
    """

    bits: Numbers
    above: Numbers
    first_node: Numbers
    stop_node: Numbers
    leaves: Numbers
    unit: Numbers
    paths: LeafPaths
    steps_above: Numbers


def batches(trees: Trees, sizes: Sizes, asked: Asked, rows: int) -> Iterator[Units]:
    """Cut the trees into groups of leaves; tables of one batch at a time are in memory."""
    fits, alone = _fitting(sizes, rows)
    leaves = np.flatnonzero((trees.leaf_parent >= 0) & (fits[trees.leaf_parent] | alone))
    paths = leaf_paths(trees, sizes, leaves)
    # Bits grow towards the top of a tree: a group is a largest subtree that has few enough.
    whole = (paths.node >= 0) & fits[paths.node]
    grouped, depth = np.any(whole, axis=1), sizes.leaf_depth[leaves]
    first = whole.argmax(axis=1) if whole.size else np.zeros_like(leaves)
    steps_above = np.where(grouped, first, depth)
    # A leaf alone stands for the split above it.
    root = paths.node[np.arange(leaves.size), steps_above - ~grouped]
    key = root * (trees.leaf_value.size + 1) + np.where(grouped, 0, 1 + leaves)
    order = np.argsort(key, kind="stable")
    _, first, unit = np.unique(key[order], return_index=True, return_inverse=True)
    leaves, steps_above = leaves[order], steps_above[order]
    paths = paths.of(order)
    above, bits = np.where(
        grouped[order],
        (sizes.above[root[order]], (sizes.above + sizes.below)[root[order]]),
        sizes.leaf_above[leaves],
    )[:, first]
    tree = tree_of(trees, root[order][first])
    first_node, stop_node = trees.start[tree], trees.start[tree + 1]
    targets = bits * (bits - 1) // 2 if asked.codes.size else bits
    cells = np.minimum(targets, asked.size) << bits
    # A tree's units stay together: the walk decides its splits once.
    batch = np.cumsum(cells)[np.searchsorted(first_node, first_node)] // TABLE_SIZE
    for number in np.unique(batch):
        mine = np.flatnonzero(batch == number)
        among = np.flatnonzero((unit >= mine[0]) & (unit <= mine[-1]))
        yield Units(
            bits[mine], above[mine], first_node[mine], stop_node[mine], leaves[among],
            unit[among] - mine[0], paths.of(among), steps_above[among],
        )  # fmt: skip


def wide_leaves(trees: Trees, sizes: Sizes, rows: int) -> Numbers:
    """Leaves on paths too wide for any table."""
    fits, alone = _fitting(sizes, rows)
    return np.flatnonzero((trees.leaf_parent >= 0) & ~fits[trees.leaf_parent] & ~alone)


def _fitting(sizes: Sizes, rows: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Nodes whose subtree can have one table, and leaves that can.

    A table pays where rows are many for its patterns; small ones cost less than a path by itself.
    """
    size = np.log2(rows)
    most = int(np.clip(size - 6, 4, MOST_BITS))
    most_path = int(np.clip(size - 4, 8, MOST_PATH_BITS))
    return sizes.above + sizes.below <= most, sizes.leaf_above <= most_path
