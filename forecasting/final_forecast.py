"""The forecast of the years to come: fitted at the last origin, explained, and measured."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.choices import REPORTS_KNOWN
from forecasting.evaluation.backtest import Backtest
from forecasting.evaluation.calibration import Calibration
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.prepared import PreparedData
from forecasting.explanation.drivers import Drivers, final_drivers, other_seeds
from forecasting.explanation.explain import attribution_table, explain
from forecasting.explanation.forecast_table import forecast_table
from forecasting.explanation.tree_views import tree_views
from forecasting.measurement.measure_run import Measured, measure_past, measure_run
from forecasting.measurement.measure_set import MeasureSet
from forecasting.measurement.tables import MeasureTables
from forecasting.memory import return_freed
from forecasting.options.run_config import RunConfig
from forecasting.progress import Progress
from models.design import origin_value
from models.flow_model import Known, ReportedStart, Training
from models.flow_traits import flow_traits
from models.forecaster import FittedForecaster, FittedNowcast, FlowForecast, ShiftForecaster
from models.known_totals import Totals
from models.shift import ShiftChoice, ShiftModel
from models.totals import forecast_totals

LAST_ROWS = 4
"""Times the rows of a fold's model that the last one draws, which forecasts and is explained.

Errors are about the same (on goods, folds with 200,000 rows instead of 50,000 lower WAPE by up to
.1 % and log MAE by up to .2 %), but explanations are less noisy: with 50,000 four tests fail on
simulated worlds, whose drivers are known.
"""


@dataclass(frozen=True, slots=True)
class FinalForecast:
    """The model fitted at the last origin, its forecasts, their drivers, and its measures."""

    forecaster: FittedForecaster
    forecasts: dict[int, FlowForecast]
    table: pd.DataFrame
    explained: Drivers
    attributions: pd.DataFrame
    measures: MeasureTables


@dataclass(frozen=True, slots=True)
class LastFit:
    """What is learned at the last origin.

    Attributes
    ----------
    training
        With the fitted models.
    seeds
        Becomes `fit_other_seeds`: only the explanation waits for them.
    """

    training: Training
    seeds: Future[dict[int, ShiftModel]]


def fit_other_seeds(
    prepared: PreparedData, config: RunConfig, training: Training
) -> dict[int, ShiftModel]:
    """The main model with other seeds.

    They draw the rows of a fold, like the models of other origins that they are listed with.
    """
    main = ShiftForecaster().fit(training).shift
    assert main is not None
    fold = prepared.training(config, origin=prepared.last_origin, choice=training.choice)
    same = fold.rows.shift.size == training.rows.shift.size
    return other_seeds(main, (training if same else fold).binned)


def fitted_training(prepared: PreparedData, config: RunConfig, choice: ShiftChoice) -> Training:
    """What models may learn from at the last origin, the main model and its probability fitted.

    It needs no back-test, and can run beside it.
    """
    training = prepared.training(
        config,
        origin=prepared.last_origin,
        choice=choice,
        max_rows=LAST_ROWS * config.max_rows,
    )
    ShiftForecaster().fit(training)
    training.probability  # noqa: B018
    return training


def make_final_forecast(
    prepared: PreparedData,
    last: LastFit,
    backtest: Backtest,
    folds: Sequence[Fold],
    config: RunConfig,
    measure_set: MeasureSet,
    stage: Path,
    progress: Progress,
) -> FinalForecast:
    """Forecast from the last origin, explain and measure the forecasts."""
    origin, setting = prepared.last_origin, config.settings[0]
    # Explaining a large universe takes the memory that the back-test held.
    prepared.matrices.let_go()
    return_freed()
    # Measures are of Python, and the fit and its explanation of other code: they share two cores.
    with ThreadPoolExecutor(1, thread_name_prefix="measures") as aside:
        measuring = aside.submit(
            measure_past,
            measure_set,
            prepared.panel,
            stage,
            setting=setting,
            origin=origin,
            horizons=config.horizons,
            pairs=[(fold.origin, horizon) for fold in folds for horizon in fold.horizons],
        )
        with progress.stage("forecast"):
            known, forecaster = forecaster_of(prepared, config, last.training, backtest.calibration)
            backtest.calibration.let_go()
            table, forecasts = _forecast(forecaster)
        with progress.stage("explain"):
            explained = _explain(known, last, backtest, forecaster, forecasts)
            attributions = attribution_table(explained.explanation)
        return_freed()
        with progress.stage("measure the past and the back-test"):
            past = measuring.result()
    measured = Measured(forecaster, forecasts, attributions)
    measures = measure_run(measure_set, prepared.panel, past, measured, progress)
    return FinalForecast(forecaster, forecasts, table, explained, attributions, measures)


def fit_forecaster(
    prepared: PreparedData, config: RunConfig, choice: ShiftChoice, calibration: Calibration | None
) -> tuple[Known, FittedForecaster]:
    """Fit on every year up to the last origin, in the first setting.

    Parameters
    ----------
    prepared, config
        Data and options.
    choice
        Weights chosen at the last origin.
    calibration
        Holds the errors of the back-test, which intervals are made of; None makes none.

    Returns
    -------
    tuple
        What is known at the last origin, and the fitted forecaster.
    """
    return forecaster_of(prepared, config, fitted_training(prepared, config, choice), calibration)


def forecaster_of(
    prepared: PreparedData, config: RunConfig, training: Training, calibration: Calibration | None
) -> tuple[Known, FittedForecaster]:
    """`fit_forecaster` of what was fitted before."""
    origin, setting = prepared.last_origin, config.settings[0]
    known = prepared.known(setting, origin=origin, horizons=config.horizons, training=training)
    main = ShiftForecaster().fit(training)
    if setting == REPORTS_KNOWN:
        assert prepared.nowcasts is not None
        known = prepared.nowcasts.known(known, main)
    return known, _fitted(known, main, calibration, prepared)


def _fitted(
    known: Known,
    main: ShiftForecaster,
    calibration: Calibration | None,
    prepared: PreparedData,
) -> FittedForecaster:
    assert main.shift is not None
    info, start = known.info, known.start
    ahead = known if start is None else start.ahead
    lead = ahead.origin - known.origin
    later = [h for h in known.horizons if h > lead]
    return FittedForecaster(
        flows=info.flows,
        origin=known.origin,
        as_of=info.as_of.isoformat(),
        value=origin_value(info),
        features=ahead.features,
        totals={h: ahead.totals[h - lead] for h in later},
        before_monthly={h + lead: totals for h, totals in _before_monthly(ahead).items()},
        intervals={}
        if calibration is None
        else {
            h: calibration.intervals(setting=info.setting, horizon=h, origin=known.origin)
            for h in later
        },
        shift=main.shift,
        probability=known.training.probability,
        own=prepared.own,
        extra=prepared.extra,
        nowcast=None if start is None else _nowcast(start, calibration, known.origin),
        traits=flow_traits(info.history, info.flows),
    )


def _before_monthly(known: Known) -> dict[int, Totals]:
    """Totals as they would be forecast without monthly trade, by the horizons that it changes."""
    if known.info.monthly is None or not known.horizons:
        return {}
    infos = {origin: info.without_monthly() for origin, info in known.infos.items()}
    before = forecast_totals(infos, origin=known.origin, horizons=known.horizons)
    bare = {h: (before[h].with_only(()), known.totals[h].with_only(())) for h in known.horizons}
    return {
        h: without
        for h, (without, with_it) in bare.items()
        if not np.array_equal(without.exporter, with_it.exporter, equal_nan=True)
        or not np.array_equal(without.importer, with_it.importer, equal_nan=True)
    }


def _nowcast(start: ReportedStart, calibration: Calibration | None, origin: int) -> FittedNowcast:
    return FittedNowcast(
        value=start.value,
        chance=start.chance,
        reported=start.implied.reported,
        levels=start.implied.levels,
        intervals=() if calibration is None else calibration.nowcast_intervals(origin),
    )


def _forecast(forecaster: FittedForecaster) -> tuple[pd.DataFrame, dict[int, FlowForecast]]:
    parts = {horizon: forecast_table(forecaster, horizon) for horizon in forecaster.horizons}
    table = pd.concat([table for table, _ in parts.values()], ignore_index=True)
    return table, {horizon: forecast for horizon, (_, forecast) in parts.items()}


def _explain(
    known: Known,
    last: LastFit,
    backtest: Backtest,
    forecaster: FittedForecaster,
    forecasts: dict[int, FlowForecast],
) -> Drivers:
    explanation, design = explain(forecaster, forecasts), known.training.rows
    seed = known.training.seed
    return final_drivers(
        explanation,
        last.seeds.result(),
        forecaster.features,
        by_origin=backtest.drivers,
        views=tree_views(forecaster.shift, explanation.data, design.features, seed=seed),
        horizons=known.horizons,
        rows_seed=seed,
        own=forecaster.added,
    )
