"""`shap.Explanation` of a LightGBM model, fast enough for every row of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import lightgbm
    import pandas as pd
    import shap

    from models.tree_shap.path_dependent import TreeShap


def tree_shap(
    model: lightgbm.Booster | lightgbm.LGBMModel,
    features: ArrayLike | pd.DataFrame,
    *,
    groups: Sequence[str] | None = None,
    threads: int = 0,
) -> shap.Explanation:
    """Exact path-dependent SHAP values as of `shap.TreeExplainer`, many times faster.

    Parameters
    ----------
    model
        A ``lightgbm.Booster``, or a fitted ``LGBMRegressor``, ``LGBMClassifier`` or ``LGBMRanker``,
        without linear leaves.
    features
        Rows, shape ``[row, feature]``: a DataFrame with the columns of training in their order, an
        array or nested lists. NaN is missing; text is refused.
    groups
        Name of every feature's group; values are then summed by group, in the order in which they
        first appear. Sums keep additivity and are not the Shapley value of a group as one player.
    threads
        At most; 0 takes every core.

    Returns
    -------
    shap.Explanation
        Of the raw prediction, ready for SHAP's plots: ``values`` of shape ``[row, feature]`` (or
        group) and ``base_values`` of shape ``[row]``; of several classes ``[row, feature, class]``
        and ``[row, class]``. ``data`` are the rows; groups have none.

    Raises
    ------
    InputError
        If this kind of model is not supported, or a cell is not a number.
    ValueError
        If shapes do not match the model.
    """
    from forecasting.explanation.model_inputs import booster_of, rows_of
    from models.tree_shap.path_dependent import forest_shap
    from models.tree_shap.paths import read_forests

    booster = booster_of(model)
    rows = rows_of(features, booster)
    names, codes = list(booster.feature_name()), None
    if groups is not None:
        names = list(dict.fromkeys(groups))
        codes = np.array([names.index(group) for group in groups], dtype=np.int64)
    found = [
        forest_shap(forest, rows, groups=codes, threads=threads) for forest in read_forests(booster)
    ]
    return _explanation(found, names, data=_cells(features) if groups is None else None)


def tree_shap_interactions(
    model: lightgbm.Booster | lightgbm.LGBMModel,
    features: ArrayLike | pd.DataFrame,
    *,
    pairs: Sequence[tuple[str, str]],
    threads: int = 0,
) -> shap.Explanation:
    """Exact path-dependent SHAP interaction values of chosen pairs of features.

    Parameters
    ----------
    model, features, threads
        As for `tree_shap`.
    pairs
        Two different features each, by the model's name.

    Returns
    -------
    shap.Explanation
        One column per pair, named ``first x second``: the entry off the diagonal of SHAP's
        interaction matrix, half the Shapley interaction index of the pair. Of several classes
        ``values`` have the shape ``[row, pair, class]``.

    Raises
    ------
    InputError
        If this kind of model is not supported, or a cell is not a number.
    ValueError
        If a name is not a feature of the model, a pair names one twice, or shapes do not match.
    """
    from forecasting.explanation.model_inputs import booster_of, rows_of
    from models.tree_shap.path_dependent import forest_interactions
    from models.tree_shap.paths import read_forests

    booster = booster_of(model)
    rows, names = rows_of(features, booster), list(booster.feature_name())
    if unknown := [name for pair in pairs for name in pair if name not in names]:
        raise ValueError(f"{unknown[0]!r} is not a feature of the booster")
    codes = [(names.index(first), names.index(second)) for first, second in pairs]
    found = [
        forest_interactions(forest, rows, pairs=codes, threads=threads)
        for forest in read_forests(booster)
    ]
    return _explanation(found, [f"{first} x {second}" for first, second in pairs], data=None)


def _explanation(
    found: Sequence[TreeShap], names: list[str], *, data: NDArray[Any] | None
) -> shap.Explanation:
    """One output's values as they are, those of several stacked as SHAP stacks them."""
    import shap

    values, base = np.stack([one.values for one in found], axis=-1), [o.base_value for o in found]
    bases = np.tile(base, (len(values), 1))
    if len(found) == 1:
        values, bases = values[..., 0], bases[:, 0]
    return shap.Explanation(values=values, base_values=bases, data=data, feature_names=names)


def _cells(features: ArrayLike | pd.DataFrame) -> NDArray[Any]:
    """Values that SHAP's plots show beside a feature: as given, categories by name."""
    return np.asarray(features)
