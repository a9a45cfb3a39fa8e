"""Tasks run in threads, their results in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from features.cores import cores
from forecasting.options.run_config import RunConfig

T = TypeVar("T")


TURN = 0.0005
"""Seconds that a thread runs Python code for while others wait; Python's own turns are tenfold."""


@contextmanager
def short_turns() -> Iterator[None]:
    """Let threads take short turns within the block.

    A thread that comes back from NumPy waits for the turn of one that runs Python code. Folds are
    thousands of short NumPy calls: with Python's turns they waited for two thirds of the time
    that they computed.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, TURN))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def workers(config: RunConfig) -> int:
    """Folds run at once: one a core unless the configuration says otherwise."""
    return config.workers or cores()


def in_parallel(tasks: Sequence[Callable[[], T]], config: RunConfig) -> Iterator[T]:
    """Run tasks in threads and yield their results in the tasks' order."""
    with ThreadPoolExecutor(workers(config)) as pool:
        waiting = [pool.submit(task) for task in tasks]
        try:
            for number, future in enumerate(waiting):
                yield future.result()
                # A fold of a large panel holds many vectors: let go of it once handed out.
                waiting[number] = None  # type: ignore[call-overload]
        finally:
            for future in waiting:
                if future is not None:
                    future.cancel()
