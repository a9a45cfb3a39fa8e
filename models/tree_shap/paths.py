"""The trees of a LightGBM booster as flat arrays, for `models.tree_shap.path_dependent`.

LightGBM's text model is read rather than its dump: the same numbers (17 digits give every double
back) at a tenth of the time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from features.errors import InputError

if TYPE_CHECKING:
    import lightgbm

Vector = NDArray[np.float64]
Numbers = NDArray[np.int64]
Flags = NDArray[np.uint8]
Matrix = NDArray[np.float64]
Words = NDArray[np.uint32]
Body = Mapping[str, list[str]]
"""What stands after a key in the text of every tree."""
Function = TypeVar("Function", bound=Callable[..., Any])

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_ZERO = 1
"""Bits, and a type of missing values (0 none, 1 zero, 2 NaN), in LightGBM's ``decision_type``."""


_TINY = float(np.float32(1e-35))
"""LightGBM takes numbers up to this for zero."""


class Trees(NamedTuple):
    """Trees by node and leaf, both numbered through all trees; a tuple because numba takes those.

    Attributes
    ----------
    column
        Split column among `Forest.used`, shape ``[node]``.
    threshold
        Rows up to it go left, shape ``[node]``.
    nan_left
        1 where NaN goes left, shape ``[node]``.
    zero_missing
        1 where zero goes where NaN does, shape ``[node]``.
    left, right
        Child, shape ``[node]``: a node, or ``~leaf``. A child's number exceeds its parent's.
    left_share, right_share
        Share of the node's training rows that went there, shape ``[node]``.
    parent, leaf_parent
        Node above, shapes ``[node]`` and ``[leaf]``; -1 at the top of a tree.
    leaf_value
        In units of the raw prediction, shape ``[leaf]``.
    start
        First node of every tree and the number of nodes, shape ``[tree + 1]``.
    category_start, category_stop
        Part of `categories` that a split on categories owns, shape ``[node]``; empty for others.
    categories
        A bit a category, 1 where it goes left, 32 in a word.
    """

    column: Numbers
    threshold: Vector
    nan_left: Flags
    zero_missing: Flags
    left: Numbers
    right: Numbers
    left_share: Vector
    right_share: Vector
    parent: Numbers
    leaf_parent: Numbers
    leaf_value: Vector
    start: Numbers
    category_start: Numbers
    category_stop: Numbers
    categories: Words


@dataclass(frozen=True, slots=True)
class Forest:
    """A booster's trees and columns.

    Attributes
    ----------
    trees
        Its splits and leaves.
    used
        Columns some tree splits on, ascending, shape ``[used]``.
    names
        Of all columns the booster was trained on.
    """

    trees: Trees
    used: Numbers
    names: tuple[str, ...]


def read_forest(booster: lightgbm.Booster) -> Forest:
    """Read the trees that `lightgbm.Booster.predict` uses by default, of a booster of one output.

    Raises
    ------
    InputError
        If the booster has several outputs or linear leaves.
    """
    forests = read_forests(booster)
    if len(forests) != 1:
        raise InputError(
            f"the booster has several outputs (classes), {len(forests)}, where one is explained",
            remedy="Train a booster per class (one against the rest), or use pred_contrib",
        )
    return forests[0]


def read_forests(booster: lightgbm.Booster) -> list[Forest]:
    """Read the trees of every output (class), in LightGBM's order.

    Raises
    ------
    InputError
        If the booster has linear leaves.
    """
    text = booster.model_to_string()
    head, *blocks = text.partition("\nend of trees")[0].split("\nTree=")
    if any("\nis_linear=1" in block for block in blocks):
        raise InputError(
            "the booster has linear leaves (linear_tree), whose contributions are no path's",
            remedy="Train with linear_tree=False",
        )
    per_round = re.search(r"^num_tree_per_iteration=(\d+)", head, re.MULTILINE)
    assert per_round is not None, "LightGBM's text model has changed"
    outputs, names = int(per_round[1]), tuple(booster.feature_name())
    # A round's trees stand one after the other, a tree an output.
    return [_forest("\n".join(blocks[output::outputs]), names) for output in range(outputs)]


