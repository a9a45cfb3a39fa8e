from __future__ import annotations

import numpy as np
import pytest

from models.totals_growth import PENALTIES, _mean_ridge


@pytest.mark.parametrize("size", [5, 40, 2_000])
def test_slopes_are_those_of_least_squares_with_the_penalty_as_rows(size):
    """Of the ridge written out as least squares, whose further rows draw each slope to 0."""
    rng = np.random.default_rng(size)
    x = rng.normal(size=(size, 9)) * rng.lognormal(0, 2, 9)
    x[:, 3] = 0.0
    x[:, 5] = x[:, 4]
    y, weight = rng.normal(size=size), rng.lognormal(size=size)
    spread = np.maximum(np.sqrt(np.average(x**2, axis=0, weights=weight) * weight.mean()), 1e-9)
    root = np.sqrt(weight)[:, None]
    slopes = []
    for penalty in PENALTIES:
        rows = np.vstack([root * x / spread, np.sqrt(penalty) * np.eye(9)])
        slopes.append(np.linalg.lstsq(rows, np.append(root[:, 0] * y, np.zeros(9)))[0])
    half = size // 2
    found = _mean_ridge([(x[:half], y[:half], weight[:half]), (x[half:], y[half:], weight[half:])])
    np.testing.assert_allclose(found * spread, np.mean(slopes, axis=0), atol=1e-9)
