"""A measure of the trade pattern, and the data it is computed from.

A measure maps the trade of one year to one number per unit (a country, a country's sector, a pair).
The same function serves past and forecast years.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.measures.value_chains import ValueChains

Array = NDArray[np.float64]
Need = Literal[
    "sectors", "kinds", "domestic", "distance", "regions", "low_cost", "data", "hosting", "tables"
]
Dimension = Literal["exporter", "importer", "sector", "country"]
Family = Literal[
    "sectors", "partners", "links", "reshoring", "value_chains", "digital", "platforms"
]


@dataclass(frozen=True, slots=True)
class PanelContext:
    """Properties of a panel that do not change over time.

    Attributes
    ----------
    countries, sectors
        Codes, in the order of every array; a panel without sectors has one, the empty string.
    domestic
        Whether the diagonal (exporter = importer) holds domestic sales; zeros otherwise.
    distance
        Kilometres, shape ``[exporter, importer]``, NaN if unknown; None without distances.
    region
        Region code of each country, -1 if unknown; None without regions.
    manufacturing, services, digital
        Masks of sectors that are manufacturing, services, or digitally deliverable services, shape
        ``[sector]``; None if the kinds of sectors are unknown.
    data_intensity
        Of each sector, from 0 to 1, shape ``[sector]``; None if unknown.
    hosting
        Share of the importer's web content that the exporter hosts, ``[exporter, importer]``, NaN
        where unknown; None without such a matrix.
    """

    countries: tuple[str, ...]
    sectors: tuple[str, ...]
    domestic: bool
    distance: Array | None = None
    region: NDArray[np.int64] | None = None
    manufacturing: NDArray[np.bool_] | None = None
    services: NDArray[np.bool_] | None = None
    digital: NDArray[np.bool_] | None = None
    data_intensity: Array | None = None
    hosting: Array | None = None

    @property
    def goods(self) -> NDArray[np.bool_] | None:
        """Mask of sectors that are not services; None if the kinds of sectors are unknown."""
        return None if self.services is None else ~self.services


@dataclass(frozen=True, slots=True)
class TradeYear:
    """The trade of one year, observed or forecast.

    Attributes
    ----------
    context
        Of the panel.
    values
        USD, shape ``[exporter, importer, sector]``, never negative or NaN (unknown flows count as
        0); domestic sales on the diagonal, 0 without them.
    chance
        Probability that each flow is traded, same shape; 0 or 1 in an observed year.
    before
        Whether each flow was traded in the year that births and deaths are counted from.
    chains
        Value-chain measures of the year's input-output table; None without a table.
    """

    context: PanelContext
    values: Array
    chance: Array
    before: NDArray[np.bool_]
    chains: ValueChains | None = None

    @property
    def international(self) -> Array:
        """``values`` with the diagonal set to 0, a copy."""
        abroad = self.values.copy()
        own = np.arange(abroad.shape[0])
        abroad[own, own] = 0.0
        return abroad


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of the trade pattern, declared once.

    Attributes
    ----------
    name, label
        Identifier; in words.
    family
        Group of measures in reports.
    unit
        Of its values, such as ``share``, ``index``, ``km``.
    of
        Dimensions of its values, such as ``("exporter", "sector")``.
    needs
        Data it requires.
    source
        Paper or institution of the formula.
    compute
        From a year of trade to values, shape of ``of``, NaN where the measure is undefined.
    threshold
        A value whose crossing is an event (a revealed advantage is above 0), or None.
    """

    name: str
    label: str
    family: Family
    unit: str
    of: tuple[Dimension, ...]
    needs: frozenset[Need]
    source: str
    compute: Callable[[TradeYear], Array]
    threshold: float | None = None


def ratio(top: Array, bottom: Array) -> Array:
    """``top / bottom``, NaN where the bottom is not positive."""
    shape = np.broadcast_shapes(top.shape, bottom.shape)
    return np.divide(top, bottom, out=np.full(shape, np.nan), where=bottom > 0)
