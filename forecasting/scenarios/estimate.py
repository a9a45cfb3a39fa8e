"""A number that a scenario rests on: its value, standard error and source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its standard error and source.

    Attributes
    ----------
    value
        The estimate.
    standard_error
        NaN where none is stated: intervals then leave its uncertainty out.
    source
        Where it is from.
    """

    value: float
    standard_error: float
    source: str

    def drawn(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at standard normal scores, normally distributed."""
        return self.value + score * self._spread

    def drawn_positive(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at standard normal scores, log-normally distributed around the value."""
        return self.value * np.exp(score * self._spread / self.value)

    @property
    def _spread(self) -> float:
        return 0.0 if np.isnan(self.standard_error) else self.standard_error

    def to_dict(self) -> dict[str, Any]:
        """Plain values; an unknown standard error is None."""
        known = not np.isnan(self.standard_error)
        error = self.standard_error if known else None
        return {"value": self.value, "standard_error": error, "source": self.source}


TRADE_ELASTICITY = Estimate(
    5.03,
    float("nan"),
    "median of structural gravity estimates, Head and Mayer 2014, "
    "doi:10.1016/B978-0-444-54314-1.00003-3",
)
"""Of trade to trade costs (theta), where a scenario states none."""
AGREEMENT_EFFECT = Estimate(
    0.5572,
    0.1022,
    "three-way PPML on the textbook data of Yotov, Piermartini, Monteiro and Larch 2016",
)
"""Of a regional trade agreement on the log of a flow, where a scenario states none."""
