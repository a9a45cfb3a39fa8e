"""Array helpers: safe division, codes in use, sums by key."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def quotient(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    """``top / bottom``, broadcast; 0 where the bottom is not positive."""
    same = top.shape == bottom.shape
    # Small arrays take less time than the shape that two of them have together.
    out = np.zeros(top.shape if same else np.broadcast_shapes(top.shape, bottom.shape))
    return np.divide(top, bottom, out=out, where=bottom > 0)


def logs(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logs; NaN where a value is unknown or not positive."""
    out = np.full(values.shape, np.nan)
    return np.log(values, out=out, where=values > 0, dtype=np.float64)


def mean_of_known(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis of what is known; NaN where nothing is."""
    known = ~np.isnan(rows)
    count = known.sum(axis=0)
    total = np.where(known, rows, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


CHUNK = 1 << 18
"""Rows handled at a time: index arithmetic on 28 million rows at once is all memory traffic."""


def used_codes(codes: NDArray[np.integer]) -> NDArray[np.intp]:
    """Sorted distinct codes, by marking: a hash or a sort of every row costs several times that."""
    seen = np.zeros(int(codes.max()) + 1, dtype=np.bool_)
    for start in range(0, codes.size, CHUNK):
        seen[codes[start : start + CHUNK]] = True
    return np.flatnonzero(seen)


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
