"""The command ``gravicast draws``: sums of flows and measures, with intervals and chances."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import InputError
from forecasting.cli.listing import Listing

if TYPE_CHECKING:
    from forecasting.distribution.draws import Draws
    from forecasting.distribution.measure_draws import MeasureDraws

HELP = "forecast any sum of flows, or measure of trade, with intervals and probabilities"
EXAMPLES = """examples:
  gravicast draws runs/goods --of "EU27:CHN,DEU:exports"
      the exports of the European Union to China, and all of Germany's

  gravicast draws runs/goods --of DEU,FRA --of "world;ASEAN:imports" --levels 50,80,95
      a flow is written with a comma; other sums are separated by commas or semicolons

  gravicast draws runs/goods --of VNM:exports --years 2020,2022 --out vietnam.parquet
      every draw in a file: selection, target_year, draw, value

  gravicast draws runs/goods --of "VNM:supplier_concentration;CHN:market_share:USA"
      measures of the trade pattern; gravicast measures --list has them

  gravicast draws --groups
      groups of countries that have a name
"""
N_DRAWS = 200
REPEATED = ("--of",)
"""Options that may be given more than once."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("run", metavar="RUN", help="output folder of a run, forecast or nowcast")
    parser.add_argument(
        "--of",
        metavar="WHAT",
        action="append",
        default=[],
        help="flow (DEU,FRA), total (DEU:exports, EU27:imports), trade between two sides "
        "(EU27:CHN, DEU+FRA:ALL) or world, :SECTOR after it takes one sector; or a measure of a "
        "country, with its partner or sector (CHN:market_share:USA); may be repeated "
        "(default: world)",
    )
    parser.add_argument("--levels", metavar="PERCENTS", default="50,90",
                        help="levels of the intervals in percent (default: 50,90)")  # fmt: skip
    parser.add_argument("--years", metavar="YEARS", help="target years (default: all)")
    parser.add_argument("--draws", metavar="N", default=str(N_DRAWS), dest="n_draws",
                        help=f"a multiple of 20 from 40 up (default: {N_DRAWS})")  # fmt: skip
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the draws there (Parquet)")
    parser.add_argument("--groups", action=Listing, nargs=0, const=_groups,
                        help="list the groups of countries")  # fmt: skip


def _groups() -> list[str]:
    from features.countries.groups import country_groups

    found = country_groups().values()
    width = max(len(group.name) for group in found)
    return [f"{group.name:{width}}  {group.label}; {group.source}" for group in found]


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    levels = [_number(word, "--levels", float) for word in _words(parsed.levels)]
    years = [int(_number(word, "--years", int)) for word in _words(parsed.years or "")]
    n_draws = int(_number(parsed.n_draws, "--draws", int))
    if parsed.out is not None:
        _check_out(parsed.out)

    from forecasting.distribution.draws import draws
    from forecasting.distribution.joint import joint_draws
    from forecasting.distribution.measure_draws import measure_draws
    from forecasting.distribution.measure_selections import apart
    from forecasting.distribution.output import measure_lines, table_lines, write_draws
    from forecasting.results.read import read_run

    joint = joint_draws(read_run(parsed.run), n_draws=n_draws)
    sums, measures = apart(parsed.of or ["world"])
    found: list[Draws | MeasureDraws] = []
    lines: list[str] = []
    if sums or not measures:
        found.append(summed := draws(joint, sums, years=years, levels=levels))
        lines += table_lines(summed)
    if measures:
        found.append(measured := measure_draws(joint, measures, years=years, levels=levels))
        lines += measure_lines(measured)
    print("\n".join(lines))
    if parsed.out is not None:
        write_draws(found, parsed.out)
        print(f"draws written to {parsed.out}")
    return 0


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _number(word: str, option: str, kind: type[float] | type[int]) -> float:
    try:
        return kind(word)
    except ValueError:
        raise InputError(
            f"{option}: {word!r} is not a {'whole ' if kind is int else ''}number",
            remedy=f"Write numbers with commas between them, such as {option} "
            f"{'50,90' if kind is float else '2020,2022'}",
        ) from None


def _check_out(file: Path) -> None:
    """Refuse a file that cannot be written before any work starts."""
    if file.suffix != ".parquet":
        raise InputError("--out: the draws are written as Parquet", remedy="End it in .parquet",
                         file=file)  # fmt: skip
    if not file.parent.is_dir():
        raise InputError("--out: there is no such folder", remedy="Make it, or choose another",
                         file=file.parent)  # fmt: skip
