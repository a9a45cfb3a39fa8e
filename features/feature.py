"""What a feature is, and the common forms of features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.information import InformationSet

Channel = Literal[
    "persistence",
    "published_totals",
    "macro_news",
    "economic_mass",
    "trade_costs",
    "trade_policy",
    "ai_adoption",
    "automation",
    "data_infrastructure",
    "own",
    "horizon",
]
CHANNELS: dict[Channel, str] = {
    "persistence": "Persistence and momentum",
    "published_totals": "Published and forecast totals",
    "macro_news": "Macro news since the origin",
    "economic_mass": "Economic mass",
    "trade_costs": "Trade costs",
    "trade_policy": "Trade policy",
    "ai_adoption": "AI adoption",
    "automation": "Automation",
    "data_infrastructure": "Data infrastructure",
    "own": "Features of your own",
    "horizon": "Usual change at this horizon",
}
"""Every channel with its name in words, in the order of reports."""
OWN: Channel = "own"
"""Channel of users' features that belong to no other; no built-in feature does."""

TECHNOLOGY: frozenset[Channel] = frozenset({"ai_adoption", "automation", "data_infrastructure"})
"""Channels whose added value the project tests."""

Sign = Literal["+", "-", "two-sided", "none"]
CountryValues = Callable[[InformationSet], NDArray[np.floating]]
"""From an information set to one number per country, shape ``[country]``."""
FlowValues = Callable[[InformationSet], NDArray[np.floating]]
"""From an information set to one number per flow, shape ``[flow]``."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the design matrix, declared once.

    Attributes
    ----------
    name, channel, unit
        Column name, the economic story it belongs to, unit.
    series
        Indicators, pair attributes or sector attributes it is computed from; ``()`` for bilateral
        trade itself. Its publication lag is the longest among them.
    sign
        Expected sign of its effect on the shift.
    source
        Where that expectation comes from.
    build
        From an information set to the column, shape ``[flow]``. None for the horizon itself,
        which `models.design` fills.
    """

    name: str
    channel: Channel
    unit: str
    series: tuple[str, ...]
    sign: Sign
    source: str
    build: FlowValues | None


# Country quantities -------------------------------------------------------------------------------


def latest(series: str, *, back: int = 0) -> CountryValues:
    """Latest published value, or the one ``back`` years earlier."""
    return lambda info: info.latest(series, back=back)


def ratio(top: CountryValues, bottom: CountryValues, *, times: float = 1.0) -> CountryValues:
    """Quotient of two country quantities (per head, per worker, share of GDP)."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        below = bottom(info)
        return times * np.divide(
            top(info), below, out=np.full(below.shape, np.nan), where=below > 0
        )

    return values


def log(of: CountryValues) -> CountryValues:
    """Natural logarithm; NaN where the quantity is not positive."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        x = of(info)
        return np.log(x, out=np.full(x.shape, np.nan), where=x > 0)

    return values


def log1p(of: CountryValues) -> CountryValues:
    """``ln(1 + x)`` for counts and percentages that may be zero; negative values count as 0."""
    return lambda info: np.log1p(np.maximum(of(info), 0.0))


def growth(series: str, *, years: int) -> CountryValues:
    """Log change over the latest ``years`` published years."""
    now, then = log(latest(series)), log(latest(series, back=years))
    return lambda info: now(info) - then(info)


def change(of: Callable[..., CountryValues], series: str, *, years: int) -> CountryValues:
    """Change of ``of(latest(series))`` over the latest ``years`` published years."""
    now, then = of(latest(series)), of(latest(series, back=years))
    return lambda info: now(info) - then(info)


# From countries to flows --------------------------------------------------------------------------


def exporter(of: CountryValues) -> FlowValues:
    """The exporter's value."""
    return lambda info: of(info)[info.flows.exporter]


def importer(of: CountryValues) -> FlowValues:
    """The importer's value."""
    return lambda info: of(info)[info.flows.importer]


def gap(of: CountryValues) -> FlowValues:
    """Exporter's value less importer's."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        x = of(info)
        return x[info.flows.exporter] - x[info.flows.importer]

    return values


def pair_min(of: CountryValues) -> FlowValues:
    """The smaller of the two values: the weaker end limits the connection (OECD convention)."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        x = of(info)
        return np.minimum(x[info.flows.exporter], x[info.flows.importer])

    return values


def pair_max(of: CountryValues) -> FlowValues:
    """The larger of the two values: the more closed end bars the connection."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        x = of(info)
        return np.maximum(x[info.flows.exporter], x[info.flows.importer])

    return values


def product(left: FlowValues, right: FlowValues) -> FlowValues:
    """Product of two flow quantities."""
    return lambda info: left(info) * right(info)


def by_sector(name: str) -> FlowValues:
    """A static attribute of the flow's sector."""
    return lambda info: info.by_sector(name)


def static_pair(name: str) -> FlowValues:
    """A static pair attribute."""
    return lambda info: info.pair(name)[info.flows.exporter, info.flows.importer]


def centred(of: CountryValues) -> CountryValues:
    """Deviation from the median country, so that products with it change sign in the middle."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        x = of(info)
        known = x[~np.isnan(x)]
        return x - np.median(known) if known.size else x

    return values


def mean_score(*of: CountryValues) -> CountryValues:
    """Mean over quantities of each country's standard score among the countries.

    One number for several measures of the same thing, whatever their units and coverage: a measure
    that is unknown for a country does not count, and one that does not vary is 0.
    """

    def values(info: InformationSet) -> NDArray[np.floating]:
        scores = np.stack([_score(np.asarray(one(info), dtype=np.float64)) for one in of])
        known = ~np.isnan(scores)
        total, count = np.where(known, scores, 0.0).sum(axis=0), known.sum(axis=0)
        return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)

    return values


def _score(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Deviation from the mean of the known, in their standard deviations."""
    known = x[~np.isnan(x)]
    spread = known.std() if known.size else 0.0
    centred = x - known.mean() if known.size else x
    return centred / spread if spread > 0 else centred * 0.0
