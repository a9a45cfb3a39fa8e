"""Ctrl-C, SIGTERM and a closed terminal raise one exception, and never between two renames."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn


class Interrupted(KeyboardInterrupt):
    """Interrupted by the user; the message says what remains on disk."""


@dataclass(slots=True)
class StopSignal:
    """The signal that asked the process to stop; that of Ctrl-C by default."""

    number: int = signal.SIGINT


@contextmanager
def stoppable() -> Iterator[StopSignal]:
    """Treat SIGTERM and a closed terminal like Ctrl-C, so that they clean up too.

    Ignored signals stay ignored, as ``nohup`` needs for SIGHUP. Outside the main thread, the only
    one that receives signals, nothing changes.
    """
    received = StopSignal()

    def stop(number: int, _: object) -> NoReturn:
        received.number = number
        raise KeyboardInterrupt

    with _handled(stop, _catchable()):
        yield received


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Defer signals that ask the process to stop until the block is done."""
    deferred: list[int] = []
    with _handled(lambda number, _: deferred.append(number), (signal.SIGINT, *_catchable())):
        yield
    if deferred:
        signal.raise_signal(deferred[0])


def _catchable() -> tuple[int, ...]:
    """Signals that ask a process to end; Windows lacks SIGHUP."""
    names = ("SIGTERM", "SIGHUP")
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


@contextmanager
def _handled(handler: Any, numbers: tuple[int, ...]) -> Iterator[None]:
    """Handle signals within the block, except those that are ignored."""
    before: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in numbers:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    before[number] = signal.signal(number, handler)
        yield
    finally:
        for number, old in before.items():
            # None: a handler not set from Python, which cannot be restored.
            signal.signal(number, signal.SIG_DFL if old is None else old)
