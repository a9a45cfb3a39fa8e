"""The linear half of the shift model: robust reversion of a flow to its past and related flows.

Trees cut a slope into steps; mean reversion is a slope. A linear model of a dozen gaps, one for
each class of flow size, forecasts about as well as the booster with different errors, so
their mean is better than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import huber

from features.catalogue import positions
from models.design import HORIZON_COLUMN, Design

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

SIZE_FEATURE = "log_value"
INPUTS: tuple[str, ...] = (
    "intensity_gap_3",
    "intensity_gap_5",
    "intensity_gap_10",
    "structure_gap",
    "similar_exporters_growth_1",
    "similar_importers_growth_1",
    "similar_exporters_growth_3",
    "similar_importers_growth_3",
    "other_exports_growth_1",
    "other_imports_growth_1",
    "other_exports_churn_1",
    "other_imports_churn_1",
)
SIZE_CLASSES = 5
LARGEST_INPUT = 3.0
"""Inputs are ln ratios; beyond e^3 a gap is a change of reporting, not something that reverts."""
PENALTY = 1_000.0
"""Of the ridge, in rows: a class with few rows is shrunk towards no shift."""
SMALLEST_ERROR = 0.1
"""Errors below this are squared and those above absolute, as in Huber's loss."""
_CLIP = np.float32(LARGEST_INPUT)


@dataclass(frozen=True, slots=True)
class Reversion:
    """A fitted linear model of the shift in every size class.

    Attributes
    ----------
    names
        Inputs it uses.
    edges
        Log values that separate the size classes, shape ``[class - 1]``.
    slopes
        Shape ``[class, 2 + 2 * input]``: constant, horizon, inputs, inputs x horizon; the horizon
        counted from ``horizon``.
    means
        Mean inputs of a class in training, shape ``[class, input]``: what contributions are
        measured from.
    horizon, average
        Mean horizon and mean prediction in training.
    """

    names: tuple[str, ...]
    edges: Vector
    slopes: Matrix
    means: Matrix
    horizon: float
    average: float

    def predict(self, features: NDArray[np.float32]) -> Vector:
        """Expected shift of rows with the catalogue's columns, shape ``[row]``."""
        inputs, ahead, group = self._read(features)
        return self._level(group, ahead) + (self._slope(group, ahead) * inputs).sum(axis=1)

    def contributions(self, features: NDArray[np.float32], *, names: Sequence[str]) -> Matrix:
        """Exact contributions to the prediction, in the columns of ``names`` and a base value.

        Returns
        -------
        ndarray, shape ``[row, len(names) + 1]``
            An input contributes its slope times its distance from the class mean. What is left of
            the class mean is the horizon's and the size's. Rows sum to the prediction. With
            independent inputs these are Shapley values (Lundberg and Lee 2017).
        """
        inputs, ahead, group = self._read(features)
        place = {name: column for column, name in enumerate(names)}
        out = np.zeros((features.shape[0], len(names) + 1))
        moved = self._slope(group, ahead) * (inputs - self.means[group])
        out[:, [place[name] for name in self.names]] = moved
        middle = self._typical(group, np.zeros_like(ahead))
        if SIZE_FEATURE in place:
            out[:, place[SIZE_FEATURE]] = middle - self.average
        else:
            out[:, -1] += middle - self.average
        horizon = self._typical(group, ahead) - middle
        out[:, place.get("years_ahead", -1)] += horizon
        out[:, -1] += self.average
        return out

    def _read(self, features: NDArray[np.float32]) -> tuple[Matrix, Vector, NDArray[np.intp]]:
        ahead = features[:, HORIZON_COLUMN].astype(np.float64) - self.horizon
        group = np.searchsorted(self.edges, features[:, positions([SIZE_FEATURE])[0]])
        return _bounded(features[:, positions(self.names)]), ahead, group

    def _slope(self, group: NDArray[np.intp], ahead: Vector) -> Matrix:
        count = len(self.names)
        slopes = self.slopes[:, 2:]
        return slopes[group, :count] + slopes[group, count:] * ahead[:, None]

    def _level(self, group: NDArray[np.intp], ahead: Vector) -> Vector:
        return self.slopes[group, 0] + self.slopes[group, 1] * ahead

    def _typical(self, group: NDArray[np.intp], ahead: Vector) -> Vector:
        """Prediction at the class's mean inputs."""
        return self._level(group, ahead) + (self._slope(group, ahead) * self.means[group]).sum(
            axis=1
        )


