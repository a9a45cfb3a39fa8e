"""Growth of a region's trade in a year that is not over, from its first months."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.countries.monitor_regions import REGIONS
from features.data.monthly import WORLD, Direction, MonthlyTrade

RECENT_MONTHS = 2
PRIOR_YEARS = 4.0
"""Years of growth at a slope of 1 that the slope is shrunk by."""


def monthly_growth(
    news: MonthlyTrade, year: int, *, region: str = WORLD, direction: Direction = "trade"
) -> float | None:
    """Log growth of trade from ``year - 1`` to ``year``; None where no month of the year is out.

    Notes
    -----
    A whole year's growth is read off. Of a year that is not over, the signal is the mean of two:
    the last `RECENT_MONTHS` months against the year before, as if trade stayed where it is, and the
    months so far against the same ones of the year before, as if it kept growing as it did.
    Neither is always right, and weights fitted to a handful of years forecast worse than equal ones
    (Timmermann 2006, doi:10.1016/S1574-0706(05)01004-9). The slope of a year's growth on the
    signal is fitted to all earlier years, and shrunk to 1 by `PRIOR_YEARS`.
    """
    signal, months = _signal(news, year, region, direction, most=12)
    if signal is None or months == 12:
        return signal
    pairs = []
    for past in range(news.first // 12 + 1, year):
        early, _ = _signal(news, past, region, direction, most=months)
        whole, known = _signal(news, past, region, direction, most=12)
        if early is not None and whole is not None and known == 12:
            pairs.append((early, whole))
    if not pairs:
        return signal
    early_growth, whole_growth = np.array(pairs).T
    prior = PRIOR_YEARS * float(np.mean(early_growth**2))
    variation = early_growth @ early_growth + prior
    slope = (early_growth @ whole_growth + prior) / variation if variation > 0 else 1.0
    return float(slope * signal)


def regional_growth(
    news: MonthlyTrade, year: int, direction: Direction, countries: Sequence[str]
) -> NDArray[np.float64]:
    """`monthly_growth` of each country's region, shape ``[country]``; NaN where there is none."""
    growth = {
        region: monthly_growth(news, year, region=region, direction=direction)
        for region in REGIONS
        if (region, direction) in news.values
    }
    by_country = {
        member: found
        for region, found in growth.items()
        if found is not None
        for member in REGIONS[region]
    }
    return np.array([by_country.get(country, np.nan) for country in countries])


def _signal(
    news: MonthlyTrade, year: int, region: str, direction: Direction, *, most: int
) -> tuple[float | None, int]:
    """The signal of a year's first months, at most so many, and how many there are."""
    now = news.months(year, region=region, direction=direction)[:most]
    before = news.months(year - 1, region=region, direction=direction)
    if not now.size or before.size < 12 or not ((now > 0).all() and (before > 0).all()):
        return None, 0
    if now.size == 12:
        return float(np.log(now.mean() / before.mean())), 12
    level = np.log(now[-RECENT_MONTHS:].mean() / before.mean())
    same_months = np.log(now.mean() / before[: now.size].mean())
    return float((level + same_months) / 2), int(now.size)
