"""`TradeForecaster`: the main job as a scikit-learn estimator on tables in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from features.errors import InputError, listed
from forecasting.estimator.stages import Stages, check_levels, feature_places, stages_of
from forecasting.estimator.tables import (
    backtest_table,
    feature_table,
    prediction_table,
    with_outcomes,
)
from forecasting.evaluation.backtest import scored_blocks
from forecasting.evaluation.matrices import OriginMatrices
from forecasting.evaluation.metrics import ratio_of_errors, wape
from forecasting.evaluation.prepared import information_sets
from forecasting.final_forecast import fit_forecaster
from forecasting.inputs.frames import named_tables
from models.intervals import LEVELS
from models.learner_text import LIGHTGBM


class TradeForecaster(BaseEstimator):  # type: ignore[misc]
    """Forecasts bilateral trade: base times shift, raked to totals, with intervals.

    The stages are those of `forecasting.run`, on tables instead of files; with the same data and
    options the forecasts are the same. Nothing is written and nothing is tracked.

    Parameters
    ----------
    learner
        What learns the shift: ``"lightgbm"``, another regressor of scikit-learn's kind, or the text
        that names one, see `RunConfig`. Its parameters are searched as ``learner__alpha``.
    features
        Features of your own beside the built-in ones: `Feature` objects, or modules or files that
        hold them, see `features.extra_features`. Each is put through the audit for leaks.
    levels
        Nominal coverage of the intervals in percent, of `models.intervals.LEVELS`. Without any,
        `fit` skips the back-test that intervals are calibrated on, which is most of its time.
    horizons
        Years ahead that are fitted.
    settings
        What is known beside the flows of the origin, see `RunConfig`; the forecast uses the first.
        By default every one that the tables allow.
    rounds, params
        Boosting rounds, and LightGBM parameters on top of `models.shift.DEFAULT_PARAMS`.
    seed
        Of everything random.
    options
        Further options of `RunConfig` by name, such as ``{"absent": "missing"}``.

    Attributes
    ----------
    forecaster_
        The fitted `models.forecaster.FittedForecaster`; `save_forecaster` writes it.
    origin_
        Last year of the trade that it was fitted on.
    choice_
        Weights that nested validation chose.
    data_
        What the tables held, with statements and findings on reading them.
    config_
        All options, defaults filled in.
    """

    def __init__(
        self,
        learner: Any = LIGHTGBM,
        *,
        features: Any = (),
        levels: Sequence[int] = LEVELS,
        horizons: Sequence[int] | str = (1, 2, 3),
        settings: Sequence[str] = (),
        rounds: int = 80,
        params: Mapping[str, Any] | None = None,
        seed: int = 1,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.learner = learner
        self.features = features
        self.levels = levels
        self.horizons = horizons
        self.settings = settings
        self.rounds = rounds
        self.params = params
        self.seed = seed
        self.options = options

    def fit(
        self,
        frames: Any,
        y: None = None,  # noqa: ARG002
        *,
        beside: Mapping[str, Any] | None = None,
    ) -> TradeForecaster:
        """Choose weights, calibrate intervals on a back-test, and fit at the last year of trade.

        Parameters
        ----------
        frames
            Table of trade (``exporter, importer, [sector], year, value_usd``), or tables by name:
            ``trade, indicators, indicator_catalogue, pairs, sectors, reports, report_delays,
            monthly``, with the columns of a run's files and alpha-3 codes; ``pairs`` and
            ``monthly`` may be lists. From pandas, polars or Arrow.
        beside
            Tables other than trade, where ``frames`` is the table of trade alone:
            ``GridSearchCV(...).fit(trade, beside={...})`` splits trade and hands them on whole.
            Nothing leaks: every origin sees what was published by its as-of date.

        Returns
        -------
        TradeForecaster
            Itself.

        Raises
        ------
        InputError
            For anything wrong with a parameter or a table, before any fit.
        """
        levels = check_levels(self.levels)
        with _one_blas_thread():
            stages = self._stages(frames, beside)
            calibration = None
            if levels:
                calibration = stages.calibration()
                for forecasts in stages.main_forecasts():
                    for forecast in forecasts:
                        calibration.add(forecast)
            choice = stages.choice_at(stages.prepared.last_origin)
            _, forecaster = fit_forecaster(stages.prepared, stages.config, choice, calibration)
        self.forecaster_, self.choice_, self.origin_ = forecaster, choice, forecaster.origin
        self.data_, self.config_ = stages.data, stages.config
        self.feature_names_ = stages.prepared.names
        return self

    def predict(self, horizon: int | Iterable[int] | None = None) -> pd.DataFrame:
        """Forecast every flow.

        Parameters
        ----------
        horizon
            Years ahead: a number gives every fitted horizon up to it, a list those in it. By
            default all that were fitted.

        Returns
        -------
        DataFrame
            ``exporter, importer, [sector], year, forecast`` in USD, and ``lower_90, upper_90`` and
            so on for every level.

        Raises
        ------
        InputError
            For a horizon that was not fitted.
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        forecaster, levels, parts = self.forecaster_, check_levels(self.levels), []
        with _one_blas_thread():
            for ahead in self._asked(horizon):
                found = forecaster.flow_forecast(ahead)
                parts.append(
                    prediction_table(
                        forecaster.flows,
                        year=self.origin_ + ahead,
                        forecast=found.forecast,
                        bounds=forecaster.bounds(ahead, found) if levels else {},
                        levels=levels,
                    )
                )
        return pd.concat(parts, ignore_index=True)

    def score(self, frames: Any, y: None = None) -> float:  # noqa: ARG002
        """Skill against repeating the last value, on later trade; 1 is perfect, 0 no better.

        Parameters
        ----------
        frames
            As in `fit`, with trade of years that are forecast.

        Returns
        -------
        float
            ``1 - WAPE / WAPE of the last value``, mean over the table's years after the origin.

        Raises
        ------
        InputError
            If the table has no year that is forecast.
        """
        check_is_fitted(self)
        predicted, flows = self.predict(), self.forecaster_.flows.size
        predicted["last_value"] = np.tile(self.forecaster_.value, len(predicted) // flows)
        trade = named_tables(frames)["trade"]
        joined = with_outcomes(predicted, trade, self.data_.bundle.panel)
        if joined.empty:
            years = [str(self.origin_ + ahead) for ahead in self.forecaster_.horizons]
            raise InputError(
                "the table holds no trade of a year that is forecast",
                remedy=f"Give trade of {listed(years)}",
                file="trade",
                column="year",
            )
        skills = []
        for _, year in joined.groupby("year"):
            actual, ours, last = (
                year[name].to_numpy(np.float64) for name in ("actual", "forecast", "last_value")
            )
            skills.append(1.0 - ratio_of_errors(wape(actual, ours), wape(actual, last)))
        return float(np.mean(skills))

    def cross_validate(
        self, frames: Any, *, beside: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Scores of a back-test over rolling origins, beside those of every baseline.

        Parameters
        ----------
        frames, beside
            As in `fit`. ``options={"first_origin": 2010}`` sets the first origin.

        Returns
        -------
        DataFrame
            One row a setting, model, horizon and origin: the metrics of `evaluation.scores`.
        """
        with _one_blas_thread():
            stages = self._stages(frames, beside)
            calibration = stages.calibration()
            rows = [
                row
                for result in stages.all_forecasts()
                for block in scored_blocks(stages.prepared, result, calibration)
                for row in block.scores
                if row["stratum"] == "all"
            ]
        return pd.DataFrame(rows).drop(columns="stratum")

    def cross_val_predict(
        self, frames: Any, *, beside: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Forecasts of a back-test over rolling origins beside their outcomes.

        Parameters
        ----------
        frames, beside
            As in `cross_validate`.

        Returns
        -------
        DataFrame
            ``exporter, importer, [sector], setting, origin, horizon, year, actual, forecast`` and
            the intervals of every level. Each origin is calibrated on outcomes known at it.
        """
        levels = check_levels(self.levels)
        with _one_blas_thread():
            stages = self._stages(frames, beside)
            calibration, parts = stages.calibration(), []
            for forecasts in stages.main_forecasts():
                flows = stages.prepared.flows_at(forecasts[0].origin)
                for forecast in forecasts:
                    bounds = calibration.bounds(forecast) if levels else {}
                    parts.append(backtest_table(flows, forecast, bounds, levels))
                for forecast in forecasts:
                    calibration.add(forecast)
        return pd.concat(parts, ignore_index=True)

    def feature_matrix(self, origins: Iterable[int] | None = None) -> pd.DataFrame:
        """Features of every flow at forecast origins, in the first setting.

        Parameters
        ----------
        origins
            Calendar years; by default the last alone, from which `predict` forecasts.

        Returns
        -------
        DataFrame
            float32, one column a feature, indexed by ``exporter, importer, [sector], origin``. What
            the booster is trained on are these rows, once for each horizon that was known.

        Raises
        ------
        InputError
            For an origin outside the fitted trade.
        """
        check_is_fitted(self)
        bundle, setting = self.data_.bundle, self.config_.settings[0]
        wanted = [self.origin_] if origins is None else list(origins)
        first = bundle.panel.first_year
        outside = [str(origin) for origin in wanted if not first <= origin <= self.origin_]
        if outside or not wanted:
            raise InputError(
                f"no features of {listed(outside) or 'no origin'}",
                remedy=f"Choose origins from {first} to {self.origin_}",
            )
        rule = self.config_.as_of_rule(bundle.panel.last_year)
        infos = information_sets(bundle, setting=setting, rule=rule, last=max(wanted))
        own = self.forecaster_.added
        matrices = OriginMatrices({setting: infos}, own=own, keep=1)
        parts = [
            feature_table(infos[origin], matrices[setting, origin], self.feature_names_)
            for origin in wanted
        ]
        return pd.concat(parts)

    def _stages(self, frames: Any, beside: Mapping[str, Any] | None) -> Stages:
        own = {
            "learner": self.learner,
            "features": feature_places(self.features),
            "horizons": self.horizons,
            "settings": tuple(self.settings),
            "rounds": self.rounds,
            "params": dict(self.params or {}),
            "seed": self.seed,
        }
        return stages_of(frames, beside, own=own, further=self.options)

    def _asked(self, horizon: int | Iterable[int] | None) -> list[int]:
        fitted = self.forecaster_.horizons
        if horizon is None:
            return list(fitted)
        if isinstance(horizon, (int, np.integer)):
            asked = [ahead for ahead in fitted if ahead <= horizon]
            unknown = [] if horizon in fitted else [str(horizon)]
        else:
            asked = list(horizon)
            unknown = [str(ahead) for ahead in asked if ahead not in fitted]
        if unknown or not asked:
            raise InputError(
                f"horizon {listed(unknown)} was not fitted",
                remedy=f"Choose from {listed([str(ahead) for ahead in fitted])}, or fit others "
                "with `horizons`",
            )
        return asked


def _one_blas_thread() -> threadpool_limits:
    """As in `job.run`: more threads gain nothing, and their number changes the rounding."""
    return threadpool_limits(limits=1, user_api="blas")
