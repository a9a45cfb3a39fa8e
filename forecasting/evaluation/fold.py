"""One fold: every model fitted on years up to an origin, and its forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.choices import REPORTS_KNOWN, Setting
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.prepared import PreparedData
from forecasting.evaluation.run_models import run_models
from forecasting.explanation.drivers import model_drivers
from forecasting.options.run_config import RunConfig
from models.flow_model import Known, Training
from models.forecaster import FlowForecast, ShiftForecaster
from models.intervals import Bounds
from models.registry import MAIN_MODEL, Model
from models.shift import ShiftChoice

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
    reported
        Number of reporters that a nowcast knows, 0 to 2; None for a forecast.
    lower_50, upper_50, lower_90, upper_90
        Intervals that a model brings itself; None without: the main model's are calibrated later.
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
    reported: Vector | None = None
    lower_50: Vector | None = None
    upper_50: Vector | None = None
    lower_90: Vector | None = None
    upper_90: Vector | None = None

    @property
    def bounds(self) -> Bounds | None:
        """The intervals that the model brings itself, if any."""
        if self.lower_50 is None or self.upper_50 is None:
            return None
        if self.lower_90 is None or self.upper_90 is None:
            return None
        return {50: (self.lower_50, self.upper_50), 90: (self.lower_90, self.upper_90)}

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


def run_fold(
    prepared: PreparedData, fold: Fold, config: RunConfig, choice: ShiftChoice
) -> FoldResult:
    """Fit every model on years up to the fold's origin and forecast its horizons."""
    training = prepared.training(config, origin=fold.origin, choice=choice)
    main = ShiftForecaster().fit(training)
    models = run_models(config)
    others = FittedModels([model for model in models if model.role != "main"], training)
    forecasts: list[FoldForecast] = []
    unreachable, gap = 0, 0.0
    for made in _made_by_main(prepared, fold, config, training, main):
        predictions = others.forecast(prepared, made.known, twin=made.twin)
        for horizon, found in made.forecasts.items():
            full = made.fold_forecast(prepared, horizon)
            forecasts += [
                full
                if model.role == "main"
                else replace(
                    full,
                    model=model.name,
                    probability=None,
                    **predictions[model.name].at(horizon),
                )
                for model in models
                if model.role == "main" or model.name in predictions
            ]
            unreachable, gap = max(unreachable, found.unreachable), max(gap, found.largest_gap)
    assert main.shift is not None
    drivers = model_drivers(
        main.shift,
        prepared.matrices[config.settings[0], fold.origin],
        horizons=fold.horizons,
        seed=config.seed,
    )
    return FoldResult(fold, tuple(forecasts), drivers, unreachable, gap)


def main_forecasts(
    prepared: PreparedData, fold: Fold, config: RunConfig, choice: ShiftChoice
) -> list[FoldForecast]:
    """Forecasts of a fold by the main model alone, the same as in `run_fold`."""
    training = prepared.training(config, origin=fold.origin, choice=choice)
    main = ShiftForecaster().fit(training)
    return [
        made.fold_forecast(prepared, horizon)
        for made in _made_by_main(prepared, fold, config, training, main)
        for horizon in made.forecasts
    ]


@dataclass(frozen=True)
class _MadeByMain:
    """The main model's forecasts in one setting.

    Attributes
    ----------
    known, twin
        What is known in the setting, and in the first one that is like it (`Known.like`).
    forecasts
        By horizon.
    """

    known: Known
    twin: Known
    forecasts: dict[int, FlowForecast]

    def fold_forecast(self, prepared: PreparedData, horizon: int) -> FoldForecast:
        """A horizon's forecast beside its outcome."""
        found, start = self.forecasts[horizon], self.known.start
        bare = bare_forecast(prepared, self.known, horizon, MAIN_MODEL, found.forecast)
        reported = start is not None and horizon == 1
        return replace(
            bare,
            base=found.base,
            expected=found.expected,
            probability=self.twin.chance[horizon],
            reported=start.implied.reported.astype(np.float64) if reported and start else None,
        )


def _made_by_main(
    prepared: PreparedData,
    fold: Fold,
    config: RunConfig,
    training: Training,
    main: ShiftForecaster,
) -> Iterator[_MadeByMain]:
    """The main model's forecasts in every setting; settings that are alike share them."""
    settings = [_known(prepared, fold, setting, training, main) for setting in config.settings]
    made: dict[Setting, dict[int, FlowForecast]] = {}
    for known in settings:
        twin = _first_like(known, settings)
        if twin is known:
            made[known.info.setting] = main.flow_forecasts(known)
        yield _MadeByMain(known, twin, made[twin.info.setting])


