"""Biproportional fitting (raking, RAS): a matrix scaled to its row and column totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.flows import FlowIndex

TOLERANCE = 1e-8
MAX_ITERATIONS = 5_000

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Raked:
    """A raked matrix and how well it meets its totals.

    Attributes
    ----------
    values
        Flows, USD, shape ``[flow]``.
    exporter_totals, importer_totals
        The totals that were aimed at after the rules below, shape ``[margin]``.
    iterations
        Rounds until convergence.
    largest_gap
        Largest relative distance between a total and its sum.
    unreachable
        Positive totals of margins without a single positive flow: no scaling can meet them.
    """

    values: Vector
    exporter_totals: Vector
    importer_totals: Vector
    iterations: int
    largest_gap: float
    unreachable: int

    @property
    def converged(self) -> bool:
        """Whether every total is met to the tolerance."""
        return self.largest_gap <= TOLERANCE


def rake(
    values: NDArray[np.floating],
    *,
    flows: FlowIndex,
    exporter_totals: Vector,
    importer_totals: Vector,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
) -> Raked:
    """Scale flows to exporter and importer totals (Deming and Stephan 1940).

    Parameters
    ----------
    values
        Non-negative flows, shape ``[flow]``; NaN counts as 0. A zero stays zero.
    flows
        Their keys.
    exporter_totals, importer_totals
        USD, shape ``[margin]``. Per sector, importer totals are first scaled to the exporters' sum.
    tolerance
        Largest relative distance between a total and its sum at convergence.
    max_iterations
        Rounds after which the result is returned as it is, with its gap. That happens where the
        zeros make the totals infeasible; exporter totals are then met, importer totals missed.

    Returns
    -------
    Raked

    Raises
    ------
    ValueError
        If a flow or a total is negative or a total is not finite.

    Notes
    -----
    Margins without a positive flow are left out and counted, and the other side's totals are
    rescaled to what remains. The scaling vectors are iterated on one dense matrix a sector
    (Sinkhorn), so a round costs two matrix-vector products.
    """
    start = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0)
    _check(start, exporter_totals, importer_totals)
    n, k = len(flows.countries), len(flows.sectors)
    cube = np.zeros((k, n, n))
    cube[flows.sector, flows.exporter, flows.importer] = start
    rows, columns = exporter_totals.reshape(n, k).T.copy(), importer_totals.reshape(n, k).T.copy()
    empty_rows, empty_columns = cube.sum(axis=2) <= 0, cube.sum(axis=1) <= 0
    unreachable = int((rows[empty_rows] > 0).sum() + (columns[empty_columns] > 0).sum())
    rows[empty_rows], columns[empty_columns] = 0.0, 0.0
    aimed, exports = columns.sum(axis=1, keepdims=True), rows.sum(axis=1, keepdims=True)
    columns *= np.divide(exports, aimed, out=np.zeros_like(exports), where=aimed > 0)
    rows = np.where(columns.sum(axis=1, keepdims=True) > 0, rows, 0.0)
    left, right, iterations, gap = _scale(cube, rows, columns, tolerance, max_iterations)
    fitted = left[:, :, None] * cube * right[:, None, :]
    return Raked(
        values=fitted[flows.sector, flows.exporter, flows.importer],
        exporter_totals=rows.T.ravel(),
        importer_totals=columns.T.ravel(),
        iterations=iterations,
        largest_gap=gap,
        unreachable=unreachable,
    )


def _check(start: Vector, exporter_totals: Vector, importer_totals: Vector) -> None:
    if start.size and start.min() < 0:
        raise ValueError("a flow to be raked is negative")
    for side, totals in (("exporter", exporter_totals), ("importer", importer_totals)):
        if not np.isfinite(totals).all() or totals.min(initial=0.0) < 0:
            raise ValueError(f"{side} totals must be finite and not negative")


def _scale(
    cube: NDArray[np.float64],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    tolerance: float,
    max_iterations: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int, float]:
    """Scaling vectors, rounds and the largest relative gap; sectors stop as they converge."""
    k, n, _ = cube.shape
    left, right = np.ones((k, n)), np.ones((k, n))
    gaps = np.full(k, np.inf)
    active = np.arange(k)
    iterations = 0
    while active.size and iterations < max_iterations:
        iterations += 1
        part, r, c = cube[active], rows[active], columns[active]
        a = _quotient(r, (part @ right[active][:, :, None])[:, :, 0])
        b = _quotient(c, (a[:, None, :] @ part)[:, 0, :])
        # After the column step columns fit exactly: the rows say how far it is.
        sums = a * (part @ b[:, :, None])[:, :, 0]
        gap = np.abs(_quotient(sums, r) - (r > 0)).max(axis=1)
        left[active], right[active], gaps[active] = a, b, gap
        active = active[gap > tolerance]
    if active.size:
        # Infeasible totals: end on a row step, so that exporter totals hold.
        part = cube[active]
        left[active] = _quotient(rows[active], (part @ right[active][:, :, None])[:, :, 0])
        sums = right[active] * (left[active][:, None, :] @ part)[:, 0, :]
        wanted = columns[active]
        gaps[active] = np.abs(_quotient(sums, wanted) - (wanted > 0)).max(axis=1)
    return left, right, iterations, float(gaps.max(initial=0.0))


def _quotient(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
