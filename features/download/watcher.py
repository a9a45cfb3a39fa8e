"""Progress of a download."""

from __future__ import annotations

from typing import Literal, Protocol

Unit = Literal["bytes", "parts"]


class Watcher(Protocol):
    """Receives the progress of a download."""

    def begin(self, name: str, total: int | None, done: int, unit: Unit) -> None:
        """A file starts or resumes at ``done`` bytes, or a conversion of ``total`` parts starts."""

    def advance(self, amount: int) -> None:
        """``amount`` more bytes or parts are done."""

    def end(self) -> None:
        """The file or conversion is done or abandoned."""

    def report(self, text: str) -> None:
        """A line for the log."""


class Silent:
    """A `Watcher` that reports nothing."""

    def begin(self, name: str, total: int | None, done: int, unit: Unit) -> None:
        """Nothing."""

    def advance(self, amount: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""

    def report(self, text: str) -> None:
        """Nothing."""
