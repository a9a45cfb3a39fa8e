"""Variances of many units, each from few outcomes: how far to trust a unit's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

Vector = NDArray[np.float64]


def moderated_variances(
    squares: Vector, groups: Sequence[NDArray[np.intp]], *, freedom: float
) -> Vector:
    """Variances, each shrunk to that of its group.

    Parameters
    ----------
    squares
        Estimates, shape ``[unit]``; positive in the groups.
    groups
        Places of the units of each group; other units get 0.
    freedom
        Degrees of freedom of an estimate.

    Notes
    -----
    Empirical Bayes with an inverse chi-squared prior, fitted to the mean and the variance of the
    logs (Smyth 2004, section 6.2, doi:10.2202/1544-6115.1027): what the estimates differ by beyond
    chance says how much each is trusted.
    """
    if not groups:
        return np.zeros(squares.size)
    logs = np.full(squares.size, np.nan)
    for group in groups:
        logs[group] = np.log(squares[group]) - _mean_log(freedom)
    centres = [float(logs[group].mean()) for group in groups]
    around = [logs[group] - centre for group, centre in zip(groups, centres, strict=True)]
    excess = float(np.mean(np.concatenate(around) ** 2) - polygamma(1, freedom / 2))
    prior = _prior_freedom(excess)
    out = np.zeros(squares.size)
    for group, centre in zip(groups, centres, strict=True):
        common = np.exp(centre + _mean_log(prior))
        out[group] = (prior * common + freedom * squares[group]) / (prior + freedom)
    return out


def _mean_log(freedom: float) -> float:
    """Mean log of a chi-squared variable over its degrees of freedom."""
    return float(digamma(freedom / 2) - np.log(freedom / 2))


def _prior_freedom(excess: float) -> float:
    """Degrees of freedom of the variances' prior, by the variance of their logs beyond chance."""
    least, most = 1.0, 1e6
    if excess <= polygamma(1, most / 2):
        return most
    if excess >= polygamma(1, least / 2):
        return least
    return float(brentq(lambda d: polygamma(1, d / 2) - excess, least, most))
