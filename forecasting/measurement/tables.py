"""Measures of the trade pattern of a run: past, forecast, scored, explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class MeasureTables:
    """Measures of the trade pattern (`features.measures.catalogue`): past, forecast, scored.

    Every table has the columns ``measure`` and, of its unit, ``country, partner, sector``, empty
    where the measure has no such dimension.

    Attributes
    ----------
    history
        ``year, value``.
    forecasts
        ``origin, horizon, target_year, value_origin, base, forecast, lower_*, upper_*,
        chance_above`` (of exceeding the measure's threshold, where it has one).
    backtest
        The same at every origin, with ``actual``.
    scores
        One row a measure and horizon, `forecasting.measurement.scores.score_measures`.
    drivers
        Contributions by term, `forecasting.measurement.contributions.contributions`.
    missing
        Why other measures could not be computed, by name.
    """

    history: pd.DataFrame
    forecasts: pd.DataFrame
    backtest: pd.DataFrame
    scores: pd.DataFrame
    drivers: pd.DataFrame
    missing: dict[str, str]
