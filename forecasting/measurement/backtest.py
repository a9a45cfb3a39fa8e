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
from forecasting.measurement.intervals import Residuals, common_shocks, fit_residuals
from forecasting.measurement.measure_set import Block, MeasureSet, stacked_rows, unit_table
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


def usual_links(panel: TradePanel, origin: int, horizon: int) -> int:
    """Year from which "no change" counts births and deaths: a horizon before the origin."""
    return max(origin - horizon, panel.first_year)


@dataclass(frozen=True, slots=True)
class PastChanges:
    """Mean change of every measure over its units, in every window of a horizon's length.

    Attributes
    ----------
    by_end
        By horizon, measure and last year of the window.
    """

    by_end: Mapping[int, Mapping[str, Mapping[int, float]]]

    def shocks(self, measure: Measure, *, horizon: int, until: int) -> Vector:
        """Expected common errors, from windows that end by ``until``."""
        ends = self.by_end[horizon][measure.name]
        return common_shocks([c for end, c in ends.items() if end <= until], horizon=horizon)


def past_changes(
    measure_set: MeasureSet, panel: TradePanel, *, horizons: Sequence[int]
) -> PastChanges:
    """Measure every year of the panel and its mean changes."""
    kept = {m.name: unit_table(m, measure_set.context)[1] for m in measure_set.measures}
    links, others = measure_set.links(), measure_set.others()
    years = range(panel.first_year, panel.last_year + 1)
    # Only births and deaths depend on the year they are counted from.
    fixed = {y: others.compute(others.observed(panel, y, before=y)) for y in years}
    by_end: dict[int, dict[str, dict[int, float]]] = {}
    for horizon in horizons:
        values = {
            y: fixed[y]
            | links.compute(links.observed(panel, y, before=usual_links(panel, y, horizon)))
            for y in years
        }
        by_end[horizon] = {m.name: {} for m in measure_set.measures}
        for measure in measure_set.measures:
            # The first window of births has no earlier years to compare with.
            start = panel.first_year + (horizon if measure.family == "links" else 0)
            for year in range(start, panel.last_year - horizon + 1):
                ends = (values[y][measure.name].ravel() for y in (year, year + horizon))
                then, now = (v[kept[measure.name]] for v in ends)
                change = now - then
                known = np.isfinite(change)
                by_end[horizon][measure.name][year + horizon] = (
                    float(change[known].mean()) if known.any() else float("nan")
                )
    return PastChanges(by_end)


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
    shocks = changes.shocks(measure, horizon=now.horizon, until=now.origin)
    return residuals_of(past, measure, shocks)


def residuals_of(
    folds: Sequence[MeasuredFold], measure: Measure, shocks: Vector
) -> Residuals | None:
    """Pooled errors of a measure in these folds; None without any."""
    forecasts = [f.forecast[measure.name].ravel() for f in folds]
    actuals = [f.actual[measure.name].ravel() for f in folds]
    if not any(np.isfinite(f + a).any() for f, a in zip(forecasts, actuals, strict=True)):
        return None
    return fit_residuals(forecasts, actuals, unit=measure.unit, shocks=shocks)


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