def inputs_of(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the features ``names`` that `fit_reversion` reads."""
    return tuple(name for name in (*INPUTS, SIZE_FEATURE) if name in names)


def fit_reversion(
    design: Design, *, names: Sequence[str], rows: NDArray[np.intp] | None = None
) -> Reversion:
    """Fit every size class on flows with a base that are traded in the target year.

    Parameters
    ----------
    design
        Training rows.
    names
        Features it may use; those outside `INPUTS` are ignored.
    rows
        Those of the design to fit on; by default all. Only the inputs' columns are copied.

    Notes
    -----
    A ridge regression of the shift under Huber's loss (Huber 1964,
    doi:10.1214/aoms/1177703732), whose convex minimum scipy's trust region finds in five steps.
    Every pair counts alike; the booster is the half that leans to large flows.

    scikit-learn's `HuberRegressor` estimates the threshold along with the slopes: on the real goods
    panel from .03 to .005. With the same penalty it comes within 2e-4 of the least loss, in about
    four times the time, and the threshold could not be fixed.
    """
    used = tuple(name for name in INPUTS if name in names)
    learnt = (design.base > 0) & design.traded
    rows = np.flatnonzero(learnt) if rows is None else rows[learnt[rows]]
    if not rows.size:
        return Reversion((), np.empty(0), np.zeros((1, 2)), np.empty((1, 0)), 0.0, 0.0)
    shift = design.shift[rows].astype(np.float64)
    ahead = design.features[rows, HORIZON_COLUMN].astype(np.float64)
    horizon = float(ahead.mean())
    edges, size = np.empty(0), design.features[rows, positions([SIZE_FEATURE])[0]]
    if SIZE_FEATURE in names:
        shares = np.linspace(0, 1, SIZE_CLASSES + 1)[1:-1]
        edges = np.unique(np.quantile(size, shares)).astype(np.float64)
    group = np.searchsorted(edges, size)
    inputs = _bounded(design.features[np.ix_(rows, positions(used))])
    slopes = np.zeros((edges.size + 1, 2 + 2 * len(used)))
    means = np.zeros((edges.size + 1, len(used)))
    for number in range(edges.size + 1):
        member = group == number
        if member.any():
            means[number] = inputs[member].mean(axis=0)
            terms = _terms(inputs[member], ahead[member] - horizon)
            slopes[number] = _huber(terms, shift[member])
    fitted = Reversion(used, edges, slopes, means, horizon, 0.0)
    average = float(fitted._typical(group, ahead - horizon).mean())
    return Reversion(used, edges, slopes, means, horizon, average)


def _bounded(inputs: NDArray[np.float32]) -> Matrix:
    """Inputs within bounds, unknown ones 0: no gap, no growth."""
    return np.clip(np.nan_to_num(inputs), -_CLIP, _CLIP).astype(np.float64)


def _terms(inputs: Matrix, ahead: Vector) -> Matrix:
    return np.column_stack([np.ones_like(ahead), ahead, inputs, inputs * ahead[:, None]])


def _huber(terms: Matrix, shift: Vector) -> Vector:
    """Slopes that minimise Huber's loss, over its threshold, and a squared penalty."""
    penalty = PENALTY * np.eye(terms.shape[1])

    def loss(slopes: Vector) -> tuple[float, Vector]:
        error = shift - terms @ slopes
        value = huber(SMALLEST_ERROR, error).sum() / SMALLEST_ERROR + slopes @ penalty @ slopes / 2
        return float(value), penalty @ slopes - terms.T @ np.clip(error / SMALLEST_ERROR, -1, 1)

    def curvature(slopes: Vector) -> Matrix:
        squared = terms[np.abs(shift - terms @ slopes) < SMALLEST_ERROR]
        return squared.T @ squared / SMALLEST_ERROR + penalty

    # A curvature of PENALTY at least turns this gradient into a distance of 1e-9 at most.
    found = minimize(
        loss,
        np.zeros(terms.shape[1]),
        jac=True,
        hess=curvature,
        method="trust-exact",
        options={"gtol": 1e-6},
    )
    return np.asarray(found.x, dtype=np.float64)
