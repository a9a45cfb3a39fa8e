"""The runner: executes a fold plan and hands back forecasts, one fold at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import without_technology
from features.cores import cores
from features.information import Setting
from forecasting.bench import Bench
from forecasting.config import RunConfig
from forecasting.explanation.drivers import model_drivers
from forecasting.folds import Fold, tuning_years
from models.baselines import LagBooster, drift, last_value, last_value_raked
from models.forecaster import FlowForecast, forecast_flows
from models.shift import ShiftChoice, ShiftModel, losses
from models.totals import Totals, forecast_totals
from models.trade_probability import TradeProbability, chance_features

Vector = NDArray[np.float64]
T = TypeVar("T")

MAIN_MODEL = "gravicast"
ABLATION = "without_technology"
MODELS: tuple[str, ...] = (
    MAIN_MODEL,
    ABLATION,
    "last_value_raked",
    "last_value",
    "drift",
    "lightgbm_levels",
    "lightgbm_differences",
)
"""Every model of the scoreboard, in its order."""


@dataclass(frozen=True, slots=True)
class FoldForecast:
    """Forecasts of one setting, model, origin and horizon, USD, shape ``[flow]``.

    Attributes
    ----------
    forecast, base, expected
        ``base`` and ``expected`` are those of the main model, whatever the model; NaN where a
        study asks for nothing but the forecast.
    probability
        Probability of trade; main model only.
    value_origin, actual
        The flow in the origin and target year; NaN where unknown.
    """

    setting: Setting
    model: str
    origin: int
    horizon: int
    forecast: Vector
    base: Vector
    expected: Vector
    probability: Vector | None
    value_origin: Vector
    actual: Vector

    @property
    def target_year(self) -> int:
        """Calendar year that is forecast."""
        return self.origin + self.horizon


@dataclass(frozen=True, slots=True)
class FoldResult:
    """Everything a fold produced, in the order of settings, horizons and models.

    Attributes
    ----------
    drivers
        What the main model used in the first setting, see `drivers.driver_table`.
    """

    fold: Fold
    forecasts: tuple[FoldForecast, ...]
    drivers: pd.DataFrame
    unreachable_totals: int
    largest_gap: float


def workers(config: RunConfig) -> int:
    """Folds run at once: one a core unless the configuration says otherwise."""
    return config.workers or cores()


def tune(
    bench: Bench, folds: Sequence[Fold], config: RunConfig
) -> dict[int, tuple[ShiftChoice, dict[ShiftChoice, float]]]:
    """Nested choice of weights at the years of `folds.tuning_years`.

    Returns
    -------
    dict
        By origin of the choice: the choice, least in the sum of losses up to that origin, and every
        candidate's loss at it. An origin in between takes the last choice made before it.
    """
    origins = tuning_years(
        tuple(folds),
        first_year=bench.panel.first_year,
        last_year=bench.last_origin,
        every=config.tune_every,
    )

    def at(origin: int) -> dict[ShiftChoice, float]:
        return losses(
            bench.design.until(origin),
            names=bench.names,
            year=origin,
            seed=config.seed,
            threads=1,
            own=bench.own_names,
        )

    with ThreadPoolExecutor(workers(config)) as pool:
        by_origin = dict(zip(origins, pool.map(at, origins), strict=True))
    out = {}
    for number, origin in enumerate(origins):
        # Candidates differ by less than a window of two years can tell: every window so far counts.
        seen = [by_origin[past] for past in origins[: number + 1]]
        total = {choice: sum(loss[choice] for loss in seen) for choice in seen[0]}
        out[origin] = min(total, key=total.__getitem__), by_origin[origin]
    return out


def choice_at(
    choices: dict[int, tuple[ShiftChoice, dict[ShiftChoice, float]]], origin: int
) -> ShiftChoice:
    """The last choice made at or before ``origin``."""
    return choices[max(o for o in choices if o <= origin)][0]


def run_folds(
    bench: Bench,
    folds: Sequence[Fold],
    config: RunConfig,
    *,
    choose_at: Callable[[int], ShiftChoice],
) -> Iterator[FoldResult]:
    """Execute the plan in parallel threads, yielding results in its order.

    LightGBM releases the interpreter's lock, so threads use every core without copying the design;
    each fit runs on one thread, which makes its result independent of the number of cores.
    """
    tasks = [partial(run_fold, bench, f, config, choose_at(f.origin)) for f in folds]
    yield from in_parallel(tasks, config)


def in_parallel(tasks: Sequence[Callable[[], T]], config: RunConfig) -> Iterator[T]:
    """Run tasks in threads and yield their results in the tasks' order."""
    with ThreadPoolExecutor(workers(config)) as pool:
        waiting = [pool.submit(task) for task in tasks]
        try:
            for number, future in enumerate(waiting):
                yield future.result()
                # A fold of a large panel holds many vectors: let go of it once handed out.
                waiting[number] = None  # type: ignore[call-overload]
        finally:
            for future in waiting:
                if future is not None:
                    future.cancel()


