"""Country totals of the target year: published where the as-of date allows, forecast otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.channels.economic_mass import EXCHANGE, GDP, REAL_GDP
from features.channels.macro_news import since_origin
from features.channels.published_totals import EXPORT_INDEX, IMPORT_INDEX, index_growth
from features.information import InformationSet
from models.design import origin_value

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

PENALTIES = (30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, np.inf)
"""Ridge penalties nested validation chooses from; infinity is the random walk."""
VALIDATION_ORIGINS = 4
LARGEST_CHANGE = 1.5
"""Log changes of a total beyond this (reporting starts or stops) are not learned from."""
_LARGEST_NEWS = 1.0


@dataclass(frozen=True, slots=True)
class Totals:
    """Exporter and importer totals of one target year, USD, shape ``[margin]``."""

    exporter: Vector
    importer: Vector


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of trade at one origin: log totals known or published, and predictors."""

    start: Vector  # last known total, USD [margin]: of the origin, or of origin + 1 if published
    years: int  # 1 where ``start`` is the published total of origin + 1, else 0
    common: float  # forecast log growth of the world beyond ``start``
    predictors: Matrix  # [margin, predictor], deviations from the cross-section mean


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
        `Totals` by horizon. Where the totals of origin + 1 are published they are used as they are
        for h = 1 and grown from for h > 1.

    Notes
    -----
    A country's growth beyond the world's is a ridge regression, pooled over countries and earlier
    origins, on its own past growth, GDP and exchange-rate news and partners' news; the penalty is
    chosen on the last origins whose outcome is known at ``origin`` and may be infinite (no
    change). The world's growth is its elasticity to world GDP times the GDP growth published
    since the origin, and nothing beyond, because a trend in dollars forecasts worse than none.
    Only totals of years up to ``origin`` are learned from.
    """
    info = infos[origin]
    known = published_totals(info)
    past = sorted(past_origin for past_origin in infos if past_origin < origin)
    out = {}
    for horizon in horizons:
        if known is not None and horizon == 1:
            out[1] = known
            continue
        sides = []
        for side in ("exporter", "importer"):
            now = _side(info, side, known)
            train = {a: _side(infos[a], side, published_totals(infos[a])) for a in past}
            growth = _relative_growth(info, train, now, side=side, horizon=horizon)
            sides.append(now.start * np.exp(now.common + growth))
        out[horizon] = Totals(sides[0], sides[1] * (sides[0].sum() / sides[1].sum()))
    return out


def _known_totals(info: InformationSet, side: str) -> Matrix:
    return info.exporter_totals if side == "exporter" else info.importer_totals


def _side(info: InformationSet, side: str, published: Totals | None) -> _Side:
    totals = published or origin_totals(info)
    return _Side(
        start=totals.exporter if side == "exporter" else totals.importer,
        years=int(published is not None),
        common=0.0 if published is not None else _common_news(info),
        predictors=_predictors(info, side, published is not None),
    )


def _common_news(info: InformationSet) -> float:
    """Log growth of world trade implied by world GDP growth published since the origin."""
    gdp = info.series(GDP)
    first = info.last_year(GDP) - gdp.shape[0] + 1
    if gdp.shape[0] == 0 or info.last_year(GDP) <= info.origin:
        return 0.0
    trade = np.log(np.maximum(info.exporter_totals.sum(axis=1), 1.0))
    years = range(max(info.first_year, first) + 1, info.origin + 1)
    gdp_growth = np.array([_world_growth(gdp, year - first) for year in years])
    trade_growth = np.array([np.diff(trade)[year - info.first_year - 1] for year in years])
    if gdp_growth.size < 3:
        return 0.0
    # One observation's worth of prior at elasticity 1 keeps the first origins sane.
    prior = float(np.mean(gdp_growth**2))
    variation = gdp_growth @ gdp_growth + prior
    elasticity = (gdp_growth @ trade_growth + prior) / variation if variation > 0 else 1.0
    return float(elasticity * _world_growth(gdp, info.origin + 1 - first))


def _world_growth(gdp: Matrix, row: int) -> float:
    """Log growth of GDP summed over the countries known in both years; 0 where there are none."""
    known = (gdp[row] > 0) & (gdp[row - 1] > 0)
    if not known.any():
        return 0.0
    return float(np.log(gdp[row][known].sum() / gdp[row - 1][known].sum()))


def _predictors(info: InformationSet, side: str, published: bool) -> Matrix:
    """Predictors of a margin's growth, demeaned over margins, unknown cells 0."""
    flows, k = info.flows, len(info.flows.sectors)
    exports = side == "exporter"
    margin = flows.exporter_margin if exports else flows.importer_margin
    partner = flows.importer if exports else flows.exporter
    weight = np.nan_to_num(info.history[-1].astype(np.float64))
    total = np.maximum(np.bincount(margin, weights=weight, minlength=flows.margins), 1.0)

    def partners(values: NDArray[np.floating]) -> Vector:
        known = np.nan_to_num(values)[partner] * weight
        return np.bincount(margin, weights=known, minlength=flows.margins) / total

    news = [since_origin(GDP)(info), since_origin(REAL_GDP)(info)]
    exchange = since_origin(EXCHANGE, mask_above=float(np.log(2.0)))(info)
    columns = [np.repeat(v, k) for v in (*news, exchange)]
    columns += [partners(v) for v in news]
    columns += [_past_growth(_known_totals(info, side), years) for years in (1, 3, 5)]
    if published:
        indices = (EXPORT_INDEX, IMPORT_INDEX)
        growth = [
            np.log(index_growth(info, s, year=info.origin + 1, since=info.origin)) for s in indices
        ]
        columns += [np.repeat(v, k) for v in growth]
        columns.append(partners(growth[1] if exports else growth[0]))
    stacked = np.clip(np.stack(columns, axis=1), -_LARGEST_NEWS, _LARGEST_NEWS)
    known = ~np.isnan(stacked)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, stacked, 0.0).sum(axis=0) / count
    return np.where(known, stacked - mean, 0.0)


