"""Tables that `TradeForecaster` hands out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.data.flows import FlowIndex
from features.data.panel import TradePanel
from features.information import InformationSet
from forecasting.evaluation.fold import FoldForecast
from forecasting.explanation.explain import flow_keys
from models.design import HORIZON_COLUMN
from models.intervals import Bounds

Vector = NDArray[np.float64]


def prediction_table(
    flows: FlowIndex, *, year: int, forecast: Vector, bounds: Bounds, levels: Sequence[int]
) -> pd.DataFrame:
    """Every flow of one year: ``exporter, importer, [sector], year, forecast`` and intervals."""
    table = flow_keys(flows, slice(None))
    table["year"] = np.int16(year)
    table["forecast"] = forecast
    for level in levels:
        table[f"lower_{level}"], table[f"upper_{level}"] = bounds[level]
    return table


def backtest_table(
    flows: FlowIndex, forecast: FoldForecast, bounds: Bounds, levels: Sequence[int]
) -> pd.DataFrame:
    """`prediction_table` of a fold, with its setting, origin, horizon and outcome."""
    table = prediction_table(
        flows,
        year=forecast.target_year,
        forecast=forecast.forecast,
        bounds=bounds,
        levels=levels,
    )
    place = table.columns.get_loc("year")
    table.insert(place, "setting", forecast.setting)
    table.insert(place + 1, "origin", np.int16(forecast.origin))
    table.insert(place + 2, "horizon", np.int8(forecast.horizon))
    table.insert(place + 4, "actual", forecast.actual)
    return table


def feature_table(
    info: InformationSet, matrix: NDArray[np.float32], names: Sequence[str]
) -> pd.DataFrame:
    """Features at an origin, one row a flow; the horizon, which no origin has, is left out."""
    keys = flow_keys(info.flows, slice(None)).assign(origin=np.int16(info.origin))
    kept = np.arange(len(names)) != HORIZON_COLUMN
    columns = [name for name, keep in zip(names, kept, strict=True) if keep]
    index = pd.MultiIndex.from_frame(keys)
    return pd.DataFrame(matrix[:, kept], index=index, columns=columns)


def with_outcomes(predicted: pd.DataFrame, trade: Any, fitted: TradePanel) -> pd.DataFrame:
    """Predictions beside what became of them, for the years that a later table of trade holds.

    Parameters
    ----------
    predicted
        `prediction_table`, maybe of several years, with further columns.
    trade
        Tidy table of trade, read as the fitted panel was.
    fitted
        Says what a missing row means, and whether sales at home are flows.

    Returns
    -------
    DataFrame
        ``predicted`` with ``actual``, rows with a known outcome only. A flow that the forecast does
        not have is forecast at 0.
    """
    later = TradePanel.from_frame(
        trade,
        absent=fitted.notes.absent_means,
        negatives="zero" if fitted.notes.negatives_set_to_zero else "error",
        domestic="include" if fitted.flows.diagonal else "apart",
        file="trade",
    )
    keys = [name for name in ("exporter", "importer", "sector", "year") if name in predicted]
    outcome = _known_cells(later)[[*keys, "actual"]]
    years = set(predicted["year"]) & set(outcome["year"])
    predicted = predicted.astype({name: str for name in keys if name != "year"})
    joined = predicted[predicted["year"].isin(years)].merge(
        outcome[outcome["year"].isin(years)], on=keys, how="outer"
    )
    if fitted.notes.absent_means == "zero":
        # A country without a row in these years is not in the later panel.
        joined["actual"] = joined["actual"].fillna(0.0)
    amounts = [name for name in joined if name not in (*keys, "actual")]
    return joined.fillna(dict.fromkeys(amounts, 0.0)).dropna(subset="actual")


def _known_cells(panel: TradePanel) -> pd.DataFrame:
    table = panel.to_frame().rename(columns={"value_usd": "actual"})
    return table if panel.flows.diagonal else table[table["exporter"] != table["importer"]]
