"""What a promotion reads from a tracked run: its model, its record, its scores."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.errors import InputError
from forecasting.run_folder.csv_files import read_csv
from forecasting.run_folder.files import MARKER, file_of
from forecasting.run_folder.record import run_digest
from forecasting.serving.served_model import model_of_run
from forecasting.tracking.datasets import seed_digest
from forecasting.tracking.track import RUN_DIGEST
from models.registry import LAST_VALUE, MAIN_MODEL

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_SCORES = file_of("scores_by_origin").name
_CELL = ["setting", "horizon", "origin"]
_DIGEST_SHOWN = 20
_OF_THE_MODEL = ("rounds", "max_rows", "params", "tune_every", "seed")
"""Options that define the model of a run, whatever its data."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A tracked run, as far as a promotion needs it.

    Attributes
    ----------
    run_id, run_name, model_id
        In MLflow.
    about
        Content of ``run.json``.
    scores
        Scores of every model by origin, over all flows.
    """

    run_id: str
    run_name: str
    model_id: str
    about: Mapping[str, Any]
    scores: pd.DataFrame

    @property
    def trade_digest(self) -> str:
        """Digest of the trade data, or the identity of a simulated world."""
        (trade,) = (source for source in self.about["data"] if source["role"] == "trade")
        return str(trade["sha256"] or seed_digest(trade))

    def of(self, model: str) -> pd.DataFrame:
        """Scores of one model."""
        return self.scores[self.scores["model"] == model]


def read_evidence(client: MlflowClient, run: str) -> Evidence:
    """Read a tracked run.

    ``run`` is an MLflow run id, or the output folder of a run that was tracked.

    Raises
    ------
    InputError
        If the run does not exist, or this version did not log it to its end.
    """
    found = _find(client, run)
    run_id = str(found.info.run_id)
    if found.info.status != "FINISHED":
        raise InputError(
            f"MLflow run {run_id} is {found.info.status.lower()}, not finished",
            remedy="Log the run again with `gravicast track`",
        )
    model = model_of_run(client, run_id)
    with tempfile.TemporaryDirectory(prefix="gravicast-evidence-") as stage:
        files = {file.path for file in client.list_artifacts(run_id)}
        lacking = sorted({MARKER, _SCORES} - files) + ([] if "model_id" in model else ["a model"])
        if lacking:
            raise InputError(
                f"MLflow run {run_id} has no {lacking[0]}: it was not logged by `gravicast`, or by "
                "another version",
                remedy="Give a run that `gravicast run` or `gravicast track` logged",
            )
        paths = {
            name: Path(client.download_artifacts(run_id, name, stage)) for name in (MARKER, _SCORES)
        }
        about = json.loads(paths[MARKER].read_text(encoding="utf-8"))
        scores = read_csv(paths[_SCORES])
    return Evidence(run_id, str(found.info.run_name), model["model_id"], about, scores)


def _find(client: MlflowClient, run: str) -> Run:
    """The MLflow run with an id, or the latest one of a run folder."""
    folder = Path(run)
    if not (folder / MARKER).is_file():
        if folder.is_dir() or len(folder.parts) > 1:
            raise InputError(
                "there is no run in this folder",
                remedy="Give an MLflow run id, or the output folder of a tracked run",
                file=folder,
            )
        return client.get_run(run)
    from mlflow.entities import ViewType

    experiments = [found.experiment_id for found in client.search_experiments()]
    runs = client.search_runs(
        experiments,
        f"tags.`{RUN_DIGEST}` = '{run_digest(folder)}' and attributes.status = 'FINISHED'",
        run_view_type=ViewType.ACTIVE_ONLY,
        max_results=1,
        order_by=["attributes.start_time DESC"],
    )
    if not runs:
        raise InputError(
            "MLflow holds no finished run of this folder",
            remedy=f"Log it with `gravicast track {folder}`",
            file=folder,
        )
    return runs[0]


def unlike(ours: Evidence, theirs: Evidence) -> str:
    """How the data or tests of two runs differ, in words; empty if their scores are comparable.

    This compares what was scored as well as digests: the same file read differently makes other
    flows, or other errors of repeating the last value.
    """
    if ours.trade_digest != theirs.trade_digest:
        digests = (run.trade_digest[:_DIGEST_SHOWN] for run in (ours, theirs))
        return f"other trade data (digests {' and '.join(digests)})"
    our_cells, their_cells = (run.of(MAIN_MODEL)[_CELL] for run in (ours, theirs))
    for name in _CELL:
        left, right = (sorted(set(cells[name])) for cells in (our_cells, their_cells))
        if left != right:
            return f"other {name}s ({_list(left)} and {_list(right)})"
    if set(our_cells.itertuples(index=False)) != set(their_cells.itertuples(index=False)):
        return "other combinations of setting, horizon and origin"
    if ours.about["as_of"] != theirs.about["as_of"]:
        return f"other as-of dates ({ours.about['as_of']} and {theirs.about['as_of']})"
    known = (run.of(LAST_VALUE).sort_values(_CELL)[["n", "wape"]] for run in (ours, theirs))
    left_known, right_known = (table.to_numpy(dtype=np.float64) for table in known)
    if not np.allclose(left_known, right_known, rtol=1e-9, atol=0.0, equal_nan=True):
        return "the same trade file read differently (options `absent` and `negatives`)"
    return ""


def another_model(rerun: Evidence, champion: Evidence) -> str:
    """How a run's model differs from the champion's configuration; empty if it does not."""
    for name in _OF_THE_MODEL:
        ours, theirs = (run.about["config"][name] for run in (rerun, champion))
        if ours != theirs:
            return f"{name} is {ours} and the champion's {theirs}"
    ours, theirs = (run.about["versions"]["gravicast"] for run in (rerun, champion))
    return "" if ours == theirs else f"gravicast {ours} made it, and {theirs} the champion"


def _list(values: list[Any]) -> str:
    return ", ".join(map(str, values))
