"""Totals after the origin: published where the as-of date allows, forecast otherwise.

The published indices cover merchandise trade abroad. Where domestic sales are flows, they match no
total of the matrix but still carry news of trade abroad, so domestic flows get NaN. Nothing is
published for services: sectors marked as services have no index, and a panel without a sector table
is assumed to be goods.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.feature import CountryValues, Feature, FlowValues, exporter, importer
from features.information import InformationSet

EXPORT_INDEX, IMPORT_INDEX = "TX.VAL.MRCH.XD.WD", "TM.VAL.MRCH.XD.WD"
_SOURCE = "the raked base already holds the totals: what is left is how unevenly they fall"


def index_growth(
    info: InformationSet, series: str, *, year: int, since: int
) -> NDArray[np.float64]:
    """Ratio of a value index between two years, shape ``[country]``; NaN where not published."""
    now, then = info.at(series, year), info.at(series, since)
    known = (now > 0) & (then > 0)
    return np.divide(now, then, out=np.full(now.shape, np.nan), where=known)


def news(series: str) -> CountryValues:
    """Log growth of an index from the origin year to the year after it."""
    return lambda info: np.log(index_growth(info, series, year=info.origin + 1, since=info.origin))


def _goods_abroad(of: FlowValues) -> FlowValues:
    """NaN for domestic flows and for services."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        indexed = info.goods[info.flows.sector] & ~info.flows.domestic
        return np.where(indexed, of(info), np.nan)

    return values


FEATURES: tuple[Feature, ...] = (
    Feature("exports_news_exporter", "published_totals", "ln change", (EXPORT_INDEX,), "none",
            _SOURCE, _goods_abroad(exporter(news(EXPORT_INDEX)))),
    Feature("imports_news_importer", "published_totals", "ln change", (IMPORT_INDEX,), "none",
            _SOURCE, _goods_abroad(importer(news(IMPORT_INDEX)))),
)  # fmt: skip

HORIZON = Feature("years_ahead", "horizon", "years", (), "none", "horizon as a feature", None)
