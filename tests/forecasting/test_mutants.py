"""A sample of mutated inputs of every kind: read, or refused in one short line, and quickly.

``python tests/benchmarks/mutants.py`` tries thousands.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[1] / "benchmarks" / "mutants.py"
SAMPLE = 8


def _mutants() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutants", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


mutants = _mutants()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, finished_run: Path) -> Path:
    folder = tmp_path_factory.mktemp("mutants") / "inputs"
    folder.mkdir()
    mutants.write_inputs(folder)
    shutil.copytree(finished_run, folder / "run")
    mutants.check_inputs(folder, mutants.KINDS)
    return folder


@pytest.mark.parametrize("kind", mutants.KINDS)
def test_a_mutant_is_read_or_refused_in_one_short_line(kind, inputs, tmp_path):
    became = {}
    for seed in range(SAMPLE):
        became[seed] = mutants.try_mutant(kind, seed, inputs, tmp_path / "mutant")
    wrong = {seed: text for seed, (word, text) in became.items() if word == "failed"}
    assert not wrong, wrong
    assert any(word == "refused" for word, _ in became.values())
