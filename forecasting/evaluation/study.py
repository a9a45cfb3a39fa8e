"""Evidence beyond the back-test: further models, channels left out one by one, placebos, trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import numpy as np
import pandas as pd

from features.catalogue import NAMES, channel_of
from features.errors import InputError
from features.feature import CHANNELS, Channel
from features.information import DataBundle
from forecasting.evaluation.fold import FoldForecast, fold_forecasts
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.parallel import in_parallel
from forecasting.evaluation.placebos import placebos
from forecasting.evaluation.prepared import PreparedData, prepare, tuning_origins
from forecasting.evaluation.scores import SKILL_METRICS, score_forecast
from forecasting.evaluation.significance import significance_table
from forecasting.options.run_config import RunConfig
from forecasting.progress import Progress
from models.design import HORIZON_COLUMN
from models.forecaster import ShiftForecaster
from models.gravity import without_warnings
from models.registry import ABLATION, MAIN_MODEL, Model, study_models
from models.shift import ShiftChoice
from models.trials import Trial, trial_errors, trials

ChooseAt = Callable[[int], ShiftChoice]


@dataclass(frozen=True, slots=True)
class Study:
    """Scores by origin of every extra model, over all flows, and the tests they allow.

    Attributes
    ----------
    by_origin
        ``group`` (model, ablation, placebo), then the columns of a run's scores by origin.
    ablation, placebos
        `significance_table` of the main model against itself without each channel, and against
        itself on altered data: a negative difference means that what was taken away helps.
    """

    by_origin: pd.DataFrame
    ablation: pd.DataFrame
    placebos: pd.DataFrame
    trials: pd.DataFrame


def check_study() -> None:
    """Refuse a study before any work where a package that its models need is not installed.

    Raises
    ------
    InputError
        If a package is missing.
    """
    for package in sorted({model.package for model in study_models() if model.package}):
        if find_spec(package) is None:
            raise InputError(
                f"option 'study' needs {package} for its gravity models",
                remedy="Install the extra: pip install 'gravicast[gravity]'",
            )


def leave_out(features: Sequence[str] = NAMES) -> dict[str, tuple[str, ...]]:
    """Feature names without each channel in turn, by the name of the model that lacks it.

    The horizon stays: it is part of the question, not information.
    """
    asked = features[HORIZON_COLUMN]
    kept = {
        channel: tuple(n for n in features if channel_of(n) != channel or n == asked)
        for channel in CHANNELS
    }
    return {
        without(channel): names for channel, names in kept.items() if len(names) < len(features)
    }


def without(channel: Channel) -> str:
    """Name of the main model without a channel."""
    return f"without_{channel}"


def run_study(
    data: DataBundle,
    prepared: PreparedData,
    folds: Sequence[Fold],
    config: RunConfig,
    *,
    choose_at: ChooseAt,
    by_origin: pd.DataFrame,
    progress: Progress,
) -> Study:
    """Forecast the back-test's folds with every extra model and test the main one against them.

    Parameters
    ----------
    data, prepared
        As read and as prepared for the back-test.
    folds, config, choose_at
        Of the back-test, with the weights chosen there.
    by_origin
        The back-test's scores by origin, with the main model's.
    progress
        For bars and times.
    """
    forecast = partial(_forecasts, folds, config, choose_at, progress)
    with without_warnings():
        further = _scored("model", prepared, forecast("further models", prepared, study_models()))
    variants = [_variant(name, kept) for name, kept in leave_out(prepared.names).items()]
    ablation = _scored("ablation", prepared, forecast("leave one channel out", prepared, variants))
    parts = [further, ablation]
    # Placebos alter indicators.
    alterations = placebos(seed=config.seed) if data.indicators is not None else {}
    for name, alter in alterations.items():
        with progress.stage("build altered features"):
            altered = prepare(alter(data), config)
        models = [_variant(name, altered.names)]
        parts.append(_scored("placebo", altered, forecast(name, altered, models)))
    extra = pd.concat(parts, ignore_index=True)
    everything = pd.concat([by_origin[by_origin["stratum"] == "all"], extra], ignore_index=True)
    against = {
        group: list(dict.fromkeys(extra.loc[extra["group"] == group, "model"]))
        for group in ("ablation", "placebo")
    }
    return Study(
        by_origin=extra,
        ablation=_tested(everything, [*against["ablation"], ABLATION]),
        placebos=_tested(everything, against["placebo"]),
        trials=_trials(prepared, folds, config, progress),
    )


def _tested(by_origin: pd.DataFrame, others: Sequence[str]) -> pd.DataFrame:
    return significance_table(by_origin, model=MAIN_MODEL, others=others, metrics=SKILL_METRICS)


def _scored(group: str, prepared: PreparedData, forecasts: Iterator[FoldForecast]) -> pd.DataFrame:
    rows = [
        row
        for forecast in forecasts
        for row in score_forecast(
            forecast,
            {"all": np.ones(forecast.actual.shape, bool)},
            None,
            {"all": prepared.outside(forecast.origin, forecast.horizon)},
        )
    ]
    table = pd.DataFrame(rows)
    table.insert(0, "group", group)
    return table


def _variant(name: str, features: tuple[str, ...]) -> Model:
    """The main model on a list of features."""
    return Model(name, name, partial(ShiftForecaster, lambda _: features), role="ablation")


def _forecasts(
    folds: Sequence[Fold],
    config: RunConfig,
    choose_at: ChooseAt,
    progress: Progress,
    label: str,
    prepared: PreparedData,
    models: Sequence[Model],
) -> Iterator[FoldForecast]:
    """Forecasts of every fold by further models."""

    def forecast(fold: Fold) -> list[FoldForecast]:
        return list(fold_forecasts(prepared, fold, config, choose_at(fold.origin), models=models))

    tasks = [partial(forecast, fold) for fold in folds]
    for forecasts in progress.steps(label, in_parallel(tasks, config), total=len(tasks)):
        yield from forecasts


def _trials(
    prepared: PreparedData, folds: Sequence[Fold], config: RunConfig, progress: Progress
) -> pd.DataFrame:
    """Every trial at the origins where weights are chosen."""
    origins = tuning_origins(prepared, folds, config)
    pairs = [(trial, origin) for trial in trials(prepared.own_names) for origin in origins]
    tasks = [partial(_trial, prepared, config, trial, origin) for trial, origin in pairs]
    label = "trials of the shift model (nested)"
    rows = progress.steps(label, in_parallel(tasks, config), total=len(tasks))
    return pd.DataFrame(list(rows))


def _trial(
    prepared: PreparedData, config: RunConfig, trial: Trial, origin: int
) -> dict[str, object]:
    errors = trial_errors(trial, prepared.design, year=origin, seed=config.seed, threads=1)
    return {
        "question": trial.question,
        "answer": trial.answer,
        "origin": origin,
        "loss": errors.total,
        "midpoint": errors.alike,
        "money": errors.money,
        "ratio": errors.ratio,
    }
