"""All measures of a run: past values, back-test, forecast with intervals, contributions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.data.panel import TradePanel
from features.measures.measure import Array
from forecasting.explanation.explain import flow_positions
from forecasting.measurement.backtest import (
    MeasuredFold,
    backtest_table,
    base_values,
    interval_columns,
    measured_folds,
    residuals_of,
)
from forecasting.measurement.contributions import contributions, flow_parts
from forecasting.measurement.link_contributions import link_contributions
from forecasting.measurement.measure_set import (
    UNIT_KEYS,
    Block,
    MeasureSet,
    measure_rows,
    stacked_rows,
    unit_table,
)
from forecasting.measurement.past_changes import PastChanges, past_changes, usual_links
from forecasting.measurement.scores import score_measures
from forecasting.measurement.tables import MeasureTables
from forecasting.memory import return_freed
from forecasting.progress import Progress
from models.forecaster import FittedForecaster, FlowForecast


@dataclass(frozen=True, slots=True)
class MeasuredPast:
    """All measures of the past and of the back-test, which need no final forecast.

    Attributes
    ----------
    history, backtest, scores
        See `MeasureTables`.
    changes
        Of every window of the horizons.
    folds
        One a back-test forecast.
    """

    history: pd.DataFrame
    changes: PastChanges
    folds: Sequence[MeasuredFold]
    backtest: pd.DataFrame
    scores: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Measured:
    """The fit whose flows are measured.

    Attributes
    ----------
    forecaster, forecasts
        The final model, and its forecasts by horizon.
    attributions
        Of every forecast flow, `explanation.explain.attribution_table`.
    """

    forecaster: FittedForecaster
    forecasts: Mapping[int, FlowForecast]
    attributions: pd.DataFrame


def measure_past(
    measure_set: MeasureSet,
    panel: TradePanel,
    folder: Path,
    *,
    setting: str,
    origin: int,
    horizons: Sequence[int],
    pairs: Sequence[tuple[int, int]],
) -> MeasuredPast:
    """Compute all measures of the past, and score their forecasts by the back-test.

    Parameters
    ----------
    folder
        With ``backtest.parquet``.
    setting
        Of the forecasts.
    origin, horizons
        Of the final forecast.
    pairs
        Origin and horizon of every back-test forecast.
    """
    changes = past_changes(measure_set, panel, horizons=horizons)
    folds = tuple(measured_folds(measure_set, panel, folder, setting=setting, pairs=pairs))
    backtest = backtest_table(measure_set, folds, changes)
    return MeasuredPast(
        history=history_table(measure_set, panel, last_year=origin),
        changes=changes,
        folds=folds,
        backtest=backtest,
        scores=score_measures(backtest, measure_set.measures),
    )


def measure_run(
    measure_set: MeasureSet,
    panel: TradePanel,
    past: MeasuredPast,
    measured: Measured,
    progress: Progress,
) -> MeasureTables:
    """Forecast and explain all measures that the data allow."""
    with progress.stage("forecast the measures"):
        before = _before(measure_set, panel, measured)
        forecasts = forecast_table(measure_set, before, measured, past.folds, past.changes)
    return_freed()
    drivers = pd.concat(
        progress.steps(
            "explain the measures",
            _drivers(measure_set, before, measured),
            total=len(measured.forecasts),
        ),
        ignore_index=True,
    )
    missing = dict(measure_set.missing)
    return MeasureTables(past.history, forecasts, past.backtest, past.scores, drivers, missing)


def history_table(measure_set: MeasureSet, panel: TradePanel, *, last_year: int) -> pd.DataFrame:
    """``measure``, keys, ``year, value`` of every year of the panel up to ``last_year``.

    Births and deaths are counted from the year before; the first year has none.
    """
    values = {}
    for year in range(panel.first_year, last_year + 1):
        before = max(year - 1, panel.first_year)
        values[year] = measure_set.compute(measure_set.observed(panel, year, before=before))
    parts = []
    for measure in measure_set.measures:
        years = list(values)[1:] if measure.family == "links" else list(values)
        found = [values[year][measure.name] for year in years]
        blocks: list[Block] = [
            ({"year": np.int16(year), "value": value}, np.isfinite(value))
            for year, value in zip(years, found, strict=True)
        ]
        if blocks:
            parts.append(stacked_rows(measure, unit_table(measure, measure_set.context), blocks))
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values("year", kind="stable", ignore_index=True)


def _before(
    measure_set: MeasureSet, panel: TradePanel, measured: Measured
) -> dict[int, dict[str, Array]]:
    """Values at the origin by horizon and measure; births and deaths span as many years."""
    origin = measured.forecaster.origin
    return {
        horizon: measure_set.compute(
            measure_set.observed(panel, origin, before=usual_links(panel, origin, horizon))
        )
        for horizon in measured.forecasts
    }


def forecast_table(
    measure_set: MeasureSet,
    before: Mapping[int, Mapping[str, Array]],
    measured: Measured,
    folds: Sequence[MeasuredFold],
    changes: PastChanges,
) -> pd.DataFrame:
    """One row per measure, unit and target year.

    Returns
    -------
    DataFrame
        ``measure``, keys, ``origin, horizon, target_year, value_origin, base, forecast, lower_*,
        upper_*, chance_above``; see `backtest.backtest_table`.
    """
    origin, parts = measured.forecaster.origin, []
    units = {m.name: unit_table(m, measure_set.context) for m in measure_set.measures}
    traded = measure_set.cube(measured.forecaster.value) > 0
    for horizon, flows in measured.forecasts.items():
        known = [f for f in folds if f.horizon == horizon]
        now = before[horizon]
        chance = measure_set.cube(measured.forecaster.probability_of_trade(horizon))
        base = base_values(
            measure_set, measure_set.cube(flows.base), now, traded=traded, origin=origin
        )
        forecast = measure_set.compute(
            measure_set.forecast(
                measure_set.cube(flows.forecast), chance=chance, before=traded, origin=origin
            )
        )
        for measure in measure_set.measures:
            variation = changes.variation(measure, horizon=horizon, until=origin)
            residuals = residuals_of(known, measure, variation)
            values = forecast[measure.name]
            columns = {
                "origin": np.int16(origin),
                "horizon": np.int16(horizon),
                "target_year": np.int16(origin + horizon),
                "value_origin": now[measure.name],
                "base": base[measure.name],
                "forecast": values,
                **interval_columns(measure, values.ravel(), residuals),
            }
            known_units = np.isfinite(values)
            parts.append(measure_rows(measure, units[measure.name], columns, known=known_units))
    return pd.concat(parts, ignore_index=True)


def _drivers(
    measure_set: MeasureSet, before: Mapping[int, Mapping[str, Array]], measured: Measured
) -> Iterable[pd.DataFrame]:
    """Contributions to every measure, one table a horizon; see `contributions.contributions`."""
    links, others = measure_set.links().measures, measure_set.others().measures
    rows, forecaster = measured.attributions, measured.forecaster
    position = flow_positions(rows, measure_set.flows)
    for horizon, flows in measured.forecasts.items():
        chosen = (rows["horizon"] == horizon).to_numpy()
        parts = flow_parts(
            measure_set,
            rows[chosen],
            position[chosen],
            origin=measure_set.cube(forecaster.value),
            base=measure_set.cube(flows.base),
            forecast=measure_set.cube(flows.forecast),
        )
        now = before[horizon]
        table = pd.concat(
            [
                contributions(measure_set, parts, now, origin=forecaster.origin, measures=others),
                link_contributions(measure_set, forecaster, now, horizon=horizon, measures=links),
            ],
            ignore_index=True,
        )
        if table.empty:  # nothing moves: not even its keys
            table = pd.DataFrame(columns=["measure", *UNIT_KEYS])
        table.insert(4, "horizon", np.int8(horizon))
        table.insert(5, "target_year", np.int16(forecaster.origin + horizon))
        yield table
