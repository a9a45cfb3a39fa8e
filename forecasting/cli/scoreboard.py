"""The command ``gravicast scoreboard``: a finished run's scores as one page."""

from __future__ import annotations

import argparse
from typing import Any

from forecasting.cli.command import add_command

_EXAMPLES = """examples:
  gravicast scoreboard gravicast-run
  gravicast scoreboard runs/goods --targets targets.csv --out scoreboard.md
"""


def declare(commands: Any) -> None:
    """Declare ``gravicast scoreboard``."""
    board = add_command(
        commands,
        "scoreboard",
        _scoreboard,
        help="write a run's scoreboard again, from its files",
        examples=_EXAMPLES,
    )
    board.add_argument("run", help="output folder of a finished run")
    board.add_argument("--targets", help="CSV of errors to reach: setting,horizon,metric,reach")
    board.add_argument("--out", help="file to write (default scoreboard.md in the folder)")


def _scoreboard(parsed: argparse.Namespace) -> int:
    from pathlib import Path

    from forecasting.reports.scoreboard import write_scoreboard

    targets = None if parsed.targets is None else Path(parsed.targets)
    out = None if parsed.out is None else Path(parsed.out)
    print(write_scoreboard(Path(parsed.run), targets=targets, out=out))
    return 0
