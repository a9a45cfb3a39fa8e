"""Growth of a country's total since it was last known: news, balance and past surprises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

from features.arrays import logs, mean_of_known
from features.channels.economic_mass import EXCHANGE, GDP, REAL_GDP
from features.channels.exposed_technology import ExposedTechnology, exposed_technology
from features.channels.macro_news import since_origin
from features.channels.published_totals import EXPORT_INDEX, IMPORT_INDEX, index_growth
from features.data.monthly import Direction
from features.feature import Channel
from features.information import InformationSet
from models.monthly_growth import regional_growth

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

PENALTIES = (30.0, 100.0, 300.0, 1_000.0, 3_000.0)
"""Ridge penalties to average over, from nearly least squares to nearly the random walk.

With so few origins, the one chosen by validation forecast worse than any of the middle three.
"""
SIZE_POWER = 0.25
"""Rows are weighted by the total to this power, so that large countries count for more."""
LARGEST_CHANGE = 1.5
"""Log changes of a total beyond this (reporting starts or stops) are not learned from."""
SURPRISE_PRIOR = 3.0
"""Origins without surprise that a country's mean surprise is shrunk by."""
_LARGEST_NEWS = 1.0
_KEPT_MARGINS = 1_000
"""Predictors of more are made anew for every origin that learns from them: kept, they would take
gigabytes."""


@dataclass(frozen=True, slots=True)
class Start:
    """One side of trade at one origin: the last known totals and predictors of their growth.

    Attributes
    ----------
    level
        Last known total, USD, shape ``[margin]``: of the origin, or published for a later year;
        NaN where none was.
    predictors
        Shape ``[margin, predictor]``, deviations from the mean margin.
    technology
        By channel, see `features.channels.exposed_technology`.
    """

    level: Vector
    predictors: Matrix
    technology: Mapping[Channel, ExposedTechnology] = field(default_factory=dict)

    def with_technology(self, channels: Sequence[Channel]) -> Matrix:
        """Predictors, after them the channels' standings, and then their exposed technology."""
        if not channels:
            return self.predictors
        found = [self.technology[channel] for channel in channels]
        standings, exposed = [one.standing for one in found], [one.exposed for one in found]
        return np.column_stack([self.predictors, *standings, *exposed])


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """What one origin teaches: predictors, growth beyond the mean margin, and weights."""

    predictors: Matrix
    growth: Vector
    weight: Vector


@dataclass(frozen=True, slots=True)
class Growth:
    """Log growth of one side's totals beyond the mean margin.

    Attributes
    ----------
    other
        All of it but what exposed technology adds, shape ``[margin]``.
    technology
        What that of each channel adds, shape ``[margin]``: slope times predictor, the exact SHAP
        value of a linear model against a country of mean standing.
    """

    other: Vector
    technology: Mapping[Channel, Vector] = field(default_factory=dict)


def relative_growth(
    info: InformationSet,
    past: Mapping[int, Start],
    now: Start,
    *,
    exports: bool,
    horizon: int,
    channels: Sequence[Channel] = (),
) -> Growth:
    """Forecast log growth of totals beyond ``now.level``, relative to the mean margin.

    Parameters
    ----------
    info
        Information set of the origin; only totals of years up to it are learned from.
    past, now
        Starts of earlier origins by origin, equally many years after them.
    exports
        Whether the totals are exporters'.
    horizon
        Years from the origin to the target.
    channels
        Technology to learn from beside the other predictors.

    Returns
    -------
    Growth
        The mean of ridge regressions pooled over margins and earlier origins, one for each of
        `PENALTIES`; 0 with fewer than two origins to learn from.
    """
    rows = training_rows(info, past, exports=exports, horizon=horizon, channels=channels)
    if len(rows) < 2:
        return Growth(np.zeros(now.level.shape))
    slopes = _mean_ridge([(r.predictors, r.growth, r.weight) for r in rows.values()])
    others = slopes.size - len(channels)
    added = zip(channels, slopes[others:], strict=True)
    return Growth(
        now.with_technology(channels)[:, :others] @ slopes[:others],
        {channel: slope * now.technology[channel].exposed for channel, slope in added},
    )


