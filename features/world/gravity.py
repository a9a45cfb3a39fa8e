"""Structural gravity: flows from openness and sizes, and what of openness sizes take back."""

from __future__ import annotations

import numpy as np

from features.world.countries import Array

_MAX_ITERATIONS = 5000


def net_of_country_means(values: Array) -> Array:
    """Residual of exporter and importer effects, least squares over the off-diagonal pairs.

    Without the diagonal the design is not balanced, so subtracting row and column means is not
    enough; this is the closed form of its normal equations. Leading axes are kept.
    """
    n = values.shape[-1]
    foreign = 1.0 - np.eye(n)
    off = values * foreign
    half = off.sum(axis=(-2, -1))[..., None] / (2.0 * (n - 1))
    rows, columns = off.sum(axis=-1) - half, off.sum(axis=-2) - half
    exporter = ((n - 1) * rows + columns) / (n * (n - 2))
    importer = ((n - 1) * columns + rows) / (n * (n - 2))
    return np.asarray((off - exporter[..., :, None] - importer[..., None, :]) * foreign)


def standardised(driver: Array) -> Array:
    """Reduce a driver to its interaction of exporter and importer, of unit variance in each year.

    Whatever separates into the two is absorbed by the country totals and leaves no trace in the
    pattern; planting it as well would only move trade between abroad and home.
    """
    net = net_of_country_means(driver)
    n = driver.shape[-1]
    deviation = np.sqrt((net**2).sum(axis=(-2, -1), keepdims=True) / (n * (n - 1)))
    return np.asarray(net / deviation)


def gravity_flows(openness: Array, *, output: Array, expenditure: Array) -> Array:
    """Solve structural gravity: flows with the given openness that exhaust output and expenditure.

    X_ij = phi_ij u_i v_j with sum_j X_ij = Y_i and sum_i X_ij = E_j; u and v carry the multilateral
    resistances and are found by iterative proportional fitting.

    Parameters
    ----------
    openness : ndarray, shape (year, exporter, importer)
        ln phi, the domestic diagonal included.
    output, expenditure : ndarray, shape (year, country)
        Equal world totals in every year.

    Returns
    -------
    ndarray, shape (year, exporter, importer)
    """
    phi = np.exp(openness - openness.max(axis=(1, 2), keepdims=True))
    importer = np.ones_like(expenditure)
    for _ in range(_MAX_ITERATIONS):
        exporter = output / np.einsum("tij,tj->ti", phi, importer)
        reached = importer * np.einsum("tij,ti->tj", phi, exporter)
        importer *= expenditure / reached
        if np.abs(reached / expenditure - 1.0).max() < 1e-12:
            break
    else:
        raise RuntimeError("the multilateral resistances did not converge")
    return np.asarray(phi * exporter[:, :, None] * importer[:, None, :])
