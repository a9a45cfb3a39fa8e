"""Progress on stderr, and the seconds of every stage."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Progress:
    """Shows the current stage, with a bar if it has steps, and times it.

    Parameters
    ----------
    show
        Whether anything is written to stderr.

    Attributes
    ----------
    show
        Whether anything is written to stderr.
    seconds
        Of each stage, in the order they ran.
    """

    def __init__(self, *, show: bool) -> None:
        from rich.console import Console

        self.show = show
        # In a notebook rich draws widgets, which stay as empty output even where it is quiet.
        self._console = Console(stderr=True, quiet=not show, force_jupyter=False)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block."""
        started = time.perf_counter()
        with self._console.status(name):
            yield
        self._note(name, started)

    def steps(self, name: str, items: Iterable[T], *, total: int) -> Iterator[T]:
        """Yield the items with a bar; the time until the last counts for the stage."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        started = time.perf_counter()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Bar(*columns, console=self._console, transient=True) as bar:
            yield from bar.track(items, total=total, description=name)
        self._note(name, started)

    def say(self, text: str) -> None:
        """Write a line to stderr."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _note(self, name: str, started: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
        self.say(f"{self.seconds[name]:6.1f} s  {name}")
