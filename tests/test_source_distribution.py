"""The source distribution is enough for the README's commands: install, and run the tests."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

pytest.importorskip("setuptools", minversion="77")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
CODE = ("features", "models", "forecasting", "tests")
OTHERS = ("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "README.md",
          "constraints.txt", "pyproject.toml")  # fmt: skip
BUILD = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"


@pytest.fixture(scope="module")
def distribution(tmp_path_factory) -> Path:
    """Built of a copy: building writes into the folder it builds."""
    folder = tmp_path_factory.mktemp("source")
    caches = shutil.ignore_patterns("__pycache__", ".*")
    for name in (*CODE, "notebooks"):
        shutil.copytree(ROOT / name, folder / "copy" / name, ignore=caches)
    for name in OTHERS:
        shutil.copy(ROOT / name, folder / "copy" / name)
    stale = folder / "copy" / "tests" / "__pycache__"
    stale.mkdir()
    (stale / "old.cpython-311.pyc").write_bytes(b"")
    subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], cwd=folder / "copy", check=True,
        capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("*.tar.gz")
    return built


def test_it_holds_every_file_of_code_and_tests_and_no_cache(distribution):
    with tarfile.open(distribution) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    paths = [path for top in (*CODE, "notebooks") for path in (ROOT / top).rglob("*")]
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if path.is_file() and not re.search(r"/(__pycache__|\.)", path.relative_to(ROOT).as_posix())
    }
    assert {"tests/conftest.py", "tests/servers/fake_sources/__init__.py"} <= wanted
    assert not {*wanted, *OTHERS} - names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
