"""Ctrl-C, a polite kill and a closed terminal: one exception, and never between two renames."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn


class Interrupted(KeyboardInterrupt):
    """Interrupted by the user; the message says what is left."""


@dataclass(slots=True)
class Told:
    """Which signal asked the process to stop; Ctrl-C's unless another came."""

    number: int = signal.SIGINT


@contextmanager
def stoppable() -> Iterator[Told]:
    """Take a polite kill and a closed terminal for a Ctrl-C, so that they clean up like one.

    Signals that are ignored, as ``nohup`` ignores SIGHUP, stay so; outside the main thread, which
    alone hears signals, nothing changes.
    """
    told = Told()

    def stop(number: int, _: object) -> NoReturn:
        told.number = number
        raise KeyboardInterrupt

    with _handled(stop, _polite()):
        yield told


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Keep signals that ask the process to stop waiting until the block is done."""
    came: list[int] = []
    with _handled(lambda number, _: came.append(number), (signal.SIGINT, *_polite())):
        yield
    if came:
        signal.raise_signal(came[0])


def _polite() -> tuple[int, ...]:
    """Signals that ask a process to end; Windows knows no SIGHUP."""
    names = ("SIGTERM", "SIGHUP")
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


@contextmanager
def _handled(handler: Any, numbers: tuple[int, ...]) -> Iterator[None]:
    """Handle signals for a while, except those that are ignored."""
    before: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in numbers:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    before[number] = signal.signal(number, handler)
        yield
    finally:
        for number, old in before.items():
            # None: a handler that Python did not set, and cannot set again.
            signal.signal(number, signal.SIG_DFL if old is None else old)
