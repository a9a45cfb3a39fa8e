"""Trade costs: distance, borders, language, history, and the gravity residual."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.feature import Feature, FlowValues, static_pair
from features.information import InformationSet

DISTANCE = "dist"
COSTS = (DISTANCE, "contig", "comlang_off", "colony")
_BORDER = (
    "Yotov, Piermartini, Monteiro and Larch (2016), An Advanced Guide to Trade Policy Analysis"
)
_GRAVITY = "Head and Mayer (2014), doi:10.1016/B978-0-444-54314-1.00003-3"


def _distance(info: InformationSet) -> NDArray[np.floating]:
    kilometres = info.pair(DISTANCE)[info.flows.exporter, info.flows.importer]
    return np.log(np.maximum(kilometres, 1.0))


def _domestic(info: InformationSet) -> NDArray[np.floating]:
    """1 for a country's sales to itself, 0 across a border."""
    return info.flows.domestic.astype(np.float32)


def any_of(*names: str) -> FlowValues:
    """Whether any of several pair flags holds; unknown only where all are."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        return np.fmax.reduce([static_pair(name)(info) for name in names])

    return values


def _residual_planes(info: InformationSet) -> NDArray[np.floating]:
    """Log mean value of the last three years less its two-way fixed effects and cost terms.

    Ordinary least squares on positive flows with exporter x sector and importer x sector effects
    swept out by alternating means (Gauss-Seidel); twelve sweeps leave the effects within 1e-3.
    Where domestic sales are flows, the border is a cost too.
    """
    flows = info.flows
    recent = info.history[-3:]
    years = np.maximum((~np.isnan(recent)).sum(axis=0), 1)
    mean = np.nansum(recent, axis=0, dtype=np.float64) / years
    border = [_domestic(info)] if flows.diagonal else []
    costs = np.stack([_distance(info), *(static_pair(name)(info) for name in COSTS[1:]), *border])
    known = (mean > 0) & np.isfinite(costs).all(axis=0)
    if known.sum() < 2 * flows.margins + len(COSTS):
        return np.full(flows.size, np.nan)
    columns = np.vstack([np.log(np.where(known, mean, 1.0)), np.where(known, costs, 0.0)])
    swept = _sweep(columns, known, (flows.exporter_margin, flows.importer_margin), flows.margins)
    slopes, *_ = np.linalg.lstsq(swept[1:, known].T, swept[0, known], rcond=None)
    return np.where(known, swept[0] - slopes @ swept[1:], np.nan)


def _sweep(
    columns: NDArray[np.float64],
    known: NDArray[np.bool_],
    groups: tuple[NDArray[np.int32], NDArray[np.int32]],
    n_groups: int,
) -> NDArray[np.float64]:
    swept = columns * known
    for _ in range(12):
        for group in groups:
            size = np.maximum(np.bincount(group, weights=known, minlength=n_groups), 1)
            for row in swept:
                mean = np.bincount(group, weights=row, minlength=n_groups) / size
                row -= mean[group] * known
    return swept


def _remoteness(end: str) -> FlowValues:
    """Trade-weighted ln distance to all partners abroad of the exporter (importer), km."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        flows = info.flows
        code = flows.exporter if end == "exporter" else flows.importer
        distance = np.nan_to_num(_distance(info))
        weight = np.nan_to_num(info.history[-1]) * ((distance > 0) & ~flows.domestic)
        total = np.bincount(code, weights=weight, minlength=info.n_countries)
        mean = np.bincount(code, weights=weight * distance, minlength=info.n_countries)
        remote = np.divide(mean, total, out=np.full(total.shape, np.nan), where=total > 0)
        return remote[code]

    return values


FEATURES: tuple[Feature, ...] = (
    Feature("distance", "trade_costs", "ln km", (DISTANCE,), "-", _GRAVITY, _distance),
    Feature("domestic", "trade_costs", "0 or 1", (), "two-sided", _BORDER, _domestic),
    Feature("contiguity", "trade_costs", "0 or 1", ("contig",), "+", _GRAVITY,
            static_pair("contig")),
    Feature("common_language", "trade_costs", "0 or 1", ("comlang_off", "comlang_ethno"), "+",
            _GRAVITY, any_of("comlang_off", "comlang_ethno")),
    Feature("colonial_link", "trade_costs", "0 or 1", ("colony", "col45", "curcol"), "+",
            "Head, Mayer and Ries (2010), doi:10.1016/j.jinteco.2010.01.002",
            any_of("colony", "col45", "curcol")),
    Feature("common_colonizer", "trade_costs", "0 or 1", ("comcol",), "+", _GRAVITY,
            static_pair("comcol")),
    Feature("gravity_residual", "trade_costs", "ln ratio", COSTS, "-",
            "two-way fixed effects; trade reverts to what gravity predicts", _residual_planes),
    Feature("remoteness_exporter", "trade_costs", "ln km", (DISTANCE,), "two-sided", _GRAVITY,
            _remoteness("exporter")),
    Feature("remoteness_importer", "trade_costs", "ln km", (DISTANCE,), "two-sided", _GRAVITY,
            _remoteness("importer")),
)  # fmt: skip
