"""One MLflow run a run: configuration, scores by origin, data, tables, figures and the model.

Importing this module is cheap: MLflow is imported by the functions.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.errors import InputError
from forecasting.results import RunResult
from forecasting.tracking_card import card, subject
from forecasting.tracking_children import log_children
from forecasting.tracking_data import by_context, datasets, log_params, seed_digest
from forecasting.tracking_tables import (
    AMOUNTS,
    log_metrics,
    origin_metrics,
    stage_metrics,
    summary_metrics,
    tables,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

MODEL_NAME = "forecaster"
FILES = (
    "report.html",
    "scoreboard.md",
    "run.json",
    "forecasts.parquet",
    "attributions.parquet",
    "scores.csv",
    "scores_by_origin.csv",
    "significance.csv",
    "reliability.csv",
    "study_by_origin.csv",
    "ablation.csv",
    "placebos.csv",
    "trials.csv",
)
REQUIREMENTS = ("mlflow", "lightgbm", "numpy", "pandas", "pyarrow", "scipy")
"""What the logged model imports, directly or through LightGBM."""

_HASTY = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}
"""For the first question to a server: by default MLflow asks a dead one for minutes."""
_SILENT = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_PASSWORD = re.compile(r"//[^/@]*@")


def track(result: RunResult) -> str:
    """Log a finished run in MLflow.

    The store is the one set in MLflow or in ``MLFLOW_TRACKING_URI``, otherwise ``mlflow.db`` in
    the working directory.

    Parameters
    ----------
    result
        Of a run whose files are in ``result.out``.

    Returns
    -------
    str
        The MLflow run id.

    Raises
    ------
    InputError
        If the store cannot be reached or does not take the run. The run's files are not touched.
    """
    os.environ.update(quiet_environment())
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    uri = store_uri()
    try:
        _check_file(uri)
        with _quiet(), _environment(_artifact_root(uri)), _tracking_at(uri):
            mlflow.autolog(disable=True)
            return _log_run(result, uri)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"MLflow did not take the run ({reason})",
            remedy=f"The run is complete in {result.out}; set MLFLOW_TRACKING_URI to a store that "
            "works, or give --no-tracking (`experiment: null`)",
            file=_PASSWORD.sub("//***@", uri),
        ) from error


def store_uri() -> str:
    """Where runs are tracked: what MLflow was told, otherwise ``mlflow.db`` in this folder."""
    set_by_user = os.environ.get("MLFLOW_TRACKING_URI", "").strip()
    # `mlflow.set_tracking_uri` sets the variable too.
    return set_by_user or f"sqlite:///{(Path.cwd() / 'mlflow.db').as_posix()}"


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, None for any other store."""
    if not uri.startswith("sqlite:"):
        return None
    from sqlalchemy.engine import make_url

    database = make_url(uri).database
    return Path(database).absolute() if database and database != ":memory:" else None


def quiet_environment() -> dict[str, str]:
    """Variables that keep MLflow from calling home, unless the user decided otherwise."""
    name = "MLFLOW_DISABLE_TELEMETRY"
    return {name: os.environ.get(name, "true")}


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for a while, except those the user has set."""
    chosen = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name in chosen:
            os.environ.pop(name, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow's notes, bars, addresses and Python warnings off the terminal.

    What it logs as a warning or an error still shows.
    """
    logger = logging.getLogger("mlflow")
    before, bytecode = logger.level, sys.dont_write_bytecode
    logger.setLevel(logging.WARNING)
    # MLflow loads the model it has just written, and would leave a __pycache__ among its files.
    sys.dont_write_bytecode = True
    try:
        with _environment(_SILENT), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"mlflow\.")
            yield
    finally:
        logger.setLevel(before)
        sys.dont_write_bytecode = bytecode


def _check_file(uri: str) -> None:
    """Refuse early what MLflow would try ten times over before it gives up."""
    file = sqlite_file(uri)
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        with file.open("rb") as opened:
            head = opened.read(16)
        if head not in (b"", b"SQLite format 3\x00"):
            raise OSError("the file is no SQLite database")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise OSError("the file cannot be written")


