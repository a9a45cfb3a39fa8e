"""The feature catalogue: every feature, the matrix they form, and the data they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.channels import (
    ai_adoption,
    automation,
    data_infrastructure,
    economic_mass,
    macro_news,
    persistence,
    published_totals,
    trade_costs,
    trade_policy,
)
from features.channels.own_features import own_channel, own_series, unused_series
from features.data.indicators import IndicatorSpec
from features.feature import TECHNOLOGY, Channel, Feature
from features.information import TOTALS_CHANNEL, InformationSet

FEATURES: tuple[Feature, ...] = (
    *persistence.FEATURES,
    *published_totals.FEATURES,
    *macro_news.FEATURES,
    *economic_mass.FEATURES,
    *trade_costs.FEATURES,
    *trade_policy.FEATURES,
    *ai_adoption.FEATURES,
    *automation.FEATURES,
    *data_infrastructure.FEATURES,
    published_totals.HORIZON,
)
"""Built-in features, in the order of the design matrix's columns; features of the user's own series
(`own_of`) follow them."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
_GROUP = 16
"""Columns of a cache line."""
CHANNEL_OF: dict[str, Channel] = {feature.name: feature.channel for feature in FEATURES}


def channel_of(name: str) -> Channel:
    """Channel of a feature, built in or of a user's own series.

    Raises
    ------
    KeyError
        If there is no such feature.
    """
    return own_channel(name) or CHANNEL_OF[name]


def own_of(specs: Mapping[str, IndicatorSpec]) -> tuple[IndicatorSpec, ...]:
    """Series of an indicator catalogue that become features beside the built-in ones."""
    return own_series(specs, read=_read())


def unused_of(
    specs: Mapping[str, IndicatorSpec], *, extra: Sequence[Feature] = ()
) -> tuple[IndicatorSpec, ...]:
    """Series of an indicator catalogue that no feature reads, nor one of ``extra``."""
    return unused_series(specs, read=_read() | {s for feature in extra for s in feature.series})


def _read() -> frozenset[str]:
    return frozenset(series for feature in FEATURES for series in feature.series)


def positions(names: Iterable[str], *, own: Sequence[str] = ()) -> NDArray[np.intp]:
    """Columns of the design matrix holding the named features; ``own`` names those after `NAMES`.

    Raises
    ------
    KeyError
        If there is no such feature.
    """
    place = {name: column for column, name in enumerate((*NAMES, *own))}
    return np.array([place[name] for name in names], dtype=np.intp)


def without_technology(names: Iterable[str] = NAMES) -> tuple[str, ...]:
    """Names of the features outside the technology channels: the ablation's baseline."""
    return tuple(name for name in names if channel_of(name) not in TECHNOLOGY)


def origin_matrix(info: InformationSet, *, own: Sequence[Feature] = ()) -> NDArray[np.float32]:
    """Features at the origin, float32, shape ``[flow, feature]``.

    The horizon's column is left NaN for `models.design` to fill. An infinity would be a bug in a
    builder and raises ``FloatingPointError``.

    Parameters
    ----------
    info
        What was published.
    own
        Features of the user's own series, the columns after the built-in ones.
    """
    features = (*FEATURES, *own)
    out = np.empty((info.flows.size, len(features)), dtype=np.float32)
    # By groups of one cache line a row: column by column, every cell would fetch a line of its own,
    # and all columns at once would take the memory of a second matrix.
    for start in range(0, len(features), _GROUP):
        group = features[start : start + _GROUP]
        out[:, start : start + len(group)] = np.stack([_column(f, info) for f in group], axis=1)
    # What the builders share is of no use once they are through.
    info.cache.clear()
    return out


def columns_by_setting(specs: Mapping[str, IndicatorSpec]) -> NDArray[np.intp]:
    """Columns that may differ between settings: those read from totals after the origin."""
    published = {name for name, spec in specs.items() if spec.channel == TOTALS_CHANNEL}
    return np.flatnonzero([not published.isdisjoint(feature.series) for feature in FEATURES])


def refilled(
    matrix: NDArray[np.float32],
    info: InformationSet,
    *,
    columns: NDArray[np.intp],
) -> NDArray[np.float32]:
    """A copy of another setting's matrix with some columns of this one's; itself without any."""
    if not columns.size:
        return matrix
    out = matrix.copy()
    for column in columns:
        out[:, column] = _column(FEATURES[column], info)
    return out


def _column(feature: Feature, info: InformationSet) -> NDArray[np.float32]:
    if feature.build is None:
        return np.full(info.flows.size, np.nan, dtype=np.float32)
    column = np.asarray(feature.build(info)).astype(np.float32)
    if np.isinf(column).any():
        raise FloatingPointError(f"feature {feature.name} is infinite at origin {info.origin}")
    return column


def coverage(
    info: InformationSet, matrix: NDArray[np.float32], *, own: Sequence[Feature] = ()
) -> pd.DataFrame:
    """Coverage of the features, one row each.

    Parameters
    ----------
    info
        The information set ``matrix`` was built from.
    matrix
        Shape ``[flow, feature]``.
    own
        As in `origin_matrix`.

    Returns
    -------
    DataFrame
        ``feature, channel, unit, expected_sign, source, series, absent_series, share_of_flows``
        (known share of flows), ``countries`` (with a value of the series in its last published
        year or carried from the three before), ``carried`` (of these, how many were carried).
    """
    rows = []
    for column, feature in enumerate((*FEATURES, *own)):
        absent = [s for s in feature.series if not _given(info, s)]
        country = [s for s in feature.series if info.has_series(s)]
        known = [_countries(info, name) for name in country]
        rows.append(
            {
                "feature": feature.name,
                "channel": feature.channel,
                "unit": feature.unit,
                "expected_sign": feature.sign,
                "source": feature.source,
                "series": " ".join(feature.series),
                "absent_series": " ".join(absent),
                "share_of_flows": float(np.isfinite(matrix[:, column]).mean()),
                "countries": min((present for present, _ in known), default=pd.NA),
                "carried": max((carried for _, carried in known), default=pd.NA),
            }
        )
    return pd.DataFrame(rows)


def _given(info: InformationSet, name: str) -> bool:
    return info.has_series(name) or info.has_pair(name) or info.has_sector_attribute(name)


def _countries(info: InformationSet, name: str) -> tuple[int, int]:
    present = int(np.isfinite(info.latest(name)).sum())
    current = int(np.isfinite(info.at(name, info.last_year(name))).sum())
    return present, present - current
