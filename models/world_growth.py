"""Growth of world trade beyond the last known totals, and the errors of its forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from features.channels.economic_mass import GDP
from features.information import InformationSet
from models.known_totals import published_years
from models.monthly_growth import monthly_growth

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

LEAST_YEARS = 4
"""With fewer years of trade, no world growth is forecast."""
SHOCKS = 15
"""Points that represent the distribution of the world's forecast error."""


@dataclass(frozen=True, slots=True)
class WorldError:
    """How far the forecast of world trade may be off: Student's t of log errors.

    Attributes
    ----------
    scale, freedom
        Of the distribution, log points and years of evidence; scale 0 where all growth is
        published.
    """

    scale: float
    freedom: float

    def quantiles(self, places: Vector) -> Vector:
        """Log errors of these probabilities."""
        found: Vector = self.scale * student_t.ppf(places, df=self.freedom)
        return found

    def shocks(self) -> Vector:
        """Equally likely log errors, shape ``[SHOCKS]``."""
        return self.quantiles((np.arange(SHOCKS) + 0.5) / SHOCKS)


PUBLISHED = WorldError(0.0, 1.0)
"""Nothing is left to forecast."""


def world_growth(info: InformationSet, *, horizon: int, known: int) -> float:
    """Log growth of world trade from the last known totals to ``origin + horizon``.

    Parameters
    ----------
    info
        Information set of the origin.
    horizon
        Years from the origin to the target.
    known
        Years after the origin whose totals are published: growth starts there.

    Notes
    -----
    A year of which months are out follows them (`models.monthly_growth`); else the first year
    follows GDP news where they exist. For any other year the forecast is the mean of two: no
    growth, and the mean growth of the panel's years so far. Weights are equal, because a few booms
    and slumps cannot show which is right, and a weight fitted to them forecasts worse than either
    (Timmermann 2006, doi:10.1016/S1574-0706(05)01004-9).
    """
    return sum(_step(info, years=years) for years in range(known + 1, horizon + 1))


def growth_is_seen(info: InformationSet, *, horizon: int, known: int) -> bool:
    """Whether published totals and months show all growth of the world up to the target year."""
    years = range(known + 1, horizon + 1)
    return all(_monthly_news(info, years=year) is not None for year in years)


def _step(info: InformationSet, *, years: int) -> float:
    """Log growth of world trade in the year that is ``years`` after the origin."""
    if (news := _monthly_news(info, years=years)) is not None:
        return news
    if years == 1 and (gdp_news := _common_news(info)) is not None:
        return gdp_news
    return _trend(info)


def _monthly_news(info: InformationSet, *, years: int) -> float | None:
    """Growth that monthly trade shows; None without, and where services or sales at home count."""
    if info.monthly is None or info.flows.diagonal or not info.goods.all():
        return None
    return monthly_growth(info.monthly, info.origin + years)


def world_error(infos: Mapping[int, InformationSet], *, origin: int, horizon: int) -> WorldError:
    """Distribution of the world forecast's log error at one horizon.

    Parameters
    ----------
    infos
        Information sets by origin, in one setting; those up to ``origin`` are used.
    origin, horizon
        Of the forecast the error is of.

    Notes
    -----
    Its square is the sum, over the years that are not published, of the mean square of past
    errors one year ahead; for every further year, of those of the trend. World trade moves every
    flow at once, so a few past origins hold only a few of its errors, however many flows there
    are: pooled residuals of the last origins miss the next slump. Years are assumed independent,
    which the totals of 1995-2017 do not contradict.
    """
    past = {a: info for a, info in infos.items() if a < origin}
    if not past:
        return PUBLISHED
    trade = np.log(np.maximum(infos[origin].exporter_totals.sum(axis=1), 1.0))
    known = published_years(infos[origin], horizon=horizon)
    variance = sum(
        float(np.mean(np.square(_step_errors(past, trade, infos[origin], years=years))))
        for years in range(known + 1, horizon + 1)
    )
    return WorldError(float(np.sqrt(variance)), float(len(past)))


def _step_errors(
    past: Mapping[int, InformationSet], trade: Vector, now: InformationSet, *, years: int
) -> list[float]:
    """Errors of past forecasts of one year's growth, made with the same kind of news as now's."""
    if _monthly_news(now, years=years) is not None:
        with_news = {a: _monthly_news(info, years=years) for a, info in past.items()}
        rows = {a: a - now.first_year + years for a in past}
        errors = [
            trade[rows[a]] - trade[rows[a] - 1] - growth
            for a, growth in with_news.items()
            if growth is not None and rows[a] < trade.size
        ]
        if errors:
            return errors
    steps = {a: _step(i, years=1) if years == 1 else _trend(i) for a, i in past.items()}
    return [
        trade[a - now.first_year + 1] - trade[a - now.first_year] - growth
        for a, growth in steps.items()
    ]


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
    # A prior at elasticity 1, worth one observation, stabilises the first origins.
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
