"""Options that print a list and stop."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any


class Listing(argparse.Action):
    """Print lines and stop, whatever else is given or missing: ``--list``.

    ``const`` makes the lines and is called only if the option is given.
    """

    const: Callable[[], Iterable[str]]

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002
        values: str | Sequence[Any] | None,  # noqa: ARG002
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Print the lines and exit with 0."""
        for line in self.const():
            print(line)
        parser.exit()
