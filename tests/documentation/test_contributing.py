"""The recipes of CONTRIBUTING.md, applied to a copy of the code as a contributor would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(python|diff)\n(?:# |--- )(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def recipes() -> dict[str, list[tuple[str, str, str]]]:
    """Blocks (kind, file, text) by the section's title."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (.*)$", text, flags=re.MULTILINE)[1:]
    found = dict(zip(sections[::2], map(BLOCK.findall, sections[1::2]), strict=True))
    return {title: blocks for title, blocks in found.items() if title.startswith("Add ")}


def apply(kind: str, path: Path, text: str) -> None:
    """Write a new file, or insert the lines of a diff at the only place that it fits."""
    if kind == "python":
        assert not path.exists(), f"{path} is not a new file"
        path.write_text(text, encoding="utf-8")
        return
    lines = text.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    code = path.read_text(encoding="utf-8")
    assert code.count(before) == 1, f"{path} does not hold {before!r} once"
    path.write_text(code.replace(before, after), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contributor")
    for name in ("features", "models", "forecasting"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for blocks in recipes().values():
        for kind, file, text in blocks:
            apply(kind, folder / file, text)
    return folder


@pytest.fixture(scope="module")
def brought(copy: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("try_recipes.py")
    done = subprocess.run(
        [sys.executable, script, copy],
        env={**os.environ, "PYTHONPATH": str(copy)},
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


def test_there_is_a_recipe_for_everything_that_is_added_often():
    found = recipes()
    assert set(found) == {f"Add a {w}" for w in ("feature", "model", "measure", "plot", "source")}
    assert all(found.values())


def test_the_feature_is_a_column_of_the_design_matrix(brought):
    assert brought["feature"]["column"] == [half / 2 for half in range(12)]
    assert brought["feature"]["channel"] == "trade_costs"


def test_the_model_is_a_baseline_of_the_back_test(brought):
    mean = (1.1**-1 + 1.1**-2 + 1.1**-3) / 3
    assert brought["model"]["ratio"] == pytest.approx([mean] * 12, rel=1e-6)
    assert brought["model"]["baseline"]


def test_the_measure_is_in_the_catalogue_and_right(brought):
    assert brought["measure"] == {"value": pytest.approx(0.95), "family": "partners"}


def test_the_plot_is_listed_and_drawn(brought):
    assert "growth" in brought["plot"]["names"]
    assert brought["plot"]["points"] == [3.0, 4.0]


def test_the_source_is_fetched_from_a_file_downloaded_by_hand(brought):
    assert brought["source"]["key"] == "embassies:2024"
    assert brought["source"]["rows"] == [
        ["DEU", "FRA", "2023", "1.0"],
        ["FRA", "DEU", "2024", "1.0"],
    ]


def test_what_the_recipes_add_keeps_to_the_style_of_the_code(copy):
    files = {copy / file for blocks in recipes().values() for _, file, _ in blocks}
    checked = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*checked, "--no-cache", *map(str, sorted(files))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout
