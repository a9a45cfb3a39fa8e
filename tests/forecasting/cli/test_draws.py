"""``gravicast draws``: the table, the file, and one clear line for each mistake."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting import draws, measure_draws, read_run
from forecasting.cli.main import main


def test_the_table_and_the_file_hold_the_draws(finished_run, tmp_path, capsys):
    file = tmp_path / "draws.parquet"
    words = ["draws", str(finished_run), "--of", "DEU,FRA", "--of", "EU27:CHN,world"]
    assert main([*words, "--levels", "50,80", "--out", str(file)]) == 0
    printed = capsys.readouterr().out
    expected = draws(read_run(finished_run), ["DEU,FRA", "EU27:CHN", "world"], levels=(50, 80))
    for text in ("DEU,FRA", "EU27:CHN", "80 % interval", "the run lacks"):
        assert text in printed
    table = pd.read_parquet(file)
    assert list(table["selection"].unique()) == ["DEU,FRA", "EU27:CHN", "world"]
    assert (table["value"].to_numpy() == expected.values.ravel()).all()


def test_sums_and_measures_are_answered_together(finished_run, tmp_path, capsys):
    file = tmp_path / "draws.parquet"
    of = "DEU:supplier_concentration;DEU:exports;USA:market_share:DEU"
    assert main(["draws", str(finished_run), "--of", of, "--levels", "80", "--out", str(file)]) == 0
    printed = capsys.readouterr().out
    for text in ("DEU:exports", "growth", "chance of a rise", "80 % interval", "Concentration of"):
        assert text in printed
    table, run = pd.read_parquet(file), read_run(finished_run)
    measured = measure_draws(run, ["DEU:supplier_concentration", "USA:market_share:DEU"])
    expected = [draws(run, "DEU:exports").values.ravel(), measured.values.ravel()]
    assert (table["value"].to_numpy() == np.concatenate(expected)).all()
    assert main(["draws", str(finished_run), "--of", "DEU:market_concentration"]) == 0
    assert "growth" not in capsys.readouterr().out


def test_every_group_is_listed(capsys):
    with pytest.raises(SystemExit):
        main(["draws", "--groups"])
    printed = capsys.readouterr().out
    for name in ("EU27", "ASEAN", "AfCFTA", "LOW_INCOME", "Africa"):
        assert name in printed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--of", "GERMONY:exports"], "Germany"),
        (["--levels", "101"], "101 is not a level"),
        (["--levels", "high"], "'high' is not a number"),
        (["--years", "1980"], "does not forecast 1980"),
        (["--draws", "30"], "multiple of 20"),
        (["--out", "draws.csv"], ".parquet"),
        (["--levels", "50", "--levels", "90"], "given twice"),
    ],
)
def test_a_mistake_is_one_clear_line(finished_run, capsys, words, says):
    assert main(["draws", str(finished_run), *words]) == 2
    printed = capsys.readouterr().err
    assert says in printed
    assert len(printed.splitlines()) == 1
