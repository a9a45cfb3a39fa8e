"""A finished run read back is the run that was written, and nothing else is read as one."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import RunConfig, read_run
from forecasting.evaluation.backtest_file import read_backtest
from forecasting.reports.scoreboard import write_scoreboard
from forecasting.results.read import read_about
from forecasting.run_folder.record import FORMAT
from forecasting.serving.served_model import open_model


@pytest.fixture
def copy(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "copy"))


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        found,
        expected.reset_index(drop=True),
        check_dtype=False,
        check_categorical=False,
        check_exact=True,
    )


@pytest.mark.parametrize(
    "sectors",
    [
        pytest.param((), id="plain", marks=pytest.mark.slow),
        pytest.param(("goods", "services"), id="sectors"),
    ],
)
def test_a_run_is_read_back_as_it_was_returned(run_on, make_bundle, sectors):
    few = {"settings": ("totals_known",), "rounds": 3} if sectors else {}
    result = run_on(make_bundle(sectors=sectors), "run", first_origin=2008, **few)
    found = read_run(result.out)
    tables = ("forecasts", "scores", "scores_by_origin", "significance", "reliability",
              "attributions", "channels", "drivers", "stability", "coverage")  # fmt: skip
    for name in tables:
        expected = getattr(result, name)
        if name == "coverage":  # what a file cannot tell from nothing
            counts = expected[["countries", "carried"]].apply(pd.to_numeric).astype(float)
            expected = expected.replace("", np.nan).assign(**counts)
        same(getattr(found, name), expected)
    for field in fields(result.explanation):
        one, other = (getattr(r.explanation, field.name) for r in (found, result))
        if field.name == "rows":
            same(one, other)
        else:
            np.testing.assert_array_equal(one, other)
    for name in ("history", "forecasts", "backtest", "scores", "drivers"):
        same(getattr(found.measures, name), getattr(result.measures, name))
    assert found.measures.missing == result.measures.missing
    assert found.study is None
    assert found.out == result.out
    assert found.config == RunConfig.from_mapping(result.config.to_dict())
    assert found.timings == pytest.approx(result.timings)
    assert found.provenance["audit"]["origins"] == list(result.provenance["audit"]["origins"])


@pytest.mark.parametrize(
    ("trade", "recorded"),
    [(None, None), (None, "goods"), ("flows.csv", None), ("flows.csv", "goods")],
)
def test_a_run_of_a_version_that_simulated_goods_is_read_as_it_was(copy, trade, recorded):
    about = json.loads((copy / "run.json").read_text())
    about["config"] |= {"trade": trade, "world": recorded}
    if recorded is None:
        del about["config"]["world"]
    (copy / "run.json").write_text(json.dumps(about))
    found = read_run(copy).config
    assert found.domestic == "apart"
    assert found.settings == ("totals_known", "ex_ante")
    assert found.world == ("goods" if trade is None else RunConfig().world)


def test_columns_and_rows_of_the_backtest_are_chosen(finished_run):
    everything = pd.read_parquet(finished_run / "backtest.parquet")
    found = read_backtest(
        finished_run,
        columns=["origin", "exporter", "actual", "drift"],
        where=[("setting", "==", "ex_ante"), ("horizon", "==", 2)],
    )
    chosen = (everything["setting"] == "ex_ante") & (everything["horizon"] == 2)
    expected = everything.loc[chosen, ["origin", "exporter", "actual", "drift"]]
    assert 0 < len(expected) < len(everything)
    same(found.astype({"exporter": str}), expected.astype({"exporter": str}))


def test_a_folder_without_a_run_is_named(tmp_path, stops):
    error = stops(lambda: read_run(tmp_path), says="there is no run in this folder")
    assert error.file == tmp_path
    stops(lambda: read_run(tmp_path / "nowhere"), says="there is no such folder")


def test_a_run_of_another_version_is_refused(copy, stops):
    about = json.loads((copy / "run.json").read_text())
    for written in (FORMAT - 1, None):
        about["format"] = written
        (copy / "run.json").write_text(json.dumps(about))
        says = f"format {written}; this one reads format {FORMAT}"
        error = stops(lambda: read_run(copy), says=says)
        assert "gravicast run" in error.remedy
    (copy / "run.json").write_text('{"versions": []}')
    stops(lambda: read_about(copy), says="an unknown version")


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000])
def test_a_broken_record_is_refused(copy, stops, content):
    (copy / "run.json").write_text(content)
    assert stops(lambda: read_about(copy), says="cannot be read").file == copy / "run.json"


@pytest.mark.parametrize(
    ("key", "value"),
    [("kind", None), ("config", []), ("seconds", 3), ("versions", []), ("origin", "2009")],
)
def test_a_record_that_was_altered_is_refused(copy, stops, key, value):
    about = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**about, key: value}))
    for read in (read_run, open_model, write_scoreboard):
        stops(lambda read=read: read(copy), says=repr(key))
    (copy / "run.json").write_text(json.dumps({**about, key: value, "format": 1}))
    stops(lambda: write_scoreboard(copy), says="format 1")


@pytest.mark.parametrize(
    ("name", "value"),
    [("kind", "x"), ("data", [1]), ("data", None), ("origin", "2010"), ("as_of", "2015-02-30"),
     ("horizons", [True]), ("setting", "known"), ("versions", {"gravicast": 1}), ("notes", [[]]),
     ("seconds", {"read": "1"}), ("audit", None), ("config", [])],
)  # fmt: skip
def test_a_record_with_a_wrong_entry_is_refused_by_its_name(copy, stops, name, value):
    about = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**about, name: value}))
    assert stops(lambda: read_about(copy), says=repr(name)).file == copy / "run.json"
    del about[name]
    (copy / "run.json").write_text(json.dumps(about))
    stops(lambda: read_run(copy), says=repr(name))


@pytest.mark.parametrize(
    "name",
    ["forecasts.parquet", "attributions.parquet", "scores.csv", "drivers.csv", "model",
     "measures_drivers.parquet", "measures_scores.csv"],
)  # fmt: skip
def test_a_run_that_is_not_whole_is_refused(copy, stops, name):
    path = copy / name
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert stops(lambda: read_run(copy), says="not whole").file == path


def test_a_damaged_table_is_refused(copy, stops):
    (copy / "forecasts.parquet").write_bytes(b"PAR1 no more")
    stops(lambda: read_run(copy), says="not whole")
    (copy / "backtest.parquet").write_bytes(b"PAR1 no more")
    stops(lambda: read_backtest(copy, columns=["origin"]), says="not whole")
