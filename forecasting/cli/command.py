"""What every command declares: its name, help, examples and the function that answers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def add_command(
    commands: Any,
    name: str,
    answer: Callable[[argparse.Namespace], int],
    *,
    help: str,
    examples: str,
) -> argparse.ArgumentParser:
    """Declare a command; ``answer`` takes what was parsed and returns the exit code."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(command=answer)
    return parser
