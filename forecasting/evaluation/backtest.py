"""The loop over origins: every fold of the plan is fitted, forecast, scored and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from features.choices import Setting
from features.information import DataBundle
from forecasting.evaluation.backtest_file import BacktestWriter
from forecasting.evaluation.calibration import Calibration, check_outcomes
from forecasting.evaluation.finished_tasks import FinishedTasks
from forecasting.evaluation.fold import FoldForecast, FoldResult
from forecasting.evaluation.folds import Fold, plan_folds
from forecasting.evaluation.parallel import in_parallel
from forecasting.evaluation.prepared import PreparedData, tuning_origins
from forecasting.evaluation.reliability import reliability_rows, summarise_reliability
from forecasting.evaluation.run_models import run_models
from forecasting.evaluation.scores import reported_strata, score_forecast, strata
from forecasting.evaluation.tasks import Compute, FoldTask, Task, WeightLosses
from forecasting.evaluation.tuning import Choices, Studies, run_studies, tuned
from forecasting.options.run_config import RunConfig
from forecasting.progress import Progress
from forecasting.run_folder.files import BACKTEST
from models.intervals import Bounds
from models.raking import TOLERANCE
from models.registry import MAIN_MODEL
from models.shift import ShiftChoice

ChooseAt = Callable[[int], ShiftChoice]


def plan_backtest(bundle: DataBundle, config: RunConfig) -> tuple[Fold, ...]:
    """The folds of a back-test.

    Raises
    ------
    InputError
        If the panel is too short for them, or holds too few past flows for intervals.
    """
    panel = bundle.panel
    last = bundle.origin(config.as_of) if config.as_of else panel.last_year
    folds = plan_folds(
        first_year=panel.first_year,
        last_year=last,
        horizons=config.horizons,
        first_origin=config.first_origin,
    )
    check_outcomes(panel, horizons=config.horizons, last_origin=last)
    return folds


def choose_weights(origins: Sequence[int], compute: Compute) -> Choices:
    """Nested choice of weights at the years of `prepared.tuning_origins`.

    Returns
    -------
    dict
        By origin of the choice: the choice, least in the sum of losses up to that origin, and every
        candidate's loss at it. An origin in between takes the last choice made before it.
    """
    # The last have most rows: begun last, one would leave the other cores idle.
    latest_first = list(reversed(origins))
    found: Iterator[dict[ShiftChoice, float]] = compute([WeightLosses(o) for o in latest_first])
    by_origin = dict(zip(latest_first, found, strict=True))
    out = {}
    for number, origin in enumerate(origins):
        # One window of years cannot separate the candidates, so every window so far counts.
        seen = [by_origin[past] for past in origins[: number + 1]]
        total = {choice: sum(loss[choice] for loss in seen) for choice in seen[0]}
        out[origin] = min(total, key=total.__getitem__), by_origin[origin]
    return out


def choice_at(choices: Choices, origin: int) -> ShiftChoice:
    """The last choice made at or before ``origin``."""
    return choices[max(o for o in choices if o <= origin)][0]


def in_threads(
    prepared: PreparedData, config: RunConfig, finished: FinishedTasks | None = None
) -> Compute:
    """Compute tasks in threads of this process, but those that an earlier run finished.

    LightGBM releases the interpreter's lock, so threads use every core without copying the design;
    each fit runs on one thread, which makes its result independent of the number of cores.
    """

    def result(task: Task[Any]) -> Any:
        compute = partial(task.run, prepared, config)
        return compute() if finished is None else finished.result(task, compute)

    return lambda tasks: in_parallel([partial(result, task) for task in tasks], config)


def fold_tasks(folds: Sequence[Fold], *, choose_at: ChooseAt) -> list[FoldTask]:
    """The plan's folds, each with the weights chosen for it."""
    return [FoldTask(fold, choose_at(fold.origin)) for fold in folds]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is settled before the folds run.

    Attributes
    ----------
    choices
        Weights and boosters by origin.
    studies
        The trials of tuning, by origin; empty without.
    calibration
        With the errors of origins before the first fold.
    """

    choices: Choices
    studies: Studies
    calibration: Calibration

    def at(self, origin: int) -> ShiftChoice:
        """The last choice made at or before ``origin``."""
        return choice_at(self.choices, origin)


def choose(
    prepared: PreparedData,
    folds: Sequence[Fold],
    config: RunConfig,
    progress: Progress,
    *,
    compute: Compute,
) -> Chosen:
    """Choose weights, tune, and calibrate on early origins; parameters as of `run_backtest`."""
    with ThreadPoolExecutor(1, thread_name_prefix="calibration") as beside:
        calibrating = beside.submit(
            Calibration, prepared, first_origin=folds[0].origin, horizons=config.horizons
        )
        with progress.stage("choose weights (nested)"):
            choices = choose_weights(tuning_origins(prepared, folds, config), compute)
        studies: Studies = {}
        if config.tune:
            with progress.stage(f"tune ({config.tune} trials at each of {len(choices)} origins)"):
                studies = run_studies(choices, compute)
                choices = tuned(choices, studies)
        with progress.stage("calibrate on early origins"):
            return Chosen(choices, studies, calibrating.result())


def run_backtest(
    prepared: PreparedData,
    folds: Sequence[Fold],
    config: RunConfig,
    chosen: Chosen,
    stage: Path,
    progress: Progress,
    *,
    compute: Compute,
    near_end: Callable[[], None] = lambda: None,
) -> Backtest:
    """Run every fold, score it, and write its forecasts into ``backtest.parquet`` as they come.

    Parameters
    ----------
    prepared, folds, config
        Data, plan and options.
    chosen
        Weights and calibration; the latter takes in the errors of every fold.
    stage
        Folder to write to.
    progress
        For bars and times.
    compute
        Where folds are run: `in_threads` or `forecasting.cluster.on_cluster`.
    near_end
        Called once, when all folds but the last are through: a core is free from then on.
    """
    calibration = chosen.calibration
    rows: list[dict[str, object]] = []
    chances: list[dict[str, object]] = []
    unreachable, gap = 0, 0.0
    drivers: dict[int, pd.DataFrame] = {}
    results = compute(fold_tasks(folds, choose_at=chosen.at))
    path = stage / BACKTEST
    if len(folds) == 1:
        near_end()
    with BacktestWriter(path, rule=prepared.rule, models=run_models(config)) as writer:
        for result in progress.steps("back-test", results, total=len(folds)):
            flows = prepared.flows_at(result.fold.origin)
            for block in scored_blocks(prepared, result, calibration):
                rows += block.scores
                writer.write(block.forecasts, block.bounds, flows=flows)
            drivers[result.fold.origin] = result.drivers
            if len(drivers) == len(folds) - 1:
                near_end()
            chances += [row for f in result.forecasts for row in reliability_rows(f)]
            unreachable = max(unreachable, result.unreachable_totals)
            gap = max(gap, result.largest_gap)
    return Backtest(
        by_origin=pd.DataFrame(rows),
        reliability=summarise_reliability(chances),
        calibration=calibration,
        choices=chosen.choices,
        studies=chosen.studies,
        drivers=drivers,
        notes=_raking_notes(unreachable, gap),
    )


def _raking_notes(unreachable: int, gap: float) -> tuple[str, ...]:
    if gap <= TOLERANCE:
        notes = [f"raking met every reachable total to {gap:.0e} (relative)"]
    else:
        notes = [
            "zeros of the matrix make some importer totals infeasible: exporter totals are met, "
            f"the worst importer total of any origin is missed by {gap:.1%}"
        ]
    if unreachable:
        notes.append(
            f"up to {unreachable} positive totals an origin belong to a country without a single "
            "positive flow; no scaling can meet them and they are left out"
        )
    return tuple(notes)


def scored_blocks(
    prepared: PreparedData, result: FoldResult, calibration: Calibration
) -> Iterator[ScoredBlock]:
    """Score a fold block by block, then calibrate later folds on it."""
    origin = result.fold.origin
    for (setting, horizon), block in groupby(result.forecasts, _block_of):
        forecasts = list(block)
        (main,) = (forecast for forecast in forecasts if forecast.model == MAIN_MODEL)
        bounds = calibration.bounds(main)
        info = prepared.infos[setting][origin]
        masks = strata(info, main.value_origin)
        if main.reported is not None:
            masks |= reported_strata(main.reported)
        beyond = prepared.outside(origin, horizon).strata(info)
        scores = [
            row
            for forecast in forecasts
            for row in score_forecast(
                forecast, masks, bounds if forecast is main else forecast.bounds, beyond
            )
        ]
        yield ScoredBlock(forecasts, bounds, scores)
    # Not earlier: a fold must not calibrate itself.
    for forecast in result.forecasts:
        if forecast.model == MAIN_MODEL:
            calibration.add(forecast)


def _block_of(forecast: FoldForecast) -> tuple[Setting, int]:
    return forecast.setting, forecast.horizon


@dataclass(frozen=True, slots=True)
class ScoredBlock:
    """Forecasts of all models in one setting, at one origin and horizon, and what they scored.

    Attributes
    ----------
    forecasts
        One a model.
    bounds
        Intervals of the main model.
    scores
        Rows of `scores.score_forecast`.
    """

    forecasts: list[FoldForecast]
    bounds: Bounds
    scores: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Backtest:
    """Results of the back-test that stay in memory: scores, calibration, choices and notes.

    ``studies`` holds the trials of tuning, by origin; empty without.
    """

    by_origin: pd.DataFrame
    reliability: pd.DataFrame
    calibration: Calibration
    choices: Choices
    studies: Studies
    drivers: dict[int, pd.DataFrame]
    notes: tuple[str, ...]
