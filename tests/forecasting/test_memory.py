"""Garbage is collected seldom during a run, and as before after it."""

from __future__ import annotations

import gc

import pytest

from forecasting.memory import SELDOM, seldom_collected


def test_collections_are_as_before_afterwards():
    before = gc.get_threshold()
    with pytest.raises(KeyboardInterrupt), seldom_collected():  # noqa: PT012
        assert gc.get_threshold() == SELDOM != before
        raise KeyboardInterrupt
    assert gc.get_threshold() == before
