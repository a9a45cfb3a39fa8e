"""SHAP values of wide paths by walking a tree: down with products, up with their sums.

The method is in `models.tree_shap`; paths share what lies above where they part. Going down an edge
of a split on feature i, product P is multiplied by the ratio of i's factors t o_i + (1 - t) z_i
after and before the split. Going up, S sums v P over the leaves below, and feature i gets S times
the difference that the split makes to i's quotient (o_i - z_i) / (t o_i + (1 - t) z_i), so that on
every path those differences sum to the quotient of all its splits on i.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.tree_paths import Flags, Matrix, Numbers, Rule, Trees, Vector, compiled, decide

LANES = 128
"""Rows walked together, so that a tree's products stay near; blocks are of a multiple of it."""


class Edges(NamedTuple):
    """Edges towards leaves with wide paths, those above before those below.

    Attributes
    ----------
    start
        First edge of every tree and the number of edges, shape ``[tree + 1]``.
    width
        Most features on a path, shape ``[tree]``.
    above
        The edge above, counted within the tree, or -1; this and the others have shape ``[edge]``.
    last
        1 for the last edge below the one above.
    before
        The nearest edge above of a split on the same feature, or -1.
    node, flip
        Split, counted within the tree; the edge is taken where ``goes left != flip``.
    share_before, share
        Share of training rows that take the edges on the feature, without and with this one.
    place
        Where the feature's values go.
    leaf
        The leaf at its end, or -1.
    """

    start: Numbers
    width: Numbers
    above: Numbers
    last: Flags
    before: Numbers
    node: Numbers
    flip: Flags
    share_before: Vector
    share: Vector
    place: Numbers
    leaf: Numbers


def lay_edges(trees: Trees, wide: NDArray[np.bool_], leaf_above: Numbers, place: Numbers) -> Edges:
    """Edges towards ``wide`` leaves, whose paths have ``leaf_above`` features."""
    start, most = np.zeros_like(trees.start), 2 * trees.column.size
    above, before, node, goal, leaf = (np.empty(most, np.int64) for _ in range(5))
    last, flip = np.empty(most, np.uint8), np.empty(most, np.uint8)
    past, share = np.empty(most), np.empty(most)
    width = np.zeros(start.size - 1, np.int64)
    edges = Edges(start, width, above, last, before, node, flip, past, share, goal, leaf)
    _lay(trees, wide, leaf_above, place, edges)
    return edges


@compiled
def _lay(
    trees: Trees, wide: NDArray[np.bool_], leaf_above: Numbers, place: Numbers, edges: Edges
) -> None:
    """Fill in the edges."""
    needed = np.zeros(trees.column.size, np.bool_)
    for leaf in range(wide.size):
        node = trees.leaf_parent[leaf] if wide[leaf] else -1
        while node >= 0 and not needed[node]:
            needed[node] = True
            node = trees.parent[node]
    edge_to, edge = np.empty(trees.column.size, np.int64), 0
    for tree in range(trees.start.size - 1):
        first, edges.start[tree] = edge, edge
        for node in range(trees.start[tree], trees.start[tree + 1]):
            opened = -1
            if trees.parent[node] < 0:
                edge_to[node] = -1
            for side in range(2):
                child = trees.right[node] if side else trees.left[node]
                if not (needed[child] if child >= 0 else wide[~child]):
                    continue
                above = edge_to[node]
                before = above
                while before >= 0 and (
                    trees.column[trees.start[tree] + edges.node[first + before]]
                    != trees.column[node]
                ):
                    before = edges.above[first + before]
                past = edges.share[first + before] if before >= 0 else 1.0
                edges.above[edge], edges.before[edge], edges.last[edge] = above, before, 0
                edges.node[edge], edges.flip[edge] = node - trees.start[tree], side
                edges.share_before[edge] = past
                edges.share[edge] = past * (
                    trees.right_share[node] if side else trees.left_share[node]
                )
                edges.place[edge], edges.leaf[edge] = place[trees.column[node]], -1
                if child >= 0:
                    edge_to[child] = edge - first
                else:
                    edges.leaf[edge] = ~child
                    edges.width[tree] = max(edges.width[tree], leaf_above[~child])
                opened = edge
                edge += 1
            if opened >= 0:
                edges.last[opened] = 1
    edges.start[trees.start.size - 1] = edge


