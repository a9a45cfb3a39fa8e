"""Rows gathered on demand are those of the matrix with the horizon filled in."""

from __future__ import annotations

import numpy as np

from forecasting.explanation.gathered_rows import GatheredRows
from models.design import HORIZON_COLUMN, at_horizon


def test_rows_and_columns_are_those_of_an_array_made_at_once() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(7, HORIZON_COLUMN + 5)).astype(np.float32)
    flow, ahead = rng.integers(0, 7, 20), rng.integers(1, 4, 20)
    whole = np.stack(
        [at_horizon(matrix, years)[row] for row, years in zip(flow, ahead, strict=True)]
    )
    rows = GatheredRows(matrix, flow, ahead)
    np.testing.assert_array_equal(np.asarray(rows), whole)
    np.testing.assert_array_equal(np.column_stack(list(rows.columns())), whole)
    for asked in (3, slice(2, 9), np.array([4, 1, 1]), ahead == 2):
        np.testing.assert_array_equal(rows[asked], whole[asked])
    assert (rows.shape, len(rows)) == (whole.shape, len(whole))
    assert not np.shares_memory(rows[:], matrix)