def fold_forecasts(
    prepared: PreparedData,
    fold: Fold,
    config: RunConfig,
    choice: ShiftChoice,
    *,
    models: Sequence[Model],
) -> Iterator[FoldForecast]:
    """Fit models on years up to the fold's origin and forecast its horizons, nothing else."""
    training = prepared.training(config, origin=fold.origin, choice=choice)
    fitted = FittedModels(models, training)
    main = ShiftForecaster().fit(training) if REPORTS_KNOWN in config.settings else None
    settings = [_known(prepared, fold, setting, training, main) for setting in config.settings]
    for known in settings:
        predictions = fitted.forecast(prepared, known, twin=_first_like(known, settings))
        for horizon in fold.horizons:
            for name, by_horizon in predictions.items():
                yield bare_forecast(prepared, known, horizon, name, by_horizon.forecasts[horizon])


@dataclass(frozen=True, slots=True)
class Predicted:
    """Forecasts of a model by horizon, USD ``[flow]``, and the intervals that it brings itself."""

    forecasts: Mapping[int, Vector]
    bounds: Mapping[int, Bounds]

    def at(self, horizon: int) -> dict[str, Any]:
        """Fields of a `FoldForecast`."""
        found: dict[str, Any] = {"forecast": self.forecasts[horizon]}
        for level, (low, high) in self.bounds.get(horizon, {}).items():
            found |= {f"lower_{level}": low, f"upper_{level}": high}
        return found


class FittedModels:
    """Models fitted at one origin.

    Parameters
    ----------
    models
        What to fit.
    training
        What they may learn from.
    """

    def __init__(self, models: Sequence[Model], training: Training) -> None:
        self._fitted = [(model, model.build().fit(training)) for model in models]
        self._made: dict[tuple[str, Setting | None], Predicted] = {}

    def forecast(
        self, prepared: PreparedData, known: Known, *, twin: Known
    ) -> dict[str, Predicted]:
        """Forecasts by name.

        Parameters
        ----------
        prepared, known
            Data, and what is known in a setting.
        twin
            The first setting that is like this one (`Known.like`), or this one.

        Raises
        ------
        InputError
            If a model's forecasts are not valid (`Known.require_valid`).
        """
        out: dict[str, Predicted] = {}
        for model, fitted in self._fitted:
            if model.setting not in (None, known.info.setting):
                continue
            # Variants of the main model see features and totals alone.
            source = twin if model.role == "ablation" else known
            key = model.name, source.info.setting if model.by_setting else None
            if key not in self._made:
                seen = _with_true_totals(prepared, known) if model.role == "bound" else known
                self._made[key] = Predicted(fitted.forecast(seen), fitted.bounds(seen))
                known.require_valid(self._made[key].forecasts, model=model.name)
            out[model.name] = self._made[key]
        return out


def _first_like(known: Known, settings: Sequence[Known]) -> Known:
    """The first setting that gives the main model what ``known`` does: its forecasts are reused."""
    return next(one for one in settings if one is known or one.like(known))


def _known(
    prepared: PreparedData,
    fold: Fold,
    setting: Setting,
    training: Training,
    main: ShiftForecaster | None,
) -> Known:
    """What is known at a fold's origin, in the setting with reports their nowcast too."""
    known = prepared.known(setting, origin=fold.origin, horizons=fold.horizons, training=training)
    if setting != REPORTS_KNOWN:
        return known
    assert prepared.nowcasts is not None
    assert main is not None
    return prepared.nowcasts.known(known, main)


def _with_true_totals(prepared: PreparedData, known: Known) -> Known:
    return replace(
        known, totals={h: prepared.true_totals(known.origin + h) for h in known.horizons}
    )


def bare_forecast(
    prepared: PreparedData, known: Known, horizon: int, model: str, forecast: Vector
) -> FoldForecast:
    """A forecast beside its outcome; base and expected are unknown."""
    blank = np.full(forecast.shape, np.nan)
    return FoldForecast(
        setting=known.info.setting,
        model=model,
        origin=known.origin,
        horizon=horizon,
        forecast=forecast,
        base=blank,
        expected=blank,
        probability=None,
        value_origin=known.info.history[-1].astype(np.float64),
        actual=prepared.outcome(known.origin, horizon),
    )
