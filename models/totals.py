"""Country totals of the target year: published where the as-of date allows, forecast otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from features.channels.economic_mass import GDP
from features.channels.published_totals import EXPORT_INDEX, IMPORT_INDEX, index_growth
from features.information import InformationSet
from models.design import origin_value
from models.totals_growth import relative_growth, starts

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


LEAST_YEARS = 4
"""Years of trade below which the world is forecast to stand still."""
SHOCKS = 15
"""Points the distribution of the world's forecast error is cut into."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Exporter and importer totals of one target year, USD, shape ``[margin]``."""

    exporter: Vector
    importer: Vector


def published_totals(info: InformationSet) -> Totals | None:
    """Totals of origin + 1 from published value indices; None where none is published.

    Exporter totals grow with the export value index, importer totals with the import value index.
    A country without an index takes the median growth of that year. Importer totals are scaled to
    the exporters' sum.
    """
    sides = []
    for series, totals in (
        (EXPORT_INDEX, origin_totals(info).exporter),
        (IMPORT_INDEX, origin_totals(info).importer),
    ):
        growth = index_growth(info, series, year=info.origin + 1, since=info.origin)
        if np.isnan(growth).all():
            return None
        growth = np.where(np.isnan(growth), np.nanmedian(growth), growth)
        sides.append(totals * np.repeat(growth, len(info.flows.sectors)))
    exporter, importer = sides
    return Totals(exporter, importer * (exporter.sum() / importer.sum()))


def origin_totals(info: InformationSet) -> Totals:
    """Sums of the flows a base starts from, those carried over an unknown year included."""
    value = origin_value(info)
    return Totals(info.flows.exporter_totals(value), info.flows.importer_totals(value))


def carried_totals(info: InformationSet) -> Totals:
    """Published totals of origin + 1, or those of the origin: what the raked baseline uses."""
    published = published_totals(info)
    return published or origin_totals(info)


def forecast_totals(
    infos: Mapping[int, InformationSet], *, origin: int, horizons: Sequence[int]
) -> dict[int, Totals]:
    """Totals of origin + h for every horizon.

    Parameters
    ----------
    infos
        Information sets by origin, in one setting: ``origin`` and every earlier one to learn from.
    origin, horizons
        Forecast origin; horizons in years.

    Returns
    -------
    dict
        `Totals` by horizon, grown from those of origin + 1 where they are published.

    Notes
    -----
    A country's growth beyond the world's is a ridge regression, pooled over countries and earlier
    origins (`models.totals_growth`). The world's growth is its elasticity to world GDP times the
    GDP growth published since the origin, and beyond that `world_trend`. Totals published for
    origin + 1 are corrected for what bilateral trade later said beyond them in earlier years.
    Only totals of years up to ``origin`` are learned from.
    """
    info = infos[origin]
    until = {a: infos[a] for a in sorted(infos) if a <= origin}
    found = {a: published_totals(past) for a, past in until.items()}
    sides: dict[int, list[Vector]] = {horizon: [] for horizon in horizons}
    for exports in (True, False):
        levels = {}
        for a, past in until.items():
            totals = found[a] or origin_totals(past)
            levels[a] = (totals.exporter if exports else totals.importer, found[a] is not None)
        by_origin = starts(until, levels, exports=exports)
        now = by_origin.pop(origin)
        for horizon in horizons:
            growth = relative_growth(info, by_origin, now, exports=exports, horizon=horizon)
            world = world_growth(info, horizon=horizon, published=now.published)
            sides[horizon].append(now.level * np.exp(world + growth))
    return {
        horizon: Totals(exporter, importer * (exporter.sum() / importer.sum()))
        for horizon, (exporter, importer) in sides.items()
    }