def _forest(text: str, names: tuple[str, ...]) -> Forest:
    body = defaultdict[str, list[str]](list)
    for line in text.split("\n"):
        key, _, values = line.partition("=")
        body[key].append(values)
    nodes = _numbers(body, "num_leaves").astype(np.int64) - 1
    kind = _numbers(body, "decision_type").astype(np.int64)
    feature = _numbers(body, "split_feature").astype(np.int64)
    used, column = np.unique(feature, return_inverse=True)
    missing = kind >> 2 & 3
    threshold = _numbers(body, "threshold")
    default_left = kind & _DEFAULT_LEFT > 0
    links = _links(body, nodes)
    trees = Trees(
        column=column.astype(np.int64),
        threshold=threshold,
        # Where no missing values were trained on NaN counts as zero.
        nan_left=np.where(missing == 0, threshold >= 0, default_left).astype(np.uint8),
        zero_missing=(missing == _ZERO).astype(np.uint8),
        **links,
        leaf_value=_numbers(body, "leaf_value"),
        start=np.concatenate([[0], np.cumsum(nodes)]).astype(np.int64),
        **_categories(body, nodes, kind & _CATEGORICAL > 0, threshold),
    )
    return Forest(trees=trees, used=used, names=names)


def _categories(
    body: Body, nodes: Numbers, categorical: NDArray[np.bool_], threshold: Vector
) -> dict[str, NDArray[Any]]:
    """Sets of categories that go left: a split's threshold is the number of its set in the tree."""
    sets = _numbers(body, "num_cat").astype(np.int64)
    bounds = _numbers(body, "cat_boundaries").astype(np.int64)
    # Trees without sets have no bounds; others have one more than sets, from 0 in each tree.
    lengths = np.where(sets > 0, sets + 1, 0)
    first = np.cumsum(lengths) - lengths
    words = np.zeros(sets.size, np.int64)
    words[sets > 0] = bounds[(first + sets)[sets > 0]]
    tree = np.repeat(np.arange(nodes.size), nodes)[categorical]
    number = first[tree] + threshold[categorical].astype(np.int64)
    start, stop = np.zeros((2, categorical.size), np.int64)
    start[categorical] = bounds[number] + (np.cumsum(words) - words)[tree]
    stop[categorical] = bounds[number + 1] + (np.cumsum(words) - words)[tree]
    return {
        "category_start": start,
        "category_stop": stop,
        "categories": _numbers(body, "cat_threshold").astype(np.uint32),
    }


def _links(body: Body, nodes: Numbers) -> dict[str, NDArray[Any]]:
    """Children, parents and shares of training rows, in the numbering through all trees."""
    total, leaves = int(nodes.sum()), int((nodes + 1).sum())
    first_node = np.repeat(np.cumsum(nodes) - nodes, nodes)
    first_leaf = np.repeat(np.cumsum(nodes + 1) - nodes - 1, nodes)
    count = _numbers(body, "internal_count")
    leaf_count = _numbers(body, "leaf_count")
    parent, leaf_parent = np.full(total, -1), np.full(leaves, -1)
    found: dict[str, NDArray[Any]] = {"parent": parent, "leaf_parent": leaf_parent}
    for side in ("left", "right"):
        child = _numbers(body, f"{side}_child").astype(np.int64)
        inner = child >= 0
        child = np.where(inner, child + first_node, ~(~child + first_leaf))
        parent[child[inner]] = np.flatnonzero(inner)
        leaf_parent[~child[~inner]] = np.flatnonzero(~inner)
        below = np.empty(total)
        below[inner], below[~inner] = count[child[inner]], leaf_count[~child[~inner]]
        found[side] = child
        found[f"{side}_share"] = np.divide(below, count, out=np.zeros(total), where=count > 0)
    if (parent >= np.arange(total)).any():
        raise ValueError("a node of the booster has a smaller number than the node above it")
    return found


def _numbers(body: Body, key: str) -> Vector:
    """All trees' values of a key, one after the other."""
    return np.fromiter(map(float, " ".join(body[key]).split()), dtype=np.float64)


# What holds of every tree -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sizes:
    """Where nodes and leaves stand in their trees.

    Attributes
    ----------
    above, leaf_above
        Distinct features split on above it, shapes ``[node]`` and ``[leaf]``.
    depth, leaf_depth
        Splits above it.
    below
        Nodes of its subtree, itself included, shape ``[node]``.
    base_value
        Sum of leaf values, weighted by the shares of training rows on their paths.
    """

    above: Numbers
    depth: Numbers
    below: Numbers
    leaf_above: Numbers
    leaf_depth: Numbers
    base_value: float


class Rule(NamedTuple):
    """Gauss-Legendre nodes and weights on [0, 1], by number of nodes, shape ``[number, node]``."""

    nodes: Matrix
    weights: Matrix


