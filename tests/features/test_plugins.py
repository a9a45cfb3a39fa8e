"""Modules of the user's own: imported by name or path, or refused at the line that fails."""

from __future__ import annotations

import sys

import pytest

from features.errors import InputError
from features.plugins import own_module


def test_a_file_is_imported_once_and_again_when_it_changes(tmp_path):
    file = tmp_path / "models.py"
    file.write_text("VALUE = 1\n", encoding="utf-8")
    first = own_module(str(file), what="learner")
    assert first.VALUE == 1
    assert own_module(str(file), what="learner") is first
    file.write_text("VALUE = 22\n", encoding="utf-8")
    assert own_module(str(file), what="learner").VALUE == 22
    assert sys.modules["models"] is not first


def test_a_module_is_imported_by_name():
    assert own_module("collections.abc", what="learner").__name__ == "collections.abc"


@pytest.mark.parametrize(
    ("text", "row"), [("x = 1\ny = x +\n", 2), ("import math\n\nmath.nothing()\n", 3)]
)
def test_a_file_that_does_not_import_is_refused_at_its_line(text, row, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        own_module(str(file), what="learner")
    assert caught.value.row == row
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("where", ["nosuchmodule", "collections.nosuchmodule", "no/such/file.py"])
def test_what_is_not_there_is_refused(where):
    with pytest.raises(InputError, match="there is no"):
        own_module(where, what="learner")


def test_a_package_that_the_module_lacks_is_named_at_its_line(tmp_path):
    file = tmp_path / "needy.py"
    file.write_text("import os\nimport nosuchpackage\n", encoding="utf-8")
    with pytest.raises(InputError, match="nosuchpackage") as caught:
        own_module(str(file), what="learner")
    assert caught.value.row == 2
