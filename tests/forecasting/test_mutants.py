"""A sample of mutated inputs of every kind: read, or refused in one short line, and quickly.

``python tests/benchmarks/mutants.py`` tries thousands.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import mutants
import pytest

SAMPLE = 8


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
