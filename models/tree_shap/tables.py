"""Tables of SHAP values by pattern of a group of leaves' bits, and paths integrated row by row.

The method is in `models.tree_shap.path_dependent`, the groups are `models.tree_shap.units`'.
"""

from __future__ import annotations

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
from models.tree_shap.units import Units


@compiled_part
def _find(items: Numbers, size: int, item: int) -> int:
    """Position of an item among the first ``size``, or ``size``."""
    for position in range(size):
        if items[position] == item:
            return position
    return size


@compiled_part
def _climb(
    trees: Trees,
    start: int,
    stop: int,
    slots: int,
    columns: Numbers,
    shares: Vector,
    nodes: Numbers,
    sides: Flags,
    places: Numbers,
) -> tuple[int, int]:
    """Collect the splits between a node or leaf and one above it, and the features they are on.

    Returns the number of features, ``slots`` at first, and of splits.
    """
    child, found = start, 0
    node = trees.parent[child] if child >= 0 else trees.leaf_parent[~child]
    while child != stop and node >= 0:
        slot = _find(columns, slots, trees.column[node])
        if slot == slots:
            columns[slot], shares[slot] = trees.column[node], 1.0
            slots += 1
        left = trees.left[node] == child
        shares[slot] *= trees.left_share[node] if left else trees.right_share[node]
        nodes[found], sides[found], places[found] = node, left, slot
        found += 1
        child, node = node, trees.parent[node]
    return slots, found


@compiled_part
def _aim(
    place: Numbers,
    codes: Numbers,
    columns: Numbers,
    slots: int,
    first: Numbers,
    second: Numbers,
    out: Numbers,
) -> int:
    """Targets of a path: its features or pairs of them that are asked for; returns how many."""
    count = 0
    for one in range(slots):
        where = place[columns[one]]
        if where < 0:
            continue
        if not codes.size:
            first[count], second[count], out[count] = one, -1, where
            count += 1
            continue
        for other in range(one):
            partner = place[columns[other]]
            if partner >= 0 and codes[where, partner] >= 0:
                first[count], second[count], out[count] = one, other, codes[where, partner]
                count += 1
    return count


@compiled_part
def _integrate(
    held: Matrix,
    slots: int,
    shares: Vector,
    value: float,
    rule: Rule,
    targets: int,
    first: Numbers,
    second: Numbers,
    out: Numbers,
    sums: Matrix,
) -> None:
    """Add a path's values for lanes whose bits are ``held``, shape ``[slot, lane]``."""
    number, lanes = (slots + 1) // 2, held.shape[1]
    product = np.empty(lanes)
    for k in range(number):
        t = rule.nodes[number, k]
        for lane in range(lanes):
            product[lane] = value * rule.weights[number, k]
        for slot in range(slots):
            low = (1.0 - t) * shares[slot]
            for lane in range(lanes):
                product[lane] *= low + t * held[slot, lane]
        low = -1.0 / (1.0 - t)
        for target in range(targets):
            a, b, row = first[target], second[target], out[target]
            rise = (1.0 - shares[a]) / (t + (1.0 - t) * shares[a]) - low
            if b < 0:
                for lane in range(lanes):
                    sums[row, lane] += product[lane] * (low + rise * held[a, lane])
                continue
            other = (1.0 - shares[b]) / (t + (1.0 - t) * shares[b]) - low
            for lane in range(lanes):
                both = (low + rise * held[a, lane]) * (low + other * held[b, lane])
                sums[row, lane] += 0.5 * product[lane] * both


@compiled
def build(
    trees: Trees, place: Numbers, codes: Numbers, units: Units, rule: Rule, start: int, stop: int
) -> None:
    """Fill in conditions, targets and tables of units from ``start`` to ``stop``."""
    widest, longest, nowhere = 1, 1, trees.column.size
    for unit in range(start, stop):
        widest = max(widest, units.bits[unit])
        longest = max(longest, units.condition_start[unit + 1] - units.condition_start[unit])
    columns, shares = np.empty(widest, np.int64), np.empty(widest)
    nodes, sides, places = (
        np.empty(longest, np.int64),
        np.empty(longest, np.uint8),
        np.empty(longest, np.int64),
    )
    for unit in range(start, stop):
        at, root = units.condition_start[unit], units.root[unit]
        slots, found = _climb(trees, root, nowhere, 0, columns, shares, nodes, sides, places)
        for k in range(found):
            units.node[at + k] = nodes[k] - units.first_node[unit]
            units.flip[at + k], units.bit[at + k] = 1 - sides[k], places[k]
        units.conditions[unit] = found
        if units.tabled[unit]:
            _tabulate(trees, place, codes, units, rule, unit, slots, columns, shares)
            continue
        for slot in range(slots):
            units.share[at + slot] = shares[slot]
        aim = units.target_start[unit]
        units.targets[unit] = _aim(
            place, codes, columns, slots, units.first[aim:], units.second[aim:], units.out[aim:]
        )


