"""Memory that is no longer used: returned to the system, and seldom looked for."""

from __future__ import annotations

import atexit
import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (100_000, 50, 100)
"""Objects made, less those that are gone, and collections of younger ones, before a collection."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for cycles of unused objects seldom within the block.

    What a run imports stays, and its data are few large objects without cycles: Python's usual
    search went through all of it again and again, for more than a second.
    """
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def left_at_exit() -> None:
    """Leave this process's objects to the system when it ends.

    Python looks for unused objects once more before it ends, through all of them: after a run on
    real data for over two seconds, during which nothing is left to do.
    """
    # A process that asks again is asked once.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def return_freed() -> None:
    """Return memory that was freed but that the allocators keep.

    glibc and Arrow keep what they once had for the next allocation. After the back-test of a large
    universe that is a gigabyte and more, in pieces too small for the arrays of the next stage.
    """
    # Every command imports this module, and not all need Arrow.
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        # Absent from other C libraries than glibc.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
