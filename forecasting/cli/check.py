"""The command ``gravicast check``: what a run would read from files, without running."""

from __future__ import annotations

import argparse
import sys

from features.errors import InputError
from forecasting.cli.options import add_options, given_options
from forecasting.options.run_config import READING, RunConfig

HELP = "show what a run would read from files, without running"
EXAMPLES = """examples:
  gravicast check flows.xlsx
      which columns are taken, what is translated, summed, left out, and what looks odd

  gravicast check comtrade.csv indicators.csv --flow exports
"""
OPTIONS = (
    *("store", "largest", "absent", "late", "negatives", "domestic"),
    *(name for name, option in RunConfig.OPTIONS.items() if option.group == READING),
)
"""Options of a run that decide how a file is read."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="trade, indicators, their catalogue, pairs, "
        "sectors, reports, their delays or monthly trade, recognised by their columns; or the key "
        "of a data set of trade"
    )  # fmt: skip
    add_options(parser, RunConfig.OPTIONS, only=OPTIONS)


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from pathlib import Path

    from forecasting.inputs.check import check_file

    options = given_options(parsed, RunConfig.OPTIONS)
    # Options of trade need a trade file, whichever of the files it is.
    config = RunConfig.from_mapping({"trade": parsed.files[0], **options})
    code = 0
    for file in parsed.files:
        try:
            kind, statements = check_file(Path(file), config)
        except InputError as error:
            print(f"gravicast: {error}", file=sys.stderr)
            code = 2
            continue
        print(f"{file}: {kind}")
        for line in statements:
            print(f"  {line}")
    return code
