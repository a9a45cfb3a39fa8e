"""How measures changed in the past: what each unit's errors are measured in, and common shocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.data.panel import TradePanel
from features.measures.measure import Array, Measure
from forecasting.measurement.intervals import common_shocks
from forecasting.measurement.measure_set import MeasureSet, unit_table

Vector = NDArray[np.float64]

PRIOR = 8
"""Windows of evidence for the typical change of units of like size, beside a unit's own: as many as
origins that `models.error_factors` shrinks with."""
BINS = 5


@dataclass(frozen=True, slots=True)
class Variation:
    """How a measure varied up to an origin.

    Attributes
    ----------
    scale
        Typical change of each unit over a horizon, above 0, in the measure's unit, shape
        ``[unit]``.
    shocks
        Equally likely common errors of all units, in units of ``scale``, shape ``[shock]``.
    """

    scale: Vector
    shocks: Vector


@dataclass(frozen=True, slots=True)
class PastChanges:
    """Every measure in every year, to see how it changed in windows of a horizon's length.

    Attributes
    ----------
    values
        By horizon, year and measure; births and deaths span as many years as the horizon.
    kept
        Mask of reported units by measure.
    first_year
        Of the panel.
    """

    values: Mapping[int, Mapping[int, Mapping[str, Array]]]
    kept: Mapping[str, NDArray[np.bool_]]
    first_year: int

    def changes(self, measure: Measure, *, horizon: int, until: int) -> Vector:
        """Changes in windows that end by ``until``, shape ``[window, unit]``; NaN if unreported."""
        # The first window of births has no earlier years to compare with.
        start = self.first_year + (horizon if measure.family == "links" else 0)
        years = self.values[horizon]
        windows = [
            (years[year + horizon][measure.name] - years[year][measure.name]).ravel()
            for year in range(start, until - horizon + 1)
        ]
        kept = self.kept[measure.name]
        return np.where(kept, np.array(windows).reshape(len(windows), kept.size), np.nan)

    def variation(self, measure: Measure, *, horizon: int, until: int) -> Variation:
        """Scale of each unit and common shocks, from windows that end by ``until``."""
        changes = self.changes(measure, horizon=horizon, until=until)
        level = self.values[horizon][until][measure.name].ravel()
        scale = unit_scale(changes, np.where(self.kept[measure.name], level, np.nan))
        return Variation(scale, common_shocks(_means(changes / scale), horizon=horizon))


def past_changes(
    measure_set: MeasureSet, panel: TradePanel, *, horizons: Sequence[int]
) -> PastChanges:
    """Measure every year of the panel."""
    links, others = measure_set.links(), measure_set.others()
    years = range(panel.first_year, panel.last_year + 1)
    # Only births and deaths depend on the year they are counted from.
    fixed = {y: others.compute(others.observed(panel, y, before=y)) for y in years}
    values = {
        horizon: {
            y: fixed[y]
            | links.compute(links.observed(panel, y, before=usual_links(panel, y, horizon)))
            for y in years
        }
        for horizon in horizons
    }
    kept = {m.name: unit_table(m, measure_set.context)[1] for m in measure_set.measures}
    return PastChanges(values, kept, panel.first_year)


def usual_links(panel: TradePanel, origin: int, horizon: int) -> int:
    """Year from which "no change" counts births and deaths: a horizon before the origin."""
    return max(origin - horizon, panel.first_year)


def unit_scale(changes: Vector, level: Vector) -> Vector:
    """Typical change of each unit: its own in the past, shrunk to that of units of like size.

    Parameters
    ----------
    changes
        In past windows, shape ``[window, unit]``, NaN where unknown.
    level
        Last known value of each unit, shape ``[unit]``, NaN where unknown.

    Returns
    -------
    ndarray
        Root mean square, above 0, shape ``[unit]``. A unit that never changed, among units that
        never did, has the smallest of the others; 1 where nothing ever changed.
    """
    known = np.isfinite(changes)
    count, squares = known.sum(axis=0), np.square(np.where(known, changes, 0.0)).sum(axis=0)
    finite = np.isfinite(level)
    shares = np.arange(1, BINS) / BINS
    edges = np.unique(np.quantile(level[finite], shares)) if finite.any() else np.empty(0)
    place = np.searchsorted(edges, np.where(finite, level, -np.inf))
    seen = count > 0
    own = squares[seen] / count[seen]
    total, units = (
        np.bincount(place[seen], weights=weights, minlength=edges.size + 1)
        for weights in (own, None)
    )
    pooled = np.divide(total, units, out=np.zeros(edges.size + 1), where=units > 0)
    scale: Vector = np.sqrt((squares + PRIOR * pooled[place]) / (count + PRIOR))
    positive = scale > 0
    scale[~positive] = scale[positive].min() if positive.any() else 1.0
    return scale


def _means(changes: Vector) -> list[float]:
    """Mean over units of each window; NaN where none is known."""
    known = np.isfinite(changes)
    total = np.where(known, changes, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    means: Vector = np.divide(total, count, out=np.full(total.size, np.nan), where=count > 0)
    return means.tolist()
