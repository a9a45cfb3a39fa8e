"""A scenario in MLflow: a child of the run it is asked of."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import InputError
from forecasting.run_folder.files import SCENARIOS
from forecasting.run_folder.record import run_digest
from forecasting.scenarios.result import ScenarioResult
from forecasting.tracking.children import KIND
from forecasting.tracking.mlflow_store import at_store, ended
from forecasting.tracking.track import RUN_DIGEST

if TYPE_CHECKING:
    from mlflow.entities import Metric


def track_scenario(result: ScenarioResult, run: Path) -> str:
    """Log a scenario below its run: what changes, how much it moves, tables and figures.

    Returns
    -------
    str
        The MLflow run id.

    Raises
    ------
    InputError
        If MLflow does not hold the run, or cannot be reached.
    """
    from mlflow.entities import Param
    from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

    with at_store(
        problem="MLflow did not accept the scenario",
        remedy="Make it again with --overwrite --track once the store works",
        must_exist=True,
    ) as client:
        experiments = [found.experiment_id for found in client.search_experiments()]
        parents = client.search_runs(
            experiments,
            f"tags.`{RUN_DIGEST}` = '{run_digest(run)}' and attributes.status = 'FINISHED'",
            max_results=1,
            order_by=["attributes.start_time DESC"],
        )
        if not parents:
            raise InputError(
                "MLflow holds no finished run of this folder",
                remedy=f"Log it with `gravicast track {run}`",
                file=run,
            )
        parent = parents[0].info
        tags = {MLFLOW_PARENT_RUN_ID: parent.run_id, KIND: "scenario"}
        name = f"scenario: {result.name}"
        made = client.create_run(parent.experiment_id, run_name=name, tags=tags)
        run_id = str(made.info.run_id)
        with ended(partial(client.set_terminated, run_id)):
            params = {"answer": result.answer, "closure": result.record["closure"]}
            for number, one in enumerate(result.record["changes"], start=1):
                params[f"change_{number}"] = one["change"]
            client.log_batch(run_id, params=[Param(k, v[:500]) for k, v in params.items()])
            client.log_batch(run_id, metrics=_metrics(result))
            client.log_artifacts(run_id, str(run / SCENARIOS / result.name))
    return run_id


def _metrics(result: ScenarioResult) -> list[Metric]:
    """Share of trade that moves and largest change of welfare, percent; the step is the year."""
    from mlflow.entities import Metric

    now, out = int(time.time() * 1000), []
    for year, rows in result.flows.groupby("target_year"):
        share = 100 * rows["difference"].abs().sum() / rows["baseline"].sum()
        out.append(Metric("moved_percent", float(share), now, int(year)))
    for year, rows in result.welfare.groupby("target_year"):
        largest = float(rows["percent"].abs().max())
        out.append(Metric("largest_welfare_percent", largest, now, int(year)))
    return out
