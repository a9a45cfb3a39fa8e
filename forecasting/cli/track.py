"""The command ``gravicast track``: a finished run logged in MLflow."""

from __future__ import annotations

import argparse

HELP = "log a finished run in MLflow"
EXAMPLES = """examples:
  gravicast track gravicast-run
      log a finished run in MLflow, or log it again

  MLFLOW_TRACKING_URI=http://mlflow.example:5000 gravicast track runs/goods
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("run", help="output folder of a finished run")
    parser.add_argument("--experiment", help="MLflow experiment (default: the run's, or gravicast)")


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
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
