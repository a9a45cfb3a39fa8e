"""Tables of SHAP values by pattern of a group of leaves' bits.

The method is in `models.tree_shap.path_dependent`, the groups are `models.tree_shap.units`'.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.tree_shap.integrals import Pairs, asked_of, pattern_values
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
from models.tree_shap.units import Asked, Units

CHUNK = 1_000_000
"""Doubles that a step of the building works on."""


class Tables(NamedTuple):
    """Tables of units, and what a row's place in them is found by.

    Attributes
    ----------
    bits, first_node, stop_node
        Of `units.Units`.
    target_start, condition_start
        Where its part of `out`, and of the conditions, starts, shape ``[unit + 1]``.
    table_start
        Where its table starts, shape ``[unit]``.
    node, flip, bit
        Conditions: a bit is 1 where ``goes left != flip`` holds for all of its nodes (by number in
        the tree). Bits appear in ascending order.
    out
        Places of the targets.
    table
        Sums by target and pattern of bits.
    """

    bits: Numbers
    first_node: Numbers
    stop_node: Numbers
    target_start: Numbers
    table_start: Numbers
    condition_start: Numbers
    node: Numbers
    flip: Flags
    bit: Numbers
    out: Numbers
    table: Vector


def build(trees: Trees, asked: Asked, units: Units, rule: Rule) -> Tables:
    """Make the tables of units."""
    out, pairs = asked_of(units.paths, asked.place, asked.codes)
    key = np.where(out >= 0, units.unit[:, None] * asked.size + out, -1)
    targets, target = np.unique(key[out >= 0], return_inverse=True)
    unit = targets // asked.size
    target_start = np.searchsorted(unit, np.arange(units.bits.size + 1))
    cells = np.diff(target_start) << units.bits
    # Tables of equally many bits stand together: they are a matrix then, a row a target.
    order = np.argsort(units.bits, kind="stable")
    table_start = np.empty_like(cells)
    table_start[order] = np.cumsum(cells[order]) - cells[order]
    place = table_start[unit] + ((np.arange(unit.size) - target_start[unit]) << units.bits[unit])
    goal = np.full(out.shape, -1)
    goal[out >= 0] = place[target]
    inner = _inner_splits(units)
    node_bit = np.zeros_like(trees.column)
    node_bit[inner[1]] = _inner_bits(units, inner[0])
    return Tables(
        units.bits, units.first_node, units.stop_node, target_start, table_start,
        *_conditions(units, *inner, node_bit),
        targets % asked.size, _filled(int(cells.sum()), goal, trees, units, node_bit, pairs, rule),
    )  # fmt: skip


def _inner_splits(units: Units) -> tuple[Numbers, Numbers]:
    """Units and nodes of the splits within groups."""
    node = units.paths.node
    inner = (node >= 0) & (np.arange(node.shape[1]) >= units.steps_above[:, None])
    unit = np.broadcast_to(units.unit[:, None], node.shape)[inner]
    nodes, first = np.unique(node[inner], return_index=True)
    # The groups of a tree may lie between each other's nodes.
    order = np.argsort(unit[first], kind="stable")
    return unit[first][order], nodes[order]


def _inner_bits(units: Units, unit: Numbers) -> Numbers:
    """Bits of the splits within groups, after those of the features above."""
    return units.above[unit] + np.arange(unit.size) - np.searchsorted(unit, unit)


def _conditions(
    units: Units, inner_unit: Numbers, inner_node: Numbers, node_bit: Numbers
) -> tuple[Numbers, Numbers, Flags, Numbers]:
    """``condition_start, node, flip, bit`` of `Tables`."""
    count, paths = units.bits.size, units.paths
    # What is above a group is the same for all of its leaves.
    first = np.searchsorted(units.unit, np.arange(count))
    above = np.arange(paths.node.shape[1]) < units.steps_above[first, None]
    unit = np.concatenate([np.nonzero(above)[0], inner_unit])
    node = np.concatenate([paths.node[first][above], inner_node])
    flip = np.concatenate([~paths.left[first][above], np.zeros(inner_unit.size, np.bool_)])
    bit = np.concatenate([paths.slot[first][above], node_bit[inner_node]])
    order = np.argsort(unit, kind="stable")
    start = np.searchsorted(unit[order], np.arange(count + 1))
    node = node - units.first_node[unit]
    return start, node[order], flip[order].astype(np.uint8), bit[order]


def _filled(
    size: int, goal: Numbers, trees: Trees, units: Units, node_bit: Numbers,
    pairs: Pairs | None, rule: Rule,
) -> Vector:  # fmt: skip
    """The tables: every leaf adds its targets from ``goal`` on, shape ``[leaf, target]``."""
    table, paths = np.zeros(size), units.paths
    bits, slots = units.bits[units.unit], paths.slots
    wanted = (goal >= 0).any(axis=1)
    for many, wide in np.unique(np.column_stack([bits, slots])[wanted], axis=0):
        leaves = np.flatnonzero((bits == many) & (slots == wide) & wanted)
        among = None if pairs is None else (pairs[0][pairs[0] < wide], pairs[1][pairs[0] < wide])
        targets = wide if among is None else among[0].size
        step = max(CHUNK // (targets << many), 1)
        for start in range(0, leaves.size, step):
            part = leaves[start : start + step]
            values = pattern_values(
                trees.leaf_value[units.leaves[part]], paths.share[part, :wide], among, rule
            )
            codes = _codes(units, part, int(many), int(wide), node_bit)
            lanes = np.take_along_axis(values, codes[:, None], axis=2)
            _add(table, goal[part, :targets], lanes)
    return table


def _codes(units: Units, leaves: Numbers, bits: int, slots: int, node_bit: Numbers) -> Numbers:
    """Which of a leaf's features every pattern of its unit's bits holds, shape ``[leaf, pattern]``.

    Those above the group by their own bits, those below where all bits of their splits are right.
    """
    paths, lanes = units.paths, np.arange(1 << bits)
    own = (1 << units.above[units.unit[leaves], None]) - 1
    codes = (lanes & own) | (((1 << slots) - 1) & ~own)
    for step in range(paths.node.shape[1]):
        inner = (paths.node[leaves, step] >= 0) & (step >= units.steps_above[leaves])
        which = leaves[inner]
        bit = node_bit[paths.node[which, step], None]
        right = (lanes >> bit & 1) == paths.left[which, step, None]
        codes[inner] &= ~np.where(right, 0, 1 << paths.slot[which, step, None])
    return codes


def _add(table: Vector, goal: Numbers, values: Matrix) -> None:
    """Add ``values``, shape ``[leaf, target, pattern]``, to the table from each ``goal`` on."""
    order = np.argsort(goal[goal >= 0], kind="stable")
    starts, first = np.unique(goal[goal >= 0][order], return_index=True)
    sums = np.add.reduceat(values[goal >= 0][order], first, axis=0)
    table[starts[:, None] + np.arange(values.shape[2])] += sums


@compiled_part
def _hold(tables: Tables, unit: int, left: Flags, held: Flags) -> None:
    """Bits of a unit for every lane, shape ``[bit, lane]``."""
    seen = 0
    for k in range(tables.condition_start[unit], tables.condition_start[unit + 1]):
        went, row, flip = left[tables.node[k]], held[tables.bit[k]], tables.flip[k]
        if tables.bit[k] == seen:
            seen += 1
            for lane in range(went.size):
                row[lane] = went[lane] ^ flip
        else:
            for lane in range(went.size):
                row[lane] &= went[lane] ^ flip


@compiled
def look_up(columns: Matrix, sums: Matrix, trees: Trees, tables: Tables) -> None:
    """Add all units' values for a block of rows to ``sums``, shape ``[place, lane]``."""
    lanes, deepest, widest = columns.shape[1], 1, 1
    for unit in range(tables.bits.size):
        deepest = max(deepest, tables.stop_node[unit] - tables.first_node[unit])
        widest = max(widest, tables.bits[unit])
    left, held = np.empty((deepest, lanes), np.uint8), np.empty((widest, lanes), np.uint8)
    pattern, decided = np.empty(lanes, np.uint16), -1
    for unit in range(tables.bits.size):
        if tables.target_start[unit] == tables.target_start[unit + 1]:
            continue
        if tables.first_node[unit] != decided:
            decided = tables.first_node[unit]
            decide(trees, columns, decided, tables.stop_node[unit], left)
        _hold(tables, unit, left, held)
        for lane in range(lanes):
            pattern[lane] = held[0, lane]
        for bit in range(1, tables.bits[unit]):
            for lane in range(lanes):
                pattern[lane] |= np.uint16(held[bit, lane]) << np.uint16(bit)
        cell = tables.table_start[unit]
        for target in range(tables.target_start[unit], tables.target_start[unit + 1]):
            row, column = sums[tables.out[target]], tables.table[cell:]
            for lane in range(lanes):
                row[lane] += column[pattern[lane]]
            cell += 1 << tables.bits[unit]
