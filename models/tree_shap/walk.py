"""SHAP values of wide paths by walking a tree: down with products, up with their sums.

The method is in `models.tree_shap.path_dependent`; paths share what lies above where they part.
Going down an edge of a split on feature i, product P is multiplied by the ratio of i's factors t
o_i + (1 - t) z_i after and before the split. Going up, S sums v P over the leaves below, and
feature i gets S times the difference that the split makes to i's quotient (o_i - z_i) / (t o_i +
(1 - t) z_i), so that on every path those differences sum to the quotient of all its splits on i.

Two nodes of the quadrature are walked together, so that whether rows take an edge is read once for
both. Loops over lanes are functions of their own: numba makes vector code of those.

"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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

LANES = 256
"""Rows walked together: enough to make up for what an edge costs, few enough for a tree's products
to stay in the second-level cache. Blocks are of a multiple of it."""


Taken = NDArray[np.float32]
"""Zeros and ones: exact, and half as much to read as doubles."""


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


def lay_edges(trees: Trees, leaves: Numbers, leaf_above: Numbers, place: Numbers) -> Edges:
    """Edges towards ``leaves``; the path to a leaf has ``leaf_above`` features."""
    wide = np.zeros(leaf_above.size, np.bool_)
    wide[leaves] = True
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
    needed = _needed(trees, wide)
    edge_to, edge = np.full(trees.column.size, -1), 0
    for tree in range(trees.start.size - 1):
        first, edges.start[tree] = edge, edge
        for node in range(trees.start[tree], trees.start[tree + 1]):
            opened = edge
            for side in range(2):
                child = trees.right[node] if side else trees.left[node]
                if not (needed[child] if child >= 0 else wide[~child]):
                    continue
                _lay_edge(trees, tree, node, side, edge_to[node], edge, edges)
                edges.place[edge], edges.leaf[edge] = place[trees.column[node]], -1
                if child >= 0:
                    edge_to[child] = edge - first
                else:
                    edges.leaf[edge] = ~child
                    edges.width[tree] = max(edges.width[tree], leaf_above[~child])
                edge += 1
            if edge > opened:
                edges.last[edge - 1] = 1
    edges.start[trees.start.size - 1] = edge


@compiled_part
def _needed(trees: Trees, wide: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Nodes above wide leaves."""
    needed = np.zeros(trees.column.size, np.bool_)
    for leaf in range(wide.size):
        node = trees.leaf_parent[leaf] if wide[leaf] else -1
        while node >= 0 and not needed[node]:
            needed[node] = True
            node = trees.parent[node]
    return needed


@compiled_part
def _lay_edge(
    trees: Trees, tree: int, node: int, side: int, above: int, edge: int, edges: Edges
) -> None:
    """Fill in where an edge hangs and the shares of training rows that take it."""
    first, start = edges.start[tree], trees.start[tree]
    before = above
    while before >= 0 and (trees.column[start + edges.node[first + before]] != trees.column[node]):
        before = edges.above[first + before]
    past = edges.share[first + before] if before >= 0 else 1.0
    edges.above[edge], edges.before[edge], edges.last[edge] = above, before, 0
    edges.node[edge], edges.flip[edge] = node - start, side
    edges.share_before[edge] = past
    edges.share[edge] = past * (trees.right_share[node] if side else trees.left_share[node])


@compiled
def walk(columns: Matrix, sums: Matrix, trees: Trees, edges: Edges, rule: Rule) -> None:
    """Add all edges' values for a block of rows to ``sums``, shape ``[place, lane]``."""
    deepest, most = 1, 1
    for tree in range(edges.width.size):
        deepest = max(deepest, trees.start[tree + 1] - trees.start[tree])
        most = max(most, edges.start[tree + 1] - edges.start[tree])
    left = np.empty((deepest, columns.shape[1]), np.uint8)
    weights = np.zeros((rule.nodes.shape[1] + 1, most, 5))
    # Row 0 stands for the edge above the first. A row of products is of two nodes.
    taken = np.ones((most + 1, LANES), np.float32)
    product, below = np.ones((most + 1, 2 * LANES)), np.zeros((most + 1, 2 * LANES))
    for tree in range(edges.width.size):
        first, count = edges.start[tree], edges.start[tree + 1] - edges.start[tree]
        if not count:
            continue
        decide(trees, columns, trees.start[tree], trees.start[tree + 1], left)
        number = (edges.width[tree] + 1) // 2
        for k in range(number):
            t, weight = rule.nodes[number, k], rule.weights[number, k]
            _weigh(edges, first, count, t, weight, trees.leaf_value, weights[k])
        # An odd number's last is walked with one that adds nothing.
        weights[number, :count] = 0.0
        for start in range(0, columns.shape[1], LANES):
            _take(edges, first, count, left, start, taken)
            for k in range(0, number, 2):
                one, two = weights[k], weights[k + 1]
                _descend(edges, first, count, one, two, taken, product)
                _ascend(edges, first, count, one, two, taken, product, below, sums, start)


@compiled_part
def _weigh(
    edges: Edges, first: int, count: int, t: float, weight: float, values: Vector, weights: Matrix
) -> None:
    """What edges multiply by at a node of the quadrature, shape ``[edge, 5]``.

    With b and n for whether a row takes the edges on the feature above and this one too, the first
    three are a product's constant and factors of b and n, times a leaf's value, and the last two
    the quotient's difference's of n and, subtracted, of b.
    """
    low = -1.0 / (1.0 - t)
    for e in range(count):
        at = first + e
        z, past, leaf = edges.share[at], edges.share_before[at], edges.leaf[at]
        # The ratio of factors is this step where an earlier split already failed.
        step = z / past if past > 0 else 0.0
        whole = t + (1.0 - t) * past
        rise = (1.0 - t) * z / whole - step
        scale = weight * values[leaf] if leaf >= 0 else 1.0
        weights[e, 0], weights[e, 1] = scale * step, scale * rise
        weights[e, 2] = scale * t / whole
        weights[e, 3] = (1.0 - z) / (t + (1.0 - t) * z) - low
        # Without an earlier split there is no quotient to take off.
        weights[e, 4] = (1.0 - past) / whole - low if edges.before[at] >= 0 else -low


@compiled_part
def _take(edges: Edges, first: int, count: int, left: Flags, start: int, taken: Taken) -> None:
    """Whether rows take every edge on the feature down to each."""
    for e in range(count):
        went = left[edges.node[first + e], start : start + LANES]
        before = taken[edges.before[first + e] + 1]
        _take_edge(went, edges.flip[first + e], before, taken[e + 1])


@compiled_part
def _take_edge(went: Flags, flip: int, before: Taken, row: Taken) -> None:
    for lane in range(LANES):
        row[lane] = before[lane] * np.float32(went[lane] ^ flip)


@compiled_part
def _descend(
    edges: Edges, first: int, count: int, one: Matrix, two: Matrix, taken: Taken, product: Matrix
) -> None:
    """Products down to every node."""
    for e in range(count):
        if edges.leaf[first + e] >= 0:
            continue
        above, before = product[edges.above[first + e] + 1], edges.before[first + e] + 1
        now, row = taken[e + 1], product[e + 1]
        if before:
            _multiply(above, taken[before], now, one, two, e, row)
        else:
            _multiply(above, None, now, one, two, e, row)


@compiled_part
def _ascend(
    edges: Edges, first: int, count: int, one: Matrix, two: Matrix,
    taken: Taken, product: Matrix, below: Matrix, sums: Matrix, start: int,
) -> None:  # fmt: skip
    """Sums of leaves' products ``below`` every node, and values."""
    for e in range(count - 1, -1, -1):
        at = first + e
        above, before = edges.above[at] + 1, edges.before[at] + 1
        out = sums[edges.place[at], start : start + LANES]
        keep, now, goal = 0.0 if edges.last[at] else 1.0, taken[e + 1], below[above]
        if edges.leaf[at] >= 0:
            if before:
                _add_leaf(product[above], taken[before], now, one, two, e, keep, goal, out)
            else:
                _add_leaf(product[above], None, now, one, two, e, keep, goal, out)
        elif before:
            _add_node(below[e + 1], taken[before], now, one, two, e, keep, goal, out)
        else:
            _add_node(below[e + 1], None, now, one, two, e, keep, goal, out)


# Lanes --------------------------------------------------------------------------------------------
# Without an earlier split on the feature ``before`` is None. ``keep`` is 0 at the first edge that
# adds to what is above it, else 1.


@compiled_part
def _multiply(
    above: Vector, before: Taken | None, now: Taken, one: Matrix, two: Matrix, e: int, row: Vector
) -> None:
    """Products below an edge."""
    step, rise, more = one[e, 0], one[e, 1], one[e, 2]
    step2, rise2, more2 = two[e, 0], two[e, 1], two[e, 2]
    for lane in range(LANES):
        b = 1.0 if before is None else before[lane]
        n = now[lane]
        row[lane] = above[lane] * (step + rise * b + more * n)
        row[lane + LANES] = above[lane + LANES] * (step2 + rise2 * b + more2 * n)


@compiled_part
def _add_leaf(
    above: Vector, before: Taken | None, now: Taken, one: Matrix, two: Matrix, e: int,
    keep: float, below: Vector, out: Vector,
) -> None:  # fmt: skip
    """Add a leaf's products to its feature's values and to the sums above it."""
    step, rise, more, high, past = one[e, 0], one[e, 1], one[e, 2], one[e, 3], one[e, 4]
    step2, rise2, more2, high2, past2 = two[e, 0], two[e, 1], two[e, 2], two[e, 3], two[e, 4]
    for lane in range(LANES):
        b = 1.0 if before is None else before[lane]
        n = now[lane]
        p = above[lane] * (step + rise * b + more * n)
        q = above[lane + LANES] * (step2 + rise2 * b + more2 * n)
        out[lane] += p * (high * n - past * b) + q * (high2 * n - past2 * b)
        below[lane] = keep * below[lane] + p
        below[lane + LANES] = keep * below[lane + LANES] + q


@compiled_part
def _add_node(
    row: Vector, before: Taken | None, now: Taken, one: Matrix, two: Matrix, e: int,
    keep: float, below: Vector, out: Vector,
) -> None:  # fmt: skip
    """Add a node's sums to its feature's values and to the sums above it."""
    high, past, high2, past2 = one[e, 3], one[e, 4], two[e, 3], two[e, 4]
    for lane in range(LANES):
        b = 1.0 if before is None else before[lane]
        n, p, q = now[lane], row[lane], row[lane + LANES]
        out[lane] += p * (high * n - past * b) + q * (high2 * n - past2 * b)
        below[lane] = keep * below[lane] + p
        below[lane + LANES] = keep * below[lane + LANES] + q
