"""Forecasting new data with a trained model: only the country totals are fitted again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from features.catalogue import coverage, origin_matrix
from features.choices import REPORTS_KNOWN
from features.data.flows import FlowIndex
from features.errors import InputError, listed
from features.extra_features import extra_features
from features.feature import Feature
from features.findings import refuse, settled
from features.information import AsOfRule, DataBundle, InformationSet
from forecasting.evaluation.nowcasting import Nowcasts
from forecasting.evaluation.prepared import information_sets
from forecasting.explanation.drivers import drivers_of, feature_drivers
from forecasting.explanation.explain import attribution_table, channel_summary, explain
from forecasting.explanation.forecast_table import forecast_table
from forecasting.inputs.findings import show_findings
from forecasting.inputs.load import LoadedData, load
from forecasting.options.forecast_config import ForecastConfig
from forecasting.options.run_config import RunConfig
from forecasting.progress import Progress
from forecasting.results.result import RunResult
from forecasting.results.write import write_tables
from forecasting.run_folder.claim import check_out, claimed
from forecasting.run_folder.record import write_record
from forecasting.run_folder.staging import staged
from forecasting.serving.provenance import provenance
from forecasting.serving.served_model import ServedModel, open_model
from forecasting.serving.shared_year import shared_year_findings
from models.design import origin_value
from models.flow_traits import flow_traits
from models.forecaster import FittedForecaster, forecast_flows
from models.totals import forecast_totals


@dataclass(frozen=True, slots=True)
class _Origin:
    """The last origin of the new data: information sets up to it, and its features."""

    infos: dict[int, InformationSet]
    matrix: NDArray[np.float32]
    nowcasts: Nowcasts | None

    @property
    def info(self) -> InformationSet:
        return self.infos[max(self.infos)]


def forecast_with(
    model: Path | str, config: ForecastConfig, *, show_progress: bool = True
) -> RunResult:
    """Forecast new data with a trained model.

    Its boosters, mean reversion, probabilities and intervals are used as they are. The totals of
    target years are forecast from the new data, as always: they are not part of the model.

    Parameters
    ----------
    model
        See `served_model.open_model`.
    config
        The new data, and where the forecast goes.
    show_progress
        Whether stages are written to stderr, unless the configuration is quiet.

    Returns
    -------
    RunResult
        As `run_folder.read_run` reads it from ``config.out``: nothing was back-tested, so its
        tables of scores are empty.

    Raises
    ------
    InputError
        If the model cannot be loaded or does not fit this version or the data, or if anything is
        wrong with the data; nothing is left in ``out``.
    """
    # As in a run: the number of BLAS threads changes the rounding.
    with (
        threadpool_limits(limits=1, user_api="blas"),
        claimed(Path(config.out), overwrite=config.overwrite, kind="forecast"),
    ):
        return _forecast(str(model), config, Progress(show=show_progress and not config.quiet))


def _forecast(address: str, config: ForecastConfig, progress: Progress) -> RunResult:
    with progress.stage("read the model"):
        model = open_model(address, learner=config.learner)
    full_config = config.run_config(model.about)
    model = _with_features(model, full_config)
    _check_horizons(model, full_config)
    with progress.stage("read the data"):
        data = load(full_config)
    for line in data.reading:
        progress.say(line)
    _check_sectors(model, data.bundle.panel.flows, full_config)
    data = _with_shared_year(model, data, full_config)
    show_findings(data.findings, notes=progress.show)
    full_config = replace(
        full_config, as_of=full_config.as_of or _rule(model).date(data.bundle.panel.last_year)
    )
    with progress.stage("build the features"):
        origin = _at_origin(data.bundle, full_config, model)
    with progress.stage("forecast"):
        forecaster = _at_new_origin(model, origin, full_config)
        parts = {horizon: forecast_table(forecaster, horizon) for horizon in full_config.horizons}
    with progress.stage("explain"):
        explanation = explain(forecaster, {h: forecast for h, (_, forecast) in parts.items()})
    about = provenance(
        model,
        data,
        full_config,
        forecaster=forecaster,
        info=origin.info,
        matrix=origin.matrix,
        parts=parts,
        explained=explanation,
    )
    result = RunResult(
        config=full_config,
        out=full_config.out,
        forecasts=pd.concat([table for table, _ in parts.values()], ignore_index=True),
        attributions=attribution_table(explanation),
        explanation=explanation,
        channels=channel_summary(explanation),
        drivers=feature_drivers(drivers_of(explanation), model.stability, own=_own(model)),
        coverage=coverage(origin.info, origin.matrix, own=_own(model)),
        provenance=about,
        timings=progress.seconds,
    )
    check = partial(check_out, full_config.out, overwrite=config.overwrite, kind="forecast")
    with staged(full_config.out, check=check) as stage:
        write_tables(result, forecaster, stage)
        for name, content in model.past.items():
            (stage / name).write_bytes(content)
        written = write_record(stage, about, seconds=progress.seconds)
    return replace(result, provenance=written)


def _with_features(model: ServedModel, full_config: RunConfig) -> ServedModel:
    """The model with the code of the features that users wrote, which it does not hold."""
    trained = model.forecaster.extra
    if not trained and not full_config.features:
        return model
    given = {feature.name: feature for feature in extra_features(full_config.features)}
    lacking = [feature.name for feature in trained if feature.name not in given]
    if lacking or not trained:
        named = (
            f"the features {listed(lacking)} of your own" if lacking else "no feature of your own"
        )
        raise InputError(
            f"the model was trained with {named}",
            remedy="Name the modules that it was trained with (--features), no others",
            file=model.address,
        )
    extra = tuple(given[feature.name] for feature in trained)
    return replace(model, forecaster=replace(model.forecaster, extra=extra))


def _check_horizons(model: ServedModel, full_config: RunConfig) -> None:
    known = model.forecaster.horizons
    unknown = [horizon for horizon in full_config.horizons if horizon not in known]
    if unknown:
        raise InputError(
            f"the model was not fitted for {unknown[0]} years ahead",
            remedy=f"Choose from {', '.join(map(str, known))}, or train a model with that horizon",
            file=model.address,
        )


def _check_sectors(model: ServedModel, flows: FlowIndex, full_config: RunConfig) -> None:
    trained = model.forecaster.flows
    if trained.has_sectors == flows.has_sectors:
        return
    whose, has = ("with", "none") if trained.has_sectors else ("without", "some")
    raise InputError(
        f"the model was trained on flows {whose} sectors, and the trade file has {has}",
        remedy="Give a trade file like the one the model was trained on, or train another model",
        file=full_config.trade,
        column="sector",
    )


def _with_shared_year(model: ServedModel, data: LoadedData, full_config: RunConfig) -> LoadedData:
    """The data with findings on the last year that they share with the model."""
    more = shared_year_findings(model.forecaster, data.bundle.panel)
    findings = settled((*data.findings, *more), accept=full_config.accept)
    refuse(findings, strict=full_config.strict, file=full_config.trade)
    return replace(data, findings=findings)


def _rule(model: ServedModel) -> AsOfRule:
    """How long after its origin the model's forecast was made."""
    day = date.fromisoformat(model.forecaster.as_of)
    return AsOfRule(day.year - model.forecaster.origin, day.month, day.day)


