"""Which setting of the back-test knew as much as a run's forecast does."""

from __future__ import annotations

from collections.abc import Collection

from features.choices import EX_ANTE, REPORTS_KNOWN, TOTALS_KNOWN
from forecasting.results.result import RunResult

POORER: dict[str, tuple[str, ...]] = {
    REPORTS_KNOWN: (TOTALS_KNOWN, EX_ANTE),
    TOTALS_KNOWN: (EX_ANTE,),
}
"""Settings that know less than one, most first."""
TOTALS_NEWS = {"exporter": "exports_news_exporter", "importer": "imports_news_importer"}
"""Features that hold the published growth of each side's totals."""


def any_total_published(run: RunResult) -> bool:
    """Whether totals of the year after the origin were known to the forecast."""
    news = run.coverage[run.coverage["feature"].isin(TOTALS_NEWS.values())]
    return bool((news["share_of_flows"] > 0).any())


def record_setting(run: RunResult) -> str:
    """Setting whose back-test knew as much as the forecast does.

    A forecast of which no total is published yet is not as good as those that knew totals, nor one
    without a report of the year after as those that had them: each is compared with forecasts that
    knew as little, where the run has them.
    """
    about = run.provenance
    setting = str(about["setting"])
    # A forecast by a trained model has the record of the run that trained it.
    settings = about["model"]["settings"] if about["kind"] == "forecast" else run.config.settings
    if setting == REPORTS_KNOWN and not about["reported_flows"]:
        setting = _next_poorer(setting, settings)
    if setting == TOTALS_KNOWN and not any_total_published(run):
        setting = _next_poorer(setting, settings)
    return setting


def poorer_settings(setting: str, settings: Collection[str]) -> set[str]:
    """Settings that `record_setting` may choose for a forecast in one."""
    return {setting, *(set(POORER.get(setting, ())) & set(settings))}


def _next_poorer(setting: str, settings: Collection[str]) -> str:
    """The richest of the settings that know less; the same without any."""
    return next((one for one in POORER[setting] if one in settings), setting)
