"""The main job: read, back-test, fit, forecast, explain, write, track."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from features.errors import InputError
from features.extra_features import extra_features
from forecasting.beside import beside, preparations
from forecasting.cluster.client import Cluster, connected
from forecasting.distribution.past_forecasts import write_past_forecasts
from forecasting.evaluation.audit import Audit, audit
from forecasting.evaluation.backtest import (
    Backtest,
    choice_at,
    choose,
    in_threads,
    plan_backtest,
    run_backtest,
)
from forecasting.evaluation.births import write_births
from forecasting.evaluation.finished_tasks import FinishedTasks, finished_tasks
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.parallel import short_turns
from forecasting.evaluation.prepared import PreparedData, prepare
from forecasting.evaluation.run_models import comparators
from forecasting.evaluation.study import Study, check_study, run_study
from forecasting.evaluation.tasks import Compute
from forecasting.figures.own_process import Drawing, DrawnHere, drawing_process
from forecasting.final_forecast import (
    FinalForecast,
    LastFit,
    fit_other_seeds,
    fitted_training,
    make_final_forecast,
)
from forecasting.fingerprint import fingerprint
from forecasting.inputs.feature_modules import feature_sources
from forecasting.inputs.findings import show_findings
from forecasting.inputs.load import LoadedData, load
from forecasting.inputs.universe import own_statements, unused_statements
from forecasting.measurement.measure_set import MeasureSet, make_measure_set
from forecasting.memory import return_freed, seldom_collected
from forecasting.options.run_config import RunConfig
from forecasting.progress import Progress
from forecasting.results.result import RunResult
from forecasting.results.write import write_tables
from forecasting.run_folder.claim import check_out, claimed
from forecasting.run_folder.files import FIGURES, MARKER, REPORT
from forecasting.run_folder.interrupts import Interrupted
from forecasting.run_folder.record import write_record
from forecasting.run_folder.staging import staged
from forecasting.run_outcome import run_provenance, run_result
from forecasting.tracking.autologging import autologging_off
from models.forecaster import FittedForecaster
from models.learner_check import check_learner
from models.shift import ShiftModel
from models.tuning import check_tuning


def run(config: RunConfig | None = None, *, show_progress: bool = True) -> RunResult:
    """Run the main job.

    Parameters
    ----------
    config
        What to run; by default the simulated world with sectors.
    show_progress
        Whether stages and bars are written to stderr, unless the configuration is quiet.

    Returns
    -------
    RunResult

    Raises
    ------
    InputError
        For anything wrong with the configuration or its files; nothing is left in ``out``.
    """
    # The matrices are small: BLAS threads gain nothing on an idle machine, contend on a busy one
    # (forty times as long), and their number changes the rounding.
    with threadpool_limits(limits=1, user_api="blas"), short_turns(), seldom_collected():
        config = config or RunConfig()
        return _run(config, Progress(show=show_progress and not config.quiet))


def _run(config: RunConfig, progress: Progress) -> RunResult:
    # The folder stays claimed until it is tracked: what is logged must be what was computed.
    with (
        claimed(config.out, overwrite=config.overwrite),
        _interruptible(config),
        autologging_off(),
    ):
        result = _written(config, progress)
        if config.experiment is not None:
            from forecasting.tracking.track import track

            with progress.stage("track in MLflow"):
                track(result)
    return result


def _written(config: RunConfig, progress: Progress) -> RunResult:
    """Compute a run and put its folder in place."""
    for line in check_learner(config.learner, seed=config.seed):
        progress.say(line)
    with connected(config.cluster, say=progress.say) as cluster:
        data = _read(config, progress)
        with progress.stage("prepare the measures"):
            measure_set = make_measure_set(data.bundle, tables=data.tables)
        folds = _planned(config, data)
        show_findings(data.findings, notes=progress.show)
        with beside(preparations(config)):
            return _computed(data, measure_set, folds, config, cluster, progress)


def _computed(
    data: LoadedData,
    measure_set: MeasureSet,
    folds: Sequence[Fold],
    config: RunConfig,
    cluster: Cluster | None,
    progress: Progress,
) -> RunResult:
    with progress.stage("build the features"):
        prepared = prepare(data.bundle, config)
    return_freed()
    check = partial(check_out, config.out, overwrite=config.overwrite)
    with (
        finished_tasks(
            config.out,
            fingerprint(config, data.sources),
            resume=config.resume,
            folds=len(folds),
            say=progress.say,
        ) as finished,
        staged(config.out, check=check) as stage,
        ThreadPoolExecutor(1, thread_name_prefix="last-fit") as aside,
    ):
        with _computing(data, prepared, config, cluster, finished) as compute:
            backtest, last = _fitted(prepared, folds, config, stage, progress, compute, aside)
        study = _study(data, prepared, folds, config, backtest, progress) if config.study else None
        with _drawing(prepared, config) as drawing:
            final = make_final_forecast(
                prepared, last, backtest, folds, config, measure_set, stage, progress
            )
            write_births(
                prepared.panel,
                folds,
                origin=prepared.last_origin,
                horizons=config.horizons,
                stage=stage,
            )
            with progress.stage("check for leaks"):
                leaks = _audit(data, prepared, folds, config, final)
            provenance = run_provenance(
                config,
                data,
                prepared,
                backtest,
                final,
                measure_set=measure_set,
                first_origin=folds[0].origin,
                leaks=leaks,
            )
            result = run_result(config, prepared, backtest, study, final, provenance, progress)
            _finish(result, final.forecaster, stage, drawing, progress)
        return _recorded(result, stage)


def _drawing(prepared: PreparedData, config: RunConfig) -> AbstractContextManager[Drawing]:
    """Where figures are drawn: a run of few rows is over before a process has started."""
    few = prepared.design.shift.size <= config.max_rows
    return nullcontext(DrawnHere()) if few or not config.figures else drawing_process()


def _finish(
    result: RunResult,
    forecaster: FittedForecaster,
    stage: Path,
    drawing: Drawing,
    progress: Progress,
) -> None:
    """Write tables, figures and report, as configured."""
    config = result.config
    # Some figures and tables read the back-test, which is still in the temporary folder.
    staged_result = replace(result, out=stage)
    if config.figures:
        (stage / FIGURES).mkdir()
        drawing.begin(staged_result, stage / FIGURES)
    with progress.stage("write tables"):
        write_tables(result, forecaster, stage)
        write_past_forecasts(result, stage)
    if config.figures or config.report:
        with progress.stage("draw figures and report"):
            _report(staged_result, stage, drawing)


def _fitted(
    prepared: PreparedData,
    folds: Sequence[Fold],
    config: RunConfig,
    stage: Path,
    progress: Progress,
    compute: Compute,
    aside: ThreadPoolExecutor,
) -> tuple[Backtest, LastFit]:
    """The back-test, and beside it the fit at the last origin, then that of other seeds."""
    chosen = choose(prepared, folds, config, progress, compute=compute)
    choice = chosen.at(prepared.last_origin)
    fitting = aside.submit(fitted_training, prepared, config, choice)
    seeds: list[Future[dict[int, ShiftModel]]] = []

    def fit_seeds() -> None:
        seeds.append(aside.submit(lambda: fit_other_seeds(prepared, config, fitting.result())))

    backtest = run_backtest(
        prepared, folds, config, chosen, stage, progress, compute=compute, near_end=fit_seeds
    )
    with progress.stage("fit at the last origin"):
        return backtest, LastFit(fitting.result(), *seeds)


def _computing(
    data: LoadedData,
    prepared: PreparedData,
    config: RunConfig,
    cluster: Cluster | None,
    finished: FinishedTasks,
) -> AbstractContextManager[Compute]:
    """Where the folds are computed: in threads, or on a cluster."""
    if cluster is None:
        return nullcontext(in_threads(prepared, config, finished))
    return cluster.on_workers(data.bundle, config, finished)


def _read(config: RunConfig, progress: Progress) -> LoadedData:
    """The data, with a line for everything a reader should know of how they were read."""
    if config.study:
        check_study()
    given = feature_sources(config.features)
    if config.tune:
        check_tuning(config.learner)
    comparators(config.compare_with)
    with progress.stage("read the data"):
        data = load(config)
        data = replace(data, sources=(*data.sources, *given))
    indicators = data.bundle.indicators
    specs = {} if indicators is None else indicators.specs
    unused = unused_statements(specs, extra=extra_features(config.features))
    for line in (*data.reading, *own_statements(specs), *unused):
        progress.say(line)
    return data


def _planned(config: RunConfig, data: LoadedData) -> tuple[Fold, ...]:
    """The folds of the back-test; refuses what the data do not allow, before any work."""
    folds = plan_backtest(data.bundle, config)
    last = data.bundle.origin(config.as_of) if config.as_of else data.bundle.panel.last_year
    _check_explain_flow(config, data, last=last)
    return folds


def _study(
    data: LoadedData,
    prepared: PreparedData,
    folds: Sequence[Fold],
    config: RunConfig,
    backtest: Backtest,
    progress: Progress,
) -> Study:
    return run_study(
        data.bundle,
        prepared,
        folds,
        config,
        choose_at=lambda origin: choice_at(backtest.choices, origin),
        by_origin=backtest.by_origin,
        progress=progress,
    )


def _audit(
    data: LoadedData,
    prepared: PreparedData,
    folds: Sequence[Fold],
    config: RunConfig,
    final: FinalForecast,
) -> Audit:
    origins = {folds[0].origin, folds[len(folds) // 2].origin, prepared.last_origin}
    return audit(
        data.bundle,
        prepared,
        setting=config.settings[0],
        origins=sorted(origins),
        horizons=config.horizons,
        seed=config.seed,
        forecasts=list(final.forecasts.values()),
        additivity=final.explained.explanation.largest_gap,
    )


def _report(result: RunResult, stage: Path, drawing: Drawing) -> None:
    """Write the report, as configured, and wait for the figures."""
    from forecasting.reports.report import write_report

    figures = drawing.finished if result.config.figures else None
    if result.config.report:
        write_report(result, figures, stage / REPORT)
    elif figures is not None:
        figures()


def _recorded(result: RunResult, stage: Path) -> RunResult:
    """Write ``run.json`` and the scoreboard; returns the result with the sums of its files."""
    from forecasting.reports.scoreboard import write_scoreboard

    # The scoreboard is made from the record, and the record holds its sum: so it is written twice.
    write_record(stage, result.provenance, seconds=result.timings)
    write_scoreboard(stage)
    written = write_record(stage, result.provenance, seconds=result.timings)
    return replace(result, provenance=written)


def _check_explain_flow(config: RunConfig, data: LoadedData, *, last: int) -> None:
    panel, wanted = data.bundle.panel, config.explain_flow
    flows = panel.flows.at(panel.row(last))
    if wanted is None:
        return
    parts = [flows.countries, flows.countries, *([flows.sectors] if flows.has_sectors else [])]
    fits = len(wanted) == len(parts) and (flows.diagonal or wanted[0] != wanted[1])
    if not fits or any(word not in known for word, known in zip(wanted, parts, strict=True)):
        kind = "exporter,importer,sector" if flows.has_sectors else "exporter,importer"
        raise InputError(
            f"option 'explain_flow' cannot be {','.join(wanted)!r}",
            remedy=f"Give {kind} as they stand in the trade file",
        )
    codes = [np.int32(known.index(word)) for word, known in zip(wanted, parts, strict=True)]
    if flows.position(*(np.array([c], dtype=np.int32) for c in (*codes, 0)[:3]))[0] < 0:
        raise InputError(
            f"option 'explain_flow' is {','.join(wanted)!r}, which has no trade up to {last}",
            remedy="Give a flow that has traded by then",
        )


@contextmanager
def _interruptible(config: RunConfig) -> Iterator[None]:
    """Tell a user who interrupts the run what is left of it."""
    before = _written_at(config.out)
    try:
        yield
    except KeyboardInterrupt as stop:
        if _written_at(config.out) == before:
            left = "interrupted; the output folder is as it was; --resume uses the finished folds"
        elif config.experiment is None:
            left = f"interrupted; the run is complete in {config.out}"
        else:
            left = (
                f"interrupted while tracking; the run is complete in {config.out}: "
                f"`gravicast track {shlex.quote(str(config.out))}` logs it"
            )
        raise Interrupted(left) from stop


def _written_at(out: Path) -> tuple[int, int] | None:
    """Identifies the run that a folder holds; None where there is none."""
    try:
        about = (out / MARKER).stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns
