"""The command ``gravicast ui``: the MLflow UI on the runs' store."""

from __future__ import annotations

import argparse

HELP = "open the MLflow UI on the runs' store"
EXAMPLES = """examples:
  gravicast ui
  gravicast ui --port 5001 --store sqlite:////data/mlflow.db
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("--port", type=int, default=5000, help="port on 127.0.0.1 (default 5000)")
    parser.add_argument(
        "--store", help="tracking store (default $MLFLOW_TRACKING_URI or ./mlflow.db)"
    )


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from forecasting.tracking.ui import serve

    return serve(port=parsed.port, store=parsed.store)
