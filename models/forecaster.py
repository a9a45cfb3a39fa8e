"""Base times shift, raked: the forecast of one origin and horizon, and a fitted forecaster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from features.catalogue import channel_of
from features.channels.own_features import own_features
from features.data.flows import FlowIndex
from features.data.indicators import IndicatorSpec
from features.data.reports import Reporter
from features.feature import Feature
from models.blocks import blocks
from models.design import at_horizon, grow, origin_value
from models.flow_model import FlowModel, Known, Training
from models.flow_traits import FlowTraits
from models.intervals import Intervals, bounds_by_group
from models.known_totals import Totals
from models.nowcast import interval_groups
from models.raking import Raked, rake
from models.shift import ShiftModel
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
    return expected_flows(Totals(base.exporter_totals, base.importer_totals), flows)


def expected_flows(totals: Totals, flows: FlowIndex) -> Vector:
    """What totals alone would give, ``E_i M_j / W``, USD, shape ``[flow]``."""
    exporter = totals.exporter[flows.exporter_margin]
    importer = totals.importer[flows.importer_margin]
    world = np.bincount(np.arange(flows.margins) % len(flows.sectors), weights=totals.exporter)[
        flows.sector
    ]
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
    growth, moving = np.zeros_like(base.values), np.flatnonzero(base.values > 0)
    for part in blocks(moving.size):
        rows = moving[part]
        growth[rows] = shift.predict(at_horizon(features, horizon, rows))
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


def nowcast_flows(known: Known) -> FlowForecast:
    """The nowcast as a forecast one year ahead; it is not raked.

    Totals that countries declare are not those of the reconciled flows: raking to them makes the
    nowcast worse.
    """
    assert known.start is not None
    return _as_it_is(known.start.value, known.info.flows)


def _as_it_is(value: Vector, flows: FlowIndex) -> FlowForecast:
    """Flows that are base and forecast at once, with their own totals."""
    totals = Totals(flows.exporter_totals(value), flows.importer_totals(value))
    return FlowForecast(
        base=value,
        shift=np.zeros_like(value),
        forecast=value,
        expected=expected_flows(totals, flows),
        largest_gap=0.0,
        unreachable=0,
    )


def _raked_like(base: Raked, values: Vector, flows: FlowIndex) -> Raked:
    """Rake to the totals that the base was raked to."""
    return rake(
        values,
        flows=flows,
        exporter_totals=base.exporter_totals,
        importer_totals=base.importer_totals,
    )


def unlikely(value: Vector, chance: Vector, *, flows: FlowIndex) -> NDArray[np.bool_]:
    """Flows to forecast at 0: trade is unlikely, and small beside both their totals."""
    return _negligible(
        value, chance, flows, flows.exporter_totals(value), flows.importer_totals(value)
    )


def _stopping(base: Raked, flows: FlowIndex, chance: Vector | None) -> NDArray[np.bool_]:
    """`unlikely`, beside the totals that the base meets."""
    if chance is None:
        return np.zeros(base.values.shape, dtype=np.bool_)
    return _negligible(base.values, chance, flows, base.exporter_totals, base.importer_totals)


def _negligible(
    value: Vector, chance: Vector, flows: FlowIndex, exporter: Vector, importer: Vector
) -> NDArray[np.bool_]:
    limit = LARGEST_LOSS * np.minimum(
        exporter[flows.exporter_margin], importer[flows.importer_margin]
    )
    return (chance < LEAST_CHANCE) & (value < limit)


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
        return replace(self, shift=training.shift(self.select(training.names)))

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
        if known.start is not None:
            later = self.flow_forecasts(known.start.ahead)
            return {h: nowcast_flows(known) if h == 1 else later[h - 1] for h in known.horizons}
        value = origin_value(known.info)
        # What may not move the pattern may not move totals either.
        totals = known.totals_with({channel_of(name) for name in self.shift.names})
        return {
            horizon: forecast_flows(
                value,
                known.features,
                flows=known.info.flows,
                totals=totals[horizon],
                shift=self.shift,
                chance=known.chance[horizon],
                horizon=horizon,
            )
            for horizon in known.horizons
        }


@dataclass(frozen=True)
class Untuned(ShiftForecaster):
    """The main model with the run's own booster where a search chose another."""

    def fit(self, training: Training) -> Untuned:
        """Fit the shift model without what the search chose."""
        plain = replace(training, choice=training.choice.weights)
        return replace(self, shift=plain.shift(self.select(plain.names)))


