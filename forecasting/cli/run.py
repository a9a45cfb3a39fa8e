"""The command ``gravicast run`` and what it says when it is done."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.results.result import RunResult

RUN_EXAMPLES = """examples:
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
      options from a file; those given on the command line win
"""


def add_run_command(commands: Any) -> None:
    """Declare ``gravicast run``."""
    run = commands.add_parser(
        "run",
        help="back-test, forecast, explain and track",
        epilog=RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # Options not given stay absent, so that they do not override the configuration file.
        argument_default=argparse.SUPPRESS,
    )
    run.add_argument("config", nargs="?", help="YAML file of options")
    add_data_options(run)
    pattern = run.add_argument_group("sectors and domestic sales")
    pattern.add_argument("--domestic", help="exporter = importer rows: apart (default) or include "
                         "as flows like any other")  # fmt: skip
    pattern.add_argument("--tables", metavar="DIR", help="input-output tables: wiot_YYYY.parquet "
                         "and gross_output.parquet")  # fmt: skip
    what = run.add_argument_group("forecast")
    what.add_argument("--out", help="output folder (default gravicast-run)")
    what.add_argument("--overwrite", action="store_true", help="replace the run --out holds")
    what.add_argument("--horizons", help="years ahead, such as 1,2,3 or 1-5")
    what.add_argument("--settings", help="totals_known,ex_ante (default both)")
    what.add_argument("--as-of", help="day of the forecast, YYYY-MM-DD (default: 1 July two "
                      "years after the last trade year)")  # fmt: skip
    what.add_argument("--trade-lag-months", help="publication lag of trade (default 13)")
    what.add_argument("--first-origin", help="first origin of the back-test")
    what.add_argument("--explain-flow", help="flow of the waterfall: DEU,FRA")
    how = run.add_argument_group("how")
    how.add_argument("--rounds", help="boosting rounds (default 80)")
    how.add_argument("--seed", help="seed of everything random (default 1)")
    how.add_argument("--allow-snapshots", action="store_true", help="spread indicators of one "
                     "year over the past, which did not know them")  # fmt: skip
    how.add_argument("--study", action="store_true", help="score gravity models, channels left "
                     "out and placebos too (needs gravicast[gravity])")  # fmt: skip
    how.add_argument("--workers", help="folds at once (default: one a core)")
    how.add_argument("--experiment", help="MLflow experiment (default gravicast)")
    how.add_argument("--no-tracking", action="store_true", help="do not log to MLflow")
    how.add_argument("--no-figures", action="store_false", dest="figures",
                     help="write no figures; the report draws its own")  # fmt: skip
    how.add_argument("--no-report", action="store_false", dest="report",
                     help="write no report; `gravicast report` does it later")  # fmt: skip
    how.add_argument("--quiet", action="store_true", help="no progress on stderr")
    run.set_defaults(command=_run)


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that name files; those not given stay absent."""
    files = parser.add_argument_group("data (CSV, Parquet or Excel, or keys of the local store)")
    files.add_argument("--store", help="folder of the store of public data (default: "
                       "GRAVICAST_STORE, else gravicast-store)")  # fmt: skip
    files.add_argument("--trade", help="exporter, importer, [sector], year, value_usd")
    files.add_argument("--indicators", help="iso3, year, indicator, value")
    files.add_argument("--indicator-catalogue", help="channel, unit and publication lag of each")
    files.add_argument(
        "--pairs", action="append", help="iso3_o, iso3_d, [year], attributes; may be repeated"
    )
    files.add_argument(
        "--absent", help="what a flow without a row is: auto (default), zero or missing"
    )
    files.add_argument("--late", help="years without a trader's exports or imports after it "
                       "traded: auto (default: missing, and warn), missing or zero")  # fmt: skip
    files.add_argument("--strict", action="store_true", help="warnings about the data end the run")
    files.add_argument("--accept", type=words, metavar="CODES", help="warnings that are right as "
                       "they are, by code, such as trader-jump,succession")  # fmt: skip
    files.add_argument("--negatives", help="negative values: error (default) or zero")
    files.add_argument("--largest", help="keep this many of the largest traders; all "
                       "others become ROW (default: keep all)")  # fmt: skip
    files.add_argument("--sectors", help="sector, kind, digitally_deliverable, [exposures]")
    add_reading_options(parser)


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say how files are read; those not given stay absent."""
    how = parser.add_argument_group("where a file does not say it itself")
    how.add_argument("--columns", metavar="ROLE=COLUMN,...", help="columns of the trade file: "
                     "exporter=reporter,importer=partner,year=,month=,sector=,value=")  # fmt: skip
    how.add_argument("--unit", help="unit of trade values: usd, thousand, million or billion")
    how.add_argument("--flow", help="declarations of reporters to read: exports or imports")
    how.add_argument("--decimal", help="mark before decimals: . or ,")
    how.add_argument("--extra-codes", metavar="CODE,...", help="user-assigned country codes that "
                     "the files hold, such as XEU,XAS")  # fmt: skip


def words(text: str) -> tuple[str, ...]:
    """Words between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _run(parsed: argparse.Namespace) -> int:
    from forecasting.job import run
    from forecasting.options.run_config import RunConfig, without_switches
    from forecasting.options.yaml_file import read_options

    options = {k: v for k, v in vars(parsed).items() if k not in ("command", "config")}
    options = without_switches(options)
    file = getattr(parsed, "config", None)
    if file is not None:
        options = {**without_switches(read_options(file), file=file), **options}
    result = run(RunConfig.from_mapping(options, file=file))
    print(_summary(result))
    return 0


def _summary(result: RunResult) -> str:
    """Scoreboard and where the files are, for stdout."""
    from models.registry import MAIN_MODEL

    scores = result.scores
    lines = []
    for setting in result.config.settings:
        board = scores[(scores["setting"] == setting) & (scores["stratum"] == "all")]
        lines += [f"\n{_TITLES[setting]}", _board(board)]
    ours = scores[(scores["model"] == MAIN_MODEL) & (scores["stratum"] == "all")]
    cover = ", ".join(
        f"{row.setting} h={row.horizon}: {100 * row.coverage_90:.1f} %" for row in ours.itertuples()
    )
    drivers = ", ".join(
        f"{row.label} {100 * row.share:.0f} %" for row in result.channels.head(4).itertuples()
    )
    lines += [
        f"\n90 % intervals covered {cover}",
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


_TITLES = {
    "totals_known": "Totals of the year after the origin known (lower is better)",
    "ex_ante": "Ex ante: no total beyond the origin used (lower is better)",
}


def _board(scores: pd.DataFrame) -> str:
    table = scores.pivot_table(
        index="model", columns="horizon", values=["wape", "log_mae"], sort=False
    )
    table.columns = [f"{metric} h={horizon}" for metric, horizon in table.columns]
    return str(table.to_string(float_format=lambda value: f"{value:.4f}"))