def run_fold(bench: Bench, fold: Fold, config: RunConfig, choice: ShiftChoice) -> FoldResult:
    """Fit every model on years up to the fold's origin and forecast its horizons."""
    variants = {MAIN_MODEL: bench.names, ABLATION: without_technology(bench.names)}
    lagged = _lag_forecasts(bench, fold, config)
    forecasts: list[FoldForecast] = []
    unreachable, gap = 0, 0.0
    shifts, probability = fit_fold(bench, fold, config, choice, variants=variants)
    for ours in fold_forecasts(bench, fold, config, shifts=shifts, probability=probability):
        main = ours.by_model[MAIN_MODEL]
        info = bench.infos[ours.setting][fold.origin]
        predictions = {
            **{name: forecast.forecast for name, forecast in ours.by_model.items()},
            "last_value": last_value(info),
            "last_value_raked": last_value_raked(info, horizon=ours.horizon),
            "drift": drift(info, horizon=ours.horizon),
            **{name: by_horizon[ours.horizon] for name, by_horizon in lagged.items()},
        }
        mine = bare_forecast(
            bench,
            fold,
            setting=ours.setting,
            model=MAIN_MODEL,
            horizon=ours.horizon,
            forecast=main.forecast,
        )
        mine = replace(mine, base=main.base, expected=main.expected, probability=ours.chance)
        forecasts += [
            mine
            if model == MAIN_MODEL
            else replace(mine, model=model, forecast=predictions[model], probability=None)
            for model in MODELS
        ]
        unreachable, gap = max(unreachable, main.unreachable), max(gap, main.largest_gap)
    drivers = model_drivers(
        shifts[MAIN_MODEL],
        bench.matrices[config.settings[0]][fold.origin],
        horizons=fold.horizons,
        seed=config.seed,
    )
    return FoldResult(fold, tuple(forecasts), drivers, unreachable, gap)


@dataclass(frozen=True, slots=True)
class ShiftForecasts:
    """Forecasts of one setting and horizon by shift models, and their probability of trade."""

    setting: Setting
    horizon: int
    by_model: dict[str, FlowForecast]
    chance: Vector


def shift_forecasts(
    bench: Bench,
    fold: Fold,
    config: RunConfig,
    choice: ShiftChoice,
    *,
    variants: Mapping[str, Sequence[str]],
) -> Iterator[ShiftForecasts]:
    """Fit one shift model for each list of features and forecast the fold's horizons."""
    shifts, probability = fit_fold(bench, fold, config, choice, variants=variants)
    yield from fold_forecasts(bench, fold, config, shifts=shifts, probability=probability)


def fit_fold(
    bench: Bench,
    fold: Fold,
    config: RunConfig,
    choice: ShiftChoice,
    *,
    variants: Mapping[str, Sequence[str]],
) -> tuple[dict[str, ShiftModel], TradeProbability]:
    """Fit one shift model for each list of features, on years up to the fold's origin.

    The probability of trade is fitted once, on every feature, so that variants differ by their
    shifts alone.
    """
    design = bench.design.until(fold.origin).thinned(max_rows=config.max_rows, seed=config.seed)
    shifts = {
        model: ShiftModel(
            names,
            choice,
            config.rounds,
            config.seed,
            threads=1,
            params=config.params,
            own=bench.own_names,
        ).fit(design)
        for model, names in variants.items()
    }
    return shifts, TradeProbability(seed=config.seed, threads=1).fit(design)


def fold_forecasts(
    bench: Bench,
    fold: Fold,
    config: RunConfig,
    *,
    shifts: Mapping[str, ShiftModel],
    probability: TradeProbability,
) -> Iterator[ShiftForecasts]:
    """Forecast the fold's horizons with fitted models, in every setting."""
    for setting in config.settings:
        totals = fold_totals(bench, fold, setting)
        info, matrix = bench.infos[setting][fold.origin], bench.matrices[setting][fold.origin]
        value = last_value(info)
        for horizon in fold.horizons:
            chance = probability.predict(chance_features(matrix, value=value, horizon=horizon))
            by_model = {
                model: forecast_flows(
                    value,
                    matrix,
                    flows=info.flows,
                    totals=totals[horizon],
                    shift=shift,
                    chance=chance,
                    horizon=horizon,
                )
                for model, shift in shifts.items()
            }
            yield ShiftForecasts(setting, horizon, by_model, chance)


def fold_totals(bench: Bench, fold: Fold, setting: Setting) -> dict[int, Totals]:
    """Forecast totals of a fold's horizons, from nothing after its origin's as-of date."""
    infos = {o: info for o, info in bench.infos[setting].items() if o <= fold.origin}
    return forecast_totals(infos, origin=fold.origin, horizons=fold.horizons)


def bare_forecast(
    bench: Bench, fold: Fold, *, setting: Setting, model: str, horizon: int, forecast: Vector
) -> FoldForecast:
    """A forecast beside its outcome; base and expected are unknown."""
    info = bench.infos[setting][fold.origin]
    blank = np.full(forecast.shape, np.nan)
    return FoldForecast(
        setting=setting,
        model=model,
        origin=fold.origin,
        horizon=horizon,
        forecast=forecast,
        base=blank,
        expected=blank,
        probability=None,
        value_origin=info.history[-1].astype(np.float64),
        actual=bench.outcome(fold.origin, horizon),
    )


def _lag_forecasts(bench: Bench, fold: Fold, config: RunConfig) -> dict[str, dict[int, Vector]]:
    infos = next(iter(bench.infos.values()))
    known = {o: info for o, info in infos.items() if o <= fold.origin}
    return {
        f"lightgbm_{form}": LagBooster(form, seed=config.seed, threads=1).forecast(
            known, origin=fold.origin, horizons=fold.horizons
        )
        for form in ("levels", "differences")
    }
