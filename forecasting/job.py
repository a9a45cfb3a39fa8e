"""The main job: read, back-test, fit, forecast, explain, write, track."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from features.catalogue import coverage
from features.channels.own_features import own_features
from features.errors import InputError
from forecasting.evaluation.audit import Audit, audit, explained_counts
from forecasting.evaluation.backtest import Backtest, choice_at, run_backtest
from forecasting.evaluation.calibration import check_outcomes
from forecasting.evaluation.folds import Fold, plan_folds
from forecasting.evaluation.prepared import PreparedData, prepare
from forecasting.evaluation.scores import SKILL_METRICS, summarise
from forecasting.evaluation.significance import significance_table
from forecasting.evaluation.study import Study, check_study, run_study
from forecasting.final_forecast import FinalForecast, make_final_forecast
from forecasting.inputs.findings import tell
from forecasting.inputs.load import LoadedData, load
from forecasting.inputs.universe import own_statements, universe_choices, unused_statements
from forecasting.measures.gauge import make_gauge
from forecasting.options.run_config import RunConfig
from forecasting.progress import Progress
from forecasting.results.result import RunResult
from forecasting.results.versions import git_commit, versions
from forecasting.results.write import write_tables
from forecasting.run_folder.claim import check_out, claimed
from forecasting.run_folder.interrupts import Interrupted
from forecasting.run_folder.record import FORMAT, MARKER, write_record
from forecasting.run_folder.staging import staged
from forecasting.tracking.autologging import autologging_off
from models.registry import MAIN_MODEL, baselines


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
        prepared = prepare(data.bundle, config)
    may_be = partial(check_out, config.out, overwrite=config.overwrite)
    with staged(config.out, check=may_be) as stage:
        backtest = run_backtest(prepared, folds, config, stage, progress)
        study = _study(data, prepared, folds, config, backtest, progress) if config.study else None
        final = make_final_forecast(prepared, backtest, folds, config, gauge, stage, progress)
        with progress.stage("check for leaks"):
            checked = _audit(data, prepared, folds, config, final)
        provenance = _provenance(config, data, prepared, backtest, final, checked)
        provenance["notes"] += gauge.statements
        provenance["universe_choices"] = universe_choices(
            config, data.bundle, first_origin=folds[0].origin
        )
        result = _result(config, prepared, backtest, study, final, provenance, progress)
        with progress.stage("write tables"):
            write_tables(result, final.forecaster, stage)
        if config.figures or config.report:
            with progress.stage("draw figures and report"):
                _draw(result, stage)
        return _recorded(result, stage)


def _draw(result: RunResult, stage: Path) -> None:
    """Figures and the report, those that are wanted."""
    from forecasting.figures.run_figures import save_figures
    from forecasting.reports.report import write_report

    # The back-test that some figures and tables read is still in the temporary folder.
    result, figures = replace(result, out=stage), None
    if result.config.figures:
        (stage / "figures").mkdir()
        figures = save_figures(result, stage / "figures")
    if result.config.report:
        write_report(result, figures, stage / "report.html")


def _recorded(result: RunResult, stage: Path) -> RunResult:
    """Write ``run.json`` and the scoreboard; the result, with the sums of its files."""
    from forecasting.reports.scoreboard import write_scoreboard

    # The scoreboard is written from what is recorded, and is recorded itself.
    write_record(stage, result.provenance, seconds=result.timings)
    write_scoreboard(stage)
    written = write_record(stage, result.provenance, seconds=result.timings)
    return replace(result, provenance=written)


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


def _result(
    config: RunConfig,
    prepared: PreparedData,
    backtest: Backtest,
    study: Study | None,
    final: FinalForecast,
    provenance: dict[str, Any],
    progress: Progress,
) -> RunResult:
    setting, origin = config.settings[0], prepared.last_origin
    info, matrix = prepared.infos[setting][origin], prepared.matrices[setting][origin]
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
            others=baselines(),
            metrics=SKILL_METRICS,
        ),
        reliability=backtest.reliability,
        study=study,
        attributions=final.attributions,
        explanation=final.explained.explanation,
        channels=final.explained.channels,
        drivers=final.explained.features,
        stability=final.explained.stability,
        coverage=coverage(info, matrix, own=own_features(prepared.own)),
        pattern=final.pattern,
        provenance=provenance,
        timings=progress.seconds,
    )


def _provenance(
    config: RunConfig,
    data: LoadedData,
    prepared: PreparedData,
    backtest: Backtest,
    final: FinalForecast,
    checked: Audit,
) -> dict[str, Any]:
    setting, origin = config.settings[0], prepared.last_origin
    explained, sectors = final.explained.explanation, data.bundle.sectors
    return {
        "kind": "run",
        "format": FORMAT,
        "config": config.to_dict(),
        "data": [source.to_dict() for source in data.sources],
        "findings": [finding.to_dict() for finding in data.findings],
        "as_of": prepared.infos[setting][origin].as_of.isoformat(),
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
