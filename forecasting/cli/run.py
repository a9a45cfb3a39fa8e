"""The command ``gravicast run`` and the summary it prints."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from forecasting.cli.options import add_options, given_options
from forecasting.options.run_config import RunConfig, without_switches

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.results.result import RunResult

HELP = "back-test, forecast, explain and track"
EXAMPLES = """examples:
  gravicast run
      the main job on the simulated world: no data, no network, no account

  gravicast run --trade flows.parquet --indicators country_year.parquet \\
      --indicator-catalogue catalogue.csv --pairs geography.parquet \\
      --pairs trade_agreements.parquet --out runs/goods
      real data; indicators and pair files are optional

  gravicast run --store store --trade baci:HS92:202601:hs2 --indicators indicators:technology \\
      --pairs geodist --out runs/chapters
      public data that `gravicast fetch` put into the local store

  gravicast run config.yaml --out runs/again
      options from a file; the command line takes precedence
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("config", nargs="?", help="YAML file of options")
    add_options(parser, RunConfig.OPTIONS)


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from forecasting.job import run
    from forecasting.options.yaml_file import read_options

    options = without_switches(given_options(parsed, RunConfig.OPTIONS))
    file = parsed.config
    if file is not None:
        options = {**without_switches(read_options(file), file=file), **options}
    result = run(RunConfig.from_mapping(options, file=file))
    print(_summary(result))
    return 0


def _summary(result: RunResult) -> str:
    """Scores and the place of the files, for stdout."""
    from forecasting.words.labels import SETTING_LABELS
    from forecasting.words.numbers import percent
    from models.registry import MAIN_MODEL

    scores = result.scores
    lines = []
    for setting in result.config.settings:
        board = scores[(scores["setting"] == setting) & (scores["stratum"] == "all")]
        lines += [f"\n{SETTING_LABELS[setting]} (lower is better)", _board(board)]
    ours = scores[(scores["model"] == MAIN_MODEL) & (scores["stratum"] == "all")]
    cover = ", ".join(
        f"{row.setting} h={row.horizon}: {percent(row.coverage_90)}" for row in ours.itertuples()
    )
    drivers = ", ".join(
        f"{row.label} {percent(row.share, digits=0)}"
        for row in result.channels.head(4).itertuples()
    )
    lines += [
        f"\n90% intervals covered {cover}",
        f"Shifts of the forecast by channel (share of mean absolute SHAP): {drivers}",
        f"\nForecasts from {result.provenance['origin']} as of {result.provenance['as_of']}: "
        f"{result.out / 'forecasts.parquet'}",
        f"Report: {_report_of(result)}",
    ]
    if result.config.experiment is not None:
        from forecasting.tracking.mlflow_store import review_hint

        lines.append(review_hint())
    return "\n".join(lines).strip()


def _report_of(result: RunResult) -> str:
    if result.config.report:
        return str(result.out / "report.html")
    return f"none; `gravicast report {shlex.quote(str(result.out))}` writes it"


def _board(scores: pd.DataFrame) -> str:
    table = scores.pivot_table(
        index="model", columns="horizon", values=["wape", "log_mae"], sort=False
    )
    table.columns = [f"{metric} h={horizon}" for metric, horizon in table.columns]
    return str(table.to_string(float_format=lambda value: f"{value:.4f}"))