def training_rows(
    info: InformationSet,
    past: Mapping[int, Start],
    *,
    exports: bool,
    horizon: int,
    channels: Sequence[Channel],
) -> dict[int, TrainingRows]:
    """Rows of every earlier origin whose target year is known; arguments of `relative_growth`."""
    totals = known_totals(info, exports=exports)
    rows = {}
    for origin, start in past.items():
        target = origin + horizon - info.first_year
        if target >= totals.shape[0]:
            continue
        growth = logs(totals[target]) - logs(start.level)
        known = np.abs(growth) < LARGEST_CHANGE
        if known.any():
            weight = start.level[known] ** SIZE_POWER
            weight = weight / weight.mean()
            mean = np.average(growth[known], weights=weight)
            predictors = start.with_technology(channels)[known]
            rows[origin] = TrainingRows(predictors, growth[known] - mean, weight)
    return rows


def starts(
    infos: Mapping[int, InformationSet],
    levels: Mapping[int, Vector],
    *,
    years: int,
    exports: bool,
) -> dict[int, Start]:
    """Starts of one side by origin, from the totals known ``years`` after each."""
    out = {}
    for origin, info in infos.items():
        level = levels[origin]
        before = {past: levels[past] for past in levels if past + years <= origin}
        key = f"predictors {years} {exports} {info.monthly is None} {sorted(before)}"
        predictors = info.margins.get(key)
        if predictors is None:
            predictors = _predictors(info, level, before, years=years, exports=exports)
            if level.size <= _KEPT_MARGINS:
                info.margins[key] = predictors
        out[origin] = Start(level, predictors, exposed_technology(info))
    return out


def _predictors(
    info: InformationSet,
    level: Vector,
    before: Mapping[int, Vector],
    *,
    years: int,
    exports: bool,
) -> Matrix:
    """See `Start`; ``before`` are the levels of origins whose bilateral trade is known by now."""
    columns = [*_news(info, exports=exports), *_own_past(info, level, exports=exports)]
    if years:
        columns += _published_news(info, years=years, exports=exports)
        columns += _surprises(info, before, years=years, exports=exports)
    columns += _monthly_news(info, years=years, exports=exports)
    # Predictors are deviations from the mean margin; unknown totals must not enter that mean.
    return _deviations([np.where(np.isnan(level), np.nan, column) for column in columns])


def known_totals(info: InformationSet, *, exports: bool) -> Matrix:
    """Totals of the panel's years up to the origin, shape ``[year, margin]``."""
    return info.exporter_totals if exports else info.importer_totals


def _news(info: InformationSet, *, exports: bool) -> list[Vector]:
    """GDP and exchange-rate news since the origin, of the country and of its partners."""
    k = len(info.flows.sectors)
    gdp = [since_origin(GDP)(info), since_origin(REAL_GDP)(info)]
    exchange = since_origin(EXCHANGE, mask_above=float(np.log(2.0)))(info)
    own = [np.repeat(np.asarray(v, dtype=np.float64), k) for v in (*gdp, exchange)]
    names = (GDP, REAL_GDP)
    return own + [
        _partners(info, v, name=f"{name} news", exports=exports)
        for name, v in zip(names, gdp, strict=True)
    ]


def _published_news(info: InformationSet, *, years: int, exports: bool) -> list[Vector]:
    """Growth of the published indices: own, of the other side, and of the partners."""
    growth = [
        np.log(index_growth(info, series, year=info.origin + years, since=info.origin))
        for series in (EXPORT_INDEX, IMPORT_INDEX)
    ]
    own = [np.repeat(v, len(info.flows.sectors)) for v in growth]
    theirs = growth[1] if exports else growth[0]
    return [*own, _partners(info, theirs, name=f"index {years}", exports=exports)]


def _monthly_news(info: InformationSet, *, years: int, exports: bool) -> list[Vector]:
    """Growth of the region's trade in the year after the last known totals, and of partners'."""
    if info.monthly is None:
        return []
    sides: tuple[Direction, ...] = ("export", "import") if exports else ("import", "export")
    out = []
    for year in (info.origin + years + 1, info.origin + years + 2):
        own, partners = (
            regional_growth(info.monthly, year, side, info.flows.countries) for side in sides
        )
        k = len(info.flows.sectors)
        out += [
            np.repeat(own, k),
            _partners(info, partners, name=f"monthly {year}", exports=exports),
        ]
    return out


