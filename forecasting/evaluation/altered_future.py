"""Data with other values after an as-of date: what is known then must not change with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.choices import EX_ANTE, Setting
from features.data.indicators import Indicators
from features.data.pairs import YearlyPairs
from features.data.panel import TradePanel
from features.information import TOTALS_CHANNEL, DataBundle, last_published_year

Floating = TypeVar("Floating", bound=np.floating[Any])


def alter_future(
    data: DataBundle,
    *,
    as_of: date,
    origin: int,
    setting: Setting,
    rng: np.random.Generator,
) -> tuple[DataBundle, int]:
    """Change every cell that was not published by ``as_of``.

    Returns
    -------
    tuple
        The altered data, and how many cells differ.
    """
    panel, count = data.panel, 0
    values, cells = _altered(panel.values, late_trade_years(panel, origin), rng)
    count += cells
    indicators = data.indicators
    if indicators is not None:
        series = {}
        for name, found in indicators.values.items():
            late = late_series_years(indicators, name, as_of=as_of, origin=origin, setting=setting)
            series[name], cells = _altered(found, late, rng)
            count += cells
        indicators = replace(indicators, values=series)
    yearly = {}
    for name, pairs in data.pairs.yearly.items():
        table, cells = _altered(pairs.values, late_pair_years(pairs, as_of=as_of), rng)
        yearly[name] = replace(pairs, values=table)
        count += cells
    other = DataBundle(
        replace(panel, values=values),
        indicators=indicators,
        pairs=replace(data.pairs, yearly=yearly),
        sectors=data.sectors,
        trade_lag_months=data.trade_lag_months,
        reports=data.reports,
        monthly=data.monthly,
    )
    return other, count


def late_trade_years(panel: TradePanel, origin: int) -> NDArray[np.bool_]:
    """Years of trade that an origin does not know, shape ``[year]``."""
    return panel.first_year + np.arange(panel.values.shape[0]) > origin


def late_series_years(
    indicators: Indicators, name: str, *, as_of: date, origin: int, setting: Setting
) -> NDArray[np.bool_]:
    """Years of a series that were not published, shape ``[year]``."""
    spec = indicators.specs[name]
    last = last_published_year(as_of, lag_months=spec.publication_lag_months)
    if setting == EX_ANTE and spec.channel == TOTALS_CHANNEL:
        last = min(last, origin)
    return indicators.years > last


def late_pair_years(pairs: YearlyPairs, *, as_of: date) -> NDArray[np.bool_]:
    """Years of a pair attribute that were not published, shape ``[year]``."""
    last = last_published_year(as_of, lag_months=pairs.publication_lag_months)
    return pairs.first_year + np.arange(len(pairs.values)) > last


def _altered(
    values: NDArray[Floating], late: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[Floating], int]:
    """Scale the cells of late rows, and fill those that are unknown or zero."""
    if not late.any():
        return values, 0
    out = values.copy()
    cells = out[late]
    empty = np.isnan(cells) | (cells == 0)
    other = np.where(
        empty, rng.lognormal(2, 1, cells.shape), cells * rng.lognormal(1, 2, cells.shape)
    )
    out[late] = other
    return out, int(cells.size)
