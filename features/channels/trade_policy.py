"""Trade policy: agreements and their age, membership of WTO, EU and euro, tariffs faced."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.feature import (
    CountryValues,
    Feature,
    FlowValues,
    Sign,
    exporter,
    latest,
    pair_min,
)
from features.information import InformationSet

AGREEMENT, AGREEMENT_WTO, TREATIES = "rta", "rta_wto", "n_treaties"
TARIFF = "WITS.TARIFF.FACED"
_PHASING = "Baier and Bergstrand (2007), doi:10.1016/j.jinteco.2006.02.005"
_MEMBERSHIP = "Rose (2004), doi:10.1257/000282804322970724"


def _latest_pair(name: str) -> FlowValues:
    """Latest published value of a pair attribute."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        years = info.pair_years(name)
        if years.shape[0] == 0:
            return np.full(info.flows.size, np.nan)
        return years[-1][info.flows.exporter, info.flows.importer]

    return values


def agreement_age(name: str) -> FlowValues:
    """Years for which the pair has had an agreement without a break; 0 without one.

    Capped at the table's first year.
    """

    def values(info: InformationSet) -> NDArray[np.floating]:
        years = info.pair_years(name)
        if years.shape[0] == 0:
            return np.full(info.flows.size, np.nan)
        backwards = (years > 0)[::-1]
        unbroken = np.argmin(backwards, axis=0).astype(np.float32)
        unbroken[backwards.all(axis=0)] = years.shape[0]
        return unbroken[info.flows.exporter, info.flows.importer]

    return values


def _phase_in(info: InformationSet) -> NDArray[np.floating]:
    """1 in the year an agreement enters into force, falling to 0 over ten years; 0 without one."""
    age = agreement_age(AGREEMENT)(info)
    return np.where((age > 0) & (age <= 10), (11.0 - age) / 10.0, np.where(np.isnan(age), age, 0.0))


def _covered_share(info: InformationSet) -> NDArray[np.floating]:
    """Share of the importer's imports that come from its agreement partners."""
    flows = info.flows
    covered = _latest_pair(AGREEMENT)(info)
    value = np.nan_to_num(info.history[-1]) * ~flows.domestic
    total = np.bincount(flows.importer, weights=value, minlength=info.n_countries)
    inside = np.bincount(flows.importer, weights=value * covered, minlength=info.n_countries)
    return np.divide(inside, total, out=np.full(total.shape, np.nan), where=total > 0)[
        flows.importer
    ]


def member_years(series: str) -> CountryValues:
    """Years since accession, capped at 15; 0 outside."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        member = info.series(series)[-15:]
        if member.shape[0] == 0:
            return np.full(info.n_countries, np.nan)
        return np.where(np.isnan(member[-1]), np.nan, np.nansum(member, axis=0))

    return values


def _tariff_change(info: InformationSet) -> NDArray[np.floating]:
    return info.latest(TARIFF) - info.latest(TARIFF, back=5)


def _policy(
    name: str, unit: str, series: tuple[str, ...], sign: Sign, source: str, build: FlowValues
) -> Feature:
    return Feature(name, "trade_policy", unit, series, sign, source, build)


FEATURES: tuple[Feature, ...] = (
    _policy("agreement", "0 or 1", (AGREEMENT,), "+", _PHASING, _latest_pair(AGREEMENT)),
    _policy("agreement_wto", "0 or 1", (AGREEMENT_WTO,), "+", _PHASING,
            _latest_pair(AGREEMENT_WTO)),
    _policy("treaties", "count", (TREATIES,), "+", _PHASING, _latest_pair(TREATIES)),
    _policy("agreement_age", "years", (AGREEMENT,), "two-sided", _PHASING,
            agreement_age(AGREEMENT)),
    _policy("agreement_phase_in", "1 to 0 over ten years", (AGREEMENT,), "+", _PHASING, _phase_in),
    _policy("agreement_share_of_imports", "share", (AGREEMENT,), "-",
            "trade diversion, Viner (1950)", _covered_share),
    _policy("wto_both", "years, capped at 15", ("WTO.MEMBER",), "+", _MEMBERSHIP,
            pair_min(member_years("WTO.MEMBER"))),
    _policy("eu_both", "years, capped at 15", ("EU.MEMBER",), "+", _MEMBERSHIP,
            pair_min(member_years("EU.MEMBER"))),
    _policy("euro_both", "years, capped at 15", ("EURO.MEMBER",), "+", _MEMBERSHIP,
            pair_min(member_years("EURO.MEMBER"))),
    _policy("tariff_faced_exporter", "percent", (TARIFF,), "-", "applied tariffs",
            exporter(latest(TARIFF))),
    _policy("tariff_change_5_exporter", "percentage points", (TARIFF,), "-", "applied tariffs",
            exporter(_tariff_change)),
)  # fmt: skip
