"""Country totals that are known at an as-of date: the origin's, and those published after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from features.arrays import quotient
from features.channels.published_totals import EXPORT_INDEX, IMPORT_INDEX, index_growth
from features.feature import Channel
from features.information import InformationSet
from models.design import origin_value

Vector = NDArray[np.float64]


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
    growths = _published_growth(info, years)
    if growths is None:
        return None
    indexed, start = np.tile(info.goods, info.n_countries), origin_totals(info)
    exporter, importer = (
        np.where(indexed, totals * np.repeat(growth, len(info.flows.sectors)), np.nan)
        for totals, growth in zip((start.exporter, start.importer), growths, strict=True)
    )
    return Totals(*balanced(exporter, importer, sectors=len(info.flows.sectors)))


def _published_growth(info: InformationSet, years: int) -> list[Vector] | None:
    """Growth of exports and imports since the origin by country; None where none is published."""
    if info.flows.diagonal or not info.goods.any():
        return None
    growths = []
    for series in (EXPORT_INDEX, IMPORT_INDEX):
        growth = index_growth(info, series, year=info.origin + years, since=info.origin)
        if np.isnan(growth).all():
            return None
        growths.append(np.where(np.isnan(growth), np.nanmedian(growth), growth))
    return growths


def published_years(info: InformationSet, *, horizon: int) -> int:
    """Years after the origin, up to ``horizon``, whose totals are published without a gap."""
    years = 0
    while years < horizon and _published_growth(info, years + 1) is not None:
        years += 1
    return years


def origin_totals(info: InformationSet) -> Totals:
    """Sums of the flows a base starts from, those carried over an unknown year included."""
    value = origin_value(info)
    return Totals(info.flows.exporter_totals(value), info.flows.importer_totals(value))


def carried_totals(info: InformationSet, *, horizon: int) -> Totals:
    """Last totals published up to origin + ``horizon``, or the origin's: the raked baseline's."""
    known = known_totals_after(info, years=published_years(info, horizon=horizon))
    return filled(known, origin_totals(info))


def known_totals_after(info: InformationSet, *, years: int) -> Totals:
    """Totals of the origin, or those published ``years`` after it: NaN where none are."""
    published = published_totals(info, years=years) if years else None
    return published or origin_totals(info)


def filled(totals: Totals, other: Totals) -> Totals:
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
    return with_coalitions(
        sides, channels, filled(totals.without_technology, other.without_technology)
    )


def with_coalitions(
    sides: Callable[[Collection[Channel]], tuple[Vector, Vector]],
    channels: Collection[Channel],
    refitted: Totals,
) -> Totals:
    """Totals with all channels and with every proper subset, from both sides by channels."""
    every = tuple(sorted(channels))
    subsets = chain.from_iterable(combinations(every, size) for size in range(len(every)))
    coalitions = {kept: Totals(*sides(kept), kept) for kept in subsets}
    return Totals(*sides(every), every, coalitions, refitted)


def balanced(exporter: Vector, importer: Vector, *, sectors: int) -> tuple[Vector, Vector]:
    """Importer totals scaled to the exporters' sum of their sector: what is sold is bought."""
    sold, bought = (side.reshape(-1, sectors).T.sum(axis=1) for side in (exporter, importer))
    scale = quotient(sold, bought)
    return exporter, importer * np.tile(scale, importer.size // sectors)
