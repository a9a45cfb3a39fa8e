"""CITATION.cff, CHANGELOG.md and py.typed agree with pyproject and the formats they name."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from forecasting.run_folder.record import FORMAT

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]


def test_the_citation_has_the_fields_of_its_format_and_those_of_the_project():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    # What CFF 1.2.0 requires.
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["title"] == PROJECT["name"]
    assert citation["authors"] == [{"name": "gravicast developers"}]
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]


def test_the_changelog_has_the_sections_of_its_format_and_names_a_format_that_is_refused():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[0] == "[Unreleased]"
    sections = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= sections
    refused = re.search(r"format (\d) and earlier are refused", text)
    assert refused
    assert int(refused[1]) >= FORMAT - 1


def test_every_package_that_is_installed_says_that_it_is_typed():
    tools = SETTINGS["tool"]["setuptools"]
    for package in SETTINGS["tool"]["mypy"]["packages"]:
        assert (ROOT / package / "py.typed").is_file()
        assert "py.typed" in tools["package-data"][package]


def test_every_folder_of_code_is_installed():
    listed = SETTINGS["tool"]["setuptools"]["packages"]
    tops = SETTINGS["tool"]["mypy"]["packages"]
    folders = {file.parent for top in tops for file in (ROOT / top).rglob("*.py")}
    assert set(listed) == {".".join(folder.relative_to(ROOT).parts) for folder in folders}
