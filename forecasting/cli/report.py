"""The commands that write pages about a finished run: ``gravicast report``, ``scoreboard``."""

from __future__ import annotations

import argparse
from typing import Any

from forecasting.options.kinds import words

_REPORT_EXAMPLES = """examples:
  gravicast report gravicast-run
  gravicast report runs/goods --countries DEU,FRA,"South Africa" --out goods.html
"""
_SCOREBOARD_EXAMPLES = """examples:
  gravicast scoreboard gravicast-run
  gravicast scoreboard runs/goods --targets targets.csv --out scoreboard.md
"""


def add_report_commands(commands: Any) -> None:
    """Declare ``gravicast report`` and ``gravicast scoreboard``."""
    report = commands.add_parser(
        "report",
        help="write a run's report again: one HTML file, with briefs of chosen countries",
        epilog=_REPORT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    report.add_argument("run", help="output folder of a finished run or forecast")
    report.add_argument(
        "--countries", type=words, default=(), help="codes or names, such as DEU,FRA (default: "
        "the three largest exporters)"
    )  # fmt: skip
    report.add_argument("--year", type=int, help="target year of the briefs (default: the nearest)")
    report.add_argument("--out", help="HTML file to write (default report.html in the folder)")
    report.set_defaults(command=_report)
    board = commands.add_parser(
        "scoreboard",
        help="write a run's scoreboard again, from its files",
        epilog=_SCOREBOARD_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    board.add_argument("run", help="output folder of a finished run")
    board.add_argument("--targets", help="CSV of errors to reach: setting,horizon,metric,reach")
    board.add_argument("--out", help="file to write (default scoreboard.md in the folder)")
    board.set_defaults(command=_scoreboard)


def _report(parsed: argparse.Namespace) -> int:
    from forecasting.reports.report import make_report

    made = make_report(parsed.run, countries=parsed.countries, year=parsed.year, out=parsed.out)
    print(made)
    return 0


def _scoreboard(parsed: argparse.Namespace) -> int:
    from pathlib import Path

    from forecasting.reports.scoreboard import write_scoreboard

    targets = None if parsed.targets is None else Path(parsed.targets)
    out = None if parsed.out is None else Path(parsed.out)
    print(write_scoreboard(Path(parsed.run), targets=targets, out=out))
    return 0
