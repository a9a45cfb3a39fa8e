"""``gravicast plot``: files where they were asked for, and one line for a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecasting.cli.main import main
from forecasting.figures.plots import KINDS


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_two_files_in_the_working_directory(
    finished_run: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(finished_run)
    assert main(["plot", "waterfall", run, "--flow", "DEU,FRA", "--year", "2012"]) == 0
    names = ["waterfall_DEU_FRA_2012.png", "waterfall_DEU_FRA_2012.svg"]
    assert capsys.readouterr().out.split() == names
    assert files(here) == names


def test_a_file_by_its_name_and_a_folder_that_is_made(
    finished_run: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(finished_run)
    assert main(["plot", "movers", run, "--country", "South Africa", "--out", "a/b.pdf"]) == 0
    assert main(["plot", "heatmap", run, "--out", "c", "--format", "svg,pdf"]) == 0
    assert files(here) == ["a/b.pdf", "c/heatmap.pdf", "c/heatmap.svg"]
    assert (here / "a/b.pdf").read_bytes().startswith(b"%PDF")
    assert capsys.readouterr().out.split() == ["a/b.pdf", "c/heatmap.svg", "c/heatmap.pdf"]


def test_names_of_files_hold_no_odd_letters(finished_run: Path, here: Path) -> None:
    arguments = ["--country", "South Africa", "--side", "importer", "--format", "svg"]
    assert main(["plot", "movers", str(finished_run), *arguments]) == 0
    assert files(here) == ["movers_South-Africa_importer.svg"]


def test_the_list_holds_every_kind_and_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["plot", "--list"])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    for kind in KINDS:
        assert kind.shows in printed
        assert all(f"--{option}" in printed for option in kind.options)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["waterfal"], "Choose from waterfall"),
        (["scoreboard", "--flow", "DEU,FRA"], "does not take --flow. It takes no options"),
        (["movers", "--country", "Brasil"], "Nearest: BRA (Brazil)"),
        (["fan", "--format", "jpg"], "no format 'jpg'. Choose from png, svg, pdf"),
        (["fan", "--format", "pdf", "--out", "fan.png"], "is not the format of fan.png"),
        (["fan", "--out", "taken.txt"], "taken.txt: the output file has no known format"),
        (["fan", "--out", "fan.bmp"], "fan.bmp: the output file has no known format"),
        (["fan", "--out", "taken.txt/fan.png"], "taken.txt/fan.png: the file cannot be written"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    finished_run: Path,
    here: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    (here / "taken.txt").write_text("mine")
    kind, *rest = arguments
    assert main(["plot", kind, str(finished_run), *rest]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err
    assert printed.err.count("\n") == 1
    assert files(here) == ["taken.txt"]


def test_a_folder_without_a_run_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", "fan", str(here)]) == 2
    assert "there is no run in this folder" in capsys.readouterr().err
    assert files(here) == []