@dataclass(frozen=True, slots=True)
class FittedNowcast:
    """What forecasts of a fitted forecaster start from, where reports are known.

    Attributes
    ----------
    value, chance
        Nowcast of the year after the origin, USD, and its probability of trade, shape ``[flow]``.
    reported
        Number of reporters that have filed, 0 to 2, shape ``[flow]``.
    levels
        By who declares, the level that the report implies, log USD, shape ``[flow]``; NaN without.
    intervals
        Of the nowcast, by `models.nowcast.interval_groups`.
    """

    value: Vector
    chance: Vector
    reported: NDArray[np.int8]
    levels: Mapping[Reporter, Vector]
    intervals: tuple[Intervals, ...]


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
        By horizon; with a nowcast, of the horizons after it.
    shift, probability
        Fitted models.
    own, extra
        The user's own series whose features stand after the built-in ones, and the features that
        users wrote, which follow.
    before_monthly
        Totals as forecast without monthly trade and before technology, by the horizons that monthly
        trade changes.
    nowcast
        The nowcast that later horizons start from; ``features`` are then those of its year. None
        without reports.
    traits
        Of each flow at the origin; None where intervals do not need them.
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
    before_monthly: Mapping[int, Totals] = field(default_factory=dict)
    nowcast: FittedNowcast | None = None
    traits: FlowTraits | None = None
    extra: tuple[Feature, ...] = ()

    @property
    def reported_flows(self) -> int:
        """Flows of the year after the origin that somebody had reported by the as-of date."""
        return 0 if self.nowcast is None else int((self.nowcast.reported > 0).sum())

    @property
    def added(self) -> tuple[Feature, ...]:
        """Features of the user's own, the columns after the built-in ones."""
        return (*own_features(self.own), *self.extra)

    @property
    def horizons(self) -> tuple[int, ...]:
        """Years ahead that it forecasts."""
        return (*(() if self.nowcast is None else (1,)), *sorted(self.totals))

    def years_ahead(self, horizon: int) -> int:
        """Years from the flows that a horizon starts from: 0 for a nowcast."""
        return horizon - (self.nowcast is not None)

    @property
    def start(self) -> Vector:
        """Flows that forecasts start from, USD, shape ``[flow]``."""
        return self.value if self.nowcast is None else self.nowcast.value

    def bounds(self, horizon: int, forecast: FlowForecast) -> dict[int, tuple[Vector, Vector]]:
        """Lower and upper bound of a horizon's forecasts by level, see `Intervals.bounds`."""
        if self.nowcast is not None and horizon == 1:
            return bounds_by_group(
                self.nowcast.intervals,
                interval_groups(self.nowcast.reported, self.flows),
                forecast.forecast,
                forecast.expected,
                self.traits,
            )
        found = self.intervals[horizon]
        return found.bounds(forecast.forecast, forecast.expected, self.traits)

    def flow_forecast(self, horizon: int) -> FlowForecast:
        """Base, shift and forecast of a horizon.

        Raises
        ------
        KeyError
            If the forecaster was not fitted for that horizon.
        """
        if horizon not in self.horizons:
            known = ", ".join(map(str, self.horizons))
            raise KeyError(f"horizon {horizon} was not fitted; fitted: {known}")
        if self.nowcast is not None and horizon == 1:
            return _as_it_is(self.nowcast.value, self.flows)
        return forecast_flows(
            self.start,
            self.features,
            flows=self.flows,
            totals=self.totals[horizon],
            shift=self.shift,
            chance=self.probability_of_trade(horizon),
            horizon=self.years_ahead(horizon),
        )

    def probability_of_trade(self, horizon: int) -> Vector:
        """Probability that each flow is positive, shape ``[flow]``."""
        if self.nowcast is not None and horizon == 1:
            return self.nowcast.chance
        ahead = self.years_ahead(horizon)
        return self.probability.of_flows(self.features, value=self.start, horizon=ahead)

    def chance_features(self, horizon: int) -> NDArray[np.float32]:
        """What `probability_of_trade` is predicted from, shape ``[flow, feature]``."""
        ahead = self.years_ahead(horizon)
        return chance_features(self.features, value=self.start, horizon=ahead)
