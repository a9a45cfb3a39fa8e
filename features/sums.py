"""Sums of values by integer key."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]
Values = NDArray[np.float64]


def sums_of_runs(key: Keys, value: Values) -> tuple[Keys, Values]:
    """Sums over neighbours of one key, shape ``[row]`` in, ``[run]`` out; a key may come again."""
    if not key.size:
        return key, value
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    return key[starts], np.add.reduceat(value, starts)


def sums_by_key(key: Keys, value: Values) -> tuple[Keys, Values]:
    """Distinct keys in order and the sums of their values, added in the order of the rows."""
    order = np.argsort(key, kind="stable")
    return sums_of_runs(key[order], value[order])
