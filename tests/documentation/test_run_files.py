"""The docstrings of rooms name every file that a run writes."""

from __future__ import annotations

from fnmatch import fnmatch
from re import findall

import pytest

import forecasting.evaluation
import forecasting.run_folder
from forecasting.run_folder.files import FILES, STUDY


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_says_what_a_file_holds(file):
    room = forecasting.evaluation if file.of == STUDY else forecasting.run_folder
    named = findall(r"``([\w.*/]+)``", room.__doc__ or "")
    assert any(fnmatch(file.name, name) for name in named)
