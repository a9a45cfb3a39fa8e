"""The run table of the MLflow UI: which columns it opens with, and its address."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from forecasting.tracking.metrics import shown_horizons

if TYPE_CHECKING:
    from mlflow import MlflowClient

_VIEW = "gravicast"
VIEW_TAG = f"mlflow.sharedViewState.{_VIEW}"
"""Tag of an experiment under which the UI finds a view that it can open with."""


def run_table_view(horizons: Sequence[int]) -> str:
    """Value of `VIEW_TAG`: the table shows skill and errors.

    Parameters
    ----------
    horizons
        Of the run, years.
    """
    # Few, and no attributes: the UI orders metrics by name, and shows what fits beside its chat.
    metrics = [f"skill_h{min(horizons)}", *(f"wape_h{h}" for h in shown_horizons(horizons))]
    return json.dumps({"selectedColumns": [f"metrics.`{name}`" for name in metrics]})


def run_table_page(client: MlflowClient) -> str:
    """Part of the UI's address that opens the run table of the latest run's experiment."""
    experiments = {found.experiment_id: found for found in client.search_experiments()}
    latest = client.search_runs(
        list(experiments), order_by=["attributes.start_time DESC"], max_results=1
    )
    if not latest:
        return "#/experiments"
    experiment = experiments[latest[0].info.experiment_id]
    view = f"&viewStateShareKey={_VIEW}" if VIEW_TAG in experiment.tags else ""
    return (
        f"#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning"
        f"&compareRunsMode=TABLE{view}"
    )
