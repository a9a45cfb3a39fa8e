"""Data altered on purpose: some must not help the forecast, and some must.

An indicator that helps as much after its countries or years are shuffled never helped. And if
indicators published a year early do not help, a leak would go undetected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from features.catalogue import FEATURES, own_of
from features.channels.own_features import own_features
from features.data.indicators import Indicators, IndicatorSpec
from features.feature import TECHNOLOGY
from features.information import DataBundle

LEAD_MONTHS = 12
PERMUTATIONS = 3

LABELS: Mapping[str, str] = {
    "technology_permuted": "Technology of another country",
    "technology_years_shuffled": "Technology of another year",
    "indicators_led": "Every indicator a year early, a leak on purpose",
}

Alteration = Callable[[DataBundle], DataBundle]


def placebos(*, seed: int) -> dict[str, Alteration]:
    """Every alteration by the name its scores carry."""
    permuted = {
        f"technology_permuted_{number + 1}": _with_seed(permute_countries, seed + number)
        for number in range(PERMUTATIONS)
    }
    return {
        **permuted,
        "technology_years_shuffled": _with_seed(shuffle_years, seed),
        "indicators_led": lead,
    }


def placebo_label(name: str) -> str:
    """Name of an alteration in words."""
    stem, _, number = name.rpartition("_")
    if number.isdigit():
        return f"{placebo_label(stem)}, draw {number}"
    return LABELS.get(name, name)


def technology_series(specs: Mapping[str, IndicatorSpec] = MappingProxyType({})) -> frozenset[str]:
    """Series that technology features read and no other feature does, the user's own among them."""
    features = (*FEATURES, *own_features(own_of(specs)))
    inside = {s for f in features if f.channel in TECHNOLOGY for s in f.series}
    outside = {s for f in features if f.channel not in TECHNOLOGY for s in f.series}
    return frozenset(inside - outside)


def permute_countries(data: DataBundle, *, seed: int) -> DataBundle:
    """Give every country the technology of another; all series move together."""
    order = np.random.default_rng(seed).permutation(len(data.panel.flows.countries))
    return _technology(data, lambda values: values[:, order])


def shuffle_years(data: DataBundle, *, seed: int) -> DataBundle:
    """Give every year the technology of another; all series and countries move together."""
    years = 0 if data.indicators is None else data.indicators.years.size
    order = np.random.default_rng(seed).permutation(years)
    return _technology(data, lambda values: values[order])


def lead(data: DataBundle) -> DataBundle:
    """Publish every indicator a year early: a leak on purpose."""
    if data.indicators is None:
        return data
    specs = {
        name: replace(spec, publication_lag_months=spec.publication_lag_months - LEAD_MONTHS)
        for name, spec in data.indicators.specs.items()
    }
    return _with_indicators(data, replace(data.indicators, specs=specs))


def _with_seed(alter: Callable[..., DataBundle], seed: int) -> Alteration:
    return lambda data: alter(data, seed=seed)


def _technology(
    data: DataBundle, alter: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> DataBundle:
    if data.indicators is None:
        return data
    moved = technology_series(data.indicators.specs)
    values = {
        name: alter(value) if name in moved else value
        for name, value in data.indicators.values.items()
    }
    return _with_indicators(data, replace(data.indicators, values=values))


def _with_indicators(data: DataBundle, indicators: Indicators) -> DataBundle:
    return DataBundle(
        data.panel,
        indicators=indicators,
        pairs=data.pairs,
        sectors=data.sectors,
        trade_lag_months=data.trade_lag_months,
    )
