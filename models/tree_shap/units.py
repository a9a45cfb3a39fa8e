"""Trees cut into groups of leaves, each with a table, and leaves on paths too wide for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.tree_shap.paths import Flags, Numbers, Sizes, Trees, Vector

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
    """Groups of leaves, each with a table, and single leaves whose paths are too wide for one.

    A group's bits are first the features above its root, then the splits below.

    Attributes
    ----------
    root
        Node, or ``~leaf``, shape ``[unit]``.
    bits
        Number of them, shape ``[unit]``.
    tabled
        Whether it has a table, shape ``[unit]``.
    first_node, stop_node
        First of its tree, and of the next, shape ``[unit]``.
    condition_start, target_start, table_start
        Where its part of the arrays below starts, shape ``[unit + 1]``.
    conditions, targets
        How much of that part is filled, shape ``[unit]``.
    node, flip, bit
        Conditions: a bit is 1 where ``goes left != flip`` holds for all of its nodes (by number in
        the tree). Bits appear in ascending order.
    share
        Share of training rows that satisfy a bit, at ``condition_start + bit``; paths only.
    first, second, out
        Targets: bits whose value it is (a single feature has no second: -1) and its place.
    table
        Sums by target and pattern of bits.
    """

    root: Numbers
    bits: Numbers
    tabled: NDArray[np.bool_]
    first_node: Numbers
    stop_node: Numbers
    condition_start: Numbers
    target_start: Numbers
    table_start: Numbers
    conditions: Numbers
    targets: Numbers
    node: Numbers
    flip: Flags
    bit: Numbers
    share: Vector
    first: Numbers
    second: Numbers
    out: Numbers
    table: Vector


def batches(trees: Trees, sizes: Sizes, asked: Asked, rows: int) -> Iterator[Units]:
    """Cut the trees into groups of leaves; tables of one batch at a time are in memory.

    A table pays where it has fewer patterns than there are rows.
    """
    fits, tabled_leaf = _fitting(sizes, rows)
    # Bits grow towards the top of a tree: a group is a largest subtree that has few enough.
    inner = np.flatnonzero(fits & ~((trees.parent >= 0) & fits[trees.parent]))
    alone = (trees.leaf_parent >= 0) & ~fits[trees.leaf_parent]
    # Single features of wide paths are `models.tree_shap.walk`'s.
    leaves = np.flatnonzero(alone if asked.codes.size else alone & tabled_leaf)
    root = np.concatenate([inner, ~leaves])
    bits = np.concatenate([(sizes.above + sizes.below)[inner], sizes.leaf_above[leaves]])
    conditions = np.concatenate([(sizes.depth + sizes.below)[inner], sizes.leaf_depth[leaves]])
    node = np.concatenate([inner, trees.leaf_parent[leaves]])
    order = np.argsort(node, kind="stable")
    root, bits, conditions = root[order], bits[order], conditions[order]
    tree = np.searchsorted(trees.start, node[order], side="right") - 1
    first_node, stop_node = trees.start[tree], trees.start[tree + 1]
    tabled = (root >= 0) | (bits <= _limits(rows)[1])
    targets = bits * (bits - 1) // 2 if asked.codes.size else bits
    targets = np.where(tabled, np.minimum(targets, asked.size), targets)
    cells = np.where(tabled, targets << np.where(tabled, bits, 0), 0)
    # A tree's units stay together: the walk decides its splits once.
    batch = np.cumsum(cells)[np.searchsorted(first_node, first_node)] // TABLE_SIZE
    for number in np.unique(batch):
        mine = batch == number
        yield _units(
            root[mine], bits[mine], tabled[mine], first_node[mine], stop_node[mine],
            conditions[mine], targets[mine], cells[mine],
        )  # fmt: skip


def _limits(rows: int) -> tuple[int, int]:
    """Most bits of a group and of a path's own table: it pays where rows outnumber patterns."""
    size = np.log2(rows)
    return int(np.clip(size - 6, 1, MOST_BITS)), int(np.clip(size - 4, 1, MOST_PATH_BITS))


def _fitting(sizes: Sizes, rows: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Nodes whose subtree can have one table, and leaves that can."""
    most, most_path = _limits(rows)
    return sizes.above + sizes.below <= most, sizes.leaf_above <= most_path


def wide_leaves(trees: Trees, sizes: Sizes, rows: int) -> NDArray[np.bool_]:
    """Leaves on paths too wide for any table."""
    fits, tabled = _fitting(sizes, rows)
    return (trees.leaf_parent >= 0) & ~fits[trees.leaf_parent] & ~tabled


def _units(
    root: Numbers, bits: Numbers, tabled: NDArray[np.bool_],
    first_node: Numbers, stop_node: Numbers, conditions: Numbers, targets: Numbers, cells: Numbers,
) -> Units:  # fmt: skip
    """Units with room for what `build` fills in: so many conditions, targets and cells each."""
    starts = [np.concatenate([[0], np.cumsum(c)]) for c in (conditions, targets, cells)]
    condition, target, cell = (int(start[-1]) for start in starts)
    node, bit = np.zeros(condition, np.int64), np.zeros(condition, np.int64)
    first, second, out = (np.zeros(target, np.int64) for _ in range(3))
    return Units(
        root, bits, tabled, first_node, stop_node, starts[0], starts[1], starts[2],
        np.zeros_like(root), np.zeros_like(root), node, np.zeros(condition, np.uint8), bit,
        np.zeros(condition), first, second, out, np.empty(cell),
    )  # fmt: skip
