"""Memory that a finished stage no longer uses, returned to the system."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def return_freed() -> None:
    """Return memory that was freed but that the allocators keep.

    glibc and Arrow keep what they once had for the next allocation. After the back-test of a large
    universe that is a gigabyte and more, in pieces too small for the arrays of the next stage.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        # Absent from other C libraries than glibc.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