def world_growth(info: InformationSet, *, horizon: int, published: bool) -> float:
    """Log growth of world trade from the last known totals to ``origin + horizon``.

    Parameters
    ----------
    info
        Information set of the origin.
    horizon
        Years from the origin to the target.
    published
        Whether totals of origin + 1 are known, so that growth starts there.

    Notes
    -----
    Of the first year, GDP news tell where there are any. Of a year nothing is known of, the
    forecast is the mean of two: no growth, and the mean growth of the panel's years so far. Equal
    weights, because a few booms and slumps cannot tell which is right, and a weight fitted to them
    forecasts worse than either (Timmermann 2006, doi:10.1016/S1574-0706(05)01004-9).
    """
    news = 0.0 if published else _common_news(info)
    unknown = horizon if news is None else horizon - 1
    return (news or 0.0) + _trend(info) * unknown


def world_shocks(
    infos: Mapping[int, InformationSet], *, origin: int, horizon: int
) -> NDArray[np.float64]:
    """Equally likely log errors of the world forecast at one horizon, shape ``[SHOCKS]``.

    Parameters
    ----------
    infos
        Information sets by origin, in one setting; those up to ``origin`` are used.
    origin, horizon
        Of the forecast the errors are of.

    Returns
    -------
    ndarray
        Quantiles of Student's t, scaled by the errors of past forecasts one year ahead and, for
        every further year, by those of the trend; zeros where all growth is published.

    Notes
    -----
    World trade moves every flow at once, so a handful of past origins holds a handful of its
    errors, however many flows it has: pooled residuals of the last origins miss the next slump.
    Years are taken as independent, which the totals of 1995-2017 do not contradict.
    """
    past = {a: info for a, info in infos.items() if a < origin}
    trade = np.log(np.maximum(infos[origin].exporter_totals.sum(axis=1), 1.0))
    first_year: list[float] = []
    further: list[float] = []
    for a, info in past.items():
        row = a - info.first_year
        growth = trade[row + 1] - trade[row]
        further.append(growth - _trend(info))
        first_year.append(growth - world_growth(info, horizon=1, published=False))
    if not past:
        return np.zeros(SHOCKS)
    published = published_totals(infos[origin]) is not None
    variance = 0.0 if published else float(np.mean(np.square(first_year)))
    variance += (horizon - 1) * float(np.mean(np.square(further)))
    nodes = (np.arange(SHOCKS) + 0.5) / SHOCKS
    shocks: NDArray[np.float64] = np.sqrt(variance) * student_t.ppf(nodes, df=len(past))
    return shocks


def _trend(info: InformationSet) -> float:
    """Half the mean yearly log growth of world trade so far; 0 with few years."""
    trade = np.log(np.maximum(info.exporter_totals.sum(axis=1), 1.0))
    if trade.size < LEAST_YEARS:
        return 0.0
    return float((trade[-1] - trade[0]) / (trade.size - 1) / 2)


def _common_news(info: InformationSet) -> float | None:
    """Log growth of world trade implied by world GDP growth published since the origin."""
    gdp = info.series(GDP)
    first = info.last_year(GDP) - gdp.shape[0] + 1
    if gdp.shape[0] == 0 or info.last_year(GDP) <= info.origin:
        return None
    latest = _gdp_growth(gdp, info.origin + 1 - first)
    trade = np.log(np.maximum(info.exporter_totals.sum(axis=1), 1.0))
    years = range(max(info.first_year, first) + 1, info.origin + 1)
    gdp_growth = np.array([_gdp_growth(gdp, year - first) or 0.0 for year in years])
    trade_growth = np.array([np.diff(trade)[year - info.first_year - 1] for year in years])
    if latest is None or gdp_growth.size < LEAST_YEARS - 1:
        return None
    # One observation's worth of prior at elasticity 1 keeps the first origins sane.
    prior = float(np.mean(gdp_growth**2))
    variation = gdp_growth @ gdp_growth + prior
    elasticity = (gdp_growth @ trade_growth + prior) / variation if variation > 0 else 1.0
    return float(elasticity * latest)


def _gdp_growth(gdp: Matrix, row: int) -> float | None:
    """Log growth of GDP summed over the countries known in both years; None if there are none."""
    known = (gdp[row] > 0) & (gdp[row - 1] > 0)
    if not known.any():
        return None
    return float(np.log(gdp[row][known].sum() / gdp[row - 1][known].sum()))
