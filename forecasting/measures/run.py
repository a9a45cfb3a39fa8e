"""Every measure of a run: its past, its forecast with intervals, its track record, its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.data.panel import TradePanel
from features.measures.measure import Array, Measure
from forecasting.explanation.explain import flow_positions
from forecasting.measures.backtest import (
    Fold,
    PastChanges,
    backtest_table,
    base_values,
    interval_columns,
    measured_folds,
    past_changes,
    residuals_of,
    usual_links,
)
from forecasting.measures.contributions import contributions, flow_parts
from forecasting.measures.gauge import Gauge, unit_table
from forecasting.measures.link_contributions import link_contributions
from forecasting.measures.pattern_shifts import PatternShifts
from forecasting.measures.scores import score_measures
from forecasting.progress import Progress
from models.forecaster import FittedForecaster, FlowForecast


@dataclass(frozen=True, slots=True)
class Measured:
    """What of a finished fit and back-test is measured.

    Attributes
    ----------
    folder
        That holds ``backtest.parquet``.
    setting
        Whose forecasts.
    pairs
        Origin and horizon of every back-test forecast.
    forecaster, forecasts
        The final model, and its forecasts by horizon.
    attributions
        Of every forecast flow, `explanation.explain.attribution_table`.
    """

    folder: Path
    setting: str
    pairs: Sequence[tuple[int, int]]
    forecaster: FittedForecaster
    forecasts: Mapping[int, FlowForecast]
    attributions: pd.DataFrame


def measure_run(
    gauge: Gauge, panel: TradePanel, measured: Measured, progress: Progress
) -> PatternShifts:
    """Compute, back-test, forecast and explain every measure that the data allow."""
    with progress.stage("measure the past"):
        history = history_table(gauge, panel, last_year=measured.forecaster.origin)
        changes = past_changes(gauge, panel, horizons=list(measured.forecasts))
    folds = list(
        progress.steps(
            "measure the back-test",
            measured_folds(
                gauge, panel, measured.folder, setting=measured.setting, pairs=measured.pairs
            ),
            total=len(measured.pairs),
        )
    )
    with progress.stage("score the measures"):
        backtest = backtest_table(gauge, folds, changes)
        scores = score_measures(backtest, gauge.measures)
    with progress.stage("forecast the measures"):
        before = _before(gauge, panel, measured)
        forecasts = forecast_table(gauge, before, measured, folds, changes)
    drivers = pd.concat(
        progress.steps(
            "explain the measures", _drivers(gauge, before, measured), total=len(measured.forecasts)
        ),
        ignore_index=True,
    )
    return PatternShifts(history, forecasts, backtest, scores, drivers, dict(gauge.missing))


def history_table(gauge: Gauge, panel: TradePanel, *, last_year: int) -> pd.DataFrame:
    """``measure``, keys, ``year, value`` of every year of the panel up to ``last_year``.

    Births and deaths count from the year before; the first year has none.
    """
    parts = []
    for year in range(panel.first_year, last_year + 1):
        before = max(year - 1, panel.first_year)
        values = gauge.compute(gauge.observed(panel, year, before=before))
        for measure in gauge.measures:
            if measure.family == "links" and year == before:
                continue
            parts.append(_rows(gauge, measure, {"year": year, "value": values[measure.name]}))
    return pd.concat(parts, ignore_index=True)


def _before(gauge: Gauge, panel: TradePanel, measured: Measured) -> dict[int, dict[str, Array]]:
    """Values at the origin by horizon and measure; births and deaths count over as many years."""
    origin = measured.forecaster.origin
    return {
        horizon: gauge.compute(
            gauge.observed(panel, origin, before=usual_links(panel, origin, horizon))
        )
        for horizon in measured.forecasts
    }


def forecast_table(
    gauge: Gauge,
    before: Mapping[int, Mapping[str, Array]],
    measured: Measured,
    folds: Sequence[Fold],
    changes: PastChanges,
) -> pd.DataFrame:
    """One row a measure, unit and target year.

    Returns
    -------
    DataFrame
        ``measure``, keys, ``origin, horizon, target_year, value_origin, base, forecast, lower_*,
        upper_*, chance_above``; see `track_record.backtest_table`.
    """
    origin, parts = measured.forecaster.origin, []
    traded = gauge.cube(measured.forecaster.value) > 0
    for horizon, flows in measured.forecasts.items():
        known = [f for f in folds if f.horizon == horizon]
        now = before[horizon]
        chance = gauge.cube(measured.forecaster.probability_of_trade(horizon))
        base = base_values(gauge, gauge.cube(flows.base), now, traded=traded, origin=origin)
        forecast = gauge.compute(
            gauge.forecast(gauge.cube(flows.forecast), chance=chance, before=traded, origin=origin)
        )
        for measure in gauge.measures:
            shocks = changes.shocks(measure, horizon=horizon, until=origin)
            residuals = residuals_of(known, measure, shocks)
            values = forecast[measure.name]
            columns: dict[str, int | Array] = {
                "origin": origin,
                "horizon": horizon,
                "target_year": origin + horizon,
                "value_origin": now[measure.name],
                "base": base[measure.name],
                "forecast": values,
                **interval_columns(measure, values.ravel(), residuals),
            }
            parts.append(_rows(gauge, measure, columns))
    return pd.concat(parts, ignore_index=True)


def _rows(gauge: Gauge, measure: Measure, columns: Mapping[str, int | Array]) -> pd.DataFrame:
    """Reported units of a measure beside their values; units without a value are left out."""
    units, kept = unit_table(measure, gauge.around)
    flat = {key: v.ravel() if isinstance(v, np.ndarray) else v for key, v in columns.items()}
    said = flat["value"] if "value" in flat else flat["forecast"]
    kept = kept & np.isfinite(np.asarray(said))
    table = units[kept].assign(
        **{key: v[kept] if isinstance(v, np.ndarray) else np.int16(v) for key, v in flat.items()}
    )
    table.insert(0, "measure", measure.name)
    return table


def _drivers(
    gauge: Gauge, before: Mapping[int, Mapping[str, Array]], measured: Measured
) -> Iterable[pd.DataFrame]:
    """Contributions to every measure, one table a horizon; see `contributions.contributions`."""
    links, others = gauge.links().measures, gauge.others().measures
    rows, forecaster = measured.attributions, measured.forecaster
    position = flow_positions(rows, gauge.flows)
    for horizon, flows in measured.forecasts.items():
        mine = (rows["horizon"] == horizon).to_numpy()
        parts = flow_parts(
            gauge,
            rows[mine],
            position[mine],
            origin=gauge.cube(forecaster.value),
            base=gauge.cube(flows.base),
            forecast=gauge.cube(flows.forecast),
        )
        now = before[horizon]
        table = pd.concat(
            [
                contributions(gauge, parts, now, origin=forecaster.origin, measures=others),
                link_contributions(gauge, forecaster, now, horizon=horizon, measures=links),
            ],
            ignore_index=True,
        )
        table.insert(4, "horizon", np.int8(horizon))
        table.insert(5, "target_year", np.int16(forecaster.origin + horizon))
        yield table
