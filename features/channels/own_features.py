"""Features of the user's own technology indicators: levels at both ends, growth and gap."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.data.indicators import IndicatorSpec
from features.data.stand_ins import FILLERS, STAND_INS
from features.feature import (
    CHANNELS,
    OWN,
    TECHNOLOGY,
    Channel,
    CountryValues,
    Feature,
    exporter,
    gap,
    importer,
)
from features.information import InformationSet

GROWTH_YEARS = 5
OWN_PREFIX = "own_"
"""Begins the names of all features of the user's own."""
OWN_SOURCE = "own indicator: "
"""Opens the source of such a feature, before the label of its indicator."""
_LARGEST = 1e38
"""Largest level: the gap between two fits float32."""
_LONGEST = 40
"""Characters of a series in a feature's name."""


def own_series(
    specs: Mapping[str, IndicatorSpec], *, read: Collection[str]
) -> tuple[IndicatorSpec, ...]:
    """Series that become features: those of a technology channel that no built-in feature reads.

    Parameters
    ----------
    specs
        Indicator catalogue.
    read
        Series that built-in features read.

    Returns
    -------
    tuple of IndicatorSpec
        By name, so that columns do not depend on the order of the catalogue's lines.
    """
    return tuple(spec for spec in _unread(specs, read) if spec.channel in TECHNOLOGY)


def unused_series(
    specs: Mapping[str, IndicatorSpec], *, read: Collection[str]
) -> tuple[IndicatorSpec, ...]:
    """Series that feed no feature at all, by name."""
    return tuple(spec for spec in _unread(specs, read) if spec.channel not in TECHNOLOGY)


def _unread(specs: Mapping[str, IndicatorSpec], read: Collection[str]) -> list[IndicatorSpec]:
    # A series that can stand in for another measures the same and adds nothing beside it.
    known = {*read, *(name for names in STAND_INS.values() for name in names), *FILLERS.values()}
    return [spec for name, spec in sorted(specs.items()) if name not in known]


def own_features(series: Iterable[IndicatorSpec]) -> tuple[Feature, ...]:
    """Columns of the user's series, in their order.

    Names begin with `own_` and the channel, which `own_channel` reads; unit and label come from the
    indicator catalogue.
    """
    features: list[Feature] = []
    taken: set[str] = set()
    for spec in series:
        stem = _stem(spec, taken)
        taken.add(stem)
        features += _of_series(spec, stem)
    return tuple(features)


def own_channel(name: str) -> Channel | None:
    """Channel of a feature of the user's own, by the feature's name; None for any other name."""
    if not name.startswith(OWN_PREFIX):
        return None
    return next((c for c in CHANNELS if name.startswith(f"{OWN_PREFIX}{c}_")), OWN)


def _stem(spec: IndicatorSpec, taken: set[str]) -> str:
    """A name that LightGBM takes: lower letters, digits and underscores."""
    word = re.sub(r"[^a-z0-9]+", "_", spec.name.lower()).strip("_")[:_LONGEST] or "series"
    stem = f"{OWN_PREFIX}{spec.channel}_{word}"
    names = (stem if number == 1 else f"{stem}_{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _of_series(spec: IndicatorSpec, stem: str) -> Sequence[Feature]:
    level, growth = _level(spec.name), _growth(spec.name)
    unit = spec.unit or "as given"
    forms = (
        (f"{stem}_exporter", unit, exporter(level)),
        (f"{stem}_importer", unit, importer(level)),
        (f"{stem}_growth_{GROWTH_YEARS}_exporter", "midpoint growth", exporter(growth)),
        (f"{stem}_gap", unit, gap(level)),
    )
    source = f"{OWN_SOURCE}{spec.label}"
    channel = next(c for c in TECHNOLOGY if c == spec.channel)
    return [
        Feature(name, channel, of, (spec.name,), "none", source, build) for name, of, build in forms
    ]


def _level(series: str, *, back: int = 0) -> CountryValues:
    """Latest value, unscaled: trees do not depend on scale."""
    return lambda info: np.clip(info.latest(series, back=back), -_LARGEST, _LARGEST)


def _growth(series: str) -> CountryValues:
    """Midpoint growth, which takes zeros and negative values; 0 where both years are 0."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        now, then = _level(series)(info), _level(series, back=GROWTH_YEARS)(info)
        size = np.abs(now) + np.abs(then)
        return np.divide(2.0 * (now - then), size, out=size.copy(), where=size > 0)

    return values
