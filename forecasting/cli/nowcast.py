"""The command ``gravicast nowcast``: a run's forecasts with the reports of a later day."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from forecasting.cli.options import add_options, given_options
from forecasting.options.forecast_config import ForecastConfig

if TYPE_CHECKING:
    from forecasting.serving.nowcast import NowcastUpdate

HELP = "update a run's forecasts with new reports, and say what they changed"
EXAMPLES = """examples:
  gravicast nowcast runs/goods --as-of 2026-09-01
  gravicast nowcast runs/goods --reports comtrade:2026-11 --out forecasts/november
"""
_OPTIONS = ("reports", "report_delays", "monthly", "as_of", "accept", "out", "overwrite", "quiet")
_SHOWN = 10


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("run", metavar="RUN", help="folder of a run with reports")
    add_options(parser, {name: ForecastConfig.OPTIONS[name] for name in _OPTIONS})


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from forecasting.serving.nowcast import nowcast

    options = given_options(parsed, {name: ForecastConfig.OPTIONS[name] for name in _OPTIONS})
    print(_summary(nowcast(parsed.run, **options)))
    return 0


def _summary(update: NowcastUpdate) -> str:
    """World trade before and after by year, and the reports that changed it most."""
    now, then = update.after.provenance, update.before.provenance
    sums = [
        run.forecasts.groupby("target_year")["forecast"].sum() / 1e9
        for run in (update.before, update.after)
    ]
    lines = [
        f"Forecasts from {now['origin']} as of {now['as_of']}; the run's are as of {then['as_of']}"
    ]
    for year, before in sums[0].items():
        after = sums[1][year]
        lines.append(
            f"  {year}: {after:,.0f} billion USD of trade, {after - before:+,.0f} by the news"
        )
    rows = update.news.set_index("reporter") / 1e9
    shown = rows.head(_SHOWN)
    lines.append(
        "What changed it, billion USD by the reporter that has filed since (later years with their "
        "share of the monthly news):"
    )
    lines += [
        f"  {reporter:<16}" + "".join(f"{value:>10,.2f}" for value in values)
        for reporter, values in zip(shown.index, shown.to_numpy(), strict=True)
    ]
    if len(rows) > len(shown):
        rest = rows.iloc[_SHOWN:].sum()
        lines.append(
            f"  {len(rows) - _SHOWN} more".ljust(18) + "".join(f"{v:>10,.2f}" for v in rest)
        )
    lines.append(
        f"{len(update.after.forecasts):,} forecasts: {update.after.out / 'forecasts.parquet'}"
    )
    return "\n".join(lines)
