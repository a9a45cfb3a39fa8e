"""The command ``gravicast report``: a finished run as one page of HTML."""

from __future__ import annotations

import argparse

from features.errors import InputError
from forecasting.options.kinds import words

HELP = "write a run's report again: one HTML file, with briefs of chosen countries"
EXAMPLES = """examples:
  gravicast report gravicast-run
  gravicast report runs/goods --countries DEU,FRA,"South Africa" --out goods.html
  gravicast report runs/goods --countries all
      a page for every country and their index, in runs/goods-countries
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("run", help="output folder of a finished run or forecast")
    parser.add_argument(
        "--countries", type=words, default=(), help="codes or names, such as DEU,FRA, or all "
        "(default: the two largest exporters)"
    )  # fmt: skip
    parser.add_argument(
        "--year", type=int, help="target year of the briefs (default: the first not over)"
    )
    parser.add_argument("--out", help="HTML file to write (default report.html in the folder); of "
                        "all countries the folder")  # fmt: skip


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from forecasting.reports.country_pages import make_country_pages
    from forecasting.reports.report import make_report

    if [word.casefold() for word in parsed.countries] == ["all"]:
        if parsed.year is not None:
            raise InputError(
                "pages of all countries show every target year", remedy="Leave out --year"
            )
        print(make_country_pages(parsed.run, out=parsed.out))
        return 0
    made = make_report(parsed.run, countries=parsed.countries, year=parsed.year, out=parsed.out)
    print(made)
    return 0
