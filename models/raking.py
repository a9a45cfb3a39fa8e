"""Biproportional fitting (raking, RAS): a matrix scaled to its row and column totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import quotient
from features.data.flows import FlowIndex

TOLERANCE = 1e-8
MAX_ITERATIONS = 5_000
CELLS = 1 << 15
"""Cells of the matrices that are iterated together: more leave the cache, fewer cost overhead."""
MAX_STALLED_ROUNDS = 200
"""Rounds without a hundredth of progress after which totals are taken to be infeasible."""
NEWTON_STEPS = 60
LARGEST_SPREAD = 1e60
"""Largest over smallest scaling factor beyond which totals are taken to be infeasible."""

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Raked:
    """A raked matrix and how well it meets its totals.

    Attributes
    ----------
    values
        Flows, USD, shape ``[flow]``.
    exporter_totals, importer_totals
        The totals to meet after the rules below, shape ``[margin]``.
    iterations
        Rounds until convergence.
    largest_gap
        Largest relative distance between a total and its sum.
    unreachable
        Positive totals that no positive flow can carry: no scaling can meet them.
    converged
        Whether every other total is met to the tolerance.
    """

    values: Vector
    exporter_totals: Vector
    importer_totals: Vector
    iterations: int
    largest_gap: float
    unreachable: int
    converged: bool


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
        Rounds after which, or after `MAX_STALLED_ROUNDS` without progress, Newton's method takes
        over. Where it fails too, the zeros make the totals infeasible; exporter totals are then
        met, importer totals missed by the gap that is returned.

    Returns
    -------
    Raked

    Raises
    ------
    ValueError
        If a flow or a total is negative or a total is not finite.

    Notes
    -----
    Totals that no positive flow can carry (a country without a flow, or whose only partners have a
    total of zero) are left out and counted, and the other side's totals are rescaled to what
    remains. The scaling vectors are iterated on one dense matrix per sector (Sinkhorn), so a round
    costs three matrix-vector products; sectors stop as they converge. Where a country sells nearly
    everything to itself, rounds converge slowly; Newton's method takes a sector they leave unmet.
    """
    start = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0)
    _check(start, exporter_totals, importer_totals)
    n, k = len(flows.countries), len(flows.sectors)
    cube = np.zeros((k, n, n))
    cube[flows.sector, flows.exporter, flows.importer] = start
    rows, columns = exporter_totals.reshape(n, k).T.copy(), importer_totals.reshape(n, k).T.copy()
    unreachable = _prune(cube, rows, columns)
    aimed, exports = columns.sum(axis=1, keepdims=True), rows.sum(axis=1, keepdims=True)
    columns *= quotient(exports, aimed)
    gap, iterations = _scale(cube, rows, columns, tolerance, max_iterations)
    return Raked(
        values=cube[flows.sector, flows.exporter, flows.importer],
        exporter_totals=rows.T.ravel(),
        importer_totals=columns.T.ravel(),
        iterations=iterations,
        largest_gap=gap,
        unreachable=unreachable,
        converged=gap <= tolerance,
    )


def _check(start: Vector, exporter_totals: Vector, importer_totals: Vector) -> None:
    if start.size and start.min() < 0:
        raise ValueError("a flow to be raked is negative")
    for side, totals in (("exporter", exporter_totals), ("importer", importer_totals)):
        if not np.isfinite(totals).all() or totals.min(initial=0.0) < 0:
            raise ValueError(f"{side} totals must be finite and not negative")


def _prune(cube: Matrix, rows: Matrix, columns: Matrix) -> int:
    """Set to 0, in place, totals without a flow and flows without a total; count the totals."""
    unreachable = 0
    while True:
        cube *= (rows > 0)[:, :, None]
        cube *= (columns > 0)[:, None, :]
        stuck_rows = (rows > 0) & (cube.max(axis=2) <= 0)
        stuck_columns = (columns > 0) & (cube.max(axis=1) <= 0)
        stuck = int(stuck_rows.sum() + stuck_columns.sum())
        if stuck == 0:
            return unreachable
        unreachable += stuck
        rows[stuck_rows], columns[stuck_columns] = 0.0, 0.0


