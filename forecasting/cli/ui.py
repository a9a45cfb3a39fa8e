"""The command ``gravicast ui``: the MLflow UI on the runs' store."""

from __future__ import annotations

import argparse
from typing import Any

from forecasting.cli.command import add_command

_EXAMPLES = """examples:
  gravicast ui
  gravicast ui --port 5001 --store sqlite:////data/mlflow.db
"""


def declare(commands: Any) -> None:
    """Declare ``gravicast ui``."""
    ui = add_command(
        commands,
        "ui",
        _ui,
        help="open the MLflow UI on the runs' store",
        examples=_EXAMPLES,
    )
    ui.add_argument("--port", type=int, default=5000, help="port on 127.0.0.1 (default 5000)")
    ui.add_argument("--store", help="tracking store (default $MLFLOW_TRACKING_URI or ./mlflow.db)")


def _ui(parsed: argparse.Namespace) -> int:
    from forecasting.tracking.ui import serve

    return serve(port=parsed.port, store=parsed.store)
