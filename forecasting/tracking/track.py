"""One MLflow run a run: configuration, scores by origin, data, tables, figures and the model.

Importing this module is cheap: MLflow is imported by the functions.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import yaml

from features.errors import InputError
from forecasting.results.result import RunResult
from forecasting.run_folder.files import FILES, MARKER, MODEL, file_of
from forecasting.run_folder.record import lasting_sums, run_digest
from forecasting.tracking.children import log_children
from forecasting.tracking.datasets import by_context, datasets, log_params, seed_digest
from forecasting.tracking.killed_runs import at_work, end_killed
from forecasting.tracking.metrics import (
    AMOUNTS,
    log_metrics,
    measure_metrics,
    origin_metrics,
    stage_metrics,
    summary_metrics,
    tables,
)
from forecasting.tracking.mlflow_store import at_store, ended, local_uri, sqlite_file, store_uri
from forecasting.tracking.run_note import run_note, subject
from forecasting.tracking.run_table import VIEW_TAG, run_table_view
from models.learner_text import LIGHTGBM, module_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

MODEL_NAME = "forecaster"
_DIGEST_SHOWN = 20
REQUIREMENTS = ("mlflow", "lightgbm", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy",
                "threadpoolctl", "numba")  # fmt: skip
"""Packages that the logged model imports, directly or through LightGBM."""

EXPERIMENT = "gravicast"
"""Experiment of a run that does not name one."""
RUN_DIGEST = "run_sha256"
"""Tag with the digest of the run's record, which leads from a run folder to its MLflow runs."""


def track(result: RunResult) -> str:
    """Log a finished run in MLflow.

    The store is the one set in MLflow or ``MLFLOW_TRACKING_URI``, otherwise ``mlflow.db`` in the
    working directory.

    Parameters
    ----------
    result
        A run whose files are in ``result.out``.

    Returns
    -------
    str
        The MLflow run id.

    Raises
    ------
    InputError
        If it is a forecast by a trained model, or the store cannot be reached or fails halfway. The
        files of the run stay untouched, and the MLflow run is marked as failed if the store still
        responds.
    """
    if result.scores.empty:
        raise InputError(
            "a forecast by a trained model is not logged: nothing was back-tested",
            remedy="Give the output folder of `gravicast run`",
            file=result.out,
        )
    _check_folder(result)
    folder = shlex.quote(str(result.out))
    with at_store(
        problem="MLflow did not accept the run",
        remedy=f"The run is complete in {result.out}: `gravicast track {folder}` uploads it once "
        "the store works; MLFLOW_TRACKING_URI names another",
    ) as client:
        end_killed(client)
        with at_work() as working:
            return _log_run(client, result, working)


def _of_learner(text: str) -> tuple[str, ...]:
    """Packages that read and run a learner other than LightGBM."""
    if text == LIGHTGBM:
        return ()
    package = module_of(text).partition(".")[0]
    found = metadata.packages_distributions().get(package, ())
    return ("skops", *sorted({*found} - {*REQUIREMENTS}))


def _check_folder(result: RunResult) -> None:
    """Refuse to log the files of another run that was written there meanwhile."""
    expected = lasting_sums(result.provenance)
    about = json.loads((result.out / MARKER).read_text(encoding="utf-8"))
    if expected and lasting_sums(about) != expected:
        raise InputError(
            "the folder now holds another run",
            remedy=f"Log that one with `gravicast track {shlex.quote(str(result.out))}`",
            file=result.out,
        )


