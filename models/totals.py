"""Country totals of the target year: published where the as-of date allows, forecast otherwise."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from features.arrays import quotient
from features.channels.economic_mass import GDP
from features.channels.published_totals import EXPORT_INDEX, IMPORT_INDEX, index_growth
from features.feature import TECHNOLOGY, Channel
from features.information import InformationSet
from models.absorption import reachable_absorption
from models.design import origin_value
from models.monthly_growth import monthly_growth
from models.totals_growth import Growth, relative_growth, starts
from models.totals_technology import proven_channels

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


LEAST_YEARS = 4
"""With fewer years of trade, no world growth is forecast."""
SHOCKS = 15
"""Points that represent the distribution of the world's forecast error."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Exporter and importer totals of one target year, USD, shape ``[margin]``.

    Attributes
    ----------
    channels
        Technology that they were forecast with, in alphabetical order; mostly none.
    coalitions
        What they would be with some of these channels alone, by every proper subset of them.
    refitted
        What a model fitted without technology forecasts; None where they are that.
    """

    exporter: Vector
    importer: Vector
    channels: tuple[Channel, ...] = ()
    coalitions: Mapping[tuple[Channel, ...], Totals] = field(default_factory=dict)
    refitted: Totals | None = None

    @property
    def without_technology(self) -> Totals:
        """As forecast by a model fitted without technology."""
        return self.refitted or self

    def with_only(self, channels: Collection[Channel]) -> Totals:
        """What they would be with those of their channels alone."""
        kept = tuple(channel for channel in self.channels if channel in channels)
        return self if kept == self.channels else self.coalitions[kept]


def published_totals(info: InformationSet, *, years: int = 1) -> Totals | None:
    """Totals of origin + ``years`` from published value indices; None where none is published.

    Panels with domestic sales have none either: the indices cover foreign trade, their totals are
    gross output and absorption.

    Exporter totals grow with the export value index, importer totals with the import value index.
    A country without an index takes the median growth since the origin. Importer totals are scaled
    to the exporters' sum, sector by sector. The indices cover merchandise: totals of services are
    NaN, and a panel of services has none.
    """
    if info.flows.diagonal or not info.goods.any():
        return None
    indexed = np.tile(info.goods, info.n_countries)
    sides = []
    for series, totals in (
        (EXPORT_INDEX, origin_totals(info).exporter),
        (IMPORT_INDEX, origin_totals(info).importer),
    ):
        growth = index_growth(info, series, year=info.origin + years, since=info.origin)
        if np.isnan(growth).all():
            return None
        growth = np.where(np.isnan(growth), np.nanmedian(growth), growth)
        sides.append(np.where(indexed, totals * np.repeat(growth, len(info.flows.sectors)), np.nan))
    exporter, importer = sides
    return Totals(*_balanced(exporter, importer, sectors=len(info.flows.sectors)))


def published_years(info: InformationSet, *, horizon: int) -> int:
    """Years after the origin, up to ``horizon``, whose totals are published without a gap."""
    years = 0
    while years < horizon and published_totals(info, years=years + 1) is not None:
        years += 1
    return years


def origin_totals(info: InformationSet) -> Totals:
    """Sums of the flows a base starts from, those carried over an unknown year included."""
    value = origin_value(info)
    return Totals(info.flows.exporter_totals(value), info.flows.importer_totals(value))


def carried_totals(info: InformationSet, *, horizon: int) -> Totals:
    """Last totals published up to origin + ``horizon``, or the origin's: the raked baseline's."""
    known = known_totals_after(info, years=published_years(info, horizon=horizon))
    return _filled(known, origin_totals(info))


def known_totals_after(info: InformationSet, *, years: int) -> Totals:
    """Totals of the origin, or those published ``years`` after it: NaN where none are."""
    published = published_totals(info, years=years) if years else None
    return published or origin_totals(info)


def _filled(totals: Totals, other: Totals) -> Totals:
    """``totals``, the margins that have none from ``other``."""

    def sides(channels: Collection[Channel]) -> tuple[Vector, Vector]:
        ours, theirs = totals.with_only(channels), other.with_only(channels)
        return (
            np.where(np.isnan(ours.exporter), theirs.exporter, ours.exporter),
            np.where(np.isnan(ours.importer), theirs.importer, ours.importer),
        )

    channels = {*totals.channels, *other.channels}
    if not channels:
        return Totals(*sides(()))
    return _with_coalitions(
        sides, channels, _filled(totals.without_technology, other.without_technology)
    )


def _with_coalitions(
    sides: Callable[[Collection[Channel]], tuple[Vector, Vector]],
    channels: Collection[Channel],
    refitted: Totals,
) -> Totals:
    """Totals with all channels and with every proper subset, from both sides by channels."""
    every = tuple(sorted(channels))
    subsets = chain.from_iterable(combinations(every, size) for size in range(len(every)))
    coalitions = {kept: Totals(*sides(kept), kept) for kept in subsets}
    return Totals(*sides(every), every, coalitions, refitted)


def forecast_totals(
    infos: Mapping[int, InformationSet],
    *,
    origin: int,
    horizons: Sequence[int],
    technology: Collection[Channel] = TECHNOLOGY,
) -> dict[int, Totals]:
    """Totals of origin + h for every horizon.

    Parameters
    ----------
    infos
        Information sets by origin, in one setting: ``origin`` and every earlier one to learn from.
    origin, horizons
        Forecast origin; horizons in years.
    technology
        Channels that they may be forecast with.

    Returns
    -------
    dict
        `Totals` by horizon, grown from the last ones published up to the target year.

    Notes
    -----
    A country's growth beyond the world's is a ridge regression, pooled over countries and earlier
    origins (`models.totals_growth`). The world's growth is its elasticity to world GDP times the
    GDP growth published since the origin, and beyond that a trend (`world_growth`). Published
    totals are corrected for their past gaps to bilateral trade.
    Only totals of years up to ``origin`` are learned from. Services have no published totals, and
    are forecast as if goods had none either.

    With sectors, a country's total is the sum over its sectors: country totals forecast on the
    panel summed over sectors had larger errors in shares of the world. Exporters' and
    importers' totals have the same sum in every sector, and together the forecast growth of the
    world. Without that last scaling they would not: the many small totals do not grow like the
    average dollar.
    """
    until = {a: infos[a] for a in sorted(infos) if a <= origin}
    furthest = published_years(infos[origin], horizon=max(horizons))
    out: dict[int, Totals] = {}
    for years in sorted({min(furthest, horizon) for horizon in horizons}):
        wanted = [horizon for horizon in horizons if min(furthest, horizon) == years]
        grown = _grown(until, origin=origin, years=years, horizons=wanted, technology=technology)
        if years and not infos[origin].goods.all():
            rest = _grown(until, origin=origin, years=0, horizons=wanted, technology=technology)
            grown = {horizon: _filled(totals, rest[horizon]) for horizon, totals in grown.items()}
        out |= grown
    return {horizon: out[horizon] for horizon in horizons}


def _grown(
    infos: Mapping[int, InformationSet],
    *,
    origin: int,
    years: int,
    horizons: Sequence[int],
    technology: Collection[Channel],
) -> dict[int, Totals]:
    """Totals of the horizons, grown from those known ``years`` after the origin; else NaN."""
    info = infos[origin]
    # Comparable origins are those with totals published as far ahead.
    alike = {a: past for a, past in infos.items() if published_years(past, horizon=years) == years}
    known = {a: known_totals_after(past, years=years) for a, past in alike.items()}
    growth: dict[int, list[Growth]] = {horizon: [] for horizon in horizons}
    bare: dict[int, list[Growth]] = {horizon: [] for horizon in horizons}
    for exports in (True, False):
        levels = {a: t.exporter if exports else t.importer for a, t in known.items()}
        by_origin = starts(alike, levels, years=years, exports=exports)
        now = by_origin.pop(origin)
        fit = partial(relative_growth, info, by_origin, now, exports=exports)
        able = set(technology) & set(now.technology) if max(horizons) > years else set()
        proven = proven_channels(info, by_origin, channels=able, exports=exports, horizon=years + 1)
        for horizon in horizons:
            bare[horizon].append(fit(horizon=horizon))
            helped = proven and horizon > years
            growth[horizon].append(
                fit(horizon=horizon, channels=proven) if helped else bare[horizon][-1]
            )
    start = known[origin]
    out = {}
    for horizon in horizons:
        sides = partial(_grown_sides, info, start, world_growth(info, horizon=horizon, known=years))
        refitted = Totals(*sides(bare[horizon], ()))
        channels = {channel for side in growth[horizon] for channel in side.technology}
        out[horizon] = (
            _with_coalitions(partial(sides, growth[horizon]), channels, refitted)
            if channels
            else refitted
        )
    return out


def _grown_sides(
    info: InformationSet,
    start: Totals,
    world: float,
    growth: Sequence[Growth],
    channels: Collection[Channel],
) -> tuple[Vector, Vector]:
    """Exporter and importer totals that have the same sum in every sector."""
    sectors = len(info.flows.sectors)
    exporter, importer = (
        _moved(level * np.exp(world + side.other), side, channels, sectors=sectors)
        for level, side in zip((start.exporter, start.importer), growth, strict=True)
    )
    if info.flows.has_sectors:
        exporter *= np.nansum(start.exporter) * np.exp(world) / max(np.nansum(exporter), 1.0)
    if info.flows.diagonal:
        importer = reachable_absorption(origin_value(info), exporter, importer, flows=info.flows)
    return _balanced(exporter, importer, sectors=sectors)


def _moved(
    totals: Vector, growth: Growth, channels: Collection[Channel], *, sectors: int
) -> Vector:
    """Totals moved by the technology of some channels; the sum of every sector stays."""
    moves = [move for channel, move in growth.technology.items() if channel in channels]
    if not moves:
        return totals
    moved = totals * np.exp(np.sum(moves, axis=0))
    before, after = (np.nansum(side.reshape(-1, sectors), axis=0) for side in (totals, moved))
    out: Vector = moved * np.tile(quotient(before, after), totals.size // sectors)
    return out


def _balanced(exporter: Vector, importer: Vector, *, sectors: int) -> tuple[Vector, Vector]:
    """Importer totals scaled to the exporters' sum of their sector: what is sold is bought."""
    sold, bought = (side.reshape(-1, sectors).T.sum(axis=1) for side in (exporter, importer))
    scale = quotient(sold, bought)
    return exporter, importer * np.tile(scale, importer.size // sectors)


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
    World trade moves every flow at once, so a few past origins hold only a few of its errors,
    however many flows there are: pooled residuals of the last origins miss the next slump. Years
    are assumed independent, which the totals of 1995-2017 do not contradict.
    """
    past = {a: info for a, info in infos.items() if a < origin}
    if not past:
        return np.zeros(SHOCKS)
    trade = np.log(np.maximum(infos[origin].exporter_totals.sum(axis=1), 1.0))
    known = published_years(infos[origin], horizon=horizon)
    variance = sum(
        float(np.mean(np.square(_step_errors(past, trade, infos[origin], years=years))))
        for years in range(known + 1, horizon + 1)
    )
    nodes = (np.arange(SHOCKS) + 0.5) / SHOCKS
    shocks: NDArray[np.float64] = np.sqrt(variance) * student_t.ppf(nodes, df=len(past))
    return shocks


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
