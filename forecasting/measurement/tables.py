"""Tables of measures that a run makes."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class MeasureTables:
    """Measures (`features.measures.catalogue`) of the past and the forecast, scored and explained.

    Every table but ``scores`` has the columns ``measure`` and ``country, partner, sector`` of the
    unit, empty for a dimension that the measure lacks.

    Attributes
    ----------
    history
        ``year, value``.
    forecasts
        ``origin, horizon, target_year, value_origin, base, forecast, lower_*, upper_*,
        chance_above`` (of exceeding the measure's threshold, if it has one).
    backtest
        The same at every origin, with ``actual``.
    scores
        One row per measure and horizon, `forecasting.measurement.scores.score_measures`.
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
