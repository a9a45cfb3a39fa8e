"""What technology in totals does to every flow: Shapley values of the channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from features.feature import Channel
from models.forecaster import FittedForecaster
from models.raking import rake

Vector = NDArray[np.float64]
Coalition = tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class TechnologyInTotals:
    """The base without technology in totals, and what each channel adds to it.

    Attributes
    ----------
    without
        USD, shape ``[flow]``.
    percent
        By channel, 100 times log points, shape ``[flow]``: ``100 ln(base / without)`` is their sum.
        Flows without a base are not finite.
    """

    without: Vector
    percent: Mapping[Channel, Vector]


def technology_in_totals(
    forecaster: FittedForecaster, base: Vector, horizon: int
) -> TechnologyInTotals:
    """Split what technology in totals does to the base of a horizon into channels.

    Raking is not additive in totals, so the flows that the start is raked to are computed for every
    subset of the channels. The weights are Shapley's (1953), as in SHAP.

    Parameters
    ----------
    forecaster
        Fitted.
    base
        Base of the horizon, USD, shape ``[flow]``.
    horizon
        Years ahead.
    """
    totals = forecaster.totals.get(horizon)
    if totals is None or not totals.channels:
        return TechnologyInTotals(base, {})
    every = totals.channels
    raked = {
        kept: rake(
            forecaster.start,
            flows=forecaster.flows,
            exporter_totals=without.exporter,
            importer_totals=without.importer,
        ).values
        for kept, without in totals.coalitions.items()
    } | {every: base}
    with np.errstate(divide="ignore"):
        logs = {kept: np.log(flows) for kept, flows in raked.items()}
    with np.errstate(invalid="ignore"):
        percent = {channel: 100.0 * _shapley(logs, every, channel) for channel in every}
    return TechnologyInTotals(raked[()], percent)


def _shapley(values: Mapping[Coalition, Vector], every: Coalition, channel: Channel) -> Vector:
    """What a channel adds to a coalition, mean over the orders in which channels may join."""
    others = tuple(one for one in every if one != channel)
    out = np.zeros_like(values[every])
    for kept in chain.from_iterable(combinations(others, n) for n in range(len(every))):
        weight = factorial(len(kept)) * factorial(len(others) - len(kept)) / factorial(len(every))
        joined = tuple(sorted((*kept, channel)))
        out += weight * (values[joined] - values[kept])
    return out
