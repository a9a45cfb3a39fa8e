"""What forecasts flows: how a model is called, what it may learn from, and what it knows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from features.feature import Channel
from features.information import InformationSet
from models.binned_rows import BinnedRows
from models.design import Design, origin_value
from models.intervals import Bounds
from models.known_totals import Totals
from models.learner_text import LIGHTGBM
from models.nowcast import ImpliedLevels
from models.shift import LINEAR_ROWS, ShiftChoice, ShiftModel
from models.totals import forecast_totals
from models.trade_probability import TradeProbability

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Training:
    """What a model may learn from at an origin, the same in every setting.

    Attributes
    ----------
    design
        Rows with a target year up to the origin, of every setting.
    names, own
        Columns of the design; those of them that are features of the user's own series.
    choice, rounds, params, learner
        Of `models.shift.ShiftModel`.
    max_rows
        Rows drawn from the design at most, see `rows`; the linear model draws `LINEAR_ROWS` times
        as many.
    seed, threads
        Of every fit.
    """

    design: Design
    names: Sequence[str]
    own: Sequence[str]
    choice: ShiftChoice
    rounds: int
    params: Mapping[str, Any]
    max_rows: int
    seed: int
    threads: int
    learner: str = LIGHTGBM
    _fitted: dict[tuple[str, ...], ShiftModel] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def rows(self) -> Design:
        """The design, thinned to `max_rows`."""
        return self.design.thinned(max_rows=self.max_rows, seed=self.seed)

    @cached_property
    def binned(self) -> BinnedRows:
        """The rows of the shift models, binned once for all of them."""
        return self.unfitted(self.names).binned(
            self.rows, linear=self.design, max_linear=LINEAR_ROWS * self.max_rows
        )

    def shift(self, names: Sequence[str]) -> ShiftModel:
        """The shift model on some of the features, fitted.

        Models whose features differ by columns without a value alone are the same: one is fitted
        for all of them. Without indicators, so it is for the main model and the ablation.
        """
        known = tuple(np.array(self.names)[self.binned.known & np.isin(self.names, names)])
        if known not in self._fitted:
            self._fitted[known] = self.unfitted(known).fit_binned(self.binned)
        return self._fitted[known].on(tuple(names))

    def unfitted(self, names: Sequence[str]) -> ShiftModel:
        """The shift model on some of the features, not fitted."""
        rounds, params = self.choice.booster(self.rounds, self.params)
        return ShiftModel(
            names,
            self.choice.weights,
            rounds,
            self.seed,
            threads=self.threads,
            params=params,
            own=self.own,
            learner=self.learner,
        )

    @cached_property
    def probability(self) -> TradeProbability:
        """Probability of trade, fitted once on every feature: variants differ by shifts alone."""
        return TradeProbability(seed=self.seed, threads=self.threads).fit(self.rows)


@dataclass(frozen=True)
class ReportedStart:
    """What a forecast starts from where reports of the year after the origin are known.

    Attributes
    ----------
    implied
        What the reports say of every flow.
    value, chance
        Nowcast of that year, USD, and the probability of trade in it, shape ``[flow]``.
    ahead
        What is known at the end of that year, with the nowcast as its flows.
    """

    implied: ImpliedLevels
    value: Vector
    chance: Vector
    ahead: Known


@dataclass(frozen=True)
class Known:
    """What is known at an origin in one setting.

    Attributes
    ----------
    infos
        Information sets by origin: this one and every earlier one.
    origin, horizons
        Last year with bilateral trade; years ahead to forecast.
    features
        Features at the origin, shape ``[flow, feature]``, columns as in ``training.names``.
    totals
        Totals of the target years by horizon: published, or else forecast.
    training
        What was learned from.
    start
        What reports add to it; None in settings without them.
    """

    infos: Mapping[int, InformationSet]
    origin: int
    horizons: Sequence[int]
    features: NDArray[np.float32]
    totals: Mapping[int, Totals]
    training: Training
    start: ReportedStart | None = None

    @property
    def info(self) -> InformationSet:
        """Information set of the origin."""
        return self.infos[self.origin]

    @cached_property
    def chance(self) -> dict[int, Vector]:
        """Probability of trade by horizon, shape ``[flow]``, computed once for all models."""
        if self.start is not None:
            later = {1 + years: chance for years, chance in self.start.ahead.chance.items()}
            return {h: self.start.chance if h == 1 else later[h] for h in self.horizons}
        value, probability = origin_value(self.info), self.training.probability
        return {
            horizon: probability.of_flows(self.features, value=value, horizon=horizon)
            for horizon in self.horizons
        }

    def totals_with(self, channels: Collection[Channel]) -> Mapping[int, Totals]:
        """Totals of the target years, forecast with the technology of these channels alone.

        Without the others the model of totals is fitted anew, as a model of flows would be.
        """
        used = {channel for totals in self.totals.values() for channel in totals.channels}
        kept = used.intersection(channels)
        if kept == used:
            return self.totals
        if not kept:
            return {horizon: totals.without_technology for horizon, totals in self.totals.items()}
        return forecast_totals(
            self.infos, origin=self.origin, horizons=self.horizons, technology=kept
        )

    def like(self, other: Known) -> bool:
        """Whether models of features and totals alone forecast the same from both.

        So it is for the settings of a run without published totals: they differ by these alone.
        """
        return (
            self.training is other.training
            and self.start is None
            and other.start is None
            and self.origin == other.origin
            and self.horizons == other.horizons
            and all(_same(self.totals[h], other.totals[h]) for h in self.horizons)
            and np.array_equal(self.features, other.features, equal_nan=True)
        )

    def require_valid(self, forecasts: Mapping[int, Vector], *, model: str) -> None:
        """Check that every horizon has a finite forecast, not negative, of every flow.

        Raises
        ------
        InputError
            If not, with the name of the model.
        """
        for horizon in self.horizons:
            found = forecasts.get(horizon)
            if found is None or np.shape(found) != (self.info.flows.size,):
                wrong = f"no forecast of every flow at horizon {horizon}"
            elif not (np.isfinite(found) & (found >= 0)).all():
                wrong = f"forecasts at horizon {horizon} that are negative or not finite"
            else:
                continue
            raise InputError(
                f"model '{model}' gives {wrong}",
                remedy="Return USD of shape [flow], finite and not negative, by horizon",
            )


def _same(one: Totals, other: Totals) -> bool:
    sides = ((one.exporter, other.exporter), (one.importer, other.importer))
    return all(np.array_equal(*side, equal_nan=True) for side in sides)


class FlowModel(Protocol):
    """A model of flows.

    A subclass needs only `forecast`, and a line in `models.registry.MODELS`.
    """

    def fit(self, training: Training) -> FlowModel:  # noqa: ARG002
        """Return the model fitted to ``training``; by default there is nothing to fit."""
        return self

    @abstractmethod
    def forecast(self, known: Known) -> Mapping[int, Vector]:
        """Forecast every horizon of ``known``, USD, shape ``[flow]``."""

    def bounds(self, known: Known) -> Mapping[int, Bounds]:  # noqa: ARG002
        """Intervals of its own by horizon; most models have none."""
        return {}
