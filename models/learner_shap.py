"""Shapley values of learners: exact of boosted trees and linear models, else by permutations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.permutation_shap import background_rows, permutation_shap

Rows = NDArray[np.float32]
Matrix = NDArray[np.float64]
Predict = Callable[[Rows], NDArray[np.float64]]
Method = Literal["xgboost", "catboost", "lightgbm", "linear", "permutation"]

ROUNDING = 1e-4
"""Largest error of sums in single precision, in which XGBoost adds up its trees."""
_TRIED = 200
"""Training rows on which an exact method must add up."""


def method_of(estimator: Any, predict: Predict, rows: Rows) -> tuple[Method, NDArray[Any]]:
    """How a fitted estimator is explained, and what its contributions are measured from.

    Parameters
    ----------
    estimator, predict
        Fitted; its predictions.
    rows
        It was fitted on, shape ``[row, feature]``.

    Returns
    -------
    tuple
        The exact method that fits, else ``"permutation"``. A method counts only where its values
        add up to the predictions: those of a model with a link, such as XGBoost's Tweedie loss, do
        so on another scale. Then the reference of `contributions_by`.
    """
    tried = rows[:: max(len(rows) // _TRIED, 1)]
    unwrapped = _unwrapped(estimator, rows)
    if unwrapped is not None:
        centre = np.asarray(unwrapped[1], dtype=np.float64).mean(axis=0, keepdims=True)
        for method in _EXACT:
            reference = centre if method == "linear" else centre[:0]
            found = _exact(method, estimator, tried, reference)
            if found is not None and np.abs(found.sum(axis=1) - predict(tried)).max() <= ROUNDING:
                return method, reference
    return "permutation", background_rows(predict, rows)


def contributions_by(
    method: Method,
    estimator: Any,
    predict: Predict,
    rows: Rows,
    reference: NDArray[Any],
    *,
    groups: Sequence[str],
) -> Matrix:
    """Contributions of every feature and, last, the base value, shape ``[row, feature + 1]``.

    Rows sum to the prediction to double precision: the base value takes the rounding of libraries
    that compute in single precision.

    Parameters
    ----------
    method, reference
        As `method_of` found them: the background of permutations, or the mean row of a linear
        model, as its last step sees it.
    estimator, predict
        Fitted; its predictions.
    rows
        To explain.
    groups
        Of each feature, see `permutation_shap`.

    Raises
    ------
    FloatingPointError
        If an exact method does not add up.
    """
    if method == "permutation":
        return permutation_shap(predict, rows, reference, groups=groups)
    found = _exact(method, estimator, rows, reference)
    assert found is not None
    missed = predict(rows) - found.sum(axis=1)
    if np.abs(missed).max(initial=0.0) > ROUNDING:
        raise FloatingPointError("SHAP contributions do not sum to the learner's prediction")
    found[:, -1] += missed
    return found


def _exact(method: Method, estimator: Any, rows: Rows, reference: NDArray[Any]) -> Matrix | None:
    """Values of an exact method; None where it does not fit the estimator."""
    unwrapped = _unwrapped(estimator, rows)
    if unwrapped is None:
        return None
    last, seen, origin = unwrapped
    found = _EXACT[method](last, seen, reference)
    if found is None or found.shape != (len(rows), origin.size + 1):
        return None
    out = np.zeros((len(rows), rows.shape[1] + 1))
    np.add.at(out.T, origin, found[:, :-1].T)
    out[:, -1] = found[:, -1]
    return out


def _unwrapped(estimator: Any, rows: Rows) -> tuple[Any, Any, NDArray[np.intp]] | None:
    """The last step of a pipeline, the rows as it sees them, and the input of each column.

    None where a column comes from several inputs: behind scalers and imputers it does not.
    """
    *before, last = _steps(estimator)
    names = [f"x{number}" for number in range(rows.shape[1])]
    seen, columns = rows, names
    for step in before:
        if not hasattr(step, "get_feature_names_out"):
            return None
        columns, seen = list(step.get_feature_names_out(columns)), step.transform(seen)
    place = {name: number for number, name in enumerate(names)}
    origin = [place.get(name.removeprefix("missingindicator_"), -1) for name in columns]
    return None if -1 in origin else (last, seen, np.array(origin, dtype=np.intp))


def _steps(estimator: Any) -> list[Any]:
    """Steps of a pipeline and of those inside it."""
    from sklearn.pipeline import Pipeline

    if not isinstance(estimator, Pipeline):
        return [estimator]
    steps = [one for _, step in estimator.steps for one in _steps(step)]
    return [step for step in steps if step not in (None, "passthrough")]


def _xgboost(estimator: Any, rows: Any, centre: Matrix) -> Matrix | None:  # noqa: ARG001
    if not _is_of(estimator, "xgboost"):
        return None
    import xgboost

    data = xgboost.DMatrix(rows, missing=estimator.missing, nthread=1)
    return _matrix(estimator.get_booster().predict(data, pred_contribs=True))


def _catboost(estimator: Any, rows: Any, centre: Matrix) -> Matrix | None:  # noqa: ARG001
    if not _is_of(estimator, "catboost"):
        return None
    import catboost

    pool = catboost.Pool(rows)
    return _matrix(estimator.get_feature_importance(pool, type="ShapValues", thread_count=1))


def _lightgbm(estimator: Any, rows: Any, centre: Matrix) -> Matrix | None:  # noqa: ARG001
    if not _is_of(estimator, "lightgbm"):
        return None
    return _matrix(estimator.booster_.predict(rows, pred_contrib=True, num_threads=1))


def _linear(estimator: Any, rows: Any, centre: Matrix) -> Matrix | None:
    """Coefficient times distance from the mean: exact for independent inputs."""
    slopes = np.ravel(getattr(estimator, "coef_", ()))
    if slopes.size != rows.shape[1] or not hasattr(estimator, "intercept_"):
        return None
    constant = float(np.ravel(estimator.intercept_)[0])
    values = slopes * (_matrix(rows) - centre)
    return np.column_stack([values, np.full(len(rows), constant + float(centre[0] @ slopes))])


def _is_of(estimator: Any, package: str) -> bool:
    return type(estimator).__module__.partition(".")[0] == package


def _matrix(found: Any) -> Matrix:
    return np.asarray(found, dtype=np.float64)


_EXACT: dict[Method, Callable[[Any, Any, Matrix], Matrix | None]] = {
    "xgboost": _xgboost,
    "catboost": _catboost,
    "lightgbm": _lightgbm,
    "linear": _linear,
}
