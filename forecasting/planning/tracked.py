"""A plan as a child run in MLflow, under the run that it rests on.

Importing this module is cheap: MLflow is imported by the functions.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import numpy as np

from forecasting.planning.result import PlanResult
from forecasting.results.result import RunResult
from forecasting.run_folder.record import run_digest
from forecasting.tracking.children import KIND
from forecasting.tracking.metrics import log_metrics
from forecasting.tracking.mlflow_store import at_store, ended, sqlite_file, store_uri
from forecasting.tracking.track import RUN_DIGEST

MEANS = {
    "inventory": ("cycle_service", "fill_rate", "cost"),
    "risk": ("expected_shortfall", "probability_of_fall_10"),
}


def track_plan(plan: PlanResult, run: RunResult, out: Path) -> str | None:
    """Log a plan and its folder; None where the store does not hold the run.

    Raises
    ------
    InputError
        If the store fails; the plan's files stay.
    """
    file = sqlite_file(store_uri())
    if run.config.experiment is None or (file is not None and not file.exists()):
        return None
    from mlflow.entities import Metric, Param
    from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

    remedy = f"The plan is complete in {out}; MLFLOW_TRACKING_URI names another store"
    with at_store(problem="MLflow did not accept the plan", remedy=remedy) as client:
        experiments = [found.experiment_id for found in client.search_experiments()]
        parents = client.search_runs(
            experiments,
            f"tags.`{RUN_DIGEST}` = '{run_digest(run.out)}' and attributes.status = 'FINISHED'",
            max_results=1,
            order_by=["attributes.start_time DESC"],
        )
        if not parents:
            return None
        parent = parents[0].info
        tags = {MLFLOW_PARENT_RUN_ID: parent.run_id, KIND: "plan"}
        child = client.create_run(parent.experiment_id, run_name=f"plan: {plan.name}", tags=tags)
        run_id = str(child.info.run_id)
        with ended(partial(client.set_terminated, run_id)):
            known = ("year", "demand_year", "setting", "draws")
            params = [Param(name, str(plan.record[name])) for name in known]
            client.log_batch(run_id, params=params)
            now = int(time.time() * 1000)
            values = plan_metrics(plan).items()
            log_metrics(client, run_id, [Metric(name, value, now, 0) for name, value in values])
            client.log_artifacts(run_id, str(out))
    return run_id


def plan_metrics(plan: PlanResult) -> dict[str, float]:
    """Means over items and suppliers, and shortfalls of today's and the chosen shares."""
    known = plan.tables()
    found = {f"mean_{column}": float(known[name][column].mean())
             for name, columns in MEANS.items() if name in known for column in columns}  # fmt: skip
    if "frontier" in known:
        for mix in ("today", "chosen"):
            rows = plan.frontier[plan.frontier["mix"] == mix]
            found |= {f"{mix}_{name}": float(rows[name].mean()) for name in ("shortfall", "cvar")}
    return {name: value for name, value in found.items() if np.isfinite(value)}
