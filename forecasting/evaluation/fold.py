"""One fold: every model fitted on years up to an origin, and its forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import without_technology
from features.choices import Setting
from forecasting.evaluation.bench import Bench
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.model_names import ABLATION, MAIN_MODEL, MODELS
from forecasting.explanation.drivers import model_drivers
from forecasting.options.run_config import RunConfig
from models.baselines import LagBooster, drift, last_value, last_value_raked
from models.forecaster import FlowForecast, forecast_flows
from models.shift import ShiftChoice, ShiftModel
from models.totals import Totals, forecast_totals
from models.trade_probability import TradeProbability, chance_features

Vector = NDArray[np.float64]


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
        actual=bench.panel.values[bench.panel.row(fold.origin + horizon)].astype(np.float64),
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
