"""Which record a forecast is shown with: never one of forecasts that knew more."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from forecasting.results.record_setting import poorer_settings, record_setting

ALL = ("reports_known", "totals_known", "ex_ante")


def _run(setting: str, settings: tuple[str, ...], *, reported: int, totals: float):
    news = ["exports_news_exporter", "imports_news_importer"]
    return SimpleNamespace(
        provenance={"kind": "run", "setting": setting, "reported_flows": reported},
        config=SimpleNamespace(settings=settings),
        coverage=pd.DataFrame({"feature": news, "share_of_flows": totals}),
    )


@pytest.mark.parametrize(
    ("reported", "totals", "settings", "record"),
    [
        (5, 0.0, ALL, "reports_known"),
        (0, 1.0, ALL, "totals_known"),
        (0, 0.0, ALL, "ex_ante"),
        (0, 1.0, ("reports_known", "ex_ante"), "ex_ante"),
        (0, 0.0, ("reports_known",), "reports_known"),
    ],
)
def test_a_forecast_without_reports_has_the_record_of_those_without(
    reported, totals, settings, record
):
    run = _run("reports_known", settings, reported=reported, totals=totals)
    assert record_setting(run) == record
    assert record in poorer_settings("reports_known", settings)


@pytest.mark.parametrize(("totals", "record"), [(1.0, "totals_known"), (0.0, "ex_ante")])
def test_a_forecast_without_totals_has_the_record_of_those_without(totals, record):
    run = _run("totals_known", ALL[1:], reported=0, totals=totals)
    assert record_setting(run) == record
