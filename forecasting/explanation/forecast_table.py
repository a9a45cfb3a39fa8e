"""The table of forecasts: one row per flow and target year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.explanation.explain import flow_keys
from models.forecaster import FittedForecaster, FlowForecast
from models.intervals import LEVELS


def forecast_table(forecaster: FittedForecaster, horizon: int) -> tuple[pd.DataFrame, FlowForecast]:
    """Every flow of one horizon: base, forecast, intervals and probability of trade.

    Returns
    -------
    tuple
        The rows of ``forecasts.parquet`` for that horizon, and the forecast they come from.
    """
    forecast = forecaster.flow_forecast(horizon)
    table = flow_keys(forecaster.flows, slice(None))
    table.insert(0, "origin", np.int16(forecaster.origin))
    table.insert(1, "as_of", forecaster.as_of)
    table.insert(2, "horizon", np.int8(horizon))
    table.insert(3, "target_year", np.int16(forecaster.origin + horizon))
    table["value_origin"] = forecaster.value
    table["base"] = forecast.base
    table["forecast"] = forecast.forecast
    bounds = forecaster.bounds(horizon, forecast)
    for level in LEVELS:
        table[f"lower_{level}"], table[f"upper_{level}"] = bounds[level]
    table["probability_of_trade"] = forecaster.probability_of_trade(horizon)
    return table, forecast
