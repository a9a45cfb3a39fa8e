"""The command ``gravicast measures``: the trade pattern measured, forecast and explained."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from forecasting.cli.brief_output import add_brief_files, check_brief_files, print_brief
from forecasting.cli.listing import Listing

HELP = "measure the trade pattern: shares, concentration, reshoring, value chains"
EXAMPLES = """examples:
  gravicast measures --list
      every measure with its family, unit and what it needs

  gravicast measures reshoring runs/sectors
  gravicast measures market_share runs/goods --country Germany --year 2020
  gravicast measures value_chains runs/sectors --out briefs/value-chains
      with figures, and the numbers as CSV
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("kind", metavar="KIND", help="a measure, a family, or all; see --list")
    parser.add_argument("run", metavar="RUN", help="output folder of a finished run")
    parser.add_argument("--list", action=Listing, nargs=0, const=_lines,
                        help="list the measures")  # fmt: skip
    parser.add_argument("--country", help="ISO 3166 code or English name (default: all)")
    parser.add_argument("--year", type=int, help="target year (default: the first not over)")
    add_brief_files(parser)


def _lines() -> Iterator[str]:
    """Every measure, by family."""
    from features.measures.catalogue import MEASURES
    from forecasting.results.measures import FAMILIES, FAMILY_LABELS

    width = max(len(measure.name) for measure in MEASURES)
    for family in FAMILIES:
        yield f"{family}: {FAMILY_LABELS[family]}"
        for measure in (m for m in MEASURES if m.family == family):
            needs = f"; needs {', '.join(sorted(measure.needs))}" if measure.needs else ""
            of = " x ".join(measure.of)
            yield f"  {measure.name:{width}}  {measure.label} ({of}, {measure.unit}{needs})"


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from forecasting.briefs.measures import pattern_brief
    from forecasting.results.measures import kind_names
    from forecasting.results.read import read_run

    kind_names(parsed.kind)
    check_brief_files(parsed)
    run = read_run(parsed.run)
    brief = pattern_brief(run, parsed.kind, country=parsed.country, year=parsed.year)
    print_brief(brief, run, parsed)
    return 0
