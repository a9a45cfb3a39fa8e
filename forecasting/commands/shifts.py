"""The command ``gravicast shifts``: measures of the trade pattern, past, forecast and explained."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

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
    shifts.add_argument("--list", action=_List, nargs=0, help="list the measures")
    shifts.add_argument("--country", help="ISO 3166 code or English name (default: all)")
    shifts.add_argument("--year", type=int, help="target year (default: the nearest)")
    where = shifts.add_argument_group("files")
    where.add_argument("--out", help="folder for the brief with figures, and its tables as CSV")
    where.add_argument("--overwrite", action="store_true", help="replace the brief --out holds")
    shifts.set_defaults(command=_shifts)


class _List(argparse.Action):
    """Say what is measured, and stop."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002
        values: str | Sequence[Any] | None,  # noqa: ARG002
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        from features.targets.catalogue import MEASURES
        from forecasting.targets.shifts import FAMILIES, FAMILY_LABELS

        width = max(len(measure.name) for measure in MEASURES)
        for family in FAMILIES:
            print(f"{family}: {FAMILY_LABELS[family]}")
            for measure in (m for m in MEASURES if m.family == family):
                needs = f"; needs {', '.join(sorted(measure.needs))}" if measure.needs else ""
                of = " x ".join(measure.of)
                print(f"  {measure.name:{width}}  {measure.label} ({of}, {measure.unit}{needs})")
        parser.exit()


def _shifts(parsed: argparse.Namespace) -> int:
    from pathlib import Path

    from features.errors import InputError
    from forecasting.briefs.files import brief_text, check_brief_folder, write_brief
    from forecasting.briefs.pattern import pattern_brief
    from forecasting.run_folder import read_run
    from forecasting.targets.shifts import kind_names

    kind_names(parsed.kind)
    if parsed.overwrite and parsed.out is None:
        raise InputError("--overwrite says nothing without --out", remedy="Give --out DIR too")
    if parsed.out is not None:
        check_brief_folder(Path(parsed.out), overwrite=parsed.overwrite)
    run = read_run(parsed.run)
    brief = pattern_brief(run, parsed.kind, country=parsed.country, year=parsed.year)
    if parsed.out is None:
        print(f"{brief_text(brief)}\nFigures, and all numbers as CSV: give --out DIR")
        return 0
    file = write_brief(brief, run, parsed.out, overwrite=parsed.overwrite)
    print(f"{brief_text(brief)}\nWith figures, and all numbers as CSV: {file}")
    return 0
