"""The tables of a run: forecasts with intervals, and the back-test written as it is made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.flows import FlowIndex
from features.information import AsOfRule
from forecasting.backtest import FoldForecast
from forecasting.explanation.explain import flow_keys
from models.forecaster import FittedForecaster, FlowForecast
from models.intervals import LEVELS

Bounds = Mapping[int, tuple[NDArray[np.float64], NDArray[np.float64]]]


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
    bounds = forecaster.intervals[horizon].bounds(forecast.forecast, forecast.expected)
    for level in LEVELS:
        table[f"lower_{level}"], table[f"upper_{level}"] = bounds[level]
    table["probability_of_trade"] = forecaster.probability_of_trade(horizon)
    return table, forecast


class BacktestWriter:
    """Writes ``backtest.parquet`` one forecast at a time, so that it never stands in memory whole.

    Parameters
    ----------
    path
        File to write.
    flows
        Keys of the flows.
    rule
        Gives the as-of date of each origin.
    """

    def __init__(self, path: Path, *, flows: FlowIndex, rule: AsOfRule) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._rule = rule
        self._keys = pa.Table.from_pandas(flow_keys(flows, slice(None)), preserve_index=False)
        word = pa.dictionary(pa.int32(), pa.string())
        numbers = ["value_origin", "actual", "base", "forecast"]
        numbers += [f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")]
        self._numbers = [*numbers, "probability_of_trade"]
        self._schema = pa.schema(
            [
                *((name, word) for name in ("setting", "model")),
                ("origin", pa.int16()),
                ("as_of", word),
                ("horizon", pa.int8()),
                ("target_year", pa.int16()),
                *((field.name, field.type) for field in self._keys.schema),
                *((name, pa.float32()) for name in self._numbers),
            ]
        )
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def __enter__(self) -> BacktestWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def write(self, forecast: FoldForecast, bounds: Bounds | None) -> None:
        """Append every flow of one forecast; intervals where there are any."""
        import pyarrow as pa

        size = forecast.forecast.size
        zeros = np.zeros(size, dtype=np.int32)

        def constant(word: str) -> pa.Array:
            return pa.DictionaryArray.from_arrays(pa.array(zeros), pa.array([word]))

        blank = np.full(size, np.nan)
        values = {
            "value_origin": forecast.value_origin,
            "actual": forecast.actual,
            "base": forecast.base,
            "forecast": forecast.forecast,
            "probability_of_trade": blank if forecast.probability is None else forecast.probability,
        }
        for level in LEVELS:
            lower, upper = bounds[level] if bounds is not None else (blank, blank)
            values[f"lower_{level}"], values[f"upper_{level}"] = lower, upper
        columns = {
            "setting": constant(forecast.setting),
            "model": constant(forecast.model),
            "origin": pa.array(np.full(size, forecast.origin, dtype=np.int16)),
            "as_of": constant(self._rule.date(forecast.origin).isoformat()),
            "horizon": pa.array(np.full(size, forecast.horizon, dtype=np.int8)),
            "target_year": pa.array(np.full(size, forecast.target_year, dtype=np.int16)),
            **{name: self._keys.column(name) for name in self._keys.column_names},
            **{
                name: pa.array(values[name].astype(np.float32), from_pandas=True)
                for name in self._numbers
            },
        }
        self._writer.write_table(pa.table(columns).select(self._schema.names).cast(self._schema))
