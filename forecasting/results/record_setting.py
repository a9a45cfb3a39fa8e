"""Which setting of the back-test knew as much as a run's forecast does."""

from __future__ import annotations

from features.choices import EX_ANTE, TOTALS_KNOWN
from forecasting.results.result import RunResult

TOTALS_NEWS = {"exporter": "exports_news_exporter", "importer": "imports_news_importer"}
"""Features that hold the published growth of each side's totals."""


def any_total_published(run: RunResult) -> bool:
    """Whether totals of the year after the origin were known to the forecast."""
    news = run.coverage[run.coverage["feature"].isin(TOTALS_NEWS.values())]
    return bool((news["share_of_flows"] > 0).any())


def record_setting(run: RunResult) -> str:
    """Setting whose back-test knew as much as the forecast does.

    A forecast of which no total is published yet is not as good as those that knew totals: it is
    compared with the forecasts made ex ante, where the run has them.
    """
    about = run.provenance
    setting = str(about["setting"])
    # A forecast by a trained model has the record of the run that trained it.
    settings = about["model"]["settings"] if about["kind"] == "forecast" else run.config.settings
    if setting == TOTALS_KNOWN and EX_ANTE in settings:
        return setting if any_total_published(run) else EX_ANTE
    return setting
