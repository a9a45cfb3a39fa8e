"""Evidence beyond the back-test: gravity, channels left out one by one, placebos, trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import numpy as np
import pandas as pd

from features.catalogue import NAMES, channel_of
from features.errors import InputError
from features.feature import CHANNELS, Channel
from features.information import DataBundle
from forecasting.evaluation.bench import Bench, prepare
from forecasting.evaluation.fold import FoldForecast, bare_forecast, fold_totals, shift_forecasts
from forecasting.evaluation.folds import Fold, tuning_years
from forecasting.evaluation.model_names import ABLATION, MAIN_MODEL, MODELS
from forecasting.evaluation.parallel import in_parallel
from forecasting.evaluation.placebos import placebos
from forecasting.evaluation.scores import SKILL_METRICS, score_forecast
from forecasting.evaluation.significance import significance_table
from forecasting.options.run_config import RunConfig
from forecasting.progress import Progress
from models.design import HORIZON_COLUMN
from models.gravity import dynamic, three_way, without_warnings
from models.shift import ShiftChoice
from models.totals import Totals
from models.trials import Trial, trial_errors, trials

GRAVITY: tuple[str, ...] = ("gravity_three_way", "gravity_dynamic")
ORACLE = "gravity_three_way_oracle"
"""Told the true totals of the target year: an upper bound, not a forecast."""
BASELINES: tuple[str, ...] = (*(m for m in MODELS if m not in (MAIN_MODEL, ABLATION)), *GRAVITY)
"""What the main model is tested against."""

ChooseAt = Callable[[int], ShiftChoice]


@dataclass(frozen=True, slots=True)
class Study:
    """Scores by origin of every extra model, over all flows, and the tests they allow.

    Attributes
    ----------
    by_origin
        ``group`` (gravity, ablation, placebo), then the columns of a run's scores by origin.
    ablation, placebos
        `significance_table` of the main model against itself without each channel, and against
        itself on altered data: a negative difference says that what was taken away had helped.
    """

    by_origin: pd.DataFrame
    ablation: pd.DataFrame
    placebos: pd.DataFrame
    trials: pd.DataFrame


def check_study() -> None:
    """Refuse a study before any work where the gravity extra is not installed.

    Raises
    ------
    InputError
        If pyfixest is missing.
    """
    if find_spec("pyfixest") is None:
        raise InputError(
            "option 'study' needs pyfixest for its gravity models",
            remedy="Install the extra: pip install 'gravicast[gravity]'",
        )


def leave_out(features: Sequence[str] = NAMES) -> dict[str, tuple[str, ...]]:
    """Feature names without each channel in turn, by the name of the model that lacks it.

    The horizon's column stays: it says what is asked, not what is known.
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
    bench: Bench,
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
    data, bench
        As they were read and prepared for the back-test.
    folds, config, choose_at
        Of the back-test; weights are not chosen anew.
    by_origin
        The back-test's scores by origin, with the main model's.
    progress
        For bars and times.
    """
    parts = [
        _scored("gravity", _gravity(bench, folds, config, progress)),
        _scored("ablation", _ablation(bench, folds, config, choose_at, progress)),
    ]
    # Without indicators there is nothing to alter.
    alterations = placebos(seed=config.seed) if data.indicators is not None else {}
    for name, alter in alterations.items():
        with progress.stage("build altered features"):
            altered = prepare(alter(data), config)
        forecasts = _variants(
            altered, folds, config, choose_at, {name: altered.names}, progress, name
        )
        parts.append(_scored("placebo", forecasts))
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
        trials=_trials(bench, folds, config, progress),
    )


def _tested(by_origin: pd.DataFrame, others: Sequence[str]) -> pd.DataFrame:
    return significance_table(by_origin, model=MAIN_MODEL, others=others, metrics=SKILL_METRICS)


def _scored(group: str, forecasts: Iterator[FoldForecast]) -> pd.DataFrame:
    rows = [
        row
        for forecast in forecasts
        for row in score_forecast(forecast, {"all": np.ones(forecast.actual.shape, bool)}, None)
    ]
    table = pd.DataFrame(rows)
    table.insert(0, "group", group)
    return table


def _ablation(
    bench: Bench,
    folds: Sequence[Fold],
    config: RunConfig,
    choose_at: ChooseAt,
    progress: Progress,
) -> Iterator[FoldForecast]:
    label = "leave one channel out"
    return _variants(bench, folds, config, choose_at, leave_out(bench.names), progress, label)


def _variants(
    bench: Bench,
    folds: Sequence[Fold],
    config: RunConfig,
    choose_at: ChooseAt,
    variants: Mapping[str, tuple[str, ...]],
    progress: Progress,
    label: str,
) -> Iterator[FoldForecast]:
    """Forecasts of shift models on each list of features."""
    tasks = [
        partial(_fold_variants, bench, fold, config, choose_at(fold.origin), variants)
        for fold in folds
    ]
    for forecasts in progress.steps(label, in_parallel(tasks, config), total=len(tasks)):
        yield from forecasts


def _fold_variants(
    bench: Bench,
    fold: Fold,
    config: RunConfig,
    choice: ShiftChoice,
    variants: Mapping[str, tuple[str, ...]],
) -> list[FoldForecast]:
    return [
        bare_forecast(
            bench,
            fold,
            setting=ours.setting,
            model=model,
            horizon=ours.horizon,
            forecast=forecast.forecast,
        )
        for ours in shift_forecasts(bench, fold, config, choice, variants=variants)
        for model, forecast in ours.by_model.items()
    ]


def _gravity(
    bench: Bench, folds: Sequence[Fold], config: RunConfig, progress: Progress
) -> Iterator[FoldForecast]:
    tasks = [partial(_fold_gravity, bench, fold, config) for fold in folds]
    with without_warnings():
        results = in_parallel(tasks, config)
        for forecasts in progress.steps("gravity models", results, total=len(tasks)):
            yield from forecasts


def _fold_gravity(bench: Bench, fold: Fold, config: RunConfig) -> list[FoldForecast]:
    out = []
    for setting in config.settings:
        info = bench.infos[setting][fold.origin]
        totals = fold_totals(bench, fold, setting)
        by_model = {
            "gravity_three_way": three_way(info, totals=totals),
            "gravity_dynamic": dynamic(info, totals=totals),
            ORACLE: three_way(info, totals=_true_totals(bench, fold)),
        }
        out += [
            bare_forecast(
                bench, fold, setting=setting, model=model, horizon=horizon, forecast=forecast
            )
            for model, by_horizon in by_model.items()
            for horizon, forecast in by_horizon.items()
        ]
    return out


def _trials(
    bench: Bench, folds: Sequence[Fold], config: RunConfig, progress: Progress
) -> pd.DataFrame:
    """Every trial at the origins where weights are chosen."""
    origins = tuning_years(
        tuple(folds),
        first_year=bench.panel.first_year,
        last_year=bench.last_origin,
        every=config.tune_every,
    )
    pairs = [(trial, origin) for trial in trials(bench.own_names) for origin in origins]
    tasks = [partial(_trial, bench, config, trial, origin) for trial, origin in pairs]
    label = "trials of the shift model (nested)"
    rows = progress.steps(label, in_parallel(tasks, config), total=len(tasks))
    return pd.DataFrame(list(rows))


def _trial(bench: Bench, config: RunConfig, trial: Trial, origin: int) -> dict[str, object]:
    errors = trial_errors(trial, bench.design, year=origin, seed=config.seed, threads=1)
    return {
        "question": trial.question,
        "answer": trial.answer,
        "origin": origin,
        "loss": errors.total,
        "midpoint": errors.alike,
        "money": errors.money,
        "ratio": errors.ratio,
    }


def _true_totals(bench: Bench, fold: Fold) -> dict[int, Totals]:
    """Totals of the target years as they came: for the oracle alone."""
    flows = bench.panel.flows
    out = {}
    for horizon in fold.horizons:
        actual = bench.panel.values[bench.panel.row(fold.origin + horizon)]
        out[horizon] = Totals(flows.exporter_totals(actual), flows.importer_totals(actual))
    return out
