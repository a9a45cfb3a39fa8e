"""Value chains: the origin of value in exports, and the distance of sectors from final use.

With A the inputs per dollar of output, B = (I - A)^-1 (Leontief 1936), v the value added per
dollar of output, E_r the exports of country r by sector, and B_sr, A_sr the blocks of rows s and
columns r:

    origin of exports           v_s B_sr E_r     (all s; sums to the exports of r)
    domestic content            v_r B_rr E_r
    domestic value added        v_r (I - A_rr)^-1 E_r
    double counted at home      the difference: domestic value added that returns and leaves again
    foreign content (FV)        sum over s != r of v_s B_sr E_r
    indirect value added (IV)   sum over s != r of v_r B_rs E_s

so that domestic value added, double counting and foreign content sum to exports. Sources: Koopman,
Powers, Wang and Wei (2010), NBER w16426 (FV, IV, participation and position); Koopman, Wang and Wei
(2014), doi:10.1257/aer.104.2.459; Borin and Mancini (2019), World Bank WPS 8804 (domestic value
added by the exporter's own production, which is also what GDP would lose without exports: Los,
Timmer and de Vries 2016, doi:10.1257/aer.20140883). FV over exports is the vertical specialisation
of Hummels, Ishii and Yi (2001), doi:10.1016/S0022-1996(00)00093-3, for many countries; it includes
double counting abroad. Upstreamness (Antras, Chor, Fally and Hillberry 2012,
doi:10.1257/aer.102.3.412) is the mean number of stages to final use, U = (I - D)^-1 1 with D_ij =
z_ij / x_i; downstreamness (Antras and Chor 2018, doi:10.3386/w24185) that from primary factors,
(I - A')^-1 1. Weighted by output both have the same world mean, 1' B x / 1' x. Changes of
inventories count as final use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, lu_solve

from features.arrays import quotient
from features.data.input_output import InputOutputTable, row_name
from features.errors import InputError

LEAST_CONDITION = 1e-12
"""Reciprocal condition number below which a system counts as singular."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ValueChains:
    """Measures of one input-output table; USD unless stated otherwise.

    Attributes
    ----------
    output
        Gross output, shape ``[country, sector]``.
    exports, exports_by_sector
        Gross exports, shapes ``[country]`` and ``[country, sector]``; those of a sector are
        negative where inventories of it abroad fall by more than it sells there.
    domestic_value_added, double_counted, foreign_content
        In the exports of each country, shape ``[country]``; they sum to ``exports``.
    foreign_content_by_sector
        Foreign content by exporting sector, shape ``[country, sector]``; sums to
        ``foreign_content``.
    indirect_value_added
        Value added of each country in the exports of others, shape ``[country]``.
    origin_of_exports
        Value added in a country's exports by the sector it comes from, at home or abroad, shape
        ``[country, sector]``; sums over sectors to ``exports``.
    domestic_origin_of_exports
        Of which at home; sums over sectors to domestic value added and double counting.
    origin_of_goods_exports
        The same of exports of goods alone; None where the kinds of sectors are unknown.
    upstreamness, downstreamness
        Stages, at least 1, shape ``[country, sector]``; NaN for sectors without output.
    domestic_inputs, foreign_inputs
        Intermediate inputs bought at home and abroad, by using sector, shape ``[country, sector]``.
    """

    output: Matrix
    exports: Matrix
    exports_by_sector: Matrix
    domestic_value_added: Matrix
    double_counted: Matrix
    foreign_content: Matrix
    foreign_content_by_sector: Matrix
    indirect_value_added: Matrix
    origin_of_exports: Matrix
    domestic_origin_of_exports: Matrix
    origin_of_goods_exports: Matrix | None
    upstreamness: Matrix
    downstreamness: Matrix
    domestic_inputs: Matrix
    foreign_inputs: Matrix


