"""Importer totals where domestic sales are flows: absorption that output can meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.arrays import quotient
from features.data.flows import FlowIndex

Vector = NDArray[np.float64]

FAITH = 0.5
"""Power of a round's correction towards the forecast absorption: 1 imposes it, 0 ignores it.

Half way, because neither forecast is known to be better, and a value fitted to so few origins would
be fitted to those that score it. On the sector panel of 1995-2009 0.5 to 0.9 score alike.
"""
ROUNDS = 500
SETTLED = 1e-10


def reachable_absorption(
    value: Vector, exporter: Vector, importer: Vector, *, flows: FlowIndex
) -> Vector:
    """Importer totals between those forecast and those that scaling to output alone gives.

    Parameters
    ----------
    value
        Flows of the origin, USD, shape ``[flow]``.
    exporter, importer
        Forecast output and absorption, USD, shape ``[margin]``.
    flows
        Keys.

    Returns
    -------
    ndarray
        USD, shape ``[margin]``. Some matrix with the origin's zeros has these importer totals and
        the given exporter totals.

    Notes
    -----
    Output and absorption of a country are two large numbers, and where it buys mostly at home
    their forecast errors exceed its trade with others. Raked to both, those few flows would have to
    absorb the difference; without any, nothing could. So importer totals are
    met only in part: they are the sums of the matrix that keeps the exporter totals and is nearest
    to the origin's, departures from the forecast absorption being penalised in the same measure
    (Kullback-Leibler; Chizat, Peyre, Schmitzer and Vialard 2018, doi:10.1090/mcom/3303).
    """
    n, k = len(flows.countries), len(flows.sectors)
    cube = np.zeros((k, n, n))
    cube[flows.sector, flows.exporter, flows.importer] = value
    rows, columns = exporter.reshape(n, k).T, importer.reshape(n, k).T
    right = np.ones((k, n))
    for _ in range(ROUNDS):
        left = quotient(rows, _times(cube, right))
        before = right
        right = quotient(columns, _times(cube.transpose(0, 2, 1), left)) ** FAITH
        # Only the product of the two sides matters.
        right = quotient(right, right.max(axis=1, keepdims=True))
        if np.abs(right - before).max() < SETTLED:
            break
    left = quotient(rows, _times(cube, right))
    sums: Vector = right * _times(cube.transpose(0, 2, 1), left)
    return sums.T.ravel()


def _times(cube: Vector, vectors: Vector) -> Vector:
    product: Vector = (cube @ vectors[:, :, None])[:, :, 0]
    return product