def _at_origin(bundle: DataBundle, full_config: RunConfig, model: ServedModel) -> _Origin:
    """Open every origin that the totals learn from, and build the features of the last."""
    assert full_config.as_of is not None
    (setting,) = full_config.settings
    last, rule = bundle.origin(full_config.as_of), full_config.as_of_rule(bundle.panel.last_year)
    infos = information_sets(bundle, setting=setting, rule=rule, last=last)
    nowcasts = None
    if setting == REPORTS_KNOWN:
        nowcasts = Nowcasts(bundle, rule, infos, _own(model), full_config.seed)
    return _Origin(infos, origin_matrix(infos[last], own=_own(model)), nowcasts)


def _own(model: ServedModel) -> tuple[Feature, ...]:
    """Features of the user's own that the model was trained on."""
    return model.forecaster.added


def _at_new_origin(model: ServedModel, origin: _Origin, full_config: RunConfig) -> FittedForecaster:
    """The fitted model with the data of the new origin."""
    info = origin.info
    if origin.nowcasts is not None:
        return _nowcast_at(model.forecaster, origin, origin.nowcasts, full_config)
    return replace(
        model.forecaster,
        flows=info.flows,
        origin=info.origin,
        as_of=info.as_of.isoformat(),
        value=origin_value(info),
        features=origin.matrix,
        totals=forecast_totals(origin.infos, origin=info.origin, horizons=full_config.horizons),
        intervals={h: model.forecaster.intervals[h] for h in full_config.horizons},
        traits=flow_traits(info.history, info.flows),
    )


def _nowcast_at(
    fitted: FittedForecaster, origin: _Origin, nowcasts: Nowcasts, full_config: RunConfig
) -> FittedForecaster:
    """The fitted model with a nowcast of the year after the new origin."""
    assert fitted.nowcast is not None
    info, value = origin.info, origin_value(origin.info)
    chance = fitted.probability.of_flows(origin.matrix, value=value, horizon=1)
    (totals,) = forecast_totals(origin.infos, origin=info.origin, horizons=(1,)).values()
    other = forecast_flows(
        value,
        origin.matrix,
        flows=info.flows,
        totals=totals,
        shift=fitted.shift,
        chance=chance,
        horizon=1,
    )
    start, chance = nowcasts.flows(info.origin, other.forecast, chance)
    implied, year = nowcasts.levels(info.origin), info.origin + 1
    infos = nowcasts.after(info.origin, start)
    later = [horizon for horizon in full_config.horizons if horizon > 1]
    ahead = forecast_totals(infos, origin=year, horizons=[h - 1 for h in later]) if later else {}
    return replace(
        fitted,
        flows=info.flows,
        origin=info.origin,
        as_of=info.as_of.isoformat(),
        value=value,
        features=origin_matrix(infos[year], own=fitted.added),
        totals={horizon: ahead[horizon - 1] for horizon in later},
        intervals={horizon: fitted.intervals[horizon] for horizon in later},
        nowcast=replace(
            fitted.nowcast,
            value=start,
            chance=chance,
            reported=implied.reported,
            levels=implied.levels,
        ),
        traits=flow_traits(info.history, info.flows),
    )
