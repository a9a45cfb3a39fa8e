"""Contributions to the pattern of trade: what is left of SHAP values once the totals are met.

A contribution that moves all flows of an exporter, or of an importer, alike changes no pattern: the
raking to the totals takes it back. What is left of every channel moves trade from one partner to
another.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def log_mean(to: Matrix, start: Matrix) -> Matrix:
    """Logarithmic mean ``(a - b) / ln(a / b)`` of positive numbers; a where both are the same."""
    gap = to - start
    # Near 1 the logarithm of the quotient has lost the digits that the gap still has.
    near = np.abs(gap) < start / 2.0
    ratio = np.where(near, np.log1p(np.where(near, gap / start, 0.0)), np.log(to / start))
    return np.divide(gap, ratio, out=np.array(start, dtype=np.float64), where=gap != 0)


def net_of_totals(values: Matrix, rows: pd.DataFrame) -> Matrix:
    """Remove from contributions the part that the raking takes back.

    Parameters
    ----------
    values
        Logarithmic contributions, shape ``[row, channel]``.
    rows
        Their flows: ``exporter, importer, [sector], horizon, base, forecast``, shape ``[row]``.

    Returns
    -------
    ndarray, shape ``[row, channel]``
        ``values`` less an exporter's and an importer's part, for every horizon and sector.

    Notes
    -----
    With ``L`` the logarithmic mean of forecast and base, a contribution c to ``ln(forecast /
    base)`` is worth ``L c`` USD (LMDI-I, Ang 2005, doi:10.1016/j.enpol.2003.10.010). The parts
    taken out, ``a_i + b_j``, are those of the regression on exporter and importer effects with
    weights L, so that what is left of every channel sums to 0 USD over the partners of each
    exporter and of each importer. The raking is itself of the form ``a_i + b_j`` and vanishes, and
    with it the average shift: for every flow the channels alone sum to ``ln(forecast / base)``, but
    for the trade that flows forecast to stop leave to the others.
    """
    weights = log_mean(
        rows["forecast"].to_numpy(dtype=np.float64), rows["base"].to_numpy(dtype=np.float64)
    )
    exporter, importer = (
        pd.Categorical(rows[side]).codes.astype(np.intp) for side in ("exporter", "importer")
    )
    blocks = rows.groupby(["horizon", *(["sector"] if "sector" in rows else [])], observed=True)
    out = np.empty_like(values)
    for chosen in blocks.indices.values():
        out[chosen] = values[chosen] - _two_way_means(
            values[chosen], weights[chosen], exporter[chosen], importer[chosen]
        )
    return out


def _two_way_means(
    values: Matrix, weights: NDArray[np.float64], i: NDArray[np.intp], j: NDArray[np.intp]
) -> Matrix:
    """Fitted ``a_i + b_j`` of a weighted regression, shape ``[row, channel]``."""
    table = np.zeros((i.max() + 1, j.max() + 1))
    table[i, j] = weights
    by_row, by_column = np.zeros((2, max(table.shape), values.shape[1]))
    np.add.at(by_row, i, weights[:, None] * values)
    np.add.at(by_column, j, weights[:, None] * values)
    by_row, by_column = by_row[: table.shape[0]], by_column[: table.shape[1]]
    total = table.sum(axis=1, keepdims=True)
    share = np.divide(table, total, out=np.zeros_like(table), where=total > 0)
    means = np.divide(by_row, total, out=np.zeros_like(by_row), where=total > 0)
    # Row effects eliminated; the system is singular, as a constant may go to either side.
    left = np.diag(table.sum(axis=0)) - table.T @ share
    scale = np.abs(left).max() or 1.0
    b = np.linalg.lstsq(left / scale, (by_column - table.T @ means) / scale, rcond=1e-13)[0]
    return (means - share @ b)[i] + b[j]