def _scale(
    cube: Matrix, rows: Matrix, columns: Matrix, tolerance: float, max_iterations: int
) -> tuple[float, int]:
    """Scale every sector in place; the largest relative gap and the most rounds."""
    gap, rounds = 0.0, 0
    together = max(1, CELLS // max(cube[0].size, 1))
    for start in range(0, len(cube), together):
        part = slice(start, start + together)
        scaled = _sinkhorn(cube[part], rows[part], columns[part], tolerance, max_iterations)
        for sector in np.flatnonzero(rows[part].any(axis=1)).tolist():
            one = _finished(
                scaled, sector, cube[part], rows[part], columns[part], tolerance=tolerance
            )
            gap = max(gap, one)
        rounds = max(rounds, scaled.rounds)
    return gap, rounds


@dataclass(frozen=True, slots=True)
class _Scaled:
    """Scaling vectors ``[sector, country]``, relative gaps ``[sector]``, and rounds taken."""

    left: Matrix
    right: Matrix
    gap: Vector
    rounds: int


def _sinkhorn(
    cube: Matrix, rows: Matrix, columns: Matrix, tolerance: float, max_iterations: int
) -> _Scaled:
    """Iterate the sectors together; each stops as it converges, stalls or runs away."""
    left, right = np.zeros(rows.shape), (columns > 0).astype(np.float64)
    gap, rounds = np.zeros(len(cube)), 0
    going = np.flatnonzero(rows.any(axis=1))
    matrix, row, column, scale = cube[going], rows[going], columns[going], right[going]
    best, stalled = np.full(going.size, np.inf), np.zeros(going.size, dtype=np.int64)
    while going.size and rounds < max_iterations:
        rounds += 1
        other = quotient(row, _sums(matrix, scale))
        # Only the product of the two vectors matters. Where totals are infeasible one of them runs
        # towards infinity and the other towards zero: scaled back, and stopped before they do.
        other /= other.max(axis=1, keepdims=True)
        scale = quotient(column, (other[:, None, :] @ matrix)[:, 0, :])
        now = np.abs(quotient(other * _sums(matrix, scale), row) - (row > 0)).max(axis=1)
        stalled = np.where(now < 0.99 * best, 0, stalled + 1)
        best = np.minimum(best, now)
        on = (now > tolerance) & (stalled < MAX_STALLED_ROUNDS)
        on &= (_spread(other) <= LARGEST_SPREAD) & (_spread(scale) <= LARGEST_SPREAD)
        left[going], right[going], gap[going] = other, scale, now
        if not on.all():
            going, matrix, row, column = going[on], matrix[on], row[on], column[on]
            scale, best, stalled = scale[on], best[on], stalled[on]
    return _Scaled(left, right, gap, rounds)


def _finished(
    scaled: _Scaled,
    sector: int,
    cube: Matrix,
    rows: Matrix,
    columns: Matrix,
    *,
    tolerance: float,
) -> float:
    """Scale a sector in place, by Newton's method where rounds did not do; its relative gap."""
    matrix, row, column = cube[sector], rows[sector], columns[sector]
    left, right, gap = scaled.left[sector], scaled.right[sector], float(scaled.gap[sector])
    if gap > tolerance:
        left, right, gap = _newton(matrix, right, row, column, tolerance)
    if gap > tolerance:
        # Infeasible totals: end on a row step, so that exporter totals hold.
        left = quotient(row, matrix @ right)
        gap = float(np.abs(quotient(right * (left @ matrix), column) - (column > 0)).max())
    matrix *= left[:, None]
    matrix *= right[None, :]
    return gap


def _sums(matrix: Matrix, scale: Matrix) -> Matrix:
    """Row sums of every sector's scaled columns, shape ``[sector, country]``."""
    sums: Matrix = (matrix @ scale[:, :, None])[:, :, 0]
    return sums


def _newton(
    matrix: Matrix, right: Vector, rows: Vector, columns: Vector, tolerance: float
) -> tuple[Vector, Vector, float]:
    """Newton's method on the logs of ``right``; ``left`` meets the rows at every step.

    The Hessian is the Laplacian of the graph in which columns are tied by the rows they share. It
    is built from its off-diagonal, so that a huge cell on the diagonal cancels nothing.
    """
    start = right
    for _ in range(NEWTON_STEPS):
        left = quotient(rows, matrix @ right)
        scaled = left[:, None] * matrix * right[None, :]
        missing = columns - scaled.sum(axis=0)
        gap = float(np.abs(quotient(missing, columns)).max())
        if gap <= tolerance:
            return left, right, gap
        ties = scaled.T @ quotient(scaled, np.broadcast_to(rows[:, None], scaled.shape))
        np.fill_diagonal(ties, 0.0)
        degree = ties.sum(axis=1)
        unit = quotient(np.ones_like(degree), np.sqrt(degree))
        laplacian = np.diag((degree > 0).astype(np.float64)) - unit[:, None] * ties * unit[None, :]
        step = unit * np.linalg.lstsq(laplacian, unit * missing, rcond=None)[0]
        right = right * np.exp(step / max(1.0, float(np.abs(step).max())))
    return quotient(rows, matrix @ start), start, gap


def _spread(vectors: Matrix) -> Vector:
    """Largest over smallest positive element of each vector."""
    smallest = np.where(vectors > 0, vectors, np.inf).min(axis=1)
    spread: Vector = vectors.max(axis=1) / smallest
    return spread
