"""Base times shift, raked: the forecast of one origin and horizon, and a fitted forecaster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.data.flows import FlowIndex
from features.data.indicators import IndicatorSpec
from models.design import at_horizon, blocks, grow, origin_value
from models.flow_model import FlowModel, Known, Training
from models.intervals import Intervals
from models.raking import Raked, rake
from models.shift import ShiftModel
from models.totals import Totals
from models.trade_probability import TradeProbability, chance_features

Vector = NDArray[np.float64]

LEAST_CHANCE = 0.5
"""A flow whose trade is less likely than not is forecast at 0, which is then its median."""
LARGEST_LOSS = 0.01
"""Flows above this share of a total are never forecast at 0: others would have to replace them."""


@dataclass(frozen=True, slots=True)
class FlowForecast:
    """Forecast of every flow of one origin and horizon, USD, shape ``[flow]``.

    Attributes
    ----------
    base
        The origin's matrix raked to the target year's totals.
    shift
        Predicted midpoint growth against the base, before the last raking; 0 without a base.
    forecast
        Base moved by the shift, 0 where trade is unlikely, and raked to the same totals.
    expected
        What the totals alone would give, ``E_i M_j / W``.
    largest_gap
        Largest relative distance of a total from its sum after raking.
    unreachable
        Positive totals that no positive flow can carry; they are left unmet.
    """

    base: Vector
    shift: Vector
    forecast: Vector
    expected: Vector
    largest_gap: float
    unreachable: int


def base_forecast(value: Vector, *, flows: FlowIndex, totals: Totals) -> FlowForecast:
    """Forecast the base alone: no shift, and no flow that stops; see `forecast_flows`."""
    base = _base(value, flows, totals)
    return FlowForecast(
        base.values,
        np.zeros_like(base.values),
        base.values,
        _expected(base, flows),
        base.largest_gap,
        base.unreachable,
    )


def _base(value: Vector, flows: FlowIndex, totals: Totals) -> Raked:
    return rake(
        value,
        flows=flows,
        exporter_totals=totals.exporter,
        importer_totals=totals.importer,
    )


def _expected(base: Raked, flows: FlowIndex) -> Vector:
    exporter = base.exporter_totals[flows.exporter_margin]
    importer = base.importer_totals[flows.importer_margin]
    world = np.bincount(
        np.arange(flows.margins) % len(flows.sectors), weights=base.exporter_totals
    )[flows.sector]
    return np.divide(exporter * importer, world, out=np.zeros_like(world), where=world > 0)


def forecast_flows(
    value: Vector,
    features: NDArray[np.float32],
    *,
    flows: FlowIndex,
    totals: Totals,
    shift: ShiftModel,
    chance: Vector | None,
    horizon: int,
) -> FlowForecast:
    """Forecast one horizon.

    Parameters
    ----------
    value
        Flows of the origin, USD, shape ``[flow]``.
    features
        Origin features, shape ``[flow, feature]``.
    flows, totals
        Keys, and the totals of the target year.
    shift
        Fitted shift model.
    chance
        Probability that each flow is positive in the target year; None forecasts none at 0. A flow
        with a base is forecast at 0 only where this is below `LEAST_CHANCE`. One without a base
        stays at 0 in any case: whether trade starts is forecast, but not how much.
    horizon
        Years ahead.
    """
    base = _base(value, flows, totals)
    growth = _shifts(shift, features, np.flatnonzero(base.values > 0), horizon)
    grown, stopping = grow(base.values, growth), _stopping(base, flows, chance)
    moved = _raked_like(base, np.where(stopping, 0.0, grown), flows)
    if base.converged and not moved.converged:
        # Some sector cannot meet its totals without the flows that stop: there they continue.
        met = np.isclose(flows.importer_totals(moved.values), base.importer_totals, rtol=1e-6)
        every = np.all(met.reshape(-1, len(flows.sectors)), axis=0)
        moved = _raked_like(base, np.where(stopping & every[flows.sector], 0.0, grown), flows)
    return FlowForecast(
        base.values,
        growth,
        moved.values,
        _expected(base, flows),
        moved.largest_gap,
        base.unreachable,
    )


def _shifts(
    shift: ShiftModel, features: NDArray[np.float32], rows: NDArray[np.intp], horizon: int
) -> Vector:
    """Predicted shifts of some rows, by blocks: the features are copied to hold the horizon."""
    out = np.zeros(features.shape[0])
    for part in blocks(rows):
        out[part] = shift.predict(at_horizon(features[part], horizon))
    return out


def _raked_like(base: Raked, values: Vector, flows: FlowIndex) -> Raked:
    """Rake to the totals that the base was raked to."""
    return rake(
        values,
        flows=flows,
        exporter_totals=base.exporter_totals,
        importer_totals=base.importer_totals,
    )


def _stopping(base: Raked, flows: FlowIndex, chance: Vector | None) -> NDArray[np.bool_]:
    """Flows to forecast at 0: unlikely to be traded, and small beside both their totals."""
    if chance is None:
        return np.zeros(base.values.shape, dtype=np.bool_)
    limit = LARGEST_LOSS * np.minimum(
        base.exporter_totals[flows.exporter_margin], base.importer_totals[flows.importer_margin]
    )
    return (chance < LEAST_CHANCE) & (base.values < limit)


@dataclass(frozen=True)
class ShiftForecaster(FlowModel):
    """Base times shift, raked: the main model, and its variants on fewer features.

    Attributes
    ----------
    select
        From the names of all features to those that the shift may depend on.
    shift
        The shift model, once it is fitted.
    """

    select: Callable[[Sequence[str]], Sequence[str]] = tuple
    shift: ShiftModel | None = None

    def fit(self, training: Training) -> ShiftForecaster:
        """Fit the shift model."""
        shift = ShiftModel(
            self.select(training.names),
            training.choice,
            training.rounds,
            training.seed,
            threads=training.threads,
            params=training.params,
            own=training.own,
        )
        return replace(self, shift=shift.fit(training.rows))

    def forecast(self, known: Known) -> dict[int, Vector]:
        """Forecast every horizon, USD ``[flow]``."""
        return {h: found.forecast for h, found in self.flow_forecasts(known).items()}

    def flow_forecasts(self, known: Known) -> dict[int, FlowForecast]:
        """Base, shift and forecast of every horizon.

        Raises
        ------
        ValueError
            If the model is not fitted.
        """
        if self.shift is None:
            raise ValueError("the forecaster is not fitted yet")
        value = origin_value(known.info)
        return {
            horizon: forecast_flows(
                value,
                known.features,
                flows=known.info.flows,
                totals=known.totals[horizon],
                shift=self.shift,
                chance=known.chance[horizon],
                horizon=horizon,
            )
            for horizon in known.horizons
        }


@dataclass(frozen=True, slots=True)
class FittedForecaster:
    """Everything needed to repeat a forecast: data at the origin, totals and fitted models.

    Attributes
    ----------
    flows
        Keys.
    origin, as_of
        Calendar year; ISO date.
    value, features
        Flows and features of the origin.
    totals, intervals
        By horizon.
    shift, probability
        Fitted models.
    own
        The user's own series whose features stand after the built-in ones.
    """

    flows: FlowIndex
    origin: int
    as_of: str
    value: Vector
    features: NDArray[np.float32]
    totals: Mapping[int, Totals]
    intervals: Mapping[int, Intervals]
    shift: ShiftModel
    probability: TradeProbability
    own: tuple[IndicatorSpec, ...] = ()

    def flow_forecast(self, horizon: int) -> FlowForecast:
        """Base, shift and forecast of a horizon.

        Raises
        ------
        KeyError
            If the forecaster was not fitted for that horizon.
        """
        if horizon not in self.totals:
            known = ", ".join(map(str, sorted(self.totals)))
            raise KeyError(f"horizon {horizon} was not fitted; fitted: {known}")
        return forecast_flows(
            self.value,
            self.features,
            flows=self.flows,
            totals=self.totals[horizon],
            shift=self.shift,
            chance=self.probability_of_trade(horizon),
            horizon=horizon,
        )

    def probability_of_trade(self, horizon: int) -> Vector:
        """Probability that each flow is positive, shape ``[flow]``."""
        return self.probability.of_flows(self.features, value=self.value, horizon=horizon)

    def chance_features(self, horizon: int) -> NDArray[np.float32]:
        """What `probability_of_trade` is predicted from, shape ``[flow, feature]``."""
        return chance_features(self.features, value=self.value, horizon=horizon)
