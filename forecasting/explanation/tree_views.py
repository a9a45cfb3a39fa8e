"""Two definitions of a SHAP value side by side: they differ where channels move together."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.explanation.drivers import correlation, mean_size
from forecasting.explanation.explain import channel_columns
from forecasting.explanation.gathered_rows import GatheredRows
from models.shift import ShiftModel
from models.tree_shap.interventional import tree_shap_interventional
from models.tree_shap.path_dependent import tree_shap

INTERVENTIONAL_ROWS, BACKGROUND_ROWS = 400, 100
"""Rows of the interventional view: its cost is their product."""


_VIEWS = ("share_path_dependent", "rank_path_dependent", "share_interventional",
          "rank_interventional", "correlation")  # fmt: skip


def tree_views(
    shift: ShiftModel,
    rows: GatheredRows | NDArray[np.float32],
    background: NDArray[np.float32],
    *,
    seed: int,
) -> pd.DataFrame:
    """Shares of the channels in the trees by both definitions of a SHAP value, on the same rows.

    Path-dependent values follow the training rows down each tree, so a feature that moves with
    another gets part of its effect; interventional ones break the dependence and put a background
    row's value in its place (Janzing, Minorics and Bloebaum 2020, arXiv:1910.13413). Where the two
    differ, channels depend on each other, and neither view is the true one.

    Parameters
    ----------
    shift
        Fitted; its linear half, which both treat alike, is left out.
    rows, background
        Features of forecast flows and of training rows, of which `INTERVENTIONAL_ROWS` and
        `BACKGROUND_ROWS` are drawn.
    seed
        Of the draws.

    Returns
    -------
    DataFrame
        ``name`` of the channel, ``share_path_dependent, share_interventional,
        rank_path_dependent, rank_interventional``, and ``correlation`` of the two over rows; NaN
        with a learner other than LightGBM, of whose trees there is one view.
    """
    columns = channel_columns(shift.names)
    out = pd.DataFrame({"name": list(columns)})
    if shift.booster_ is None:
        return out.assign(**dict.fromkeys(_VIEWS, np.nan))
    rng = np.random.default_rng(seed)
    rows, background = (
        table[np.sort(rng.choice(len(table), min(most, len(table)), replace=False))]
        for table, most in ((rows, INTERVENTIONAL_ROWS), (background, BACKGROUND_ROWS))
    )
    followed = tree_shap(shift.booster_, rows).values
    broken = np.zeros_like(followed)
    if len(rows):
        broken = tree_shap_interventional(shift.booster_, rows, background).values
    views = {
        view: np.column_stack([values[:, of].sum(axis=1) for of in columns.values()])
        for view, values in (("path_dependent", followed), ("interventional", broken))
    }
    for view, values in views.items():
        size = mean_size(values)
        out[f"share_{view}"] = size / size.sum() if size.sum() > 0 else 0.0
        out[f"rank_{view}"] = pd.Series(-size).rank(method="first").astype(int)
    both = zip(*(values.T for values in views.values()), strict=True)
    return out.assign(correlation=[correlation(x, y) for x, y in both])
