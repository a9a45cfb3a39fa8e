"""Contributions of channels to the chances of births and deaths of links, by country."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from features.catalogue import channel_of
from features.feature import CHANNELS
from features.measures.measure import Array, Measure
from forecasting.measurement.measure_set import MeasureSet, measure_rows, unit_table
from models.forecaster import FittedForecaster

AVERAGE = "chance:average"
"""Contribution of the average flow, among those traded at the origin or those not: by how much the
average chance exceeds the rate in the years before."""


def link_contributions(
    measure_set: MeasureSet,
    forecaster: FittedForecaster,
    start: Mapping[str, Array],
    *,
    horizon: int,
    measures: Sequence[Measure],
) -> pd.DataFrame:
    """Split births, deaths and active links of every exporter by channel.

    ``start`` has the values at the origin by measure; ``measures`` are of the family ``links``.

    Returns
    -------
    DataFrame
        ``measure``, the keys of the unit, ``chance:average`` and ``chance:<channel>``, in the unit
        of the measure; rows sum to its forecast change. Empty if no probability was fitted.

    Notes
    -----
    A probability is ``expit`` of calibrated log odds, whose SHAP values are exact. They are scaled
    by the slope of the chord from the average flow's probability to the flow's, so that they sum
    to the probability, and summed over flows, in which the measure is linear.
    """
    if forecaster.probability.booster_ is None or not measures:
        return pd.DataFrame()
    by_term = chance_parts(forecaster, horizon)
    traded = measure_set.cube(forecaster.value) > 0
    tables = []
    for measure in measures:
        # Linear in the chances: each part is measured alone, against zero chances.
        nothing = _measured(measure_set, measure, np.zeros(traded.shape), traded)
        terms = {
            name: _measured(measure_set, measure, measure_set.cube(part), traded) - nothing
            for name, part in by_term.items()
        }
        terms[AVERAGE] = terms[AVERAGE] + nothing - start[measure.name].ravel()
        units = unit_table(measure, measure_set.context)
        tables.append(measure_rows(measure, units, terms, known=np.isfinite(terms[AVERAGE])))
    return pd.concat(tables, ignore_index=True)


def _measured(
    measure_set: MeasureSet, measure: Measure, chance: Array, traded: NDArray[np.bool_]
) -> Array:
    year = measure_set.without_tables().forecast(
        np.zeros(chance.shape), chance=chance, before=traded, origin=0
    )
    return measure.compute(year).ravel()


def chance_parts(forecaster: FittedForecaster, horizon: int) -> dict[str, NDArray[np.float64]]:
    """Average and contribution of every channel to each flow's chance, shape ``[flow]`` each."""
    if forecaster.years_ahead(horizon) == 0:
        return {AVERAGE: forecaster.probability_of_trade(horizon)}
    features = forecaster.chance_features(horizon)
    raw = forecaster.probability.contributions(features)
    chance, average = forecaster.probability.predict(features), expit(raw[:, -1])
    distance = logit(np.clip(chance, 1e-12, 1 - 1e-12)) - raw[:, -1]
    total = raw[:, :-1].sum(axis=1)
    # The loss from clipped odds is spread over the channels; an average flow has no slope.
    usable = (np.abs(total) > 1e-9) & (np.abs(distance) > 0)
    scale = np.divide(chance - average, total, out=np.zeros_like(total), where=usable)
    parts = {AVERAGE: np.where(usable, average, chance)}
    channels = np.array([channel_of(name) for name in forecaster.probability.names])
    for channel in CHANNELS:
        chosen = channels == channel
        if chosen.any():
            parts[f"chance:{channel}"] = scale * raw[:, :-1][:, chosen].sum(axis=1)
    return parts
