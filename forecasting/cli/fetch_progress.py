"""Progress of a download on stderr: a bar with size and speed, and the messages of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.download.watcher import Unit

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


class FetchProgress:
    """A `features.download.watcher.Watcher` that draws on stderr, if ``show`` is on."""

    def __init__(self, *, show: bool) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, quiet=not show)
        self._bar: Progress | None = None

    def begin(self, name: str, total: int | None, done: int, unit: Unit) -> None:
        """Draw a bar for a file or a conversion."""
        from rich.progress import Progress

        self.end()
        self._bar = Progress(*_columns(unit), console=self._console, transient=True)
        self._bar.add_task(name, total=total, completed=done)
        self._bar.start()

    def advance(self, amount: int) -> None:
        """Move the bar on."""
        if self._bar is not None and self._bar.tasks:
            self._bar.advance(self._bar.tasks[0].id, amount)

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def report(self, text: str) -> None:
        """Write a line."""
        # A wrapped address or path could not be copied.
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _columns(unit: Unit) -> tuple[ProgressColumn, ...]:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    name = TextColumn("{task.description}")
    if unit == "parts":
        return name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return name, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
