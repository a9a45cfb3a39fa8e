"""Polite kills are a Ctrl-C, wait where they must, and leave the caller's handlers as they were."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from forecasting.run_folder import interrupts
from forecasting.run_folder.interrupts import stoppable, uninterrupted

POLITE = [getattr(signal, n) for n in ("SIGTERM", "SIGHUP") if hasattr(signal, n)]


@pytest.mark.parametrize("number", POLITE)
def test_sigterm_is_a_ctrl_c(number):
    # The tests themselves may run under nohup, which ignores SIGHUP.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), stoppable() as received:
            signal.raise_signal(number)
        assert received.number == number
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", POLITE)
def test_an_ignored_signal_stays_ignored(number):
    # As under nohup.
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with stoppable(), uninterrupted():
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)


def test_a_system_without_sighup_hears_the_others(monkeypatch):
    # Windows
    monkeypatch.delattr(signal, "SIGHUP", raising=False)
    assert interrupts._catchable() == (signal.SIGTERM,)


@pytest.mark.usefixtures("hears_ctrl_c")
def test_signals_come_after_the_block():
    done: list[Any] = []

    def go() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        go()
    assert done == ["all of it"]


def test_an_error_in_the_block_is_told_first():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match="full"), uninterrupted():
        raise OSError("full")
    assert signal.getsignal(signal.SIGINT) is before
