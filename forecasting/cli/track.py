"""The command ``gravicast track``: a finished run logged in MLflow."""

from __future__ import annotations

import argparse
from typing import Any

from forecasting.cli.command import add_command

_EXAMPLES = """examples:
  gravicast track gravicast-run
      log a finished run in MLflow, or log it again

  MLFLOW_TRACKING_URI=http://mlflow.example:5000 gravicast track runs/goods
"""


def declare(commands: Any) -> None:
    """Declare ``gravicast track``."""
    track = add_command(
        commands,
        "track",
        _track,
        help="log a finished run in MLflow",
        examples=_EXAMPLES,
    )
    track.add_argument("run", help="output folder of a finished run")
    track.add_argument("--experiment", help="MLflow experiment (default: the run's, or gravicast)")


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
