"""The commands that review runs in MLflow and use their models: track, ui, promote, forecast."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from features.errors import InputError
from forecasting.cli.options import add_options, given_options
from forecasting.options.forecast_config import ForecastConfig

if TYPE_CHECKING:
    from forecasting.promotion.promote import Promotion
    from forecasting.results.result import RunResult

_TRACK_EXAMPLES = """examples:
  gravicast track gravicast-run
      log a finished run in MLflow, or log it again

  MLFLOW_TRACKING_URI=http://mlflow.example:5000 gravicast track runs/goods
"""
_UI_EXAMPLES = """examples:
  gravicast ui
  gravicast ui --port 5001 --store sqlite:////data/mlflow.db
"""
_PROMOTE_EXAMPLES = """examples:
  gravicast promote runs/goods
      make the run's model the champion, if it passes the gates and beats the champion

  gravicast promote 3f0c... --against 9b1e...
      the champion was trained on other data: compare with a run of its configuration on these

exit code: 0 where the model is the champion now, 1 where it is not, 2 for a mistake
"""
_FORECAST_EXAMPLES = """examples:
  gravicast forecast --model models:/gravicast@champion --trade new.parquet \\
      --indicators country_year.parquet --indicator-catalogue catalogue.csv \\
      --pairs geography.parquet --out forecasts/2026
  gravicast forecast --model runs/goods --trade new.parquet --horizons 1,2
"""


def add_review_commands(commands: Any) -> None:
    """Declare ``track``, ``ui``, ``promote`` and ``forecast``."""
    _add_track(commands)
    _add_ui(commands)
    _add_promote(commands)
    _add_forecast(commands)


def _add_track(commands: Any) -> None:
    track = commands.add_parser(
        "track",
        help="log a finished run in MLflow",
        epilog=_TRACK_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    track.add_argument("run", help="output folder of a finished run")
    track.add_argument("--experiment", help="MLflow experiment (default: the run's, or gravicast)")
    track.set_defaults(command=_track)


def _add_ui(commands: Any) -> None:
    ui = commands.add_parser(
        "ui",
        help="open the MLflow UI on the runs' store",
        epilog=_UI_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ui.add_argument("--port", type=int, default=5000, help="port on 127.0.0.1 (default 5000)")
    ui.add_argument("--store", help="tracking store (default $MLFLOW_TRACKING_URI or ./mlflow.db)")
    ui.set_defaults(command=_ui)


def _add_promote(commands: Any) -> None:
    promote = commands.add_parser(
        "promote",
        help="make a run's model the champion, if it deserves it",
        epilog=_PROMOTE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    promote.add_argument("run", help="MLflow run id, or the folder of a tracked run")
    promote.add_argument("--name", default="gravicast", help="registered model (default gravicast)")
    promote.add_argument(
        "--against", help="run of the champion's configuration on the same data as RUN"
    )
    promote.set_defaults(command=_promote)


def _add_forecast(commands: Any) -> None:
    forecast = commands.add_parser(
        "forecast",
        help="forecast new data with a trained model",
        epilog=_FORECAST_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    forecast.add_argument(
        "--model", required=True, help="models:/NAME@ALIAS, models:/NAME/VERSION, models:/m-..., "
        "runs:/RUN_ID, or the folder of a run"
    )  # fmt: skip
    add_options(forecast, ForecastConfig.OPTIONS)
    forecast.set_defaults(command=_forecast)


def _track(parsed: argparse.Namespace) -> int:
    from dataclasses import replace

    from forecasting.results.read import read_run
    from forecasting.tracking.mlflow_store import review_hint
    from forecasting.tracking.track import track

    result = read_run(parsed.run)
    if parsed.experiment:
        result = replace(result, config=replace(result.config, experiment=parsed.experiment))
    run_id = track(result)
    print(f"MLflow run {run_id}\n{review_hint()}")
    return 0


def _ui(parsed: argparse.Namespace) -> int:
    from forecasting.tracking.ui import serve

    return serve(port=parsed.port, store=parsed.store)


def _promote(parsed: argparse.Namespace) -> int:
    from forecasting.promotion.promote import promote

    done = promote(parsed.run, name=parsed.name, against=parsed.against)
    print(_told(done))
    return 0 if done.promoted else 1


def _told(done: Promotion) -> str:
    """A promotion for stdout."""
    lines = [f"{done.verdict} ({done.name})"]
    lines += [f"  not yet: {reason}" for reason in done.reasons]
    lines += [
        f"  gate {gate.name}: {'passed' if gate.passed else 'failed'}, {gate.found}"
        for gate in done.gates
    ]
    lines += [
        f"  mean error ratio to {comparison.against}: {comparison.score:.4f}"
        for comparison in done.comparisons
    ]
    if done.promoted:
        lines.append(f"Forecast with it: gravicast forecast --model models:/{done.name}@champion")
    return "\n".join(lines)


def _forecast(parsed: argparse.Namespace) -> int:
    from forecasting.serving.serving import forecast_with

    options = given_options(parsed, ForecastConfig.OPTIONS)
    if "trade" not in options:
        raise InputError("there are no data to forecast", remedy="Give a trade file with --trade")
    result = forecast_with(parsed.model, ForecastConfig(**options))
    print(_forecast_summary(result))
    return 0


def _forecast_summary(result: RunResult) -> str:
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
