"""The command ``gravicast forecast``: new data forecast with a trained model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from features.errors import InputError
from forecasting.cli.options import add_options, given_options
from forecasting.options.forecast_config import ForecastConfig

if TYPE_CHECKING:
    from forecasting.results.result import RunResult

HELP = "forecast new data with a trained model"
EXAMPLES = """examples:
  gravicast forecast --model models:/gravicast@champion --trade new.parquet \\
      --indicators country_year.parquet --indicator-catalogue catalogue.csv \\
      --pairs geography.parquet --out forecasts/2026
  gravicast forecast --model runs/goods --trade new.parquet --horizons 1,2
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument(
        "--model", required=True, help="models:/NAME@ALIAS, models:/NAME/VERSION, models:/m-..., "
        "runs:/RUN_ID, or the folder of a run"
    )  # fmt: skip
    add_options(parser, ForecastConfig.OPTIONS)


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from forecasting.serving.serving import forecast_with

    options = given_options(parsed, ForecastConfig.OPTIONS)
    if "trade" not in options:
        raise InputError("there are no data to forecast", remedy="Give a trade file with --trade")
    result = forecast_with(parsed.model, ForecastConfig(**options))
    print(_summary(result))
    return 0


def _summary(result: RunResult) -> str:
    """What was forecast, by target year, and where it is."""
    about, table = result.provenance, result.forecasts
    by_year = table.groupby("target_year")[["base", "forecast"]].sum() / 1e9
    model = about["model"]
    version = f", version {model['version']} of {model['name']}" if "version" in model else ""
    lines = [
        f"Forecasts from {about['origin']} as of {about['as_of']} with {model['address']}{version}",
        f"  the model was trained on data to {model['origin']}, as of {model['as_of']}",
        *(
            f"  {year}: {row.forecast:,.0f} billion USD of trade"
            for year, row in zip(by_year.index, by_year.itertuples(), strict=True)
        ),
        *(f"  note: {note}" for note in about["notes"]),
        f"{len(table):,} forecasts: {result.out / 'forecasts.parquet'}",
    ]
    return "\n".join(lines)
