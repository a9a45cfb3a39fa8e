"""The command ``gravicast plan``: stock, suppliers and risk from a run's forecasts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.planning.result import PlanResult

HELP = "plan stock and suppliers: reorder points, safety stock, supplier risk and shares"
EXAMPLES = """examples:
  gravicast plan runs/goods --example
      write example files of items and suppliers into the run, and plan with them

  gravicast plan runs/goods plan.yaml
      your items and suppliers; tables, a workbook and a page in runs/goods/plans/NAME

  gravicast plan runs/goods items.xlsx
      your items alone, with columns item, importer, demand (units a year), unit_cost,
      holding_cost (of a unit for a year), order_cost, service_level (0.95), lead_time_days

  gravicast plan runs/goods --importer DEU
      growth and supplier risk of a market, without files; --sector c14 takes one sector

plan.yaml:
  items: items.xlsx
  suppliers: suppliers.csv
  service_level: 95%
  limits: {largest_share: 50%, groups: {CHN+VNM: 40%}, budget: 900000}
  `python -m pydoc forecasting.planning` lists every key and column.
"""
_SHOWN = 12


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("run", metavar="RUN", help="output folder of a finished run")
    parser.add_argument(
        "file", metavar="PLAN", nargs="?", help="a plan as YAML, or a table of items"
    )
    parser.add_argument("--importer", metavar="COUNTRY", help="look at a market without a file")
    parser.add_argument("--sector", metavar="SECTOR", help="of that market (default: all)")
    parser.add_argument("--example", action="store_true",
                        help="write example files into the run and plan with them")  # fmt: skip
    parser.add_argument("--overwrite", action="store_true",
                        help="replace the plan of this name")  # fmt: skip


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    given = [bool(parsed.file), bool(parsed.importer), parsed.example]
    if sum(given) != 1:
        raise InputError("a plan needs one of a file, --importer and --example",
                         remedy="Give plan.yaml, or --importer DEU, or --example")  # fmt: skip
    if parsed.sector and not parsed.importer:
        raise InputError("--sector is of a market", remedy="Give --importer too, or leave it out")

    from forecasting.planning.plan import plan
    from forecasting.run_folder.files import PLANS

    file = parsed.file
    if parsed.example:
        file = _example(Path(parsed.run), overwrite=parsed.overwrite)
        print(f"Example files, to be edited: {file.parent}")
    found = plan(parsed.run, file, importer=parsed.importer, sector=parsed.sector,
                 overwrite=parsed.overwrite)  # fmt: skip
    print("\n".join(_summary(found)))
    print(f"Tables, plan.xlsx, plan.html and figures: {Path(parsed.run) / PLANS / found.name}")
    return 0


def _example(run: Path, *, overwrite: bool) -> Path:
    from forecasting.planning.example import write_example
    from forecasting.results.read import read_run
    from forecasting.run_folder.files import PLANS

    result = read_run(run)
    folder = run / PLANS / "inputs"
    if folder.exists() and not overwrite:
        raise InputError("the run has example files already",
                         remedy="Edit them and give their plan.yaml, or give --overwrite",
                         file=folder)  # fmt: skip
    return write_example(result, folder)


def _summary(found: PlanResult) -> Iterator[str]:
    record = found.record
    yield f"{found.name}: plan of {record['year']}"
    if len(found.inventory):
        yield from _stock(found.inventory)
    else:
        yield from _market(found.demand)
    if len(found.risk):
        yield from _suppliers(found)
    yield from record["notes"]
    yield "What this plan cannot know:"
    yield from (f"  {limit}" for limit in record["not_known"])


def _stock(table: pd.DataFrame) -> Iterator[str]:
    names = ("order_quantity", "reorder_point", "safety_stock")
    yield f"  {'item':<24}{'order':>10}{'reorder at':>12}{'safety':>10}{'service':>9}{'fill':>8}"
    for _, row in table.head(_SHOWN).iterrows():
        order, point, safety = (f"{row[name]:,.0f}" for name in names)
        yield (f"  {row['item']!s:<24.24}{order:>10}{point:>12}{safety:>10}"
               f"{100 * row['cycle_service']:>7.1f} %{100 * row['fill_rate']:>6.1f} %")  # fmt: skip
    if len(table) > _SHOWN:
        yield f"  and {len(table) - _SHOWN:,} more in the workbook"


def _market(table: pd.DataFrame) -> Iterator[str]:
    row = table.iloc[0]
    low, high = (
        100 * (row[f"{side}_90"] / row["demand_before"] - 1) for side in ("lower", "upper")
    )
    yield (f"  growth of the market {100 * row['market_growth']:+.1f} % "
           f"(90 %: {low:+.1f} to {high:+.1f})")  # fmt: skip


def _suppliers(found: PlanResult) -> Iterator[str]:
    from forecasting.results.subjects import named

    chosen = found.shares.set_index(["item", "country"])["share"]
    yield "  Supplier countries: chance that sales fall by more than 10 %, share now and chosen"
    for _, row in found.risk.head(_SHOWN).iterrows():
        share = chosen[row["item"], row["country"]]
        yield (f"  {row['item']!s:<24.24}{named(row['country'])!s:<28.28}"
               f"{100 * row['probability_of_fall_10']:>4.0f} %{100 * row['share']:>8.1f} %"
               f"{100 * share:>8.1f} %")  # fmt: skip
    if len(found.risk) > _SHOWN:
        yield f"  and {len(found.risk) - _SHOWN:,} more in the workbook"
