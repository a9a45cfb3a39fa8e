"""What forecasts flows: how a model is called, what it may learn from, and what it knows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from features.information import InformationSet
from models.design import Design, origin_value
from models.shift import ShiftChoice
from models.totals import Totals
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
    choice, rounds, params
        Of `models.shift.ShiftModel`.
    max_rows
        Rows drawn from the design at most, see `rows`.
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

    @cached_property
    def rows(self) -> Design:
        """The design, thinned to `max_rows`."""
        return self.design.thinned(max_rows=self.max_rows, seed=self.seed)

    @cached_property
    def probability(self) -> TradeProbability:
        """Probability of trade, fitted once on every feature: variants differ by shifts alone."""
        return TradeProbability(seed=self.seed, threads=self.threads).fit(self.rows)


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
    """

    infos: Mapping[int, InformationSet]
    origin: int
    horizons: Sequence[int]
    features: NDArray[np.float32]
    totals: Mapping[int, Totals]
    training: Training

    @property
    def info(self) -> InformationSet:
        """Information set of the origin."""
        return self.infos[self.origin]

    @cached_property
    def chance(self) -> dict[int, Vector]:
        """Probability of trade by horizon, shape ``[flow]``, computed once for all models."""
        value, probability = origin_value(self.info), self.training.probability
        return {
            horizon: probability.of_flows(self.features, value=value, horizon=horizon)
            for horizon in self.horizons
        }

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