@compiled_part
def _tabulate(
    trees: Trees, place: Numbers, codes: Numbers, units: Units, rule: Rule,
    unit: int, above: int, columns: Numbers, shares: Vector,
) -> None:  # fmt: skip
    """Fill in the table of a group of leaves, ``above`` features being split on above its root.

    Every pattern of the group's bits is a lane.
    """
    bits, size, top = units.bits[unit], 1 << units.bits[unit], units.root[unit]
    aim, cell, targets = units.target_start[unit], units.table_start[unit], 0
    table = np.zeros((units.target_start[unit + 1] - aim, size))
    inner, leaves = np.empty(bits + 1, np.int64), np.empty(bits + 1, np.int64)
    known, count = _open(trees, units, unit, above, inner, leaves)
    base, held = np.empty(bits), np.empty((bits, size))
    for slot in range(above):
        base[slot] = shares[slot]
    nodes, places = np.empty(bits, np.int64), np.empty(bits, np.int64)
    sides, most = np.empty(bits, np.uint8), bits * (bits + 1) // 2
    first, second, out = (
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
    )
    for leaf in leaves[:count]:
        for slot in range(above):
            shares[slot] = base[slot]
        slots, found = _climb(trees, ~leaf, top, above, columns, shares, nodes, sides, places)
        aimed = _aim(place, codes, columns, slots, first, second, out)
        targets = _share(units.out[aim:], targets, out[:aimed])
        if aimed:
            _spell(held, above, slots, inner, known, nodes, sides, places, found)
            value = trees.leaf_value[leaf]
            _integrate(held, slots, shares, value, rule, aimed, first, second, out, table)
    units.targets[unit] = targets
    for target in range(targets):
        for lane in range(size):
            units.table[cell + target * size + lane] = table[target, lane]


@compiled_part
def _share(places: Numbers, known: int, out: Numbers) -> int:
    """Number a leaf's targets by the unit's ``places``, which grow; returns how many there are."""
    for k in range(out.size):
        where = _find(places, known, out[k])
        if where == known:
            places[known] = out[k]
            known += 1
        out[k] = where
    return known


@compiled_part
def _open(
    trees: Trees, units: Units, unit: int, above: int, inner: Numbers, leaves: Numbers
) -> tuple[int, int]:
    """Collect a group's splits, each a condition of its own, and its leaves; returns how many."""
    stack = np.empty(units.bits[unit] + 2, np.int64)
    stack[0], waiting, known, count = units.root[unit], 1, 0, 0
    while waiting:
        waiting -= 1
        item = stack[waiting]
        if item < 0:
            leaves[count] = ~item
            count += 1
            continue
        k = units.condition_start[unit] + units.conditions[unit]
        units.node[k], units.flip[k] = item - units.first_node[unit], 0
        units.bit[k], inner[known] = above + known, item
        units.conditions[unit] += 1
        known += 1
        stack[waiting], stack[waiting + 1] = trees.left[item], trees.right[item]
        waiting += 2
    return known, count


@compiled_part
def _spell(
    held: Matrix, above: int, slots: int, inner: Numbers, known: int,
    nodes: Numbers, sides: Flags, places: Numbers, found: int,
) -> None:  # fmt: skip
    """Which of a leaf's features every pattern holds: those all of whose bits are right."""
    for slot in range(slots):
        for lane in range(held.shape[1]):
            held[slot, lane] = lane >> slot & 1 if slot < above else 1
    for k in range(found):
        bit = above + _find(inner, known, nodes[k])
        for lane in range(held.shape[1]):
            held[places[k], lane] *= (lane >> bit & 1) == sides[k]


@compiled_part
def _hold(units: Units, unit: int, left: Flags, held: Flags) -> None:
    """Bits of a unit for every lane, shape ``[bit, lane]``."""
    at, seen = units.condition_start[unit], 0
    for k in range(at, at + units.conditions[unit]):
        went, row, flip = left[units.node[k]], held[units.bit[k]], units.flip[k]
        if units.bit[k] == seen:
            seen += 1
            for lane in range(went.size):
                row[lane] = went[lane] ^ flip
        else:
            for lane in range(went.size):
                row[lane] &= went[lane] ^ flip


@compiled_part
def _add_table(
    units: Units, unit: int, held: Flags, pattern: NDArray[np.uint16], sums: Matrix
) -> None:
    """Add a unit's table, at every lane's pattern of bits."""
    bits, size = units.bits[unit], 1 << units.bits[unit]
    for lane in range(pattern.size):
        pattern[lane] = held[0, lane]
    for bit in range(1, bits):
        for lane in range(pattern.size):
            pattern[lane] |= np.uint16(held[bit, lane]) << np.uint16(bit)
    aim, cell = units.target_start[unit], units.table_start[unit]
    for target in range(units.targets[unit]):
        row, column = sums[units.out[aim + target]], units.table[cell + target * size :]
        for lane in range(pattern.size):
            row[lane] += column[pattern[lane]]


@compiled
def look_up(columns: Matrix, sums: Matrix, trees: Trees, units: Units, rule: Rule) -> None:
    """Add all units' values for a block of rows to ``sums``, shape ``[place, lane]``."""
    lanes = columns.shape[1]
    deepest, widest = 1, 1
    for unit in range(units.root.size):
        deepest = max(deepest, units.stop_node[unit] - units.first_node[unit])
        widest = max(widest, units.bits[unit])
    left, held = np.empty((deepest, lanes), np.uint8), np.empty((widest, lanes), np.uint8)
    pattern, decided = np.empty(lanes, np.uint16), -1
    for unit in range(units.root.size):
        if not units.targets[unit]:
            continue
        if units.first_node[unit] != decided:
            decided = units.first_node[unit]
            decide(trees, columns, decided, units.stop_node[unit], left)
        _hold(units, unit, left, held)
        if units.tabled[unit]:
            _add_table(units, unit, held, pattern, sums)
            continue
        bits, at, aim = units.bits[unit], units.condition_start[unit], units.target_start[unit]
        holds = np.empty((bits, lanes))
        for bit in range(bits):
            for lane in range(lanes):
                holds[bit, lane] = held[bit, lane]
        _integrate(
            holds, bits, units.share[at : at + bits],
            trees.leaf_value[~units.root[unit]], rule, units.targets[unit],
            units.first[aim:], units.second[aim:], units.out[aim:], sums,
        )  # fmt: skip
