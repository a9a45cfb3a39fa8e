"""The probability that a flow is positive in the target year: births, deaths and survival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

from features.catalogue import positions
from models.blocks import blocks
from models.design import Design, at_horizon
from models.tree_shap.path_dependent import tree_shap

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
_CALIBRATION_ROWS = 25_000


PRIOR = 20.0
"""Weight, in flows, of the uncalibrated probability in its calibration."""
SURE = 0.9
"""Calibration never forecasts that a traded flow stops if the booster gives it this chance or more:
years in which most such flows stop are years with missing reports."""
UNCHANGED = ((0.0, 1.0), (0.0, 1.0))

Vector = NDArray[np.float64]


def chance_features(
    features: NDArray[np.float32], *, value: Vector, horizon: int
) -> NDArray[np.float32]:
    """What the probability of trade at a horizon is predicted from.

    A flow that is unknown at the origin has the value that the base assumes. Otherwise it would
    look like a flow without trade, as no training row has an unknown origin.

    Parameters
    ----------
    features
        Origin features, shape ``[flow, feature]``.
    value
        Flows that the base starts from, USD, shape ``[flow]``.
    horizon
        Years ahead.
    """
    rows, size = at_horizon(features, horizon), positions(["log_value"])[0]
    unknown = np.isnan(rows[:, size])
    rows[unknown, size] = np.log(np.maximum(value[unknown], 1.0))
    return rows


@dataclass(slots=True)
class TradeProbability:
    """Boosted logistic model of ``flow > 0``, calibrated; scikit-learn conventions.

    If all training flows are positive, or none is, the probability is that constant.

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
        Reporting improves, so fewer flows start than used to: the log odds are shifted and scaled
        (Platt 1999) to outcomes that a model of earlier years had not seen. The years held out
        are as many as the longest horizon, so that every horizon is among them.
        """
        rate = float(design.traded.mean())
        self.calibration_ = UNCHANGED
        if rate in (0.0, 1.0):
            self.booster_, self.constant_ = None, rate
            return self
        design = design.thinned(max_rows=_MAX_ROWS, seed=self.seed)
        data = self._binned(design)
        self.booster_, self.constant_ = self._boosted(data), None
        last = int(design.target_year.max())
        past, recent = design.split(last - int((design.target_year - design.origin).max()))
        if past.traded.size and 0 < past.traded.mean() < 1 and recent.traded.size:
            # A part of the same bins: what is calibrated is a model like the one that forecasts.
            earlier = data.subset(_drawn(past.traded.size, seed=self.seed)).construct()
            odds = _log_odds(self._raw(self._boosted(earlier), recent.features))
            before = _traded_before(recent.features)
            starts, stays = (
                platt(odds[before == state], recent.traded[before == state]) for state in (0, 1)
            )
            self.calibration_ = (starts, stays)
        return self

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability that the flow is positive, shape ``[row]``.

        Among the flows with trade at the origin, and among those without, it never falls as the
        booster's own chance rises. A traded flow of which the booster is `SURE` has at least 1/2.
        """
        if self.booster_ is None:
            if self.constant_ is None:
                raise ValueError("the trade probability is not fitted yet")
            return np.full(features.shape[0], self.constant_)
        before, raw = _traded_before(features), self._raw(self.booster_, features)
        intercept, slope = np.array(self.calibration_)[before].T
        chance = expit(intercept + slope * _log_odds(raw))
        return np.where((before == 1) & (raw >= SURE), np.maximum(chance, 0.5), chance)

    def of_flows(
        self, features: NDArray[np.float32], *, value: Vector, horizon: int
    ) -> NDArray[np.float64]:
        """Probability that each flow is positive at a horizon, shape ``[flow]``.

        Parameters
        ----------
        features, value, horizon
            See `chance_features`.
        """
        out = np.empty(value.shape)
        for part in blocks(value.size):
            rows = chance_features(features[part], value=value[part], horizon=horizon)
            out[part] = self.predict(rows)
        return out

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Exact SHAP values of the calibrated log odds.

        Returns
        -------
        ndarray, shape ``[row, len(names) + 1]``
            One column per predictor, the last the base value of the flow's state at the origin
            (traded or not). Rows sum to the log odds of `predict`, but for probabilities that it
            clips.

        Raises
        ------
        ValueError
            If there is no booster, because all flows had the same outcome.
        """
        if self.booster_ is None:
            raise ValueError("the trade probability has no booster to explain")
        found = tree_shap(self.booster_, self._columns(features))
        intercept, slope = np.array(self.calibration_)[_traded_before(features)].T
        raw = np.column_stack([found.values, np.full(len(features), found.base_value)])
        raw *= slope[:, None]
        raw[:, -1] += intercept
        return raw

    def _binned(self, design: Design) -> lightgbm.Dataset:
        import lightgbm

        data = lightgbm.Dataset(
            self._columns(design.features),
            label=design.traded.astype(np.float32),
            params=self._params(),
        )
        return data.construct()

    def _boosted(self, data: lightgbm.Dataset) -> lightgbm.Booster:
        import lightgbm

        return lightgbm.train(self._params(), data, num_boost_round=_ROUNDS)

    def _params(self) -> dict[str, Any]:
        return {**_PARAMS, "seed": self.seed, "num_threads": self.threads}

    def _raw(self, booster: lightgbm.Booster, features: NDArray[np.float32]) -> NDArray[np.float64]:
        predicted = booster.predict(self._columns(features), num_threads=self.threads)
        return np.asarray(predicted, dtype=np.float64)

    def _columns(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.ascontiguousarray(features[:, positions(self.names)])


def _drawn(size: int, *, seed: int) -> NDArray[np.intp]:
    """At most `_CALIBRATION_ROWS` of ``size`` rows, drawn at random, in their order."""
    most = min(size, _CALIBRATION_ROWS)
    return np.sort(np.random.default_rng(seed).choice(size, most, replace=False))


def _traded_before(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """1 where the flow is positive at the origin, 0 where it is not or is unknown."""
    return (features[:, positions(["log_value"])[0]] > 0).astype(np.int64)


def _log_odds(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    return logit(np.clip(chance, 1e-4, 1 - 1e-4))


def platt(odds: Vector, came: NDArray[np.bool_]) -> tuple[float, float]:
    """Intercept and slope of outcomes on log odds, shrunk to (0, 1) with `PRIOR` flows' weight.

    Returns
    -------
    tuple of float
        Where ``-log likelihood + PRIOR / 2 * (intercept ** 2 + (slope - 1) ** 2)`` is least among
        slopes of at least 0: the order of flows by probability stays.

    Notes
    -----
    Platt (1999). scikit-learn's `LogisticRegression` shrinks to 0 and takes no offset, which a
    slope that is shrunk to 1 needs. The loss is strictly convex, and a trust region finds its
    minimum from anywhere; plain Newton steps diverge where log odds are large.
    """
    terms = np.column_stack([np.ones_like(odds), odds])
    intercept, slope = _minimum(terms, came, prior=np.array([0.0, 1.0]))
    if slope >= 0:
        return float(intercept), float(slope)
    # The loss is convex: with the slope bounded, its minimum lies on the bound.
    (intercept,) = _minimum(terms[:, :1], came, prior=np.zeros(1))
    return float(intercept), 0.0


def _minimum(terms: Vector, came: NDArray[np.bool_], *, prior: Vector) -> Vector:
    """Coefficients that minimise the penalised loss of a logistic regression."""
    sign = np.where(came, 1.0, -1.0)

    def loss(at: Vector) -> tuple[float, Vector]:
        score, away = terms @ at, at - prior
        value = PRIOR / 2 * (away @ away) - log_expit(sign * score).sum()
        return float(value), terms.T @ (expit(score) - came) + PRIOR * away

    def curvature(at: Vector) -> Vector:
        chance = expit(terms @ at)
        return (terms.T * (chance * (1 - chance))) @ terms + PRIOR * np.eye(prior.size)

    # A curvature of PRIOR at least turns this gradient into a distance of 1e-9 / PRIOR at most;
    # rounding ends the search before that in long samples, some 1e-7 from the minimum.
    options = {"gtol": 1e-9}
    found = minimize(loss, prior, jac=True, hess=curvature, method="trust-exact", options=options)
    return np.asarray(found.x, dtype=np.float64)
