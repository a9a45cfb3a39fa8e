"""Paths from the top of a tree down to its leaves, as matrices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.tree_shap.paths import Matrix, Numbers, Sizes, Trees


class LeafPaths(NamedTuple):
    """Splits from the top of a tree down to leaves, and the features they are on.

    A feature's slot is its number among the path's, in the order they are met from the top: paths
    that share a beginning share its slots.

    Attributes
    ----------
    node
        Split, shape ``[path, step]``; -1 after the last.
    left
        Whether the path goes left there.
    slot
        Of the split's feature.
    column, share
        Feature, and share of training rows that meet all of its splits, shape ``[path, slot]``; -1
        and 1 after the last.
    """

    node: Numbers
    left: NDArray[np.bool_]
    slot: Numbers
    column: Numbers
    share: Matrix

    @property
    def steps(self) -> Numbers:
        """How many splits each path has."""
        return (self.node >= 0).sum(axis=1)

    @property
    def slots(self) -> Numbers:
        """How many features each path has."""
        return (self.column >= 0).sum(axis=1)

    def of(self, chosen: NDArray[np.intp]) -> LeafPaths:
        """Some of the paths."""
        return LeafPaths(
            self.node[chosen],
            self.left[chosen],
            self.slot[chosen],
            self.column[chosen],
            self.share[chosen],
        )


def leaf_paths(trees: Trees, sizes: Sizes, leaves: Numbers) -> LeafPaths:
    """Paths to some leaves, none of which is a tree of its own."""
    depth, steps = sizes.leaf_depth[leaves], int(sizes.leaf_depth[leaves].max(initial=0))
    width = int(sizes.leaf_above[leaves].max(initial=0))
    node, slot = np.full((leaves.size, steps), -1), np.zeros((leaves.size, steps), np.int64)
    left = np.zeros(node.shape, np.bool_)
    child, at, live = ~leaves, trees.leaf_parent[leaves], np.arange(leaves.size)
    for back in range(1, steps + 1):
        place = depth[live] - back
        node[live, place], left[live, place] = at, trees.left[at] == child
        child, at = at, trees.parent[at]
        child, at, live = child[at >= 0], at[at >= 0], live[at >= 0]
    column, share = np.full((leaves.size, width), -1), np.ones((leaves.size, width))
    count = np.zeros(leaves.size, np.int64)
    for step in range(steps):
        live = np.flatnonzero(node[:, step] >= 0)
        split = node[live, step]
        same = column[live] == trees.column[split][:, None]
        known = same.any(axis=1)
        slot[live, step] = place = np.where(known, same.argmax(axis=1), count[live])
        column[live, place] = trees.column[split]
        share[live, place] *= np.where(
            left[live, step], trees.left_share[split], trees.right_share[split]
        )
        count[live] += ~known
    return LeafPaths(node, left, slot, column, share)


def tree_of(trees: Trees, node: Numbers) -> Numbers:
    """Number of the tree that each node is in."""
    return np.searchsorted(trees.start, node, side="right") - 1
