"""A learner tried on invented rows before a run begins: faults and what to know."""

from __future__ import annotations

import numpy as np

from models.fitted_learner import Rows, fitted, new_learner, predicted, weight_key
from models.learner_shap import method_of
from models.learner_text import LIGHTGBM

_ROWS, _COLUMNS = 200, 8


def check_learner(text: str, *, seed: int) -> tuple[str, ...]:
    """Fit a learner twice on a small table with holes.

    Parameters
    ----------
    text
        Names the learner, see `models.learner_text`.
    seed
        Of the run.

    Returns
    -------
    tuple of str
        What a user should know of it, in sentences; nothing of LightGBM.

    Raises
    ------
    InputError
        If it does not import, is no learner, fails, or gives anything but a number for each row.
    """
    if text == LIGHTGBM:
        return ()
    rows, shift, weight = _invented()
    one, other = (
        fitted(new_learner(text, seed=seed), rows, shift, weight, text=text) for _ in range(2)
    )
    first, second = (predicted(estimator, rows, text=text) for estimator in (one, other))
    said = []
    if not np.array_equal(first, second):
        said.append(
            f"learner {text} differs between two fits on the same rows: another run will not give "
            "the same forecasts"
        )
    if weight_key(one) is None:
        said.append(f"learner {text} takes no weights: large and small flows count alike")
    method, _ = method_of(one, lambda some: predicted(one, some, text=text), rows)
    if method == "permutation":
        said.append(
            f"SHAP values of learner {text} are estimates from permutations of the features, not "
            "exact"
        )
    return tuple(said)


def _invented() -> tuple[Rows, Rows, Rows]:
    """Features with holes, shifts that follow one of them, and weights."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(_ROWS, _COLUMNS)).astype(np.float32)
    shift = np.tanh(rows[:, 0] + rng.normal(0, 0.1, _ROWS)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows, shift, rng.lognormal(size=_ROWS).astype(np.float32)
