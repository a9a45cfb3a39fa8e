"""`shap.Explanation` of a LightGBM booster, fast enough for every row of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import lightgbm
    import shap


def tree_shap(
    booster: lightgbm.Booster,
    features: NDArray[np.floating[Any]],
    *,
    groups: Sequence[str] | None = None,
    threads: int = 0,
) -> shap.Explanation:
    """Exact path-dependent SHAP values, as `shap.TreeExplainer` gives them and many times faster.

    Parameters
    ----------
    booster
        LightGBM's, of one output, without categorical splits and linear leaves.
    features
        Rows, shape ``[row, feature]``.
    groups
        Name of every feature's group; values are then summed by group, in the order in which they
        first appear. Sums keep additivity and are not the Shapley value of a group as one player.
    threads
        At most; 0 takes every core.

    Returns
    -------
    shap.Explanation
        Of the raw prediction, ready for SHAP's plots: ``values`` of shape ``[row, feature]`` (or
        group) and ``base_values`` of shape ``[row]``. ``data`` are the rows; groups have none.

    Raises
    ------
    InputError
        If the booster is of a kind that is not supported.
    ValueError
        If shapes do not match the booster.
    """
    import shap

    from models import tree_shap as kernel

    names, codes = list(booster.feature_name()), None
    if groups is not None:
        names = list(dict.fromkeys(groups))
        codes = np.array([names.index(group) for group in groups], dtype=np.int64)
    found = kernel.tree_shap(booster, features, groups=codes, threads=threads)
    return shap.Explanation(
        values=found.values,
        base_values=np.full(features.shape[0], found.base_value),
        data=np.asarray(features) if groups is None else None,
        feature_names=names,
    )


def tree_shap_interactions(
    booster: lightgbm.Booster,
    features: NDArray[np.floating[Any]],
    *,
    pairs: Sequence[tuple[str, str]],
    threads: int = 0,
) -> shap.Explanation:
    """Exact path-dependent SHAP interaction values of chosen pairs of features.

    Parameters
    ----------
    booster, features, threads
        As for `tree_shap`.
    pairs
        Two different features each, by name.

    Returns
    -------
    shap.Explanation
        One column a pair, named ``first x second``: the entry off the diagonal of SHAP's
        interaction matrix, half the Shapley interaction index of the pair.

    Raises
    ------
    InputError
        If the booster is of a kind that is not supported.
    ValueError
        If a name is not a feature of the booster, a pair names one twice, or shapes do not match.
    """
    import shap

    from models import tree_shap as kernel

    names = list(booster.feature_name())
    if unknown := [name for pair in pairs for name in pair if name not in names]:
        raise ValueError(f"{unknown[0]!r} is not a feature of the booster")
    codes = [(names.index(first), names.index(second)) for first, second in pairs]
    found = kernel.tree_shap_interactions(booster, features, pairs=codes, threads=threads)
    return shap.Explanation(
        values=found.values,
        base_values=np.full(features.shape[0], found.base_value),
        feature_names=[f"{first} x {second}" for first, second in pairs],
    )
