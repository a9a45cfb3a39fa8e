"""Joint draws of the markets and supplier countries behind a plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from forecasting.distribution.joint import RunDraws, joint_draws
from forecasting.planning.binding import BoundPlan, Links
from forecasting.results.result import RunResult
from forecasting.results.subjects import origin_of, years_of

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MarketDraws:
    """Draws of a plan's year, all of the same joint draws.

    Attributes
    ----------
    growth
        Of markets from the demand's year to the plan's, a ratio, shape ``[market, draw]``.
    median_growth
        The same of the forecasts, shape ``[market]``.
    market
        Imports in the plan's year, USD, shape ``[market, draw]``.
    last_market, last_pair
        Last known values, USD, shape ``[market]``, ``[pair]``.
    availability
        What a supplier country delivers of its last known value, 0 to 1, shape ``[pair, draw]``.
    pair_growth
        Forecast against the last known value, ratio, shape ``[pair]``.
    stops
        Probability that a country sells nothing, shape ``[pair]``.
    pair
        Imports from supplier countries in the plan's year, USD, shape ``[pair, draw]``.
    concentration
        Herfindahl index of each market's supplier countries, last known and forecast,
        shape ``[2, market]``.
    """

    growth: Vector
    median_growth: Vector
    market: Vector
    last_market: Vector
    last_pair: Vector
    availability: Vector
    pair_growth: Vector
    stops: Vector
    pair: Vector
    concentration: Vector


def market_draws(bound: BoundPlan, run: RunResult) -> MarketDraws:
    """Draw the markets and supplier countries of a plan.

    Raises
    ------
    InputError
        If the run has no back-test.
    """
    joint = joint_draws(run, n_draws=bound.plan.draws)
    members = _membership(bound.links, joint)
    years = years_of(run)
    place = years.index(bound.year)
    count = len(bound.links.markets)
    drawn = joint.sums(members).astype(np.float64)
    last = members @ np.nan_to_num(joint.last_known)
    forecast = members @ joint.forecast.T
    if bound.demand_year == origin_of(run):
        before, before_forecast = np.repeat(last[:, None], drawn.shape[-1], 1), last
    else:
        earlier = years.index(bound.demand_year)
        before, before_forecast = drawn[:, earlier], forecast[:, earlier]
    pairs = slice(count, count + len(bound.links.pairs))
    market = slice(0, count)
    stops = _stops(members[pairs], run, bound.year)
    return MarketDraws(
        growth=drawn[market, place] / np.maximum(before[market], 1e-9),
        median_growth=forecast[market, place] / before_forecast[market],
        market=drawn[market, place],
        last_market=last[market],
        last_pair=last[pairs],
        availability=_available(drawn[pairs, place], last[pairs], stops),
        pair_growth=forecast[pairs, place] / last[pairs],
        stops=stops,
        pair=drawn[pairs, place],
        concentration=_concentration(bound.links, joint, place),
    )


def _membership(links: Links, joint: RunDraws) -> csr_array:
    """Which flows each market and pair sums, shape ``[market + pair, flow]``."""
    columns = {name: joint.keys[name].astype("category") for name in joint.keys}
    codes = {name: column.cat.codes.to_numpy() for name, column in columns.items()}
    place = {name: {str(word): code for code, word in enumerate(column.cat.categories)}
             for name, column in columns.items()}  # fmt: skip
    names = {str(word) for word in columns["exporter"].cat.categories}
    rows = []
    for country, wanted in links.markets.itertuples(index=False):
        inside = codes["importer"] == place["importer"][country]
        if country in names:
            inside &= codes["exporter"] != place["exporter"][country]
        if wanted:
            inside &= codes["sector"] == place["sector"][wanted]
        rows.append(np.flatnonzero(inside))
    for country, market in links.pairs.itertuples(index=False):
        flows = rows[market]
        rows.append(flows[codes["exporter"][flows] == place["exporter"][country]])
    ends = np.concatenate([[0], np.cumsum([row.size for row in rows])])
    places = np.concatenate(rows)
    return csr_array((np.ones(places.size), places, ends), shape=(len(rows), len(joint.keys)))


def _stops(pairs: csr_array, run: RunResult, year: int) -> Vector:
    """A pair of several sectors stops where all of them do."""
    rows = run.forecasts[run.forecasts["target_year"] == year]
    trades = np.clip(rows["probability_of_trade"].to_numpy(dtype=np.float64), 0, 1)
    with np.errstate(divide="ignore"):
        silent = np.maximum(np.log1p(-np.nan_to_num(trades, nan=1.0)), -700)
    return np.asarray(np.exp(pairs @ silent)) if pairs.shape[0] else np.zeros(0)


def _available(drawn: Vector, last: Vector, stops: Vector) -> Vector:
    """Part of the last known value that is delivered; the lowest draws of a pair are its stops."""
    if not drawn.size:
        return drawn
    count = drawn.shape[1]
    available = np.minimum(drawn / last[:, None], 1.0)
    order = available.argsort(axis=1, kind="stable").argsort(axis=1)
    available[order < (stops * count)[:, None] - 0.5] = 0
    return np.asarray(available)


def _concentration(links: Links, joint: RunDraws, place: int) -> Vector:
    """Herfindahl index by market, last known and of the forecasts."""
    keys = joint.keys
    names, codes = np.unique(keys["exporter"].astype(str), return_inverse=True)
    values = (np.nan_to_num(joint.last_known), joint.forecast[place])
    out = np.zeros((2, len(links.markets)))
    chosen = _membership(Links(links.markets, links.pairs[:0], links.item_market,
                               links.supplier_pair), joint)  # fmt: skip
    for market in range(len(links.markets)):
        inside = chosen[[market]].toarray()[0]
        for which, value in enumerate(values):
            sums = np.bincount(codes, weights=inside * value, minlength=names.size)
            out[which, market] = np.sum((sums / max(sums.sum(), 1e-9)) ** 2)
    return out
