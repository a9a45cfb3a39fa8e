"""The forecaster as an MLflow model, logged as code: plain strings and numbers in and out.

MLflow copies this file beside the files of the forecaster (booster text, JSON and Parquet) and runs
it wherever the model is loaded, so nothing is pickled.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.forecaster import FittedForecaster

_NUMBERS = (
    "value_origin",
    "base",
    "forecast",
    "lower_50",
    "upper_50",
    "lower_90",
    "upper_90",
    "probability_of_trade",
)


class GravicastModel(PythonModel):  # type: ignore[misc]
    """Answers for flows and horizons with the rows of ``forecasts.parquet``."""

    _forecaster: FittedForecaster
    _tables: dict[int, pd.DataFrame]

    def load_context(self, context: PythonModelContext) -> None:
        """Read the forecaster from its files."""
        from models.saved import load_forecaster

        self._forecaster = load_forecaster(Path(context.artifacts["forecaster"]))
        self._tables = {}

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Forecast the requested flows.

        Parameters
        ----------
        context
            Not used; its files were read by `load_context`.
        model_input
            ``exporter``, ``importer``, ``sector`` where the panel has sectors, and ``horizon``.
        params
            Not used.

        Returns
        -------
        DataFrame
            One row per row of ``model_input``, in its order, USD: the keys, ``origin``,
            ``horizon``, ``target_year``, ``value_origin``, ``base``, ``forecast``, interval bounds
            and ``probability_of_trade``. A flow that has never traded, where the model has active
            flows alone, is forecast at 0 and has neither intervals nor a probability.

        Raises
        ------
        ValueError
            For an unknown country, sector or horizon, a missing column, or a country's trade with
            itself if the model has no domestic sales.
        """
        flows = self._forecaster.flows
        keys = ["exporter", "importer", *(["sector"] if flows.has_sectors else [])]
        if lacking := [name for name in (*keys, "horizon") if name not in model_input]:
            raise ValueError(f"column {lacking[0]!r} is missing; give {', '.join(keys)}, horizon")
        exporter = _codes(model_input["exporter"], flows.countries)
        importer = _codes(model_input["importer"], flows.countries)
        if not flows.diagonal and (exporter == importer).any():
            country = flows.countries[int(exporter[exporter == importer][0])]
            raise ValueError(f"{country} -> {country} is domestic trade, which is not forecast")
        sector = (
            _codes(model_input["sector"], flows.sectors)
            if flows.has_sectors
            else np.zeros_like(exporter)
        )
        position = flows.position(exporter, importer, sector)
        rows = self._rows(position, self._horizons(model_input["horizon"]), keys)
        return _with_untraded(rows, position < 0, model_input[keys])

    def _rows(
        self, position: NDArray[np.int32], horizon: NDArray[np.int64], keys: list[str]
    ) -> pd.DataFrame:
        answer = pd.DataFrame(index=pd.RangeIndex(position.size))
        parts = [
            self._table(int(h)).iloc[position[horizon == h]].set_axis(np.flatnonzero(horizon == h))
            for h in np.unique(horizon)
        ]
        if not parts:
            parts = [self._table(min(self._forecaster.horizons)).iloc[:0]]
        table = pd.concat(parts).sort_index()
        for name in keys:
            answer[name] = table[name].astype("str")
        for name in ("origin", "horizon", "target_year"):
            answer[name] = table[name].astype(np.int64)
        for name in _NUMBERS:
            answer[name] = table[name].astype(np.float64)
        return answer

    def _table(self, horizon: int) -> pd.DataFrame:
        from forecasting.explanation.forecast_table import forecast_table

        if horizon not in self._tables:
            self._tables[horizon], _ = forecast_table(self._forecaster, horizon)
        return self._tables[horizon]

    def _horizons(self, column: pd.Series[Any]) -> NDArray[np.int64]:
        known = self._forecaster.horizons
        wrong = ~column.isin(known)
        if wrong.any():
            raise ValueError(
                f"unknown horizon {_first(column, wrong)!r}: the forecaster was fitted for "
                f"{', '.join(map(str, known))}"
            )
        return column.to_numpy(dtype=np.int64)


def _with_untraded(
    rows: pd.DataFrame, untraded: NDArray[np.bool_], keys: pd.DataFrame
) -> pd.DataFrame:
    """Rows of flows that have never traded: forecast at 0, without intervals or a probability."""
    if untraded.any():
        for name in keys:
            rows.loc[untraded, name] = keys[name].astype("str").to_numpy()[untraded]
        for name in _NUMBERS:
            zero = name in ("value_origin", "base", "forecast")
            rows.loc[untraded, name] = 0.0 if zero else np.nan
    return rows


def _codes(column: pd.Series[Any], known: tuple[str, ...]) -> NDArray[np.int32]:
    codes = pd.Index(known).get_indexer(pd.Index(column.astype("object")))
    if (codes < 0).any():
        wrong = pd.Series(codes < 0, index=column.index)
        listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
        raise ValueError(f"unknown {column.name} {_first(column, wrong)!r}: known are {listed}")
    return codes.astype(np.int32)


def _first(column: pd.Series[Any], wrong: pd.Series[Any]) -> object:
    value = column[wrong.to_numpy(dtype=np.bool_)].iloc[0]
    return value.item() if isinstance(value, np.generic) else value


set_model(GravicastModel())