def value_chains(table: InputOutputTable, *, goods: NDArray[np.bool_] | None = None) -> ValueChains:
    """All measures of one table, from one factorisation.

    Parameters
    ----------
    table
        Balanced.
    goods
        Mask of goods sectors, shape ``[sector]``.

    Returns
    -------
    ValueChains

    Raises
    ------
    InputError
        If the system has no solution or a negative one: some sectors together use all their
        output, or more, as inputs.
    """
    n, k = len(table.countries), len(table.sectors)
    own = np.arange(n)
    output, exports = table.output, _exports(table)
    added = quotient(table.value_added, output)
    # In LAPACK's order, to avoid a copy.
    inputs = np.divide(
        table.intermediate, output, out=np.zeros((n * k, n * k), order="F"), where=output > 0
    )
    at_home = _own(inputs, n, k)
    sold = [exports] if goods is None else [exports, np.where(goods, exports, 0.0)]
    right = np.column_stack([*map(_spread, sold), output])
    left = np.column_stack([_spread(added.reshape(n, k)), np.ones(n * k)])
    solved, traced = _solve(inputs, right, left, table)
    # [country and sector it comes from, which exports, exporter]
    origin = added.reshape(n, k, 1, 1) * solved[:, :-1].reshape(n, k, len(sold), n)
    content = origin[:, :, 0].sum(axis=1)
    home = content[own, own]
    by_own = np.linalg.solve(np.eye(k) - at_home, exports[:, :, None])[:, :, 0]
    value_added = (added.reshape(n, k) * by_own).sum(axis=1)
    # Value of each country in a dollar of output, [country, sector, origin].
    in_dollar = traced[:, :-1].reshape(n, k, n)
    bought = table.intermediate.reshape(n, k, n, k)[own, :, own].sum(axis=1)
    return ValueChains(
        output=output.reshape(n, k),
        exports=exports.sum(axis=1),
        exports_by_sector=exports,
        domestic_value_added=value_added,
        double_counted=home - value_added,
        foreign_content=content.sum(axis=0) - home,
        foreign_content_by_sector=exports * (in_dollar.sum(axis=2) - in_dollar[own, :, own]),
        indirect_value_added=content.sum(axis=1) - home,
        origin_of_exports=origin[:, :, 0].sum(axis=0).T.copy(),
        domestic_origin_of_exports=origin[own, :, 0, own],
        origin_of_goods_exports=None if goods is None else origin[:, :, 1].sum(axis=0).T.copy(),
        upstreamness=_stages(solved[:, -1], output, over=output).reshape(n, k),
        downstreamness=_stages(traced[:, -1], output, over=np.ones(n * k)).reshape(n, k),
        domestic_inputs=bought,
        foreign_inputs=table.intermediate.sum(axis=0).reshape(n, k) - bought,
    )


def _own(inputs: Matrix, n: int, k: int) -> Matrix:
    """Blocks of the diagonal, shape ``[country, sector, sector]``."""
    return np.stack([inputs[c * k : (c + 1) * k, c * k : (c + 1) * k] for c in range(n)])


def _exports(table: InputOutputTable) -> Matrix:
    """Sales abroad, shape ``[country, sector]``."""
    flows = table.flows()
    own = np.arange(flows.shape[0])
    return flows.sum(axis=1) - flows[own, own]


def _spread(exports: Matrix) -> Matrix:
    """Exports with a column per country, shape ``[row, country]``."""
    n, k = exports.shape
    out = np.zeros((n, k, n))
    own = np.arange(n)
    out[own, :, own] = exports
    return out.reshape(n * k, n)


def _stages(weight: Matrix, output: Matrix, *, over: Matrix) -> Matrix:
    return np.divide(weight, over, out=np.full(output.shape, np.nan), where=output > 0)


def _solve(
    inputs: Matrix, right: Matrix, left: Matrix, table: InputOutputTable
) -> tuple[Matrix, Matrix]:
    """``B @ right`` and ``B.T @ left`` from one LU factorisation of I - A, in place of ``inputs``.

    The last column of ``right`` is output; in a solvable table ``B`` never makes it smaller.
    """
    taken = inputs.sum(axis=0)
    np.negative(inputs, out=inputs)
    inputs[np.diag_indices_from(inputs)] += 1.0
    # Not `lu_factor`, which only warns of singularity.
    factors, pivots, singular = lapack.dgetrf(inputs, overwrite_a=True)
    condition, _ = lapack.dgecon(factors, 1.0 + float(taken.max()))
    if singular or not condition > LEAST_CONDITION:
        raise _no_solution(table, taken)
    solved = lu_solve((factors, pivots), right, check_finite=False)
    # With M = I - A: M y = x > 0 has a y >= 0 only where A's spectral radius is below 1.
    if (solved[:, -1] < 0).any():
        raise _no_solution(table, taken)
    return solved, lu_solve((factors, pivots), left, trans=1, check_finite=False)


def _no_solution(table: InputOutputTable, taken: Matrix) -> InputError:
    row = int(np.argmax(taken))
    most = row_name(row, table.countries, table.sectors)
    return InputError(
        f"the input-output table of {table.year} has no solution: some sectors together use all of "
        f"their output, or more, as inputs (most in {most}: {taken[row]:.1%})",
        remedy="Check that final use is in the table and that the outputs are right",
    )
