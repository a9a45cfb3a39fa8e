"""The probability that a flow is positive in the target year: births, deaths and survival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.catalogue import positions
from models.design import Design

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


@dataclass(slots=True)
class TradeProbability:
    """Boosted logistic model of ``flow > 0``, scikit-learn conventions.

    Where every training flow is positive (or none is) there is nothing to learn and the
    probability is that constant.
    """

    names: Sequence[str] = PREDICTORS
    seed: int = 0
    threads: int = 0
    booster_: lightgbm.Booster | None = None
    constant_: float | None = None

    def fit(self, design: Design) -> TradeProbability:
        """Fit on the rows of a design, zero bases included."""
        import lightgbm

        rate = float(design.traded.mean())
        if rate in (0.0, 1.0):
            self.booster_, self.constant_ = None, rate
            return self
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
        self.booster_ = lightgbm.train(params, data, num_boost_round=_ROUNDS)
        self.constant_ = None
        return self

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability that the flow is positive, shape ``[row]``."""
        if self.booster_ is None:
            if self.constant_ is None:
                raise ValueError("the trade probability is not fitted yet")
            return np.full(features.shape[0], self.constant_)
        rows = self._columns(features, slice(None))
        predicted = self.booster_.predict(rows, num_threads=self.threads)
        return np.asarray(predicted, dtype=np.float64)

    def _columns(
        self, features: NDArray[np.float32], rows: NDArray[np.intp] | slice
    ) -> NDArray[np.float32]:
        return np.ascontiguousarray(features[rows][:, positions(self.names)])
