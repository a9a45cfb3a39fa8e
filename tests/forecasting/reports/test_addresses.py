"""Links between the pages of a run: where pages exist, and only those of this run."""

from __future__ import annotations

import os
from pathlib import Path

from forecasting.reports.addresses import country_addresses, pages_folder, report_address


def test_pages_that_exist_are_linked_from_where_the_report_lies(tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "a" / "b"
    run.mkdir()
    (run / "forecasts.parquet").touch()
    assert country_addresses(run, run / "report.html") == {}
    folder = pages_folder(run)
    assert folder == tmp_path / "run-countries"
    folder.mkdir()
    for name in ("index", "DEU", "FRA"):
        (folder / f"{name}.html").touch()
    found = country_addresses(run, elsewhere / "report.html")
    assert list(found) == ["index.html", "DEU", "FRA"]
    assert found["DEU"] == "../../run-countries/DEU.html"
    assert country_addresses(run, run / "report.html")["DEU"] == "../run-countries/DEU.html"


def test_pages_of_an_earlier_run_of_the_same_name_are_not_linked(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    folder = pages_folder(run)
    folder.mkdir()
    (folder / "index.html").touch()
    (run / "forecasts.parquet").touch()
    os.utime(folder / "index.html", (1, 1))
    assert country_addresses(run, run / "report.html") == {}


def test_pages_lead_to_the_report_where_there_is_one(tmp_path: Path) -> None:
    run, page = tmp_path / "run", tmp_path / "run-countries" / "DEU.html"
    run.mkdir()
    assert report_address(run, page) == ""
    (run / "report.html").touch()
    assert report_address(run, page) == "../run/report.html"