def _partners(
    info: InformationSet, values: NDArray[np.floating], *, name: str, exports: bool
) -> Vector:
    """Mean over a margin's partners, weighted by the last year's trade; unknown partners 0.

    Kept by ``name``, as every later origin learns from this one.
    """
    key = f"{name} {exports}"
    if key not in info.margins:
        flows = info.flows
        margin = flows.exporter_margin if exports else flows.importer_margin
        partner = flows.importer if exports else flows.exporter
        weight = np.nan_to_num(info.history[-1].astype(np.float64))
        total = np.maximum(np.bincount(margin, weights=weight, minlength=flows.margins), 1.0)
        known = np.nan_to_num(values)[partner] * weight
        info.margins[key] = np.bincount(margin, weights=known, minlength=flows.margins) / total
    return info.margins[key]


def _own_past(info: InformationSet, level: Vector, *, exports: bool) -> list[Vector]:
    """Growth so far, distance from the recent mean, and the balance of the two sides of trade."""
    own = logs(known_totals(info, exports=exports))
    other = logs(known_totals(info, exports=not exports))
    balance = own - other
    columns = [_yearly_growth(own, years) for years in (1, 3, 5, 10)]
    columns += [_yearly_growth(other, 3), logs(level) - mean_of_known(own[-5:])]
    columns += [balance[-1], *(balance[-1] - mean_of_known(balance[-years:]) for years in (5, 10))]
    return columns


def _surprises(
    info: InformationSet, before: Mapping[int, Vector], *, years: int, exports: bool
) -> list[Vector]:
    """Gap between bilateral trade and the totals published before: mean so far, and the last.

    A source that reconciles the reports of two countries differs from a country's own total,
    mostly in the same direction every year.
    """
    totals = known_totals(info, exports=exports)
    found = [
        logs(totals[origin + years - info.first_year]) - logs(level)
        for origin, level in before.items()
    ]
    if not found:
        return [np.zeros(totals.shape[1])] * 2
    errors = np.stack(found)
    errors = np.where(np.abs(errors) < LARGEST_CHANGE, errors, np.nan)
    known = ~np.isnan(errors)
    mean = np.where(known, errors, 0.0).sum(axis=0) / (known.sum(axis=0) + SURPRISE_PRIOR)
    return [mean, errors[-1]]


def _deviations(columns: Sequence[NDArray[np.floating]]) -> Matrix:
    """Columns side by side, clipped, less the mean margin; unknown cells 0."""
    stacked = np.stack(columns, axis=1).astype(np.float64)
    known = ~np.isnan(stacked)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, stacked, 0.0).sum(axis=0) / count
    return np.where(known, np.clip(stacked - mean, -_LARGEST_NEWS, _LARGEST_NEWS), 0.0)


def _yearly_growth(logs: Matrix, years: int) -> Vector:
    """Yearly log growth over up to ``years`` years."""
    reach = min(years, logs.shape[0] - 1)
    growth: Vector = (logs[-1] - logs[-1 - reach]) / max(reach, 1)
    return growth


def _mean_ridge(rows: Sequence[tuple[Matrix, Vector, Vector]]) -> Vector:
    """Slopes on standardised predictors, mean over the penalties; everything is demeaned before.

    The same to the last bit as scikit-learn's `ridge_regression` by Cholesky, which makes the
    normal equations anew for every penalty.
    """
    x, y, weight = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    scale = np.maximum(np.sqrt((x**2 * weight[:, None]).mean(axis=0)), 1e-9)
    root = np.sqrt(weight)
    weighted = x / scale * root[:, None]
    products, aims = weighted.T @ weighted, weighted.T @ (y * root)
    identity = np.eye(len(aims))
    slopes = [solve(products + p * identity, aims, assume_a="pos") for p in PENALTIES]
    mean: Vector = np.mean(slopes, axis=0) / scale
    return mean
