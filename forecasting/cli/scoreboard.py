"""The command ``gravicast scoreboard``: a finished run's scores as one page."""

from __future__ import annotations

import argparse

HELP = "write a run's scoreboard again, from its files"
EXAMPLES = """examples:
  gravicast scoreboard gravicast-run
  gravicast scoreboard runs/goods --targets targets.csv --out scoreboard.md
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("run", help="output folder of a finished run")
    parser.add_argument("--targets", help="CSV of errors to reach: setting,horizon,metric,reach")
    parser.add_argument("--out", help="file to write (default scoreboard.md in the folder)")


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from pathlib import Path

    from forecasting.reports.scoreboard import write_scoreboard

    targets = None if parsed.targets is None else Path(parsed.targets)
    out = None if parsed.out is None else Path(parsed.out)
    print(write_scoreboard(Path(parsed.run), targets=targets, out=out))
    return 0
