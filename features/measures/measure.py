"""What a measure of the trade pattern is, and what it is computed from.

A measure maps the trade of one year to one number a unit (a country, a country's sector, a pair).
It neither knows nor cares whether that year is past or forecast: the same function gives both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.measures.value_chains import ValueChains

Array = NDArray[np.float64]
Need = Literal["sectors", "kinds", "domestic", "distance", "regions", "tables"]
Dimension = Literal["exporter", "importer", "sector", "country"]
Family = Literal["sectors", "partners", "links", "reshoring", "value_chains", "digital"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What does not change from year to year.

    Attributes
    ----------
    countries, sectors
        Codes, in the order of every array; a panel without sectors has one, the empty string.
    domestic
        Whether the diagonal (exporter = importer) holds domestic sales; zeros otherwise.
    distance
        Kilometres, shape ``[exporter, importer]``, NaN where unknown; None where there are none.
    region
        Region code of each country, -1 where unknown; None where there are none.
    manufacturing, services, digital
        Which sectors make goods in factories, are services, or are digitally deliverable services,
        shape ``[sector]``; None where the kinds of sectors are unknown.
    """

    countries: tuple[str, ...]
    sectors: tuple[str, ...]
    domestic: bool
    distance: Array | None = None
    region: NDArray[np.int64] | None = None
    manufacturing: NDArray[np.bool_] | None = None
    services: NDArray[np.bool_] | None = None
    digital: NDArray[np.bool_] | None = None

    @property
    def goods(self) -> NDArray[np.bool_] | None:
        """Sectors that are not services; None where the kinds of sectors are unknown."""
        return None if self.services is None else ~self.services


@dataclass(frozen=True, slots=True)
class TradeYear:
    """The trade of one year, observed or forecast.

    Attributes
    ----------
    around
        What does not change from year to year.
    values
        USD, shape ``[exporter, importer, sector]``, never negative or NaN (unknown flows count as
        nothing); domestic sales on the diagonal, 0 where there are none.
    chance
        Probability that each flow is traded, same shape; 0 or 1 in an observed year.
    before
        Whether each flow was traded in the year that births and deaths are counted from.
    chains
        Value-chain measures of the year's input-output table; None where there is no table.
    """

    around: Surroundings
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
        The question it belongs to.
    unit
        In which its values are read, such as ``share``, ``index``, ``km``.
    of
        Dimensions of its values, such as ``("exporter", "sector")``.
    needs
        What the input must hold for it.
    source
        Paper or institution of the formula.
    compute
        From a year of trade to values, shape of ``of``, NaN where the measure is undefined.
    threshold
        A value whose crossing is an event of its own (a revealed advantage is above 0); None
        where there is none.
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
