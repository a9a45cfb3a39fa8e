"""The back-test of measures: each of them for the forecast flows of every origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.data.panel import TradePanel
from features.measures.measure import Array, Measure
from forecasting.evaluation.backtest_file import forecast_column, read_backtest
from forecasting.measurement.intervals import Residuals, fit_residuals
from forecasting.measurement.measure_set import Block, MeasureSet, stacked_rows, unit_table
from forecasting.measurement.past_changes import PastChanges, Variation, usual_links
from models.intervals import LEVELS
from models.registry import ABLATION, MAIN_MODEL

Vector = NDArray[np.float64]
_COMPARED = ("value_origin", "base", "forecast", "without_technology", "actual")
_FLOWS = (
    "base",
    forecast_column(MAIN_MODEL),
    "probability_of_trade",
    "value_origin",
    forecast_column(ABLATION),
)


@dataclass(frozen=True, slots=True)
class MeasuredFold:
    """Every measure at one origin and horizon, by name, shape of its dimensions.

    Attributes
    ----------
    origin, horizon
        Calendar year; years ahead.
    before
        At the origin, the forecast of "no change".
    base, forecast
        Of the base and of the forecast flows.
    without_technology
        Of the flows forecast without the technology channels; the probabilities of trade are the
        same.
    actual
        In the target year.
    """

    origin: int
    horizon: int
    before: Mapping[str, Array]
    base: Mapping[str, Array]
    forecast: Mapping[str, Array]
    without_technology: Mapping[str, Array]
    actual: Mapping[str, Array]


def measured_folds(
    measure_set: MeasureSet,
    panel: TradePanel,
    folder: Path,
    *,
    setting: str,
    pairs: Sequence[tuple[int, int]],
) -> Iterator[MeasuredFold]:
    """Measure the main model's back-test forecasts, ``pairs`` of origin and horizon."""
    for origin, horizon in pairs:
        where = [
            ("setting", "==", setting),
            ("origin", "==", origin),
            ("horizon", "==", horizon),
        ]
        rows = read_backtest(folder, columns=_FLOWS, where=where)
        base, forecast, chance, value, without = (
            measure_set.cube(rows[name].to_numpy(dtype=np.float64)) for name in _FLOWS
        )
        traded = value > 0
        since = usual_links(panel, origin, horizon)
        before = measure_set.compute(measure_set.observed(panel, origin, before=since))
        ours, ablated = (
            measure_set.compute(
                measure_set.forecast(flows, chance=chance, before=traded, origin=origin)
            )
            for flows in (forecast, without)
        )
        yield MeasuredFold(
            origin,
            horizon,
            before=before,
            base=base_values(measure_set, base, before, traded=traded, origin=origin),
            forecast=ours,
            without_technology=ablated,
            actual=measure_set.compute(
                measure_set.observed(panel, origin + horizon, before=origin)
            ),
        )


def base_values(
    measure_set: MeasureSet,
    base: Array,
    before: Mapping[str, Array],
    *,
    traded: NDArray[np.bool_],
    origin: int,
) -> dict[str, Array]:
    """Measures of a base, which does not forecast births and deaths: they stay as ``before``."""
    values = measure_set.compute(
        measure_set.forecast(base, chance=traded.astype(np.float64), before=traded, origin=origin)
    )
    links = {m.name: before[m.name] for m in measure_set.measures if m.family == "links"}
    return values | links


def backtest_table(
    measure_set: MeasureSet, folds: Sequence[MeasuredFold], changes: PastChanges
) -> pd.DataFrame:
    """One row per measure, unit, origin and horizon; intervals use outcomes before the origin.

    Returns
    -------
    DataFrame
        ``measure``, the keys of the unit, ``origin, horizon, target_year, value_origin, base,
        forecast, lower_*, upper_*, chance_above, without_technology, actual``. Units that lack one
        of the values (at the origin, base, either forecast, actual) are left out. Bounds are NaN at
        origins with no earlier outcome, and ``chance_above`` without a threshold.
    """
    parts = []
    for measure in measure_set.measures:
        blocks: list[Block] = []
        for fold in folds:
            residuals = known_residuals(folds, measure, fold, changes)
            forecast = fold.forecast[measure.name].ravel()
            columns: dict[str, Any] = {
                "origin": np.int16(fold.origin),
                "horizon": np.int8(fold.horizon),
                "target_year": np.int16(fold.origin + fold.horizon),
                "value_origin": fold.before[measure.name],
                "base": fold.base[measure.name],
                "forecast": forecast,
                **interval_columns(measure, forecast, residuals),
                "without_technology": fold.without_technology[measure.name],
                "actual": fold.actual[measure.name],
            }
            compared = np.isfinite([np.ravel(columns[name]) for name in _COMPARED])
            known = np.logical_and.reduce(compared)
            blocks.append((columns, known))
        parts.append(stacked_rows(measure, unit_table(measure, measure_set.context), blocks))
    return pd.concat(parts, ignore_index=True)


def known_residuals(
    folds: Sequence[MeasuredFold], measure: Measure, now: MeasuredFold, changes: PastChanges
) -> Residuals | None:
    """Errors of the same horizon with an outcome known at the origin; None without any."""
    past = [f for f in folds if f.horizon == now.horizon and f.origin + f.horizon <= now.origin]
    return residuals_of(
        past, measure, changes.variation(measure, horizon=now.horizon, until=now.origin)
    )


def residuals_of(
    folds: Sequence[MeasuredFold], measure: Measure, variation: Variation
) -> Residuals | None:
    """Pooled errors of a measure in these folds; None without any."""
    forecasts = [f.forecast[measure.name].ravel() for f in folds]
    actuals = [f.actual[measure.name].ravel() for f in folds]
    if not any(np.isfinite(f + a).any() for f, a in zip(forecasts, actuals, strict=True)):
        return None
    return fit_residuals(
        forecasts, actuals, unit=measure.unit, shocks=variation.shocks, scale=variation.scale
    )


def interval_columns(
    measure: Measure, forecast: Vector, residuals: Residuals | None
) -> dict[str, Vector]:
    """Bounds of both levels, and the chance of exceeding the measure's threshold."""
    blank = np.full(forecast.shape, np.nan)
    columns = {f"{side}_{level}": blank for level in LEVELS for side in ("lower", "upper")}
    columns["chance_above"] = blank
    if residuals is None:
        return columns
    for level, (lower, upper) in residuals.bounds(forecast).items():
        columns[f"lower_{level}"], columns[f"upper_{level}"] = lower, upper
    if measure.threshold is not None:
        columns["chance_above"] = residuals.chance_above(forecast, measure.threshold)
    return columns