def _artifact_root(uri: str) -> dict[str, str]:
    """Keep MLflow from leaving an empty ``mlruns`` in the working directory of another store."""
    file = sqlite_file(uri)
    return {} if file is None else {"_MLFLOW_SERVER_ARTIFACT_ROOT": str(file.parent / "mlruns")}


@contextmanager
def _tracking_at(uri: str) -> Iterator[None]:
    """Point MLflow at the store and leave the process as it was found."""
    import mlflow

    found_set, path = mlflow.is_tracking_uri_set(), sys.path
    if not found_set:
        mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        # Logging a model loads it once from a folder that is gone afterwards.
        sys.path = path
        if not found_set:
            mlflow.set_tracking_uri(None)


def _experiment_id(client: MlflowClient, name: str, uri: str) -> str:
    """Find or make the experiment; artifacts of a SQLite store go beside its file."""
    with _environment(_HASTY):
        found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    file = sqlite_file(uri)
    folder = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "experiment"
    location = None if file is None else str(file.parent / "mlruns" / folder)
    return str(client.create_experiment(name, artifact_location=location))


def _log_run(result: RunResult, uri: str) -> str:
    import mlflow

    assert result.config.experiment is not None
    client = mlflow.MlflowClient()
    experiment = _experiment_id(client, result.config.experiment, uri)
    inputs = datasets(result.provenance["data"])
    with mlflow.start_run(
        experiment_id=experiment,
        run_name=f"{result.out.absolute().name}, origin {result.provenance['origin']}",
        nested=mlflow.active_run() is not None,
        tags=_tags(result),
    ) as run:
        run_id = str(run.info.run_id)
        log_params(client, run_id, result)
        mlflow.log_inputs(
            datasets=list(inputs.values()),
            contexts=list(inputs),
            tags_list=[None] * len(inputs),
        )
        model_id = _log_model(result)
        metrics = origin_metrics(result.scores_by_origin) + stage_metrics(result.timings)
        metrics += summary_metrics(result.scores, model_id, next(iter(inputs.values())))
        log_metrics(client, run_id, metrics)
        for name, table in tables(result).items():
            client.log_table(run_id, table, name)
        _log_files(client, run_id, result.out)
        log_children(client, experiment, run_id, result)
        client.set_tag(run_id, "mlflow.note.content", card(result, model_id))
    return run_id


def _log_files(client: MlflowClient, run_id: str, out: Path) -> None:
    for name in FILES:
        if (out / name).is_file():
            client.log_artifact(run_id, str(out / name))
    if (out / "figures").is_dir():
        client.log_artifacts(run_id, str(out / "figures"), "figures")


def _tags(result: RunResult) -> dict[str, str]:
    provenance = result.provenance
    tags = {
        "setting": str(provenance["setting"]),
        "origin": str(provenance["origin"]),
        "as_of": str(provenance["as_of"]),
        "gravicast.version": str(provenance["versions"]["gravicast"]),
        "out": str(result.out.absolute()),
    }
    for context, source in by_context(provenance["data"]).items():
        name = "data_sha256" if context == "trade" else f"data_sha256.{context}"
        tags[name.replace(" ", "_")] = source["sha256"] or seed_digest(source)
    return tags


def _log_model(result: RunResult) -> str:
    """Log the forecaster as code and data; returns its model id."""
    import mlflow

    home = Path(__file__).resolve().parent
    info = mlflow.pyfunc.log_model(
        name=MODEL_NAME,
        python_model=str(home / "pyfunc_model.py"),
        artifacts={"forecaster": str((result.out / "model").absolute())},
        code_paths=[str(home.parent / name) for name in ("forecasting", "features", "models")],
        pip_requirements=[f"{name}=={metadata.version(name)}" for name in REQUIREMENTS],
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
    """Ask for the two largest flows."""
    names = ["exporter", "importer", *(["sector"] if "sector" in forecasts else [])]
    rows = forecasts.nlargest(2, "forecast")
    table = rows[names].astype("str").reset_index(drop=True)
    table["horizon"] = rows["horizon"].to_numpy(dtype=np.int64)
    return table
