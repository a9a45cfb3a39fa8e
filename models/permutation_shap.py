"""Sampled Shapley values of any function of rows: permutations of features, grouped by channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 8
"""Orders of the features, each the reverse of another, and rows of the background."""
_AT_ONCE = 65_536
"""Rows of a prediction: a call of scikit-learn costs as much as hundreds of rows."""
_SEED = 20_181


def background_rows(
    predict: Callable[[NDArray[np.float32]], NDArray[np.float64]], rows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """`DRAWS` training rows whose predictions are spread evenly over all, so is their mean."""
    order = np.argsort(predict(rows), kind="stable")
    places = (np.arange(DRAWS) + 0.5) / DRAWS * order.size
    return rows[order[places.astype(np.intp)]]


def permutation_shap(
    predict: Callable[[NDArray[np.float32]], NDArray[np.float64]],
    rows: NDArray[np.float32],
    background: NDArray[np.float32],
    *,
    groups: Sequence[str],
) -> NDArray[np.float64]:
    """Estimate Shapley values by letting features enter a background row one after the other.

    Parameters
    ----------
    predict
        From rows to one number each.
    rows
        To explain, shape ``[row, feature]``.
    background
        `DRAWS` rows that stand for all, shape ``[draw, feature]``.
    groups
        Of each feature. The features of a group enter together, so that their sum estimates the
        Shapley value of the group as one player (Owen 1977, doi:10.1007/978-3-642-45494-3_7).

    Returns
    -------
    ndarray, shape ``[row, feature + 1]``
        The last column is the mean prediction of the background; rows sum to the prediction,
        whatever the error of the parts.

    Notes
    -----
    Permutation sampling (Strumbelj and Kononenko 2014, doi:10.1007/s10115-013-0679-x) with
    antithetic pairs (Mitchell et al. 2022, JMLR 23). All rows share the orders, so a row's values
    do not depend on the rows beside it. `shap.PermutationExplainer` calls the model for each row
    apart, which for a forest of scikit-learn takes a hundred times as long.
    """
    steps = rows.shape[1] + 1
    out = np.zeros((len(rows), steps))
    for start in range(0, len(rows), max(_AT_ONCE // steps, 1)):
        part = slice(start, start + max(_AT_ONCE // steps, 1))
        for order, other in zip(_orders(groups, len(background)), background, strict=True):
            _walk(predict, rows[part], other, order, out[part])
    return out / len(background)


def _walk(
    predict: Callable[[NDArray[np.float32]], NDArray[np.float64]],
    rows: NDArray[np.float32],
    other: NDArray[np.float32],
    order: NDArray[np.intp],
    out: NDArray[np.float64],
) -> None:
    """Add the effect of every feature as it enters."""
    count = order.size
    mixed = np.empty((count + 1, len(rows), count), dtype=np.float32)
    mixed[:] = other
    for step, feature in enumerate(order):
        mixed[step + 1 :, :, feature] = rows[:, feature]
    found = predict(mixed.reshape(-1, count)).reshape(count + 1, len(rows))
    out[:, -1] += found[0]
    out[:, order] += np.diff(found, axis=0).T


def _orders(groups: Sequence[str], count: int) -> list[NDArray[np.intp]]:
    """Orders of the features, groups in one piece; every second is the reverse of the one before.

    Their seed is fixed: a model is explained alike whatever it is asked for.
    """
    rng = np.random.default_rng(_SEED)
    members = [np.flatnonzero(np.array(groups) == group) for group in dict.fromkeys(groups)]
    orders: list[NDArray[np.intp]] = []
    while len(orders) < count:
        shuffled = [rng.permutation(members[k]) for k in rng.permutation(len(members))]
        order = np.concatenate(shuffled) if shuffled else np.empty(0, dtype=np.intp)
        orders += [order, order[::-1]]
    return orders[:count]
