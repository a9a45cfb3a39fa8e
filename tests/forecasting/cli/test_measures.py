"""``gravicast measures``: the list of measures, an answer on stdout, and files on request."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from features.measures.catalogue import MEASURES
from forecasting import read_run
from forecasting.cli.main import main
from forecasting.results.subjects import origin_of


@pytest.fixture
def measures(measured_run, capsys):
    """Ask the run for a measure; exit code, stdout and stderr."""

    def go(*arguments: str, run=measured_run) -> tuple[int, str, str]:
        code = main(["measures", arguments[0], str(run), *arguments[1:]])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return go


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        (("reshoring",), "Reshoring: 2010 to 2012"),
        (("market_share", "--country", "germany"),
         "Market share in a destination, Germany (DEU): 2010 to 2012"),
        (("digital", "--year", "2012"), "Digital slices: 2010 to 2012"),
        (("all", "--country", "USA"),
         "Shifts of the trade pattern, United States (USA): 2010 to 2012"),
    ],
)  # fmt: skip
def test_each_kind_is_answered(measures, asked, title):
    code, out, err = measures(*asked)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == title
    assert lines[1] == "=" * len(title)
    assert lines[-1] == "Figures, and all numbers as CSV: give --out DIR"
    assert "Track record" in lines
    assert "How to read this" in lines


def test_the_list_names_every_measure_with_its_family_and_needs(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["measures", "--list"])
    assert stopped.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    for measure in MEASURES:
        (line,) = [line for line in lines if line.split()[:1] == [measure.name]]
        assert measure.label in line
        assert measure.unit in line
        assert all(need in line for need in measure.needs)
    families = [line for line in lines if not line.startswith(" ")]
    assert [line.partition(":")[0] for line in families] == [
        "sectors", "partners", "links", "reshoring", "value_chains", "digital", "platforms"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "says", "remedy"),
    [
        (("reshorin",), "'reshorin'", "reshoring"),
        (("value_chains",), "could not measure 'value_chains'", "--tables DIR"),
        (("all", "--country", "Germny"), "no country 'Germny'", "DEU (Germany)"),
        (("all", "--year", "2013"), "2013", "2011"),
        (("low_cost_import_ratio", "--country", "China"), "no measure of", "another country"),
        (("all", "--overwrite"), "--overwrite needs --out", "--out DIR"),
    ],
)
def test_mistakes_are_told_in_one_line(measures, asked, says, remedy):
    code, out, err = measures(*asked)
    assert (code, out) == (2, "")
    assert err.startswith("gravicast: ")
    assert err.count("\n") == 1
    assert says in err
    assert remedy in err


def test_a_kind_that_does_not_exist_is_told_before_the_run_is_read(measures, tmp_path):
    _, _, err = measures("reshorin", run=tmp_path / "nowhere")
    assert "'reshorin'" in err
    _, _, err = measures("all", run=tmp_path / "nowhere")
    assert "there is no such folder" in err


def test_a_run_without_the_data_says_what_is_missing(measures, finished_run):
    code, _, err = measures("digital", run=finished_run)
    assert code == 2
    assert "could not measure 'digital'" in err
    assert "--domestic include" in err


def test_a_folder_of_a_forecast_is_refused(measures, measured_run, tmp_path):
    folder = tmp_path / "forecast"
    shutil.copytree(measured_run, folder)
    about = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**about, "kind": "forecast"}))
    code, _, err = measures("all", run=folder)
    assert code == 2
    assert "this is a forecast by a trained model" in err
    assert "gravicast run" in err


@pytest.mark.slow
def test_a_folder_holds_the_brief_its_tables_and_its_figures(measures, measured_run, tmp_path):
    out = tmp_path / "brief"
    code, printed, err = measures("links", "--out", str(out))
    assert (code, err) == (0, "")
    assert printed.splitlines()[-1] == f"With figures, and all numbers as CSV: {out / 'brief.md'}"
    names = ("active_links", "link_births", "link_deaths")
    assert {path.name for path in out.iterdir()} == {
        "brief.md",
        "skill.csv",
        *(f"{name}_{part}.csv" for name in names for part in ("forecasts", "contributions")),
        *(f"{name}.{suffix}" for name in (*names, "skill") for suffix in ("png", "svg")),
    }
    text = (out / "brief.md").read_text("utf-8")
    assert "is left out" not in text
    rows = pd.read_parquet(measured_run / "measures_forecasts.parquet")
    rows = rows.query("measure == 'link_births' and target_year == 2012")
    found = pd.read_csv(out / "link_births_forecasts.csv").set_index("country")["forecast_percent"]
    wanted = 100 * rows.set_index(rows["country"].astype(str))["forecast"]
    assert found.to_dict() == pytest.approx(wanted.to_dict())
    code, _, err = measures("links", "--out", str(out))
    assert code == 2
    assert "already holds a brief" in err
    assert measures("link_births", "--out", str(out), "--overwrite")[0] == 0
    assert not (out / "link_deaths.svg").exists()


def test_names_of_sectors_are_in_the_run_and_not_read_again(measures, measured_run):
    run = read_run(measured_run)
    assert run.config.sectors is None
    assert run.provenance["sector_names"]["c1"] == "Textiles"
    assert origin_of(run) == 2010
    assert "c1 Textiles" in measures("domestic_sourcing")[1]