def _experiment_id(client: MlflowClient, name: str) -> str:
    """Find or create the experiment; artifacts of a SQLite store go beside its file."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    file = sqlite_file(store_uri())
    folder = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "experiment"
    location = None if file is None else local_uri(file.parent / "mlruns" / folder)
    try:
        return str(client.create_experiment(name, artifact_location=location))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)  # another process created it meanwhile


def _log_run(client: MlflowClient, result: RunResult, working: Mapping[str, str]) -> str:
    import mlflow

    experiment = _experiment_id(client, result.config.experiment or EXPERIMENT)
    client.set_experiment_tag(experiment, VIEW_TAG, run_table_view(result.config.horizons))
    run = mlflow.start_run(
        experiment_id=experiment,
        run_name=f"{result.out.absolute().name}, origin {result.provenance['origin']}",
        nested=mlflow.active_run() is not None,
        tags={**_tags(result), **working},
    )
    run_id = str(run.info.run_id)
    with ended(mlflow.end_run):
        _log_everything(client, run_id, result)
        log_children(client, experiment, run_id, result, tags=working)
    return run_id


def _log_everything(client: MlflowClient, run_id: str, result: RunResult) -> None:
    import mlflow

    inputs = datasets(result.provenance["data"])
    log_params(client, run_id, result)
    mlflow.log_inputs(
        datasets=list(inputs.values()), contexts=list(inputs), tags_list=[None] * len(inputs)
    )
    model_id = _log_model(result)
    # A run's page shows metrics in the order they came: headlines first.
    metrics = summary_metrics(
        result.scores,
        model_id,
        next(iter(inputs.values())),
        setting=str(result.provenance["setting"]),
    )
    metrics += origin_metrics(result.scores_by_origin) + stage_metrics(result.timings)
    if result.measures is not None:
        metrics += measure_metrics(result.measures.scores)
    log_metrics(client, run_id, metrics)
    for name, table in tables(result).items():
        client.log_table(run_id, table, name)
    _log_files(client, run_id, result)
    client.set_tag(run_id, "mlflow.note.content", run_note(result, model_id))


def _log_files(client: MlflowClient, run_id: str, result: RunResult) -> None:
    out = result.out
    for path in (out / file.name for file in FILES if file.logged):
        if path.is_dir():
            client.log_artifacts(run_id, str(path), path.name)
        elif path.is_file():
            client.log_artifact(run_id, str(path))
    # For `gravicast run config.yaml --trade ... --out ...`: the same run on other data.
    config = yaml.safe_dump(result.config.to_dict(), sort_keys=False, allow_unicode=True)
    client.log_text(run_id, config, "config.yaml")


def _tags(result: RunResult) -> dict[str, str]:
    """Tags to search runs by."""
    from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT

    provenance = result.provenance
    tags = {
        "setting": str(provenance["setting"]),
        "settings": ", ".join(result.config.settings),
        "origin": str(provenance["origin"]),
        "horizons": ", ".join(map(str, result.config.horizons)),
        "as_of": str(provenance["as_of"]),
        "gravicast.version": str(provenance["versions"]["gravicast"]),
        "out": str(result.out.absolute()),
        RUN_DIGEST: run_digest(result.out),
    }
    for context, source in by_context(provenance["data"]).items():
        digest = source["sha256"] or seed_digest(source)
        name = "data_sha256" if context == "trade" else f"data_sha256.{context}"
        tags[name.replace(" ", "_")] = digest
        if context == "trade":
            tags["data_vintage"] = f"trade to {provenance['origin']}, {digest[:_DIGEST_SHOWN]}"
    git = provenance.get("git")
    if git:
        tags[MLFLOW_GIT_COMMIT] = git["commit"]
        tags |= {"git.commit_of": git["of"], "git.changed_since": git["changed"]}
    return tags


def _log_model(result: RunResult) -> str:
    """Log the forecaster as code and data; returns its model id."""
    import mlflow

    here = Path(__file__).resolve().parent
    root = here.parents[1]
    info = mlflow.pyfunc.log_model(
        name=MODEL_NAME,
        python_model=str(here / "pyfunc_model.py"),
        # Laid out as in the run's folder, so that `served_model` reads both the same way.
        artifacts={
            "forecaster": local_uri((result.out / MODEL).absolute()),
            "run": local_uri((result.out / MARKER).absolute()),
            "stability": local_uri((result.out / file_of("stability").name).absolute()),
        },
        code_paths=[str(root / name) for name in ("forecasting", "features", "models")],
        pip_requirements=[
            f"{name}=={metadata.version(name)}"
            for name in (*REQUIREMENTS, *_of_learner(result.config.learner))
        ],
        signature=_signature(result.forecasts),
        input_example=_example(result.forecasts),
        tags={"mlflow.note.content": _model_note(result)},
        params={
            "origin": result.provenance["origin"],
            "as_of": result.provenance["as_of"],
            "horizons": ", ".join(map(str, result.config.horizons)),
        },
    )
    return str(info.model_id)


def _model_note(result: RunResult) -> str:
    sector = ", `sector`" if "sector" in result.forecasts else ""
    horizons = ", ".join(map(str, result.config.horizons))
    return (
        f"Give `exporter`, `importer`{sector} and `horizon` ({horizons}); `predict` answers with "
        f"base, forecast, intervals and probability of trade, USD. {subject(result)}"
    )


def _signature(forecasts: pd.DataFrame) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    names = ["exporter", "importer", *(["sector"] if "sector" in forecasts else [])]
    keys = [ColSpec(DataType.string, name) for name in names]
    whole = [ColSpec(DataType.long, name) for name in ("origin", "horizon", "target_year")]
    numbers = [ColSpec(DataType.double, name) for name in (*AMOUNTS, "probability_of_trade")]
    return ModelSignature(
        inputs=Schema([*keys, ColSpec(DataType.long, "horizon")]),
        outputs=Schema([*keys, *whole, *numbers]),
    )


def _example(forecasts: pd.DataFrame) -> pd.DataFrame:
    """A request for the two largest flows."""
    names = ["exporter", "importer", *(["sector"] if "sector" in forecasts else [])]
    rows = forecasts.nlargest(2, "forecast")
    table = rows[names].astype("str").reset_index(drop=True)
    table["horizon"] = rows["horizon"].to_numpy(dtype=np.int64)
    return table
