"""An input-output table moved to other flows: what is sold to a country, spread over its uses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.arrays import quotient
from features.data.input_output import InputOutputTable, TableNotes

TOLERANCE = 1e-9
"""Tolerance of a column's total, as a share of the country's largest column."""
MAX_ITERATIONS = 200
LEAST_FINAL = 0.5
"""Least share of its usual final use, relative to all its uses, that a country keeps."""
LEAST_FACTOR = 1e-100
"""Least factor of a column: without a fit factors shrink and erase rows sold only there."""

Matrix = NDArray[np.float64]


def update_table(table: InputOutputTable, flows: Matrix) -> InputOutputTable:
    """Move a table to the flows of another year.

    Parameters
    ----------
    table
        Of the origin.
    flows
        USD, never negative, shape ``[exporter, importer, sector]``, sales at home included.

    Returns
    -------
    InputOutputTable
        Its rows sum to the flows exactly. Every sector takes the same share of its output as
        inputs as in ``table``, and final use takes the rest; its notes say how far inputs are from
        that, and for how many countries and flows that was impossible.

    Notes
    -----
    The uses within each importing country are fitted biproportionally (RAS; Stone 1961): rows
    are what each foreign or domestic sector sells to the country, columns what each of its sectors
    buys in all, and one column for final use. Negative final cells, falling inventories, count as
    0: they do not last, and no scaling keeps them in bounds. A flow without a use in the table,
    or used only by sectors that will have no output, goes to final use. Where inputs would leave a
    country less than `LEAST_FINAL` of its usual final use, or less than what nothing but final use
    takes, its inputs are scaled down.
    """
    n, k = len(table.countries), len(table.sectors)
    rows = flows.transpose(1, 0, 2).reshape(n, n * k)
    uses = np.empty((n, n * k, k + 1))
    uses[:, :, :k] = table.intermediate.reshape(n * k, n, k).transpose(1, 0, 2)
    uses[:, :, :k] *= (flows.sum(axis=1) > 0)[:, None, :]
    uses[:, :, k] = np.maximum(table.final, 0.0).T
    unused = (rows > 0) & (uses.sum(axis=2) <= 0)
    uses[:, :, k][unused] = rows[unused]
    wanted = _wanted_inputs(table, flows)
    supplied = (rows[:, None, :] @ uses)[:, 0, :k] > 0
    room = rows.sum(axis=1) - _least_final(table, rows, uses)
    scale = quotient(room, wanted.sum(axis=1))
    inputs = wanted * supplied * np.minimum(1.0, scale)[:, None]
    _fit(uses, rows, np.column_stack([inputs, rows.sum(axis=1) - inputs.sum(axis=1)]))
    gap = np.abs(uses[:, :, :k].sum(axis=1) - wanted)
    return replace(
        table,
        intermediate=uses[:, :, :k].transpose(1, 0, 2).reshape(n * k, n * k),
        final=uses[:, :, k].T.copy(),
        notes=TableNotes(
            flows_without_use=int(unused.sum()),
            # Rounding puts a country that has only final use just below 1.
            short_of_final_use=int(((scale < 1.0 - TOLERANCE) & (wanted.sum(axis=1) > 0)).sum()),
            largest_input_gap=float(quotient(gap, rows.sum(axis=1)[:, None]).max(initial=0.0)),
        ),
    )


def _wanted_inputs(table: InputOutputTable, flows: Matrix) -> Matrix:
    """What sectors buy in all at the table's share of their output, shape ``[country, sector]``."""
    n, k = len(table.countries), len(table.sectors)
    share = quotient(table.intermediate.sum(axis=0), table.output)
    return share.reshape(n, k) * flows.sum(axis=1)


def _least_final(table: InputOutputTable, rows: Matrix, uses: Matrix) -> Matrix:
    """Final use to be left to each country, shape ``[importer]``."""
    n, k = len(table.countries), len(table.sectors)
    final = np.maximum(table.final, 0.0).sum(axis=0)
    used = table.intermediate.sum(axis=0).reshape(n, k).sum(axis=1)
    usual = LEAST_FINAL * quotient(final, final + used) * rows.sum(axis=1)
    final_only = np.where(uses[:, :, :k].any(axis=2), 0.0, rows).sum(axis=1)
    return np.maximum(usual, final_only)


def _fit(uses: Matrix, rows: Matrix, columns: Matrix) -> None:
    """Scale ``uses`` in place; the last step scales rows, whose sums then hold exactly."""
    right = np.ones(columns.shape)
    left = np.ones(rows.shape)
    largest = columns.max(axis=1)
    for _ in range(MAX_ITERATIONS):
        left = quotient(rows, (uses @ right[:, :, None])[:, :, 0])
        reached = (left[:, None, :] @ uses)[:, 0, :]
        if (np.abs(right * reached - columns).max(axis=1) <= TOLERANCE * largest).all():
            break
        right = quotient(columns, reached)
        right = np.maximum(quotient(right, right.max(axis=1)[:, None]), LEAST_FACTOR)
    uses *= left[:, :, None]
    uses *= right[:, None, :]
    uses *= quotient(rows, uses.sum(axis=2))[:, :, None]
