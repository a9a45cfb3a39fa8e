"""Child runs in MLflow: every candidate, trial and variant that was scored.

Importing this module is cheap: MLflow is imported by the functions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.evaluation.scores import SKILL_METRICS
from forecasting.results.result import RunResult
from forecasting.tracking.metrics import BY_ORIGIN, log_metrics
from forecasting.tracking.mlflow_store import ended

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

KIND = "kind"
NESTED = ("loss", "midpoint", "money", "ratio")
"""Columns of `Study.trials` that are logged, as ``nested_...``."""


@dataclass(frozen=True, slots=True)
class Child:
    """One child run: what was tried, and its scores.

    Attributes
    ----------
    kind
        ``candidate`` (nested choice), ``tuning`` (`models.tuning`), ``trial`` (`models.trials`), or
        the group of a study's model.
    name
        Of the run.
    params
        What distinguishes it from its siblings.
    scores
        Metric, value and origin; the origin is the step.
    """

    kind: str
    name: str
    params: Mapping[str, str]
    scores: tuple[tuple[str, float, int], ...]


def children(result: RunResult) -> list[Child]:
    """Every child of a run, in a fixed order."""
    found = list(_candidates(result.provenance["nested_choices"]))
    if result.tuning is not None:
        found += _tuning_trials(result.tuning.trials)
    if result.study is not None:
        found += _trials(result.study.trials)
        found += _variants(result.study.by_origin)
    return found


def log_children(
    client: MlflowClient,
    experiment: str,
    parent: str,
    result: RunResult,
    *,
    tags: Mapping[str, str],
) -> None:
    """Log every child under ``parent``, with these extra tags."""
    from mlflow.entities import Param
    from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

    for child in children(result):
        own = {MLFLOW_PARENT_RUN_ID: parent, KIND: child.kind, **tags}
        params = [Param(name, value) for name, value in child.params.items()]
        run_id = client.create_run(experiment, run_name=child.name, tags=own).info.run_id
        with ended(partial(client.set_terminated, run_id)):
            client.log_batch(run_id, params=params)
            log_metrics(client, run_id, _metrics(child))


def _metrics(child: Child) -> list[Metric]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(name, float(value), now, origin) for name, value, origin in child.scores]


def _candidates(choices: Mapping[str, Mapping[str, Any]]) -> Iterator[Child]:
    """Candidates of the nested validation: loss, and whether chosen, by origin."""
    by_choice: dict[tuple[tuple[str, str], ...], list[tuple[str, float, int]]] = {}
    for origin, found in choices.items():
        chosen = _params(found["chosen"])
        for candidate in found["losses"]:
            params = _params({n: v for n, v in candidate.items() if n != "loss"})
            scores = by_choice.setdefault(tuple(params.items()), [])
            scores.append(("nested_loss", candidate["loss"], int(origin)))
            scores.append(("chosen", float(params == chosen), int(origin)))
    for key, scores in by_choice.items():
        # The UI shows the first dozen letters of a name, so what differs comes first.
        values, names = (" / ".join(words) for words in ((v for _, v in key), (n for n, _ in key)))
        yield Child("candidate", f"{values} ({names})", dict(key), tuple(scores))


def _params(choice: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in choice.items()}


def _tuning_trials(table: pd.DataFrame) -> Iterator[Child]:
    """Trials of tuning: one run each, as every study draws parameters of its own."""
    told = ("origin", "trial", "chosen", "loss")
    for row in table.to_dict("records"):
        origin, number = int(row["origin"]), int(row["trial"])
        params = {str(name): str(value) for name, value in row.items() if name not in told}
        scores = (
            ("nested_loss", float(row["loss"]), origin),
            ("chosen", float(row["chosen"]), origin),
        )
        name = f"{origin}, trial {number} (tuning)"
        yield Child("tuning", name, {**params, "origin": str(origin)}, scores)


def _trials(table: pd.DataFrame) -> Iterator[Child]:
    for (question, answer), block in table.groupby(["question", "answer"], sort=False):
        scores = tuple(
            (f"nested_{name}", row[name], row["origin"])
            for row in block.to_dict("records")
            for name in NESTED
        )
        params = {"question": str(question), "answer": str(answer)}
        yield Child("trial", f"trial: {question}: {answer}", params, scores)


def _variants(table: pd.DataFrame) -> Iterator[Child]:
    """Models of a study, with the metric names of the parent run without the model."""
    for (group, model), block in table.groupby(["group", "model"], sort=False):
        scores = tuple(
            (f"{BY_ORIGIN}/{name}/{row['setting']}/h{row['horizon']}", row[name], row["origin"])
            for row in block.to_dict("records")
            for name in SKILL_METRICS
            if np.isfinite(row[name])
        )
        yield Child(str(group), f"{group}: {model}", {"model": str(model)}, scores)
