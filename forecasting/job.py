"""The main job: read, back-test, fit, forecast, explain, write, track."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from features.catalogue import coverage
from features.errors import InputError
from features.own_features import own_features
from forecasting.audit import Audit, audit, explained_counts
from forecasting.backtest import (
    MAIN_MODEL,
    FoldResult,
    choice_at,
    run_folds,
    tune,
)
from forecasting.bench import Bench, prepare
from forecasting.calibration import Calibration, check_outcomes
from forecasting.config import RunConfig
from forecasting.final_model import Backtest, Final, make_final
from forecasting.folds import Fold, plan_folds
from forecasting.interrupts import Interrupted
from forecasting.loading import LoadedData, load
from forecasting.noticed import tell
from forecasting.output import FORMAT, MARKER, check_out, claimed, write_run
from forecasting.progress import Progress
from forecasting.reliability import reliability_rows, summarise_reliability
from forecasting.results import RunResult
from forecasting.scores import SKILL_METRICS, score_forecast, strata, summarise
from forecasting.significance import significance_table
from forecasting.staging import staged
from forecasting.study import BASELINES, Study, check_study, run_study
from forecasting.tables import BacktestWriter
from forecasting.targets.gauge import make_gauge
from forecasting.tracking.autologging import autologging_off
from forecasting.universe import own_statements, universe_choices, unused_statements
from forecasting.versions import git_commit, versions
from models.raking import TOLERANCE


def run(config: RunConfig | None = None, *, show_progress: bool = True) -> RunResult:
    """Run the main job.

    Parameters
    ----------
    config
        What to run; by default the simulated world.
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
    # Its matrices are small: threads of BLAS win nothing on an idle machine, wait for each other on
    # a busy one (forty times as long), and round differently with their number.
    with threadpool_limits(limits=1, user_api="blas"):
        config = config or RunConfig()
        return _run(config, Progress(show=show_progress and not config.quiet))


def _run(config: RunConfig, progress: Progress) -> RunResult:
    # Claimed until it is tracked: what is logged must be what was computed.
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


@contextmanager
def _interruptible(config: RunConfig) -> Iterator[None]:
    """Say what is left of a run that the user interrupts."""
    before = _written_at(config.out)
    try:
        yield
    except KeyboardInterrupt as stop:
        if _written_at(config.out) == before:
            left = "interrupted; nothing was left in the output folder"
        elif config.experiment is None:
            left = f"interrupted; the run is complete in {config.out}"
        else:
            left = (
                f"interrupted while tracking; the run is complete in {config.out}: "
                f"`gravicast track {shlex.quote(str(config.out))}` logs it"
            )
        raise Interrupted(left) from stop


def _written_at(out: Path) -> tuple[int, int] | None:
    """What tells the run that a folder holds from one before it; None where there is none."""
    try:
        about = (out / MARKER).stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns


def _written(config: RunConfig, progress: Progress) -> RunResult:
    """Compute a run and put its folder in place."""
    if config.study:
        check_study()
    with progress.stage("read the data"):
        data = load(config)
    for line in data.reading:
        progress.say(line)
    if data.bundle.indicators is not None:
        specs = data.bundle.indicators.specs
        for line in (*own_statements(specs), *unused_statements(specs)):
            progress.say(line)
    with progress.stage("prepare the measures"):
        gauge = make_gauge(data.bundle, tables=data.tables)
    panel = data.bundle.panel
    last = data.bundle.origin(config.as_of) if config.as_of else panel.last_year
    folds = plan_folds(
        first_year=panel.first_year,
        last_year=last,
        horizons=config.horizons,
        first_origin=config.first_origin,
    )
    _check_explain_flow(config, data)
    check_outcomes(panel, horizons=config.horizons, last_origin=last)
    tell(data.findings, notes=progress.show)
    with progress.stage("build the features"):
        bench = prepare(data.bundle, config)
    may_be = partial(check_out, config.out, overwrite=config.overwrite)
    with staged(config.out, check=may_be) as stage:
        backtest = _backtest(bench, folds, config, stage, progress)
        study = _study(data, bench, folds, config, backtest, progress) if config.study else None
        final = make_final(bench, backtest, folds, config, gauge, stage, progress)
        with progress.stage("check for leaks"):
            checked = _audit(data, bench, folds, config, final)
        provenance = _provenance(config, data, bench, backtest, final, checked)
        provenance["notes"] += gauge.statements
        provenance["universe_choices"] = universe_choices(
            config, data.bundle, first_origin=folds[0].origin
        )
        result = _result(config, bench, backtest, study, final, provenance, progress)
        return write_run(result, final.forecaster, stage, progress)


def _check_explain_flow(config: RunConfig, data: LoadedData) -> None:
    wanted, flows = config.explain_flow, data.bundle.panel.flows
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


