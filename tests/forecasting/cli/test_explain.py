"""``gravicast explain``: one question, an answer on stdout, and files where they are wanted."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from forecasting.cli.main import main


@pytest.fixture
def explain(finished_run, capsys):
    """Explain the finished run with these options; exit code, stdout and stderr."""

    def go(*options: str, run=finished_run) -> tuple[int, str, str]:
        code = main(["explain", str(run), *options])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return go


@pytest.mark.parametrize(
    ("options", "title"),
    [
        (("--country", "germany"), "Germany (DEU): forecast shifts of trade, 2012"),
        (("--country", "DEU", "--year", "2012"), "Germany (DEU): forecast shifts of trade, 2012"),
        (("--flow", "DEU, France"), "Germany (DEU) to France (FRA): forecast of 2012"),
        (
            ("--blocs", "DEU+FRA:China + IND"),
            "Trade between Germany (DEU) and France (FRA) on one side and China (CHN) and India "
            "(IND) on the other: forecast shifts, 2012",
        ),
        (
            ("--blocs", "*:USA", "--year", "2012"),
            "Trade between all 7 other countries on one side and United States (USA) on the "
            "other: forecast shifts, 2012",
        ),
        (("--year", "2012"), "World trade: forecast shifts, 2012"),
    ],
)
def test_each_question_is_answered(explain, options, title):
    code, out, err = explain(*options)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == title
    assert lines[1] == "=" * len(title)
    assert lines[-1] == "Figures, and all numbers as CSV: give --out DIR"
    assert "How to read this" in lines


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "name what to explain"),
        (("--flow", "DEU,FRA", "--country", "DEU"), "--flow and --country cannot be combined"),
        (("--country", "DEU", "--blocs", "DEU:FRA"), "--country and --blocs cannot be combined"),
        (("--country", "Germny"), "DEU (Germany)"),
        (("--flow", "DEU"), "not a flow"),
        (("--flow", "DEU,FRA,cars"), "not a flow"),
        (("--flow", "DEU,DEU"), "domestic"),
        (("--flow", "DEU,XYZ"), "'XYZ'"),
        (("--blocs", "DEU+FRA"), "not a pair of blocs"),
        (("--blocs", "DEU:FRA:CHN"), "not a pair of blocs"),
        (("--blocs", "DEU:"), "empty"),
        (("--blocs", "DEU+FRA:CHN+FRA"), "both blocs"),
        (("--year", "2030"), "Choose from 2011, 2012"),
        (("--country", "DEU", "--year", "1999"), "Choose from 2011, 2012"),
        (("--country", "DEU", "--overwrite"), "--overwrite needs --out"),
    ],
)
def test_a_mistake_is_told_in_one_line(explain, options, says, tmp_path):
    code, out, err = explain(*options)
    assert (code, out) == (2, "")
    assert err.startswith("gravicast: ")
    assert err.count("\n") == 1
    assert says in err


def test_a_folder_that_holds_no_run_or_another_versions_is_refused(explain, finished_run, tmp_path):
    assert "no such folder" in explain("--country", "DEU", run=tmp_path / "none")[2]
    assert "no run in this folder" in explain("--country", "DEU", run=tmp_path)[2]
    old = tmp_path / "old"
    shutil.copytree(finished_run, old)
    about = json.loads((old / "run.json").read_text())
    (old / "run.json").write_text(json.dumps({**about, "format": 1}))
    code, out, err = explain("--country", "DEU", run=old)
    assert (code, out) == (2, "")
    assert "another version" in err


def test_the_folder_holds_text_numbers_and_figures(explain, tmp_path):
    out = tmp_path / "deu-chn"
    code, printed, err = explain("--flow", "DEU,CHN", "--out", str(out))
    assert (code, err) == (0, "")
    assert printed.splitlines()[-1].endswith(str(out / "brief.md"))
    names = {path.name for path in out.iterdir()}
    tables = {"years.csv", "parts.csv", "features.csv", "past_forecasts.csv"}
    figures = {f"{kind}.{suffix}" for kind in ("waterfall", "fan") for suffix in ("png", "svg")}
    assert names == {"brief.md", *tables, *figures}
    assert (out / "waterfall.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (out / "fan.svg").read_text(encoding="utf-8")
    text = (out / "brief.md").read_text(encoding="utf-8")
    for name in ("waterfall.png", "fan.png"):
        assert f"({name})" in text
    assert pd.read_csv(out / "years.csv")["target_year"].tolist() == [2011, 2012]


def test_a_folder_is_refused_before_the_run_is_read(explain, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    code, out, err = explain("--country", "DEU", "--out", str(tmp_path), run=tmp_path / "none")
    assert (code, out) == (2, "")
    assert "not from a brief" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_help_shows_every_question(capsys):
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    printed = capsys.readouterr().out
    for option in ("--flow", "--country", "--blocs", "--year", "--out", "--overwrite", "examples:"):
        assert option in printed
