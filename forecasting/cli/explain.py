"""The command ``gravicast explain``: a short brief of a flow, a country, two blocs or a year."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from forecasting.cli.brief_output import add_brief_files, check_brief_files, print_brief

if TYPE_CHECKING:
    from forecasting.briefs.brief import Brief
    from forecasting.results.result import RunResult

HELP = "explain a flow, a country, a pair of blocs or a year in plain words"
EXAMPLES = """examples:
  gravicast explain gravicast-run --country DEU
      levels, shifts above and below the base, how sure, by which channels; exports and imports

  gravicast explain runs/goods --flow Germany,France --year 2020 --out briefs/deu-fra
      one flow (DEU,FRA,cars where there are sectors), with figures and the numbers as CSV

  gravicast explain runs/goods --blocs DEU+FRA:CHN+IND
  gravicast explain runs/goods --blocs USA:ALL
      trade between two groups of countries, both ways; ALL is everyone else

  gravicast explain runs/goods --year 2020
      the world in a year
"""
_ONE = "Give one of --flow, --country, --blocs, or --year alone"


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("run", help="output folder of a finished run")
    subject = parser.add_argument_group("subject (countries by code or English name)")
    subject.add_argument("--flow", help="exporter,importer and, where there are sectors, ,sector")
    subject.add_argument("--country", help="a country's exports and imports")
    subject.add_argument("--partners", help="with --country: partners and groups to show besides "
                         "the largest, such as CHN,EU27")  # fmt: skip
    subject.add_argument("--blocs", help="two groups of countries, such as DEU+FRA:CHN+IND")
    subject.add_argument("--year", type=int, help="target year (default: the first not over); "
                      "alone: the world in that year")  # fmt: skip
    add_brief_files(parser)


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from forecasting.results.read import read_run

    _check_question(parsed)
    check_brief_files(parsed)
    run = read_run(parsed.run)
    print_brief(_answer(run, parsed), run, parsed)
    return 0


def _check_question(parsed: argparse.Namespace) -> None:
    from features.errors import InputError

    asked = [
        f"--{name}" for name in ("flow", "country", "blocs") if getattr(parsed, name) is not None
    ]
    if len(asked) > 1:
        raise InputError(f"{' and '.join(asked)} cannot be combined", remedy=_ONE)
    if parsed.partners is not None and parsed.country is None:
        raise InputError("--partners needs --country", remedy="Give --country too")
    if not asked and parsed.year is None:
        raise InputError("name what to explain", remedy=_ONE)


def _answer(run: RunResult, parsed: argparse.Namespace) -> Brief:
    if parsed.flow is not None:
        from forecasting.briefs.flow import flow_brief

        # At most three: the name of a sector may hold commas.
        words = [word.strip() for word in parsed.flow.split(",", 2)]
        return flow_brief(run, words, year=parsed.year)
    if parsed.country is not None:
        from forecasting.briefs.country import country_brief

        wanted = [] if parsed.partners is None else parsed.partners.split(",")
        return country_brief(run, parsed.country, year=parsed.year, partners=wanted)
    if parsed.blocs is not None:
        from forecasting.briefs.blocs import blocs_brief

        return blocs_brief(run, *_two_blocs(parsed.blocs), year=parsed.year)
    from forecasting.briefs.world import world_brief

    return world_brief(run, parsed.year)


def _two_blocs(text: str) -> tuple[list[str], list[str]]:
    from features.errors import InputError

    blocs = [bloc.split("+") for bloc in text.split(":")]
    if len(blocs) != 2:
        raise InputError(f"{text!r} is not a pair of blocs", remedy="Give them as DEU+FRA:CHN+IND")
    return blocs[0], blocs[1]
