"""Country totals of the target year: published where the as-of date allows, forecast otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from features.arrays import quotient
from features.feature import TECHNOLOGY, Channel
from features.information import InformationSet
from models.absorption import reachable_absorption
from models.design import origin_value
from models.known_totals import (
    Totals,
    balanced,
    filled,
    known_totals_after,
    published_years,
    with_coalitions,
)
from models.totals_growth import Growth, relative_growth, starts
from models.totals_technology import proven_channels
from models.world_growth import growth_is_seen, world_growth

Vector = NDArray[np.float64]


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
    importers' totals have the same sum in every sector. Together they grow as the world is forecast
    to, with sectors or where published totals and months show that growth. Without that last
    scaling they would not: the many small totals do not grow like the average dollar. Where the
    world's growth is a trend, scaling to it moved errors of goods up as often as down.
    """
    until = {a: infos[a] for a in sorted(infos) if a <= origin}
    furthest = published_years(infos[origin], horizon=max(horizons))
    out: dict[int, Totals] = {}
    for years in sorted({min(furthest, horizon) for horizon in horizons}):
        wanted = [horizon for horizon in horizons if min(furthest, horizon) == years]
        grown = _grown(until, origin=origin, years=years, horizons=wanted, technology=technology)
        if years and not infos[origin].goods.all():
            rest = _grown(until, origin=origin, years=0, horizons=wanted, technology=technology)
            grown = {horizon: filled(totals, rest[horizon]) for horizon, totals in grown.items()}
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
        world = world_growth(info, horizon=horizon, known=years)
        seen = info.flows.has_sectors or growth_is_seen(info, horizon=horizon, known=years)
        total = float(np.nansum(start.exporter) * np.exp(world)) if seen else None
        sides = partial(_grown_sides, info, start, world, total)
        refitted = Totals(*sides(bare[horizon], ()))
        channels = {channel for side in growth[horizon] for channel in side.technology}
        out[horizon] = (
            with_coalitions(partial(sides, growth[horizon]), channels, refitted)
            if channels
            else refitted
        )
    return out


def _grown_sides(
    info: InformationSet,
    start: Totals,
    world: float,
    total: float | None,
    growth: Sequence[Growth],
    channels: Collection[Channel],
) -> tuple[Vector, Vector]:
    """Exporter and importer totals of the same sum in every sector, together ``total`` if given."""
    sectors = len(info.flows.sectors)
    exporter, importer = (
        _moved(level * np.exp(world + side.other), side, channels, sectors=sectors)
        for level, side in zip((start.exporter, start.importer), growth, strict=True)
    )
    if total is not None:
        exporter *= total / max(np.nansum(exporter), 1.0)
    if info.flows.diagonal:
        importer = reachable_absorption(origin_value(info), exporter, importer, flows=info.flows)
    return balanced(exporter, importer, sectors=sectors)


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
