"""Names of features in words, from the grammar of their column names."""

from __future__ import annotations

import re

from features.channels.own_features import OWN_SOURCE

_STEMS = {
    "log_value": "last known value",
    "share_of_exporter": "share of the exporter's total",
    "share_of_importer": "share of the importer's total",
    "intensity": "trade intensity",
    "growth_vs_world": "growth against world trade",
    "growth_vs_margins": "growth against both countries' totals",
    "intensity_gap": "intensity against its own past",
    "value_gap": "value against its own past",
    "volatility": "volatility",
    "zeros": "years without trade",
    "link_age": "age of the link",
    "peak_gap": "distance from its peak",
    "reverse_value": "value of the opposite flow",
    "reverse_growth": "growth of the opposite flow",
    "balance": "bilateral balance",
    "structure_gap": "distance from the pattern of like countries",
    "similar_exporters_growth": "growth of like exporters",
    "similar_importers_growth": "growth of like importers",
    "other_exports_growth": "growth of the exporter's other exports",
    "other_imports_growth": "growth of the importer's other imports",
    "other_exports_churn": "churn of the exporter's other exports",
    "other_imports_churn": "churn of the importer's other imports",
    "silent_destinations": "destinations without trade",
    "silent_sources": "sources without trade",
    "newly_silent_destinations": "destinations that fell silent",
    "newly_silent_sources": "sources that fell silent",
    "sector_share_of_pair": "share of the sector in the pair's trade",
    "income": "income a head",
    "income_gap": "income a head, exporter against importer",
    "total_growth": "growth of the country's total",
    "agreement_wto": "agreement notified to the WTO",
    "agreement_share_of_imports": "imports under agreements",
    "wto_both": "years both in the WTO",
    "eu_both": "years both in the EU",
    "euro_both": "years both in the euro",
    "ai_articles_no_common_language": "AI articles without a common language",
    "patents_gap": "patents a head, exporter against importer",
    "exports_news": "news of total exports",
    "imports_news": "news of total imports",
    "gdp_news": "news of GDP",
    "real_gdp_news": "news of real GDP",
    "depreciation_news": "news of the currency",
    "agreement_age": "age of the agreement",
    "agreement_phase_in": "phase-in of the agreement",
    "deepening": "capital deepening",
    "automation_importer_x_wage_gap": "importer's capital per worker times wage gap",
    "automation_exporter_x_wage_gap": "exporter's capital per worker times wage gap",
    "deepening_importer_x_wage_gap": "importer's capital deepening times wage gap",
    "robots_importer_x_wage_gap": "importer's robots per worker times wage gap",
    "automation_exposure_x_wage_gap": "exposure to automation times wage gap",
    "ict_exports": "ICT share of exports",
    "ict_imports": "ICT share of imports",
    "domestic": "sale at home",
    "contiguity": "common border",
    "depreciation": "depreciation of the currency",
    "high_tech_exports": "share of high technology in exports",
    "years_ahead": "years ahead",
}
"""Where the column name reads badly; without the years and the end that follow."""
_ENDS = {
    "exporter": "exporter",
    "importer": "importer",
    "min": "the lower of both countries",
    "max": "the higher of both countries",
    "gap": "exporter against importer",
}
_CAPITALS = {"ai": "AI", "gdp": "GDP", "ict": "ICT", "wto": "WTO", "eu": "EU", "x": "times"}
_OWN = re.compile(rf"(?:_growth_(?P<years>\d+))?_(?P<end>{'|'.join(_ENDS)})$")
_NAME = re.compile(rf"(?P<stem>.+?)(?:_(?P<years>\d+))?(?:_(?P<end>{'|'.join(_ENDS)}))?$")


def feature_words(name: str, source: str = "") -> str:
    """A feature in words, such as ``GDP news, exporter`` for ``gdp_news_exporter``.

    Parameters
    ----------
    name
        Of its column.
    source
        Of the expectation on it: that of a user's own indicator holds the indicator's label, which
        reads better than its code.
    """
    if source.startswith(OWN_SOURCE) and (own := _OWN.search(name)):
        words = source.removeprefix(OWN_SOURCE)
        years = f", growth over {own['years']} years" if own["years"] else ""
        return f"{_capitalised(words)}{years}, {_ENDS[own['end']]}"
    if name in _STEMS:
        return _capitalised(_STEMS[name])
    found = _NAME.match(name)
    assert found is not None
    stem, years, end = found["stem"], found["years"], found["end"]
    words = _STEMS.get(stem) or " ".join(_CAPITALS.get(word, word) for word in stem.split("_"))
    if years:
        words += f" over {years} year{'s' * (years != '1')}"
    return _capitalised(f"{words}, {_ENDS[end]}" if end else words)


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]