def _past_growth(totals: Matrix, years: int) -> Vector:
    """Yearly log growth of totals over up to ``years`` years, NaN where a total is not positive."""
    reach = min(years, totals.shape[0] - 1)
    if reach == 0:
        return np.full(totals.shape[1], np.nan)
    now, then = totals[-1], totals[-1 - reach]
    known = (now > 0) & (then > 0)
    return np.log(np.divide(now, then, out=np.full(now.shape, np.nan), where=known)) / reach


def _relative_growth(
    info: InformationSet,
    train: Mapping[int, _Side],
    now: _Side,
    *,
    side: str,
    horizon: int,
) -> Vector:
    """Forecast log growth beyond ``now.start`` relative to the mean margin."""
    totals = _known_totals(info, side)
    rows: list[tuple[Matrix, Vector]] = []
    for origin, past in train.items():
        target = origin + horizon - info.first_year
        same = past.years == now.years and past.predictors.shape[1] == now.predictors.shape[1]
        if target >= totals.shape[0] or not same:
            continue
        known = (totals[target] > 0) & (past.start > 0)
        growth = np.zeros(known.shape)
        growth[known] = np.log(totals[target][known] / past.start[known])
        known &= np.abs(growth) < LARGEST_CHANGE
        if known.any():
            rows.append((past.predictors[known], growth[known] - growth[known].mean()))
    if len(rows) < 2:
        return np.zeros(now.start.shape)
    penalty = _choose_penalty(rows, gap=horizon)
    if np.isinf(penalty):
        return np.zeros(now.start.shape)
    return now.predictors @ _ridge(rows, penalty)


def _ridge(rows: Sequence[tuple[Matrix, Vector]], penalty: float) -> Vector:
    """Slopes of a ridge on standardised predictors; no intercept, everything is demeaned."""
    x = np.concatenate([x for x, _ in rows])
    y = np.concatenate([y for _, y in rows])
    scale = np.maximum(x.std(axis=0), 1e-9)
    z = x / scale
    gram = z.T @ z + penalty * np.eye(z.shape[1])
    slopes: Vector = np.linalg.solve(gram, z.T @ y) / scale
    return slopes


def _choose_penalty(rows: Sequence[tuple[Matrix, Vector]], *, gap: int) -> float:
    """Penalty with the least absolute error on the last origins, each fitted on those before it.

    ``gap`` origins are left out between the two so that no outcome overlaps the validation year.
    """
    losses = np.zeros(len(PENALTIES))
    used = 0
    for last in range(len(rows) - 1, max(len(rows) - 1 - VALIDATION_ORIGINS, 0), -1):
        fitted = rows[: max(last - gap + 1, 0)]
        if len(fitted) < 2:
            break
        x, y = rows[last]
        used += 1
        for number, penalty in enumerate(PENALTIES):
            predicted = 0.0 if np.isinf(penalty) else x @ _ridge(fitted, penalty)
            losses[number] += float(np.abs(y - predicted).mean())
    # Too few origins to validate on: a heavy penalty rather than none.
    return PENALTIES[int(np.argmin(losses))] if used else PENALTIES[4]