@compiled
def walk(columns: Matrix, sums: Matrix, trees: Trees, edges: Edges, rule: Rule) -> None:
    """Add all edges' values for a block of rows to ``sums``, shape ``[place, lane]``."""
    deepest, most = 1, 1
    for tree in range(edges.width.size):
        deepest = max(deepest, trees.start[tree + 1] - trees.start[tree])
        most = max(most, edges.start[tree + 1] - edges.start[tree])
    left = np.empty((deepest, columns.shape[1]), np.uint8)
    # Row -1 stands for the edge above the first.
    taken, product = np.ones((most + 1, LANES)), np.ones((most + 1, LANES))
    for tree in range(edges.width.size):
        first, count = edges.start[tree], edges.start[tree + 1] - edges.start[tree]
        if not count:
            continue
        decide(trees, columns, trees.start[tree], trees.start[tree + 1], left)
        number = (edges.width[tree] + 1) // 2
        for start in range(0, columns.shape[1], LANES):
            _take(edges, first, count, left, start, taken)
            for k in range(number):
                t, weight = rule.nodes[number, k], rule.weights[number, k]
                _descend(edges, first, count, t, taken, product)
                _ascend(edges, first, count, t, weight, trees, taken, product, sums, start)


@compiled
def _take(edges: Edges, first: int, count: int, left: Flags, start: int, taken: Matrix) -> None:
    """Whether rows take every edge on the feature down to each."""
    for e in range(count):
        went, flip = left[edges.node[first + e], start : start + LANES], edges.flip[first + e]
        row, before = taken[e], taken[edges.before[first + e]]
        for lane in range(LANES):
            row[lane] = before[lane] * (went[lane] ^ flip)


@compiled
def _descend(
    edges: Edges, first: int, count: int, t: float, taken: Matrix, product: Matrix
) -> None:
    for e in range(count):
        z, past = edges.share[first + e], edges.share_before[first + e]
        # The ratio of factors is this step where an earlier split already failed.
        step = z / past if past > 0 else 0.0
        whole = t + (1.0 - t) * past
        rise, more = (1.0 - t) * z / whole - step, t / whole
        row, above = product[e], product[edges.above[first + e]]
        now, before = taken[e], taken[edges.before[first + e]]
        for lane in range(LANES):
            row[lane] = above[lane] * (step + rise * before[lane] + more * now[lane])


@compiled
def _ascend(
    edges: Edges, first: int, count: int, t: float, weight: float, trees: Trees,
    taken: Matrix, product: Matrix, sums: Matrix, start: int,
) -> None:  # fmt: skip
    low = -1.0 / (1.0 - t)
    for e in range(count - 1, -1, -1):
        at = first + e
        row = product[e]
        if edges.leaf[at] >= 0:
            value = weight * trees.leaf_value[edges.leaf[at]]
            for lane in range(LANES):
                row[lane] *= value
        z, past, before = edges.share[at], edges.share_before[at], edges.before[at]
        high = (1.0 - z) / (t + (1.0 - t) * z) - low
        # Without an earlier split there is no quotient to take off.
        past_high = (1.0 - past) / (t + (1.0 - t) * past) - low if before >= 0 else -low
        now, then, out = taken[e], taken[before], sums[edges.place[at], start : start + LANES]
        for lane in range(LANES):
            out[lane] += row[lane] * (high * now[lane] - past_high * then[lane])
        if edges.above[at] < 0:
            continue
        above = product[edges.above[at]]
        if edges.last[at]:
            for lane in range(LANES):
                above[lane] = row[lane]
        else:
            for lane in range(LANES):
                above[lane] += row[lane]
