"""The command ``gravicast report``: a finished run as one page of HTML."""

from __future__ import annotations

import argparse
from typing import Any

from forecasting.cli.command import add_command
from forecasting.options.kinds import words

_EXAMPLES = """examples:
  gravicast report gravicast-run
  gravicast report runs/goods --countries DEU,FRA,"South Africa" --out goods.html
"""


def declare(commands: Any) -> None:
    """Declare ``gravicast report``."""
    report = add_command(
        commands,
        "report",
        _report,
        help="write a run's report again: one HTML file, with briefs of chosen countries",
        examples=_EXAMPLES,
    )
    report.add_argument("run", help="output folder of a finished run or forecast")
    report.add_argument(
        "--countries", type=words, default=(), help="codes or names, such as DEU,FRA (default: "
        "the three largest exporters)"
    )  # fmt: skip
    report.add_argument("--year", type=int, help="target year of the briefs (default: the nearest)")
    report.add_argument("--out", help="HTML file to write (default report.html in the folder)")


def _report(parsed: argparse.Namespace) -> int:
    from forecasting.reports.report import make_report

    made = make_report(parsed.run, countries=parsed.countries, year=parsed.year, out=parsed.out)
    print(made)
    return 0
