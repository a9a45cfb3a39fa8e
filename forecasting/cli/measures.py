"""The command ``gravicast measures``: the trade pattern measured, forecast and explained."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from forecasting.cli.brief_output import add_brief_files, check_brief_files, print_brief
from forecasting.cli.command import add_command
from forecasting.cli.listing import Listing

_EXAMPLES = """examples:
  gravicast measures --list
      every measure with its family, unit and what it needs

  gravicast measures reshoring runs/sectors
  gravicast measures market_share runs/goods --country Germany --year 2020
  gravicast measures value_chains runs/sectors --out briefs/value-chains
      with figures, and the numbers as CSV
"""


def declare(commands: Any) -> None:
    """Declare ``gravicast measures``."""
    measures = add_command(
        commands,
        "measures",
        _brief,
        help="measure the trade pattern: shares, concentration, reshoring, value chains",
        examples=_EXAMPLES,
    )
    measures.add_argument("kind", metavar="KIND", help="a measure, a family, or all; see --list")
    measures.add_argument("run", metavar="RUN", help="output folder of a finished run")
    measures.add_argument("--list", action=Listing, nargs=0, const=_lines,
                        help="list the measures")  # fmt: skip
    measures.add_argument("--country", help="ISO 3166 code or English name (default: all)")
    measures.add_argument("--year", type=int, help="target year (default: the nearest)")
    add_brief_files(measures)


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


def _brief(parsed: argparse.Namespace) -> int:
    from forecasting.briefs.measures import pattern_brief
    from forecasting.results.measures import kind_names
    from forecasting.results.read import read_run

    kind_names(parsed.kind)
    check_brief_files(parsed)
    run = read_run(parsed.run)
    brief = pattern_brief(run, parsed.kind, country=parsed.country, year=parsed.year)
    print_brief(brief, run, parsed)
    return 0