def quadrature(bits: int) -> Rule:
    """Rules that are exact for paths of up to ``bits`` features."""
    most = (bits + 1) // 2
    nodes, weights = np.zeros((most + 1, most)), np.zeros((most + 1, most))
    for number in range(1, most + 1):
        x, w = np.polynomial.legendre.leggauss(number)
        nodes[number, :number], weights[number, :number] = (1 + x) / 2, w / 2
    return Rule(nodes, weights)


_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "fastmath": {"contract"},
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}


def compiled(function: Function) -> Function:
    """Compile without the interpreter's lock; keep the result where there is a place for it."""
    try:
        return numba.njit(function, cache=True, **_OPTIONS)
    except RuntimeError:  # neither the package's folder nor the user's can be written to
        return numba.njit(function, **_OPTIONS)


def compiled_part(function: Function) -> Function:
    """Compile for compiled callers only, who keep the result in theirs.

    Without an entrance from Python and a file of its own it takes three quarters of the time.
    """
    return numba.njit(function, no_cpython_wrapper=True, **_OPTIONS)


def measure(trees: Trees) -> Sizes:
    """Where nodes and leaves stand, level by level from the top."""
    nodes, leaves = trees.column.size, trees.leaf_value.size
    above, depth, below = (np.full(nodes, start, np.int64) for start in (0, 0, 1))
    leaf_above, leaf_depth = np.zeros(leaves, np.int64), np.zeros(leaves, np.int64)
    reach, leaf_reach = np.ones(nodes), np.ones(leaves)
    level, levels = np.flatnonzero(trees.parent < 0), []
    while level.size:
        levels.append(level)
        distinct = above[level] + ~_split_on_before(trees, level)
        for side, share in ((trees.left, trees.left_share), (trees.right, trees.right_share)):
            child, reached = side[level], reach[level] * share[level]
            inner = child >= 0
            for chosen, number, wide, deep, come in (
                (inner, child, above, depth, reach),
                (~inner, ~child, leaf_above, leaf_depth, leaf_reach),
            ):
                wide[number[chosen]], deep[number[chosen]] = distinct[chosen], len(levels)
                come[number[chosen]] = reached[chosen]
        below_level = np.concatenate([trees.left[level], trees.right[level]])
        level = below_level[below_level >= 0]
    for level in levels[:0:-1]:
        np.add.at(below, trees.parent[level], below[level])
    base_value = float((leaf_reach * trees.leaf_value).sum())
    return Sizes(above, depth, below, leaf_above, leaf_depth, base_value)


def _split_on_before(trees: Trees, level: Numbers) -> NDArray[np.bool_]:
    """Whether a node's feature is split on above it too."""
    found, higher = np.zeros(level.size, np.bool_), trees.parent[level]
    while (higher >= 0).any():
        found |= (higher >= 0) & (trees.column[higher] == trees.column[level])
        higher = np.where(higher >= 0, trees.parent[higher], -1)
    return found


@compiled
def decide(trees: Trees, columns: Matrix, start: int, stop: int, left: Flags) -> None:
    """Which rows go left at every node of a tree, shape ``[node, lane]``."""
    for node in range(start, stop):
        threshold, default = trees.threshold[node], trees.nan_left[node] == 1
        column = columns[trees.column[node]]
        row = left[node - start]
        if trees.category_stop[node] > trees.category_start[node]:
            own = trees.categories[trees.category_start[node] : trees.category_stop[node]]
            _decide_category(column, own, row)
        elif trees.zero_missing[node]:
            for lane in range(column.size):
                x = column[lane]
                row[lane] = default if x == 0.0 or x != x else x <= threshold
        elif default:
            for lane in range(column.size):
                row[lane] = not column[lane] > threshold
        else:
            for lane in range(column.size):
                row[lane] = column[lane] <= threshold


@compiled_part
def _decide_category(column: Vector, categories: Words, row: Flags) -> None:
    """Which rows are of a category that goes left; missing and unknown ones go right."""
    for lane in range(column.size):
        # As in LightGBM the fraction is cut off.
        x = column[lane]
        category = int(x) if -1.0 < x < 32.0 * categories.size else -1
        row[lane] = category >= 0 and (categories[category >> 5] >> (category & 31)) & 1


def clean(columns: Matrix) -> None:
    """Zero for what LightGBM takes for zero, in place."""
    columns[np.abs(columns) <= _TINY] = 0.0
