"""How many cores this process may use."""

from __future__ import annotations

import os


def cores() -> int:
    """Cores that this process may use, at least 1.

    Linux says which cores a process is bound to (a container, ``taskset``); macOS and Windows only
    say how many there are.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
