"""Macro news: changes in national accounts and exchange rates between origin and as-of date."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.channels.economic_mass import EXCHANGE, GDP, REAL_GDP
from features.feature import CountryValues, Feature, Sign, exporter, importer
from features.information import InformationSet

_SOURCE = "Chinn, Meunier and Stumpner (2023), doi:10.3386/w31419"


def since_origin(series: str, *, mask_above: float = np.inf) -> CountryValues:
    """Log change of a series from the origin year to the year after; NaN if not yet published.

    Changes beyond ``mask_above`` in absolute value are NaN (redenominations of a currency).
    """

    def values(info: InformationSet) -> NDArray[np.floating]:
        now, then = info.at(series, info.origin + 1), info.at(series, info.origin)
        known = (now > 0) & (then > 0)
        change = np.log(np.divide(now, then, out=np.full(now.shape, np.nan), where=known))
        return np.where(np.abs(change) > mask_above, np.nan, change)

    return values


def _news(name: str, series: str, sign: Sign, of: CountryValues, *, end: str) -> Feature:
    side = exporter if end == "exporter" else importer
    return Feature(f"{name}_{end}", "macro_news", "ln change", (series,), sign, _SOURCE, side(of))


_exchange = since_origin(EXCHANGE, mask_above=float(np.log(2.0)))

FEATURES: tuple[Feature, ...] = (
    _news("gdp_news", GDP, "+", since_origin(GDP), end="exporter"),
    _news("gdp_news", GDP, "+", since_origin(GDP), end="importer"),
    _news("real_gdp_news", REAL_GDP, "+", since_origin(REAL_GDP), end="exporter"),
    _news("real_gdp_news", REAL_GDP, "+", since_origin(REAL_GDP), end="importer"),
    _news("depreciation_news", EXCHANGE, "+", _exchange, end="exporter"),
    _news("depreciation_news", EXCHANGE, "-", _exchange, end="importer"),
)
