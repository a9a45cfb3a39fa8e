"""AI adoption: research, patents, software and R&D, per head or as a share of GDP."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.channels.economic_mass import GDP, POPULATION
from features.channels.trade_costs import any_of
from features.feature import (
    CountryValues,
    Feature,
    FlowValues,
    Sign,
    by_sector,
    centred,
    exporter,
    gap,
    importer,
    latest,
    log1p,
    mean_score,
    pair_min,
    product,
    ratio,
)
from features.information import InformationSet

ARTICLES, COMPUTING_PATENTS = "NSF.AI.ARTICLES", "NSF.IPF.COMPUTER.TECH"
MODELS, SOFTWARE, PATENTS = "EPOCH.NOTABLE.MODELS", "NSF.SOFTWARE.VA.USDM", "IP.PAT.RESD"
RESEARCH, ROYALTIES_IN = "GB.XPD.RSDV.GD.ZS", "BX.GSR.ROYL.CD"
ROYALTIES_OUT, PREPAREDNESS = "BM.GSR.ROYL.CD", "AIPI"
AI_PATENTS, AI_INVESTMENT = "AI.PATENTS", "AI.INVESTMENT"
EXPOSURE = "ai_exposure"

_WTO = "WTO, World Trade Report 2025; expected larger for digitally deliverable services"
_LANGUAGE = "Brynjolfsson, Hui and Liu (2019), doi:10.1287/mnsc.2019.3388"
_EXPOSED = (
    "WTO, World Trade Report 2025; exposure: Felten, Raj and Seamans (2021), doi:10.1002/smj.3286"
)
_DIFFUSION = "knowledge paid for abroad diffuses with trade in it"


def per_head(series: str) -> CountryValues:
    """``ln(1 + units per million persons)``."""
    return log1p(ratio(latest(series), latest(POPULATION)))


def share_of_gdp(series: str, *, scale: float) -> CountryValues:
    """``ln(1 + percent of GDP)``; ``scale`` turns the series into million USD."""
    return log1p(ratio(latest(series), latest(GDP), times=100.0 * scale))


def per_head_growth(series: str, *, years: int) -> CountryValues:
    """Change of ``ln(1 + units per million persons)``."""

    def at(back: int) -> CountryValues:
        return log1p(ratio(latest(series, back=back), latest(POPULATION, back=back)))

    now, then = at(0), at(years)
    return lambda info: now(info) - then(info)


def _recent_models(info: InformationSet) -> NDArray[np.floating]:
    """``ln(1 + notable AI models of the last five published years)``.

    In this source alone, an absent country-year is a true zero from the first figure on; before it
    nobody counted.
    """
    rows = info.series(MODELS)
    if np.isnan(rows).all():
        return np.full(info.n_countries, np.nan)
    return np.log1p(np.maximum(np.nan_to_num(rows[-5:]).sum(axis=0), 0.0))


def _no_common_language(info: InformationSet) -> NDArray[np.floating]:
    return 1.0 - any_of("comlang_off", "comlang_ethno")(info)


def _ai(
    name: str, unit: str, series: tuple[str, ...], sign: Sign, source: str, build: FlowValues
) -> Feature:
    return Feature(name, "ai_adoption", unit, series, sign, source, build)


_articles = per_head(ARTICLES)
adoption = mean_score(
    _articles,
    per_head(COMPUTING_PATENTS),
    per_head(PATENTS),
    per_head(AI_PATENTS),
    share_of_gdp(SOFTWARE, scale=1.0),
    share_of_gdp(ROYALTIES_IN, scale=1e-6),
    share_of_gdp(AI_INVESTMENT, scale=1.0),
)
"""Standing among the countries in everything that measures AI or what it is made of."""
_exposure = by_sector(EXPOSURE)
_HEADS = "ln(1 + per million persons)"
_LANGUAGES = ("comlang_off", "comlang_ethno")

FEATURES: tuple[Feature, ...] = (
    _ai("ai_articles_exporter", _HEADS, (ARTICLES, POPULATION), "+", _WTO, exporter(_articles)),
    _ai("ai_articles_importer", _HEADS, (ARTICLES, POPULATION), "+", _WTO, importer(_articles)),
    _ai("ai_articles_min", _HEADS, (ARTICLES, POPULATION), "+", _WTO, pair_min(_articles)),
    _ai("ai_articles_growth_5_exporter", "ln change", (ARTICLES, POPULATION), "+", _WTO,
        exporter(per_head_growth(ARTICLES, years=5))),
    _ai("ai_articles_no_common_language", _HEADS + ", 0 with a common language",
        (ARTICLES, POPULATION, *_LANGUAGES), "+", _LANGUAGE,
        product(exporter(centred(_articles)), _no_common_language)),
    _ai("computing_patents_exporter", _HEADS, (COMPUTING_PATENTS, POPULATION), "+", _WTO,
        exporter(per_head(COMPUTING_PATENTS))),
    _ai("ai_models_exporter", "ln(1 + count of five years)", (MODELS,), "+", _WTO,
        exporter(_recent_models)),
    _ai("software_share_exporter", "ln(1 + percent of GDP)", (SOFTWARE, GDP), "+", _WTO,
        exporter(share_of_gdp(SOFTWARE, scale=1.0))),
    _ai("research_exporter", "percent of GDP", (RESEARCH,), "+", _WTO, exporter(latest(RESEARCH))),
    _ai("patents_gap", "ln ratio", (PATENTS, POPULATION), "two-sided", _DIFFUSION,
        gap(per_head(PATENTS))),
    _ai("royalties_received_exporter", "ln(1 + percent of GDP)", (ROYALTIES_IN, GDP), "+",
        _DIFFUSION, exporter(share_of_gdp(ROYALTIES_IN, scale=1e-6))),
    _ai("royalties_paid_importer", "ln(1 + percent of GDP)", (ROYALTIES_OUT, GDP), "two-sided",
        _DIFFUSION, importer(share_of_gdp(ROYALTIES_OUT, scale=1e-6))),
    _ai("ai_patents_exporter", _HEADS, (AI_PATENTS, POPULATION), "+", _WTO,
        exporter(per_head(AI_PATENTS))),
    _ai("ai_investment_exporter", "ln(1 + percent of GDP)", (AI_INVESTMENT, GDP), "+", _WTO,
        exporter(share_of_gdp(AI_INVESTMENT, scale=1.0))),
    _ai("ai_preparedness_min", "index", (PREPAREDNESS,), "+", _WTO,
        pair_min(latest(PREPAREDNESS))),
    _ai("ai_exposure_x_articles_exporter", "exposure x ln", (EXPOSURE, ARTICLES, POPULATION), "+",
        _EXPOSED, product(_exposure, exporter(centred(_articles)))),
    _ai("ai_exposure_x_articles_importer", "exposure x ln", (EXPOSURE, ARTICLES, POPULATION),
        "two-sided", _EXPOSED, product(_exposure, importer(centred(_articles)))),
    _ai("ai_exposure_x_software_exporter", "exposure x ln", (EXPOSURE, SOFTWARE, GDP), "+",
        _EXPOSED, product(_exposure, exporter(centred(share_of_gdp(SOFTWARE, scale=1.0))))),
)  # fmt: skip
