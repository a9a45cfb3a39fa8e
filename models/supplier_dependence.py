"""How much of what a country uses of a sector is made in another, through third countries too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.arrays import quotient
from features.data.input_output import InputOutputTable
from features.errors import InputError

Array = NDArray[np.float64]


def origin_of_use(table: InputOutputTable) -> Array:
    """Value added by country in what each country uses of each sector, USD.

    Parameters
    ----------
    table
        Balanced.

    Returns
    -------
    ndarray, shape ``[origin, importer, sector]``
        Sums over origins to all that the importer uses of the sector, at home included.

    Raises
    ------
    InputError
        If the table has no solution: some sectors together use all their output.

    Notes
    -----
    With A the inputs and v the value added per dollar of output, a dollar of a sector's output
    holds ``v_c (I - A)^-1`` of country c (Leontief 1936; Johnson and Noguera 2012,
    doi:10.1016/j.jinteco.2011.10.003).
    """
    n, k = len(table.countries), len(table.sectors)
    output = table.output
    inputs = quotient(table.intermediate, np.broadcast_to(output, table.intermediate.shape))
    added = quotient(table.value_added, output)
    by_country = np.zeros((n * k, n))
    by_country[np.arange(n * k), np.repeat(np.arange(n), k)] = added
    # What nobody makes holds no value: its own country's, so that shares sum to 1.
    idle = output <= 0
    by_country[idle, np.repeat(np.arange(n), k)[idle]] = 1.0
    try:
        content = np.linalg.solve(np.eye(n * k) - inputs.T, by_country)
    except np.linalg.LinAlgError:
        content = np.full((n * k, n), np.nan)
    if not np.isfinite(content).all():
        raise InputError("the input-output table has no solution: some sectors together use all "
                         "their output", remedy="Correct the table, or leave it out")  # fmt: skip
    found: Array = np.einsum("isc,ijs->cjs", content.reshape(n, k, n), table.flows())
    return found
