"""The probability that a flow is positive in the target year: births, deaths and survival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from features.catalogue import positions
from models.design import Design
from models.tree_shap import tree_shap

if TYPE_CHECKING:
    import lightgbm

PREDICTORS: tuple[str, ...] = (
    "log_value",
    "zeros_5",
    "years_since_trade",
    "link_age",
    "volatility_5",
    "reverse_value",
    "value_gap_5",
    "gdp_exporter",
    "gdp_importer",
    "total_growth_5_exporter",
    "distance",
    "silent_destinations",
    "silent_sources",
    "newly_silent_destinations",
    "newly_silent_sources",
    "years_ahead",
)
"""Duration and size decide whether a link lives (Besedes and Prusa 2003, doi:10.3386/w9936)."""

_PARAMS = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 200,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
_ROUNDS = 60
_MAX_ROWS = 150_000


_PRIOR = 20.0
"""Flows' worth of trust in the probability as it comes, before any is held out."""
_STEPS = 25
UNCHANGED = ((0.0, 1.0), (0.0, 1.0))


@dataclass(slots=True)
class TradeProbability:
    """Boosted logistic model of ``flow > 0``, calibrated; scikit-learn conventions.

    Where every training flow is positive (or none is) there is nothing to learn and the
    probability is that constant.

    Attributes
    ----------
    calibration_
        Intercept and slope on the log odds, of flows without trade at the origin and of the others.
    """

    names: Sequence[str] = PREDICTORS
    seed: int = 0
    threads: int = 0
    booster_: lightgbm.Booster | None = None
    constant_: float | None = None
    calibration_: tuple[tuple[float, float], ...] = UNCHANGED

    def fit(self, design: Design) -> TradeProbability:
        """Fit on the rows of a design, zero bases included.

        Notes
        -----
        Reporting gets better, so that fewer flows start than did: the log odds are shifted and
        scaled (Platt 1999) to outcomes that a model of earlier years had not seen. As many years
        are held out as the longest horizon has, so that every horizon is among them.
        """
        rate = float(design.traded.mean())
        self.calibration_ = UNCHANGED
        if rate in (0.0, 1.0):
            self.booster_, self.constant_ = None, rate
            return self
        self.booster_, self.constant_ = self._boosted(design), None
        last = int(design.target_year.max())
        past, recent = design.split(last - int((design.target_year - design.origin).max()))
        if past.traded.size and 0 < past.traded.mean() < 1 and recent.traded.size:
            odds = _log_odds(self._raw(self._boosted(past), recent.features))
            before = _traded_before(recent.features)
            starts, stays = (
                _platt(odds[before == state], recent.traded[before == state]) for state in (0, 1)
            )
            self.calibration_ = (starts, stays)
        return self

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability that the flow is positive, shape ``[row]``."""
        if self.booster_ is None:
            if self.constant_ is None:
                raise ValueError("the trade probability is not fitted yet")
            return np.full(features.shape[0], self.constant_)
        terms = np.array(self.calibration_)[_traded_before(features)]
        return expit(terms[:, 0] + terms[:, 1] * _log_odds(self._raw(self.booster_, features)))

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Exact SHAP values of the calibrated log odds.

        Returns
        -------
        ndarray, shape ``[row, len(names) + 1]``
            One column a predictor, the last the base value of the flow's state at the origin
            (traded or not). Rows sum to the log odds of `predict`, but for probabilities that it
            clips.

        Raises
        ------
        ValueError
            If there is no booster: with one outcome only there is nothing to explain.
        """
        if self.booster_ is None:
            raise ValueError("the trade probability has no booster to explain")
        found = tree_shap(self.booster_, self._columns(features, slice(None)))
        intercept, slope = np.array(self.calibration_)[_traded_before(features)].T
        raw = np.column_stack([found.values, np.full(len(features), found.base_value)])
        raw *= slope[:, None]
        raw[:, -1] += intercept
        return raw

    def _boosted(self, design: Design) -> lightgbm.Booster:
        import lightgbm

        rows = np.arange(design.traded.size)
        if rows.size > _MAX_ROWS:
            rng = np.random.default_rng(self.seed)
            rows = np.sort(rng.choice(rows, size=_MAX_ROWS, replace=False))
        params = {**_PARAMS, "seed": self.seed, "num_threads": self.threads}
        data = lightgbm.Dataset(
            self._columns(design.features, rows),
            label=design.traded[rows].astype(np.float32),
            params=params,
        )
        return lightgbm.train(params, data, num_boost_round=_ROUNDS)

    def _raw(self, booster: lightgbm.Booster, features: NDArray[np.float32]) -> NDArray[np.float64]:
        rows = self._columns(features, slice(None))
        predicted = booster.predict(rows, num_threads=self.threads)
        return np.asarray(predicted, dtype=np.float64)

    def _columns(
        self, features: NDArray[np.float32], rows: NDArray[np.intp] | slice
    ) -> NDArray[np.float32]:
        return np.ascontiguousarray(features[rows][:, positions(self.names)])


def _traded_before(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """1 where the flow is positive at the origin, 0 where it is not or is unknown."""
    return (features[:, positions(["log_value"])[0]] > 0).astype(np.int64)


def _log_odds(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    return logit(np.clip(chance, 1e-4, 1 - 1e-4))


def _platt(odds: NDArray[np.float64], came: NDArray[np.bool_]) -> tuple[float, float]:
    """Intercept and slope of outcomes on log odds, drawn to (0, 1) by `_PRIOR` flows' worth."""
    design = np.column_stack([np.ones_like(odds), odds])
    start = np.array([0.0, 1.0])
    terms = start.copy()
    for _ in range(_STEPS):
        chance = expit(design @ terms)
        slope = design.T @ (came - chance) - _PRIOR * (terms - start)
        curvature = (design.T * (chance * (1 - chance))) @ design + _PRIOR * np.eye(2)
        terms = terms + np.linalg.solve(curvature, slope)
    # Never the other way round: what the model calls likelier stays so.
    return float(terms[0]), float(max(terms[1], 0.0))
