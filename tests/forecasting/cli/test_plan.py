"""``gravicast plan``: from example files to a reorder table, and mistakes in one line."""

import shutil

import pandas as pd
import pytest

from forecasting.cli.main import main


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """They take most of the time and have tests of their own."""
    monkeypatch.setattr("forecasting.planning.write.draw_plots", lambda _: {})


@pytest.fixture
def own_run(finished_run, tmp_path):
    """A run without sectors, to write into."""
    return shutil.copytree(finished_run, tmp_path / "run")


def test_the_example_leads_to_a_reorder_table_and_to_your_own_list(own_run, capsys):
    assert main(["plan", str(own_run), "--example"]) == 0
    out = capsys.readouterr().out
    assert "part A" in out
    assert "nothing of one firm's supplier" in out
    inputs = own_run / "plans" / "inputs"
    table = pd.read_parquet(own_run / "plans" / "example" / "inventory.parquet")
    assert list(table["item"]) == ["part A", "part B", "part C"]
    assert main(["plan", str(own_run), "--example"]) == 2
    # The same list as a workbook gives the same table.
    pd.read_csv(inputs / "items.csv").to_excel(inputs / "items.xlsx", index=False)
    text = (inputs / "plan.yaml").read_text().replace("items.csv", "items.xlsx")
    (inputs / "own.yaml").write_text(text.replace("name: example\n", ""))
    assert main(["plan", str(own_run), str(inputs / "own.yaml")]) == 0
    pd.testing.assert_frame_equal(
        pd.read_parquet(own_run / "plans" / "own" / "inventory.parquet"), table
    )


def test_a_market_without_files(own_run, capsys):
    assert main(["plan", str(own_run), "--importer", "Germany"]) == 0
    assert "growth of the market" in capsys.readouterr().out
    assert (own_run / "plans" / "DEU" / "plan.html").is_file()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "--example"),
        (["--importer", "DEU", "--example"], "one of"),
        (["--example", "--sector", "c1"], "--importer"),
        (["--importer", "DEU", "--sector", "c99"], "no sector 'c99'"),
        (["--importer", "Atlantis"], "Atlantis"),
        (["no.yaml"], "no.yaml"),
    ],
)
def test_mistakes_get_one_line(finished_run, capsys, options, says):
    assert main(["plan", str(finished_run), *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert says in error
