"""The model of the last origin: fitted, forecast, explained, and measured by the trade pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from features.channels.own_features import own_features
from forecasting.evaluation.backtest import Backtest, choice_at
from forecasting.evaluation.bench import Bench
from forecasting.evaluation.folds import Fold
from forecasting.explanation.drivers import Drivers, final_drivers
from forecasting.explanation.explain import attribution_table, explain
from forecasting.explanation.forecast_table import forecast_table
from forecasting.explanation.tree_views import tree_views
from forecasting.measurement.measure_run import Measured, measure_run
from forecasting.measurement.measure_set import MeasureSet
from forecasting.measurement.tables import MeasureTables
from forecasting.options.run_config import RunConfig
from forecasting.progress import Progress
from models.design import Design, origin_value
from models.forecaster import FittedForecaster, FlowForecast
from models.shift import ShiftModel
from models.totals import forecast_totals
from models.trade_probability import TradeProbability


@dataclass(frozen=True, slots=True)
class Final:
    """The last origin's model: what it forecasts, by which drivers, and what is measured of it."""

    forecaster: FittedForecaster
    forecasts: dict[int, FlowForecast]
    table: pd.DataFrame
    explained: Drivers
    attributions: pd.DataFrame
    measures: MeasureTables


def make_final(
    bench: Bench,
    backtest: Backtest,
    folds: Sequence[Fold],
    config: RunConfig,
    measure_set: MeasureSet,
    stage: Path,
    progress: Progress,
) -> Final:
    """Fit on every year up to the last origin, forecast its horizons, explain and measure them."""
    with progress.stage("fit and forecast"):
        forecaster = _fit(bench, backtest, config)
        table, forecasts = _forecast(forecaster)
    with progress.stage("explain"):
        explained = _explain(bench, backtest, config, forecaster, forecasts)
        attributions = attribution_table(explained.explanation)
    measured = Measured(
        folder=stage,
        setting=config.settings[0],
        pairs=[(fold.origin, horizon) for fold in folds for horizon in fold.horizons],
        forecaster=forecaster,
        forecasts=forecasts,
        attributions=attributions,
    )
    pattern = measure_run(measure_set, bench.panel, measured, progress)
    return Final(forecaster, forecasts, table, explained, attributions, pattern)


def _fit(bench: Bench, backtest: Backtest, config: RunConfig) -> FittedForecaster:
    setting, origin = config.settings[0], bench.last_origin
    info = bench.infos[setting][origin]
    choice = choice_at(backtest.choices, origin)
    design = _final_design(bench, config)
    # One thread: beside other work LightGBM's threads wait for each other, and take five times as
    # long as one of them alone.
    shift = ShiftModel(
        bench.names,
        choice,
        config.rounds,
        config.seed,
        threads=1,
        params=config.params,
        own=bench.own_names,
    )
    return FittedForecaster(
        flows=info.flows,
        origin=origin,
        as_of=info.as_of.isoformat(),
        value=origin_value(info),
        features=bench.matrices[setting][origin],
        totals=forecast_totals(bench.infos[setting], origin=origin, horizons=config.horizons),
        intervals={
            horizon: backtest.calibration.intervals(setting=setting, horizon=horizon, origin=origin)
            for horizon in config.horizons
        },
        shift=shift.fit(design),
        probability=TradeProbability(seed=config.seed, threads=1).fit(design),
        own=bench.own,
    )


def _final_design(bench: Bench, config: RunConfig) -> Design:
    return bench.design.until(bench.last_origin).thinned(max_rows=config.max_rows, seed=config.seed)


def _forecast(forecaster: FittedForecaster) -> tuple[pd.DataFrame, dict[int, FlowForecast]]:
    parts = {horizon: forecast_table(forecaster, horizon) for horizon in forecaster.totals}
    table = pd.concat([table for table, _ in parts.values()], ignore_index=True)
    return table, {horizon: forecast for horizon, (_, forecast) in parts.items()}


def _explain(
    bench: Bench,
    backtest: Backtest,
    config: RunConfig,
    forecaster: FittedForecaster,
    forecasts: dict[int, FlowForecast],
) -> Drivers:
    explanation, design = explain(forecaster, forecasts), _final_design(bench, config)
    return final_drivers(
        explanation,
        forecaster.shift,
        design,
        forecaster.features,
        by_origin=backtest.drivers,
        views=tree_views(forecaster.shift, explanation.data, design.features, seed=config.seed),
        horizons=config.horizons,
        own=own_features(bench.own),
    )
