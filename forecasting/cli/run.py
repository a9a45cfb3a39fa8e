"""The command ``gravicast run`` and the summary it prints."""

from __future__ import annotations

import argparse

from forecasting.cli.options import add_options, given_options
from forecasting.options.run_config import RunConfig, without_switches

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
    from forecasting.cli.run_summary import run_summary
    from forecasting.job import run
    from forecasting.options.yaml_file import read_options

    options = without_switches(given_options(parsed, RunConfig.OPTIONS))
    file = parsed.config
    if file is not None:
        options = {**without_switches(read_options(file), file=file), **options}
    result = run(RunConfig.from_mapping(options, file=file))
    print(run_summary(result))
    return 0
