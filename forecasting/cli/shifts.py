"""The command ``gravicast shifts``: measures of the trade pattern, past, forecast and explained."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from forecasting.cli.brief_output import add_brief_files, check_brief_files, print_brief
from forecasting.cli.listing import Listing

_EXAMPLES = """examples:
  gravicast shifts --list
      every measure with its family, unit and what it needs

  gravicast shifts reshoring runs/sectors
  gravicast shifts market_share runs/goods --country Germany --year 2020
  gravicast shifts value_chains runs/sectors --out shifts/value-chains
      with figures, and the numbers as CSV
"""


def add_shifts_command(commands: Any) -> None:
    """Declare ``gravicast shifts``."""
    shifts = commands.add_parser(
        "shifts",
        help="shifts of the pattern: shares, concentration, reshoring, value chains, services",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shifts.add_argument("kind", metavar="KIND", help="a measure, a family, or all; see --list")
    shifts.add_argument("run", metavar="RUN", help="output folder of a finished run")
    shifts.add_argument("--list", action=Listing, nargs=0, const=_measures,
                        help="list the measures")  # fmt: skip
    shifts.add_argument("--country", help="ISO 3166 code or English name (default: all)")
    shifts.add_argument("--year", type=int, help="target year (default: the nearest)")
    add_brief_files(shifts)
    shifts.set_defaults(command=_shifts)


def _measures() -> Iterator[str]:
    """What is measured, by family."""
    from features.measures.catalogue import MEASURES
    from forecasting.results.measures import FAMILIES, FAMILY_LABELS

    width = max(len(measure.name) for measure in MEASURES)
    for family in FAMILIES:
        yield f"{family}: {FAMILY_LABELS[family]}"
        for measure in (m for m in MEASURES if m.family == family):
            needs = f"; needs {', '.join(sorted(measure.needs))}" if measure.needs else ""
            of = " x ".join(measure.of)
            yield f"  {measure.name:{width}}  {measure.label} ({of}, {measure.unit}{needs})"


def _shifts(parsed: argparse.Namespace) -> int:
    from forecasting.briefs.measures import pattern_brief
    from forecasting.results.measures import kind_names
    from forecasting.results.read import read_run

    kind_names(parsed.kind)
    check_brief_files(parsed)
    run = read_run(parsed.run)
    brief = pattern_brief(run, parsed.kind, country=parsed.country, year=parsed.year)
    print_brief(brief, run, parsed)
    return 0
