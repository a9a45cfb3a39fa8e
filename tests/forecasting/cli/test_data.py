"""``gravicast data``: what the store holds, what is broken, and what a data set covers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from fake_sources.everything import everything
from fake_sources.icio import ALIVE
from fake_sources.server import Server

from features.store.store import Store
from forecasting.cli.main import main


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Path:
    """A store with trade, indicators, pairs with and without years, and tables."""
    folder = tmp_path_factory.mktemp("store")
    server = Server(everything())
    for command in (
        ["baci", "--level", "section"],
        ["owid"],
        ["geodist"],
        ["larch"],
        ["icio", "--years", "2016"],
    ):
        how = ["--mirror", server.url, "--store", str(folder), "--quiet"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("features.sources.icio_reading.ECONOMIES", len(ALIVE))
            assert main(["fetch", *command, *how]) == 0
    server.stop()
    return folder


@pytest.fixture
def data(filled, capsys):
    """Run a command on the store; exit code, stdout and stderr."""

    def go(*arguments: str, store: Path = filled) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["data", *arguments, "--store", str(store)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return go


def test_the_list_has_a_line_a_data_set(data, filled):
    code, out, err = data("list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == [d.key for d in Store(filled).datasets()]
    baci = next(line for line in lines if line.startswith("baci:"))
    assert "2003-2018" in baci
    assert "Etalab" in baci


def test_an_empty_store_says_how_to_fill_it(data, tmp_path):
    code, out, _ = data("list", store=tmp_path / "none")
    assert code == 0
    assert "gravicast fetch --list" in out


def test_a_whole_store_passes_and_a_broken_one_is_1(data, filled, tmp_path):
    import shutil

    code, out, _ = data("check")
    assert (code, out.splitlines()[-1].endswith("0 broken files")) == (0, True)
    copy = tmp_path / "copy"
    shutil.copytree(filled, copy)
    made = Store(copy).open("larch")
    (made.folder / made.parts[0].file).write_bytes(b"")
    (made.folder / made.parts[1].file).unlink()
    (Store(copy).open("geodist").folder / "dataset.json").unlink()
    code, out, _ = data("check", store=copy)
    assert code == 1
    assert out.count(f"broken: {made.key}") == 2
    assert out.count("broken: ") == 3
    assert out.splitlines()[-1].endswith("3 broken files")
    code, out, err = data("show", "larch", store=copy)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "geodist" in data("list", store=copy)[1].splitlines()[0]


@pytest.mark.parametrize("key", ["baci", "owid", "geodist", "larch", "icio"])
def test_a_data_set_of_every_kind_shows_its_coverage(data, key, tmp_path):
    code, out, err = data("show", key, "--out", str(tmp_path / "coverage"))
    assert (code, err) == (0, "")
    assert "sha256" in out
    assert "Licence: " in out
    table = pd.read_csv(tmp_path / "coverage" / "coverage.csv", index_col="country")
    assert (table.to_numpy() > 0).any(axis=1).all()
    assert out.count(f"\n{table.index[0]} ") == 1
    picture = (tmp_path / "coverage" / "coverage.png").read_bytes()
    assert picture.startswith(b"\x89PNG")


def test_coverage_is_the_first_and_last_year_of_each_country(data, filled):
    _, out, _ = data("show", "owid")
    frame = Store(filled).open("owid").read()
    germany = frame[frame["iso3"] == "DEU"]["year"]
    (line,) = [line for line in out.splitlines() if line.startswith("DEU")]
    assert line.split()[1:3] == [str(germany.min()), str(germany.max())]


def test_where_pictures_cannot_be_written_is_one_line(data, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = data("show", "geodist", "--out", str(tmp_path / "file"))
    assert code == 2
    assert "cannot be written" in err
    assert err.count("\n") == 1


def test_a_file_is_no_store(data, tmp_path):
    (tmp_path / "file").touch()
    for command in ("list", "check"):
        code, out, err = data(command, store=tmp_path / "file")
        assert (code, out) == (2, "")
        assert "a file, not a folder" in err


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("baci:HS92:202601:sectoin", "Similar ones are baci:HS92:202601:section"),
        ("foo", "`gravicast fetch --list` names the sources"),
    ],
)
def test_a_misspelt_key_is_helped_on(data, key, says):
    code, _, err = data("show", key)
    assert code == 2
    assert says in err


def test_a_key_that_is_not_there_is_one_line(data):
    code, out, err = data("show", "weo")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "gravicast fetch weo" in err
