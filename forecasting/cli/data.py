"""The command ``gravicast data``: what the store holds, whether it is intact, what it covers."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecasting.options.run_config import RunConfig

if TYPE_CHECKING:
    import pandas as pd

    from features.store.dataset import Dataset

HELP = "what the local store of public data holds"
EXAMPLES = """examples:
  gravicast data list
  gravicast data check
      every file against its checksum; exit code 1 if one is broken
  gravicast data show baci:HS92:202601:hs2 --out pictures
      coverage by country and year as a table and a picture
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    what = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listed = what.add_parser("list", help="data sets with years, rows, release and licence")
    listed.set_defaults(part=_list)
    checked = what.add_parser("check", help="files that are broken, stale or left over")
    checked.set_defaults(part=_check)
    shown = what.add_parser("show", help="a data set: its origin and coverage")
    shown.add_argument(
        "key", metavar="KEY", help="a key of `gravicast data list`, or its beginning"
    )
    shown.add_argument("--out", type=Path, help="folder for coverage.csv and coverage.png")
    shown.set_defaults(part=_show)
    for part in (listed, checked, shown):
        part.add_argument("--store", type=Path, help=RunConfig.OPTIONS["store"].help)


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    code: int = parsed.part(parsed)
    return code


def _list(parsed: argparse.Namespace) -> int:
    from features.store.coverage import is_stale
    from features.store.store import Store
    from features.tidy.years import years_word

    store = Store(parsed.store)
    datasets = store.datasets()
    for folder in store.broken():
        print(f"broken: {folder}: its description cannot be read")
    if not datasets:
        print(f"{store.folder} holds no data set. `gravicast fetch --list` names the sources")
        return 0
    width = max(len(dataset.key) for dataset in datasets)
    for dataset in datasets:
        years = years_word(dataset.years) if dataset.years else "no years"
        stale = "; a newer release is likely out" if is_stale(dataset, today=date.today()) else ""
        print(
            f"{dataset.key:{width}}  {dataset.kind:10}  {years:9}  {dataset.rows:>12,} rows  "
            f"fetched {dataset.retrieved}  {dataset.licence}{stale}"
        )
    return 0


def _check(parsed: argparse.Namespace) -> int:
    from features.store.coverage import check
    from features.store.store import Store

    store = Store(parsed.store)
    findings = check(store, today=date.today())
    for finding in findings:
        print(f"{'broken' if finding.broken else 'note'}: {finding.where}: {finding.problem}")
    broken = sum(finding.broken for finding in findings)
    print(f"{len(store.datasets())} data sets in {store.folder}: {broken} broken files")
    return 1 if broken else 0


def _show(parsed: argparse.Namespace) -> int:
    from features.store.coverage import coverage
    from features.store.store import Store
    from forecasting.figures.coverage_plots import write_coverage

    dataset = Store(parsed.store).open(parsed.key)
    table = coverage(dataset)
    print("\n".join(_facts(dataset)))
    print(_by_country(table).to_string())
    if parsed.out is not None:
        for path in write_coverage(dataset, table, parsed.out):
            print(f"Written: {path}")
    return 0


def _facts(dataset: Dataset) -> list[str]:
    """Where a data set comes from and what was decided in making it."""
    lines = [
        f"{dataset.key}: {dataset.title}, release {dataset.release}, {dataset.rows:,} rows",
        f"Licence: {dataset.licence}. Cite: {dataset.citation}",
        f"Publication lag: {_lag(dataset)}",
    ]
    lines += [
        f"From {raw['url']}{_via(raw)}, {raw['retrieved']}, {raw['size']:,} bytes, "
        f"sha256 {raw['sha256']}"
        for raw in dataset.raw[:5]
    ]
    if len(dataset.raw) > 5:
        lines.append(f"and {len(dataset.raw) - 5} more files, listed in dataset.json")
    return [*lines, *dataset.statements, ""]


def _lag(dataset: Dataset) -> str:
    lags = [line.publication_lag_months for line in dataset.indicators]
    lags = lags or [dataset.publication_lag_months]
    span = f"{lags[0]}" if len(set(lags)) == 1 else f"{min(lags)} to {max(lags)}, by series,"
    return f"{span} months"


def _via(raw: dict[str, Any]) -> str:
    return f" via {raw['via']}" if raw.get("via") else ""


def _by_country(table: pd.DataFrame) -> pd.DataFrame:
    """First and last year, number of years with a row, and rows, by country."""
    import pandas as pd

    present = table > 0
    return pd.DataFrame(
        {
            "first": present.idxmax(axis=1),
            "last": present.iloc[:, ::-1].idxmax(axis=1),
            "years": present.sum(axis=1),
            "rows": table.sum(axis=1),
        }
    ).rename_axis("country")
