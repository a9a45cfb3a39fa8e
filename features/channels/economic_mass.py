"""Economic mass and demand: size, income, growth, structure and prices of both ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.feature import (
    CountryValues,
    Feature,
    FlowValues,
    Sign,
    exporter,
    gap,
    growth,
    importer,
    latest,
    log,
    ratio,
)
from features.information import InformationSet

GDP, REAL_GDP, POPULATION, EXCHANGE = "MACRO.GDP", "MACRO.GDP.REAL", "MACRO.POP", "MACRO.EXCH"
INDUSTRY, INVESTMENT = "NV.IND.TOTL.ZS", "NE.GDI.TOTL.ZS"
OUTLOOK = tuple(f"WEO.NGDP_RPCH.H{ahead}" for ahead in (1, 2, 3))
_GRAVITY = "Anderson and van Wincoop (2003), doi:10.1257/000282803321455214"

income = log(ratio(latest(GDP), latest(POPULATION)))
"""ln GDP per head, USD."""


def exchange_change(*, years: int) -> CountryValues:
    """Log change of local currency per USD, positive for a depreciation.

    Jumps above 100 percent within a year are masked: most are redenominations.
    """

    def values(info: InformationSet) -> NDArray[np.floating]:
        total = np.zeros(info.n_countries)
        for back in range(years):
            now, then = info.latest(EXCHANGE, back=back), info.latest(EXCHANGE, back=back + 1)
            known = (now > 0) & (then > 0)
            step = np.log(np.divide(now, then, out=np.full(now.shape, np.nan), where=known))
            total += np.where(np.abs(step) > np.log(2.0), np.nan, step)
        return total

    return values


def _totals_growth(side: str, *, years: int) -> FlowValues:
    """Log growth of the exporter's or importer's total (of the sector, where there are sectors)."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        totals = info.exporter_totals if side == "exporter" else info.importer_totals
        margin = info.flows.exporter_margin if side == "exporter" else info.flows.importer_margin
        if totals.shape[0] <= years:
            return np.full(info.flows.size, np.nan)
        now, then = totals[-1], totals[-1 - years]
        known = (now > 0) & (then > 0)
        change = np.log(np.divide(now, then, out=np.full(now.shape, np.nan), where=known))
        return change[margin]

    return values


def _openness(side: str) -> FlowValues:
    """Ln of total exports (imports) over GDP of the latest year both are known."""

    def values(info: InformationSet) -> NDArray[np.floating]:
        k = len(info.flows.sectors)
        totals = info.exports if side == "exporter" else info.imports
        total = totals[-1].reshape(-1, k).sum(axis=1)
        gdp = info.at(GDP, info.origin) * 1e6
        known = (total > 0) & (gdp > 0)
        share = np.log(np.divide(total, gdp, out=np.full(total.shape, np.nan), where=known))
        return share[info.flows.exporter if side == "exporter" else info.flows.importer]

    return values


def _expected_growth(info: InformationSet) -> NDArray[np.floating]:
    """Mean growth, percent, in the latest published outlook for its next three years."""
    return np.mean([info.latest(name) for name in OUTLOOK], axis=0)


def _mass(name: str, unit: str, series: tuple[str, ...], sign: Sign, build: FlowValues) -> Feature:
    return Feature(name, "economic_mass", unit, series, sign, _GRAVITY, build)


_log_gdp = log(latest(GDP))

FEATURES: tuple[Feature, ...] = (
    _mass("gdp_exporter", "ln million USD", (GDP,), "+", exporter(_log_gdp)),
    _mass("gdp_importer", "ln million USD", (GDP,), "+", importer(_log_gdp)),
    _mass("income_exporter", "ln USD a head", (GDP, POPULATION), "two-sided", exporter(income)),
    _mass("income_importer", "ln USD a head", (GDP, POPULATION), "two-sided", importer(income)),
    _mass("income_gap", "ln ratio", (GDP, POPULATION), "two-sided", gap(income)),
    _mass("real_growth_3_exporter", "ln change", (REAL_GDP,), "+",
          exporter(growth(REAL_GDP, years=3))),
    _mass("real_growth_3_importer", "ln change", (REAL_GDP,), "+",
          importer(growth(REAL_GDP, years=3))),
    _mass("expected_growth_exporter", "percent", OUTLOOK, "+", exporter(_expected_growth)),
    _mass("expected_growth_importer", "percent", OUTLOOK, "+", importer(_expected_growth)),
    _mass("total_growth_5_exporter", "ln change", (), "none", _totals_growth("exporter", years=5)),
    _mass("total_growth_5_importer", "ln change", (), "none", _totals_growth("importer", years=5)),
    _mass("openness_exporter", "ln share of GDP", (GDP,), "none", _openness("exporter")),
    _mass("openness_importer", "ln share of GDP", (GDP,), "none", _openness("importer")),
    _mass("industry_share_exporter", "percent of GDP", (INDUSTRY,), "none",
          exporter(latest(INDUSTRY))),
    _mass("investment_importer", "percent of GDP", (INVESTMENT,), "+",
          importer(latest(INVESTMENT))),
    _mass("depreciation_3_exporter", "ln change", (EXCHANGE,), "+",
          exporter(exchange_change(years=3))),
    _mass("depreciation_3_importer", "ln change", (EXCHANGE,), "-",
          importer(exchange_change(years=3))),
)  # fmt: skip
