"""What README.md promises: its order and length, and that what it points to is there."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

import forecasting
from forecasting.cli.main import _parser

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_short_and_shows_first_what_one_gets():
    assert len(TEXT.splitlines()) <= 200
    commands = ("gravicast explain", "&& gravicast run", "&& python -m pytest")
    order = ("![", *commands, "## Your own data", "## Python", "## Where to read on")
    places = [TEXT.index(part) for part in order]
    assert places == sorted(places)
    # Both commands on the first screen.
    assert TEXT[: places[3]].count("\n") < 40


def test_files_that_it_links_to_or_runs_are_there():
    named = re.findall(r"\]\(([^)#]+)\)|python (tests/\S+\.py)", TEXT)
    paths = [link or script for link, script in named]
    assert len(paths) > 10
    assert not [path for path in paths if not (ROOT / path).is_file()]


def test_folders_whose_documentation_it_points_to_say_more_than_a_line():
    line = r"`(?:python -m pydoc )?((?:features|models|forecasting)\.\w+)`"
    names = re.findall(line, TEXT)
    assert len(names) > 8
    for name in names:
        assert len((import_module(name).__doc__ or "").splitlines()) > 3, name


def test_its_commands_and_their_options_are_known():
    shown = [line.partition("#")[0] for line in joined_lines() if line.startswith("gravicast ")]
    shown += re.findall(r"`(gravicast [a-z][^`]*)`", TEXT)
    assert len(shown) > 15
    subcommands = _parser()._subparsers._group_actions[0].choices
    for line in shown:
        for command in line.split(" && "):
            _, name, *words = shlex.split(command)
            known = subcommands[name]._option_string_actions
            if name not in ("fetch", "data"):  # Their options are those of the source or action.
                assert {word for word in words if word.startswith("--")} <= set(known), command


def joined_lines() -> list[str]:
    """Lines of code blocks, those that end in a backslash with the next."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return "".join(blocks).replace("\\\n", " ").splitlines()


def python_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("script", [block for block in python_blocks() if "simulate_" in block])
def test_a_script_that_needs_no_data_runs_as_written(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sum(bool(line.strip()) for line in script.splitlines()) <= 15
    # As a module, where a user's functions can be found again.
    exec(compile(script, "README.md", "exec"), {"__name__": "script"})
    assert not list(tmp_path.iterdir())


def test_its_python_imports_public_names():
    lines = re.findall(r"from forecasting import ([\w, ]+)", TEXT)
    names = {name.strip() for line in lines for name in line.split(",")}
    assert len(names) > 5
    assert names <= set(forecasting.__all__)


def test_a_figure_of_a_benchmark_stands_beside_its_command():
    for paragraph in re.split(r"\n\n|^\| ", TEXT, flags=re.MULTILINE):
        if re.search(r"\d+ times as (fast|long)|\d+ MB", paragraph):
            assert "python tests/benchmarks/" in paragraph