def _backtest(
    bench: Bench, folds: Sequence[Fold], config: RunConfig, stage: Path, progress: Progress
) -> Backtest:
    with progress.stage("choose weights (nested)"):
        choices = tune(bench, folds, config)
    with progress.stage("calibrate on early origins"):
        calibration = Calibration(bench, first_origin=folds[0].origin, horizons=config.horizons)
    rows: list[dict[str, object]] = []
    chances: list[dict[str, object]] = []
    unreachable, gap = 0, 0.0
    drivers: dict[int, pd.DataFrame] = {}
    results = run_folds(bench, folds, config, choose_at=lambda o: choice_at(choices, o))
    path = stage / "backtest.parquet"
    with BacktestWriter(path, flows=bench.panel.flows, rule=bench.rule) as writer:
        for result in progress.steps("back-test", results, total=len(folds)):
            rows += _score_fold(bench, result, calibration, writer)
            drivers[result.fold.origin] = result.drivers
            chances += [row for f in result.forecasts for row in reliability_rows(f)]
            unreachable = max(unreachable, result.unreachable_totals)
            gap = max(gap, result.largest_gap)
    return Backtest(
        by_origin=pd.DataFrame(rows),
        reliability=summarise_reliability(chances),
        calibration=calibration,
        choices=choices,
        drivers=drivers,
        notes=_raking_notes(unreachable, gap),
    )


def _study(
    data: LoadedData,
    bench: Bench,
    folds: Sequence[Fold],
    config: RunConfig,
    backtest: Backtest,
    progress: Progress,
) -> Study:
    return run_study(
        data.bundle,
        bench,
        folds,
        config,
        choose_at=lambda origin: choice_at(backtest.choices, origin),
        by_origin=backtest.by_origin,
        progress=progress,
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


def _score_fold(
    bench: Bench, result: FoldResult, calibration: Calibration, writer: BacktestWriter
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for forecast in result.forecasts:
        bounds = None
        if forecast.model == MAIN_MODEL:
            intervals = calibration.intervals(
                setting=forecast.setting, horizon=forecast.horizon, origin=forecast.origin
            )
            bounds = intervals.bounds(forecast.forecast, forecast.expected)
        info = bench.infos[forecast.setting][forecast.origin]
        rows += score_forecast(forecast, strata(info, forecast.value_origin), bounds)
        writer.write(forecast, bounds)
    # Only now: a fold must not calibrate itself.
    for forecast in result.forecasts:
        if forecast.model == MAIN_MODEL:
            calibration.add(forecast)
    return rows


def _audit(
    data: LoadedData,
    bench: Bench,
    folds: Sequence[Fold],
    config: RunConfig,
    final: Final,
) -> Audit:
    origins = {folds[0].origin, folds[len(folds) // 2].origin, bench.last_origin}
    return audit(
        data.bundle,
        bench,
        setting=config.settings[0],
        origins=sorted(origins),
        horizons=config.horizons,
        seed=config.seed,
        forecasts=list(final.forecasts.values()),
        additivity=final.explained.explanation.largest_gap,
    )


def _result(
    config: RunConfig,
    bench: Bench,
    backtest: Backtest,
    study: Study | None,
    final: Final,
    provenance: dict[str, Any],
    progress: Progress,
) -> RunResult:
    setting, origin = config.settings[0], bench.last_origin
    info, matrix = bench.infos[setting][origin], bench.matrices[setting][origin]
    by_origin = backtest.by_origin[backtest.by_origin["stratum"] == "all"].reset_index(drop=True)
    return RunResult(
        config=config,
        out=config.out,
        forecasts=final.table,
        scores=summarise(backtest.by_origin),
        scores_by_origin=by_origin,
        significance=significance_table(
            by_origin if study is None else pd.concat([by_origin, study.by_origin]),
            model=MAIN_MODEL,
            others=BASELINES,
            metrics=SKILL_METRICS,
        ),
        reliability=backtest.reliability,
        study=study,
        attributions=final.attributions,
        explanation=final.explained.explanation,
        channels=final.explained.channels,
        drivers=final.explained.features,
        stability=final.explained.stability,
        coverage=coverage(info, matrix, own=own_features(bench.own)),
        pattern=final.pattern,
        provenance=provenance,
        timings=progress.seconds,
    )


def _provenance(
    config: RunConfig,
    data: LoadedData,
    bench: Bench,
    backtest: Backtest,
    final: Final,
    checked: Audit,
) -> dict[str, Any]:
    setting, origin = config.settings[0], bench.last_origin
    explained, sectors = final.explained.explanation, data.bundle.sectors
    return {
        "kind": "run",
        "format": FORMAT,
        "config": config.to_dict(),
        "data": [source.to_dict() for source in data.sources],
        "findings": [finding.to_dict() for finding in data.findings],
        "as_of": bench.infos[setting][origin].as_of.isoformat(),
        "origin": origin,
        "horizons": list(config.horizons),
        "setting": setting,
        "seed": config.seed,
        "versions": versions(),
        "git": git_commit(),
        "nested_choices": {
            str(o): {
                "chosen": asdict(choice),
                "losses": [{**asdict(c), "loss": loss} for c, loss in losses.items()],
            }
            for o, (choice, losses) in backtest.choices.items()
        },
        "explained": explained_counts(
            final.table,
            explained=len(explained.rows),
            largest_gap=explained.largest_gap,
        ),
        "audit": checked.to_dict(),
        "measures_missing": final.pattern.missing,
        "sector_names": {}
        if sectors is None
        else dict(zip(sectors.sectors, sectors.names, strict=True)),
        "notes": list(backtest.notes),
    }
