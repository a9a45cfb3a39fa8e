"""Shapley values of single paths, by quadrature: for every pattern of bits, or row by row.

The formulas are in `models.tree_shap.path_dependent`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.tree_shap.leaf_paths import LeafPaths, leaf_paths, tree_of
from models.tree_shap.paths import (
    Matrix,
    Numbers,
    Rule,
    Sizes,
    Trees,
    Vector,
    decide,
)

Pairs = tuple[Numbers, Numbers]
"""Slots of two features each."""
Held = NDArray[np.bool_]
"""Which features' splits are met, shape ``[slot, lane]``."""


def patterns(slots: int) -> Held:
    """Every pattern of the features' bits, the first slot's lowest."""
    return (np.arange(1 << slots) >> np.arange(slots)[:, None] & 1).astype(np.bool_)


def pattern_values(values: Vector, shares: Matrix, pairs: Pairs | None, rule: Rule) -> Matrix:
    """Values of paths with equally many features, for every pattern of their bits.

    Parameters
    ----------
    values, shares
        Of the leaves, shape ``[path]``; of training rows, shape ``[path, slot]``.
    pairs
        Slots whose interaction is asked for; None asks for every feature's own value.
    rule
        Quadrature.

    Returns
    -------
    ndarray, shape ``[path, slot or pair, pattern]``
    """
    slots = shares.shape[1]
    nodes, weights = _nodes(rule, slots)
    product = values[:, None, None] * weights[:, None]
    fail = (1.0 - nodes) * shares[:, :, None]
    for slot in range(slots):
        factors = fail[:, slot, :, None], (nodes + fail[:, slot])[:, :, None]
        product = np.concatenate([product * factor for factor in factors], axis=2)
    return _targets(product, patterns(slots), shares, nodes, pairs)


def _nodes(rule: Rule, slots: int) -> tuple[Vector, Vector]:
    """Nodes and weights that are exact for so many features."""
    number = (slots + 1) // 2
    return rule.nodes[number, :number], rule.weights[number, :number]


def _targets(
    product: Matrix, held: Held, shares: Matrix, nodes: Vector, pairs: Pairs | None
) -> Matrix:
    """Sums over the nodes of ``product``, shape ``[path, node, lane]``, times what is asked for."""
    low = -1.0 / (1.0 - nodes)
    high = (1.0 - shares[:, :, None]) / (nodes + (1.0 - nodes) * shares[:, :, None])
    if pairs is None:
        return np.where(held, high @ product, (low @ product)[:, None])
    one, other = pairs
    neither = ((low * low) @ product)[:, None]
    single = (high * low) @ product
    both = (high[:, one] * high[:, other]) @ product
    found = np.where(held[other], single[:, other], neither)
    return 0.5 * np.where(held[one], np.where(held[other], both, single[:, one]), found)


class WidePaths(NamedTuple):
    """Paths with too many features for a table.

    Attributes
    ----------
    leaves
        Shape ``[path]``, ascending.
    paths
        Down to them.
    out
        Where values go, shape ``[path, slot or pair]``; -1 for nowhere.
    pairs
        As of `pattern_values`.
    """

    leaves: Numbers
    paths: LeafPaths
    out: Numbers
    pairs: Pairs | None


def asked_of(paths: LeafPaths, place: Numbers, codes: Numbers) -> tuple[Numbers, Pairs | None]:
    """Where the values of paths go, shape ``[path, slot or pair]``, and the pairs of slots."""
    where = np.where(paths.column >= 0, place[paths.column], -1)
    if not codes.size:
        return where, None
    one, other = np.tril_indices(where.shape[1], -1)
    first, second = where[:, one], where[:, other]
    return np.where((first >= 0) & (second >= 0), codes[first, second], -1), (one, other)


def wide_paths(
    trees: Trees, sizes: Sizes, leaves: Numbers, place: Numbers, codes: Numbers
) -> WidePaths:
    """The paths to ``leaves`` that have values that are asked for."""
    paths = leaf_paths(trees, sizes, leaves)
    out, pairs = asked_of(paths, place, codes)
    kept = np.flatnonzero((out >= 0).any(axis=1))
    return WidePaths(leaves[kept], paths.of(kept), out[kept], pairs)


def integrate(columns: Matrix, sums: Matrix, trees: Trees, wide: WidePaths, rule: Rule) -> None:
    """Add the values of wide paths for a block of rows to ``sums``, shape ``[place, lane]``."""
    tree = tree_of(trees, wide.paths.node[:, 0])
    for number in np.unique(tree):
        start, stop = int(trees.start[number]), int(trees.start[number + 1])
        left = np.empty((stop - start, columns.shape[1]), np.uint8)
        decide(trees, columns, start, stop, left)
        for path in np.flatnonzero(tree == number):
            _integrate(int(path), left, start, sums, trees, wide, rule)


def _integrate(
    path: int, left: NDArray[np.uint8], start: int, sums: Matrix, trees: Trees, wide: WidePaths,
    rule: Rule,
) -> None:  # fmt: skip
    paths, steps = wide.paths, np.count_nonzero(wide.paths.node[path] >= 0)
    slots = int(np.count_nonzero(paths.column[path] >= 0))
    went = left[paths.node[path, :steps] - start] == paths.left[path, :steps, None]
    order = np.argsort(paths.slot[path, :steps], kind="stable")
    first = np.searchsorted(paths.slot[path, order], np.arange(slots))
    held = np.logical_and.reduceat(went[order], first, axis=0)
    shares = paths.share[path, :slots]
    nodes, weights = _nodes(rule, slots)
    product = np.outer(trees.leaf_value[wide.leaves[path]] * weights, np.ones(left.shape[1]))
    for slot in range(slots):
        fail = (1.0 - nodes)[:, None] * shares[slot]
        product *= fail + nodes[:, None] * held[slot]
    asked = np.flatnonzero(wide.out[path] >= 0)
    pairs = None if wide.pairs is None else (wide.pairs[0][asked], wide.pairs[1][asked])
    found = _targets(product[None], held, shares[None], nodes, pairs)[0]
    # One by one: several features may share a place.
    for row, target in enumerate(asked):
        sums[wide.out[path, target]] += found[row if pairs else target]
