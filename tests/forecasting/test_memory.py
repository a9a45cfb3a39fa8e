"""Garbage is collected seldom in a run, as before after it, and not as the process ends."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from forecasting.memory import SELDOM, seldom_collected


@pytest.fixture
def before():
    kept, before = gc.get_threshold(), (700, 10, 10)
    gc.set_threshold(*before)
    yield before
    gc.set_threshold(*kept)


def test_collections_are_as_before_afterwards(before):
    with pytest.raises(KeyboardInterrupt), seldom_collected():  # noqa: PT012
        assert gc.get_threshold() == SELDOM != before
        raise KeyboardInterrupt
    assert gc.get_threshold() == before


def test_nothing_is_looked_through_at_the_end():
    """What registers first is called last: then no object is left to the collector."""
    code = (
        "import atexit, gc; from forecasting.memory import left_at_exit;"
        "atexit.register(lambda: print(len(gc.get_objects()), gc.get_freeze_count() > 10_000));"
        "left_at_exit(); left_at_exit()"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    left, frozen = said.stdout.split()
    assert int(left) < 1_000
    assert frozen == "True"
