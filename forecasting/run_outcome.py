"""What a run comes to: its `RunResult`, and the record of how it was made."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd

from features.catalogue import coverage
from forecasting.evaluation.audit import Audit, explained_counts
from forecasting.evaluation.backtest import Backtest
from forecasting.evaluation.prepared import PreparedData
from forecasting.evaluation.run_models import tested_against
from forecasting.evaluation.scores import SKILL_METRICS, summarise
from forecasting.evaluation.significance import significance_table
from forecasting.evaluation.study import Study
from forecasting.evaluation.tuning import tuning_of
from forecasting.final_forecast import FinalForecast
from forecasting.inputs.load import LoadedData
from forecasting.inputs.universe import universe_choices
from forecasting.measurement.measure_set import MeasureSet
from forecasting.options.run_config import RunConfig
from forecasting.progress import Progress
from forecasting.results.result import RunResult
from forecasting.results.versions import git_commit, versions
from forecasting.run_folder.record import FORMAT
from models.forecaster import FittedForecaster
from models.registry import MAIN_MODEL


def run_result(
    config: RunConfig,
    prepared: PreparedData,
    backtest: Backtest,
    study: Study | None,
    final: FinalForecast,
    provenance: dict[str, Any],
    progress: Progress,
) -> RunResult:
    """Everything that a run computed."""
    setting, origin = config.settings[0], prepared.last_origin
    info, matrix = prepared.infos[setting][origin], prepared.matrices[setting, origin]
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
            others=tested_against(config),
            metrics=SKILL_METRICS,
        ),
        reliability=backtest.reliability,
        world_errors=backtest.calibration.world_errors(),
        study=study,
        tuning=tuning_of(backtest.studies, by_origin) if backtest.studies else None,
        attributions=final.attributions,
        explanation=final.explained.explanation,
        channels=final.explained.channels,
        drivers=final.explained.features,
        stability=final.explained.stability,
        coverage=coverage(info, matrix, own=prepared.added),
        measures=final.measures,
        provenance=provenance,
        timings=progress.seconds,
    )


def run_provenance(
    config: RunConfig,
    data: LoadedData,
    prepared: PreparedData,
    backtest: Backtest,
    final: FinalForecast,
    *,
    measure_set: MeasureSet,
    first_origin: int,
    leaks: Audit,
) -> dict[str, Any]:
    """The content of ``run.json`` but the sums of the files."""
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
        "reported_flows": final.forecaster.reported_flows,
        "seed": config.seed,
        "versions": versions(),
        "git": git_commit(),
        "nested_choices": {
            str(o): {
                "chosen": asdict(choice.weights),
                "losses": [{**asdict(c), "loss": loss} for c, loss in losses.items()],
            }
            for o, (choice, losses) in backtest.choices.items()
        },
        "explained": explained_counts(
            final.table,
            explained=len(explained.rows),
            largest_gap=explained.largest_gap,
            exact=explained.exact,
        ),
        "audit": leaks.to_dict(),
        "measures_missing": final.measures.missing,
        "sector_names": {}
        if sectors is None
        else dict(zip(sectors.sectors, sectors.names, strict=True)),
        "notes": [*backtest.notes, *_on_nowcast(final.forecaster), *measure_set.statements],
        "universe_choices": universe_choices(config, data.bundle, first_origin=first_origin),
    }


def _on_nowcast(forecaster: FittedForecaster) -> tuple[str, ...]:
    """How much of the nowcast rests on reports; nothing without one."""
    if forecaster.nowcast is None:
        return ()
    count = forecaster.reported_flows
    said = f"{count:,} of {forecaster.flows.size:,} flows" if count else "no flow"
    return (
        f"by {forecaster.as_of} {said} of {forecaster.origin + 1} had been reported; the nowcast "
        "takes the forecast of totals known for the others",
    )
