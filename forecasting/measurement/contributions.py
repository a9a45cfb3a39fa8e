"""The change of a measure from the origin, split into totals and channels that add up to it.

LMDI splits the change of every flow into totals and channels in USD without a remainder. A measure
is not a sum of flows, so its change is integrated along the straight line between the two trade
matrices: at every point each part contributes its USD times the slope of the measure (Aumann and
Shapley 1974; as an attribution method integrated gradients, Sundararajan, Taly and Yan 2017,
arXiv:1703.01365). Contributions describe the model, not causes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.measures.measure import Array, Measure
from forecasting.explanation.reallocation import log_mean
from forecasting.explanation.terms import base_terms
from forecasting.measurement.measure_set import MeasureSet, measure_rows, unit_table

FLOW_STEP, TABLE_STEP = 1e-6, 1e-3
"""Share of a part over which the slope is taken: small against the curvature of the measure, large
against the rounding of flows, or the tolerance of updated input-output tables."""
FLOW_NODES, TABLE_NODES = 3, 1
"""Points of Gauss-Legendre quadrature; a table needs a linear system at each."""
STOPS = "stops"

Compute = Callable[[Array], Mapping[str, Array]]


@dataclass(frozen=True, slots=True)
class _Path:
    """Count of points on the line, and the step over which slopes are taken."""

    nodes: int
    step: float


@dataclass(frozen=True, slots=True)
class FlowParts:
    """USD by which each term changes every flow, shape ``[exporter, importer, sector]`` each.

    Attributes
    ----------
    origin, base, forecast
        Flows of the origin, and of the target year.
    to_base, to_forecast
        By term; they sum to ``base - origin`` and to ``forecast - base``.
    """

    origin: Array
    base: Array
    forecast: Array
    to_base: Mapping[str, Array]
    to_forecast: Mapping[str, Array]


def flow_parts(
    measure_set: MeasureSet,
    attributions: pd.DataFrame,
    position: NDArray[np.integer],
    *,
    origin: Array,
    base: Array,
    forecast: Array,
) -> FlowParts:
    """Split every flow of one target year.

    Parameters
    ----------
    attributions, position
        Rows of the year, see `explanation.explain.attribution_table`, and their flows.
    origin, base, forecast
        USD, shape ``[exporter, importer, sector]``.
    """
    flows = measure_set.flows
    where = tuple(keys[position] for keys in (flows.exporter, flows.importer, flows.sector))
    stages: list[Mapping[str, Array]] = []
    names = (
        [f"total:{name}" for name in base_terms(attributions)],
        [str(name) for name in attributions if str(name).startswith("net:")],
    )
    for terms, start, end in ((names[0], origin, base), (names[1], base, forecast)):
        weight = log_mean(end[where], start[where]) / 100.0
        explained = np.zeros(weight.size)
        for term in terms:
            explained += weight * attributions[term].to_numpy(dtype=np.float64)
        # Flows forecast to stop have no attributions and form a separate part.
        stops = end - start
        stops[where] -= explained
        stages.append(_ExplainedParts(where, weight, attributions[terms], stops))
    return FlowParts(origin, base, forecast, *stages)


@dataclass(frozen=True, slots=True)
class _ExplainedParts(Mapping[str, Array]):
    """USD by term, each made when it is asked for: most of a large universe never trades.

    Attributes
    ----------
    where
        Places of the explained flows in the cube.
    weight
        USD for one percent of each, shape ``[explained flow]``.
    percent
        One column a term.
    stops
        What no term explains, shape of the cube.
    """

    where: tuple[NDArray[np.integer], ...]
    weight: NDArray[np.float64]
    percent: pd.DataFrame
    stops: Array

    def __getitem__(self, term: str) -> Array:
        if term == STOPS:
            return self.stops
        part = np.zeros_like(self.stops)
        part[self.where] = self.weight * self.percent[term].to_numpy(dtype=np.float64)
        return part

    def __iter__(self) -> Iterator[str]:
        return iter([*self.percent.columns, STOPS])

    def __len__(self) -> int:
        return self.percent.shape[1] + 1


def contributions(
    measure_set: MeasureSet,
    parts: FlowParts,
    before: Mapping[str, Array],
    *,
    origin: int,
    measures: Sequence[Measure],
) -> pd.DataFrame:
    """Split the change of every measure from the origin to the forecast.

    ``before`` has the values at the origin by measure; the input-output table of ``origin`` moves.

    Returns
    -------
    DataFrame
        ``measure``, the keys of the unit, one column per term (``total:*`` and ``stops:base`` lead
        to the base, ``net:*`` and ``stops:shift`` to the forecast), and ``remainder``, the error of
        the quadrature, all in the unit of the measure. Rows sum to the change from ``before`` to
        the forecast.
    """
    blocks = []
    for needs_table, path in (
        (False, _Path(FLOW_NODES, FLOW_STEP)),
        (True, _Path(TABLE_NODES, TABLE_STEP)),
    ):
        chosen = [m for m in measures if ("tables" in m.needs) == needs_table]
        if chosen:
            compute = _computer(measure_set, chosen, origin=origin, moves_table=needs_table)
            terms = _terms(compute, parts, path)
            end = compute(parts.forecast)
            change = {measure.name: end[measure.name] - before[measure.name] for measure in chosen}
            blocks.append(_explained(measure_set, chosen, terms, change))
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()


def _computer(
    measure_set: MeasureSet, measures: Sequence[Measure], *, origin: int, moves_table: bool
) -> Compute:
    bare = measure_set if moves_table else measure_set.without_tables()

    def compute(values: Array) -> Mapping[str, Array]:
        traded = values > 0
        year = bare.forecast(values, chance=traded.astype(np.float64), before=traded, origin=origin)
        return {measure.name: measure.compute(year) for measure in measures}

    return compute


def _terms(compute: Compute, parts: FlowParts, path: _Path) -> dict[str, dict[str, Array]]:
    """Contribution of every term to every measure, over both stages."""
    stages = {
        "base": _along(compute, parts.origin, parts.base, parts.to_base, path),
        "shift": _along(compute, parts.base, parts.forecast, parts.to_forecast, path),
    }
    return {
        f"{STOPS}:{stage}" if term == STOPS else term: by_measure
        for stage, found in stages.items()
        for term, by_measure in found.items()
    }


def _explained(
    measure_set: MeasureSet,
    measures: Sequence[Measure],
    terms: Mapping[str, Mapping[str, Array]],
    change: Mapping[str, Array],
) -> pd.DataFrame:
    tables = []
    for measure in measures:
        whole = change[measure.name]
        parts = {term: by_measure[measure.name] for term, by_measure in terms.items()}
        parts["remainder"] = whole - np.sum(list(parts.values()), axis=0)
        units = unit_table(measure, measure_set.context)
        tables.append(measure_rows(measure, units, parts, known=np.isfinite(whole)))
    return pd.concat(tables, ignore_index=True)


def _along(
    compute: Compute, start: Array, end: Array, parts: Mapping[str, Array], path: _Path
) -> dict[str, dict[str, Array]]:
    """Contribution of every part to every measure on the line from ``start`` to ``end``."""
    places, weights = np.polynomial.legendre.leggauss(path.nodes)
    out: dict[str, dict[str, Array]] = {term: {} for term in parts}
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        here = start + place * (end - start)
        at = compute(here)
        for term, part in parts.items():
            # A step below zero would not be a matrix of flows.
            step = compute(np.maximum(here + path.step * part, 0.0)) if part.any() else at
            for name, value in at.items():
                slope = weight * (step[name] - value) / path.step
                out[term][name] = out[term].get(name, 0.0) + slope
    return out
