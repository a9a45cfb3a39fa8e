"""A run without figures and report, on names that are formulas, HTML and Markdown."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from forecasting import (
    ForecastConfig,
    RunConfig,
    country_brief,
    forecast_with,
    make_report,
    plot,
    read_run,
    run,
    write_brief,
)
from forecasting.cli.run_summary import run_summary
from forecasting.reports.scoreboard import write_scoreboard
from forecasting.results.result import RunResult
from forecasting.run_folder.csv_files import read_csv
from forecasting.tracking.run_note import run_note

FORMULA, IMAGE = "=HYPERLINK(A1)", "<img src=x onerror=alert(1)>"
FILE = "a [b](c) *d*.csv"


@pytest.fixture(scope="module")
def result(tmp_path_factory, make_trade) -> RunResult:
    folder = tmp_path_factory.mktemp("bare")
    make_trade(sectors=(FORMULA, IMAGE)).to_csv(folder / FILE, index=False)
    config = RunConfig(
        trade=folder / FILE, out=folder / "run", figures=False, report=False, horizons=(1,),
        settings=("ex_ante",), first_origin=2008, rounds=3, workers=1, experiment=None,
    )  # fmt: skip
    return run(config, show_progress=False)


def test_neither_figures_nor_report_are_written_and_both_can_be_made(result):
    assert not {"figures", "report.html"} & {path.name for path in result.out.iterdir()}
    again = read_run(result.out)
    assert (again.config.figures, again.config.report) == (False, False)
    assert "`gravicast report" not in (result.out / "scoreboard.md").read_text("utf-8")
    assert f"gravicast report {result.out}" in run_summary(result)
    assert "none; `gravicast report`" in run_note(again, "m-1")
    assert plot(again, "importance").axes


def test_a_report_made_later_holds_names_as_text(result, tmp_path, monkeypatch):
    monkeypatch.setattr("forecasting.reports.report.FIGURES", ())
    monkeypatch.setattr("forecasting.reports.countries._figure", lambda *_, **__: "")
    page = make_report(result.out, out=tmp_path / "report.html").read_text("utf-8")
    assert "&lt;img src=x" in page
    assert "<img src=x" not in page


def test_a_brief_holds_names_as_text(result, tmp_path, monkeypatch):
    monkeypatch.setattr("forecasting.briefs.write._draw", lambda *_: {})
    file = write_brief(country_brief(result, "DEU"), result, tmp_path / "brief")
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(file.read_text("utf-8"))
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html
    tables = [path for path in file.parent.glob("*.csv") if FORMULA in path.read_text("utf-8")]
    assert tables
    for path in tables:
        raw, table = path.read_text("utf-8"), read_csv(path)
        assert not re.search(rf"(^|,)\"?{re.escape(FORMULA[:3])}", raw, re.MULTILINE)
        assert f"'{FORMULA}" in raw
        assert FORMULA in table["sector"].tolist()


def test_the_scoreboard_names_the_file_as_it_is(result, tmp_path):
    page = write_scoreboard(result.out, out=tmp_path / "board.md").read_text("utf-8")
    assert f"Scoreboard: {FILE} (" in MarkdownIt().render(page)
    assert f"--trade '{FILE}'" in page


def test_its_folder_is_a_model(result, tmp_path):
    config = ForecastConfig(trade=result.config.trade, out=tmp_path / "forecast")
    found = forecast_with(result.out, config, show_progress=False)
    keys = ["exporter", "importer", "sector", "target_year"]
    both = found.forecasts.merge(result.forecasts, on=keys, suffixes=("", "_of_run"))
    assert len(both) == len(result.forecasts)
    pd.testing.assert_series_equal(both["forecast"], both["forecast_of_run"], check_names=False)
    assert read_run(Path(found.out)).coverage.equals(read_run(result.out).coverage)
