"""A trained model to forecast with, from a run folder or from MLflow."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.errors import MALFORMED, InputError, first_line
from forecasting.distribution.past_forecasts import PAST
from forecasting.results.read import read_about, read_table
from forecasting.run_folder.files import MARKER, MODEL, file_of
from forecasting.run_folder.record import check_file
from forecasting.tracking.mlflow_store import at_store
from models.fitted_learner import FittedLearner
from models.forecaster import FittedForecaster
from models.learner_text import LIGHTGBM
from models.saved import load_forecaster
from models.saved_learner import NotLoaded

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

_IN_MLFLOW = re.compile(r"^(models|runs):/")
_LOGGED = re.compile(r"^models:/+(m-\w+)$")
_MLMODEL, _ARTIFACTS = "MLmodel", "artifacts"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model and the run that trained it.

    Attributes
    ----------
    address
        As the user gave it.
    forecaster
        Fitted, with the data of its own origin.
    about
        Content of the run's ``run.json``.
    stability
        What the models of other origins and seeds used, see `drivers.stability_table`.
    registered
        Its ``name``, ``version``, ``model_id`` and ``run_id`` in MLflow, as far as known.
    past
        The files of its past forecasts (`distribution.past_forecasts`) by name, as they are: each
        forecast by the model gets a copy. Empty if the model was saved without them.
    """

    address: str
    forecaster: FittedForecaster
    about: Mapping[str, Any]
    stability: pd.DataFrame
    registered: Mapping[str, str]
    past: Mapping[str, bytes] = field(default_factory=dict)


def open_model(address: Path | str, *, learner: str | None = None) -> ServedModel:
    """Read a trained model.

    Parameters
    ----------
    address
        ``models:/name@alias``, ``models:/name/version``, ``models:/m-...``, ``runs:/run_id``, the
        output folder of a run, or the folder of a downloaded MLflow model. MLflow is asked at the
        store that `store.store_uri` names.
    learner
        The model's learner, where it is code of your own: see `models.saved.load_forecaster`.

    Raises
    ------
    InputError
        If the model does not exist, is not gravicast's, or was saved by a version with another
        feature catalogue or format.
    """
    address = str(address)
    if not _IN_MLFLOW.match(address):
        return _read(_folder(Path(address)), address, {}, learner)
    with _downloaded(address) as (folder, registered):
        return _read(folder, address, registered, learner)


def _folder(path: Path) -> Path:
    """The folder that holds the model and ``run.json`` of its run."""
    if not path.is_dir():
        raise InputError(
            "there is no such model",
            remedy="Give a run folder, or an address such as models:/gravicast@champion",
            file=path,
        )
    return path / _ARTIFACTS if (path / _MLMODEL).is_file() else path


@contextmanager
def _downloaded(address: str) -> Iterator[tuple[Path, dict[str, str]]]:
    with (
        tempfile.TemporaryDirectory(prefix="gravicast-model-") as stage,
        at_store(
            problem=f"the model {address} cannot be loaded",
            remedy="Check the address, and that MLFLOW_TRACKING_URI names the store that holds it",
            must_exist=True,
        ) as client,
    ):
        import mlflow

        registered = _registered(client, address)
        if "model_id" not in registered:
            raise InputError(
                f"{address} has no gravicast model",
                remedy="Give a run that `gravicast run` or `gravicast track` logged to its end",
            )
        found = mlflow.artifacts.download_artifacts(
            f"models:/{registered['model_id']}", dst_path=stage
        )
        yield _folder(Path(found)), registered


def _registered(client: MlflowClient, address: str) -> dict[str, str]:
    """What MLflow calls the model: the ids that `ServedModel.registered` lists."""
    kind, _, rest = address.partition(":/")
    rest = rest.strip("/")
    if kind == "runs":
        return model_of_run(client, rest.split("/")[0])
    name, _, alias = rest.partition("@")
    if alias:
        version = client.get_model_version_by_alias(name, alias)
    elif "/" in rest:
        name, _, number = rest.partition("/")
        version = client.get_model_version(name, number)
    else:
        model = client.get_logged_model(rest)
        return {"model_id": str(model.model_id), "run_id": str(model.source_run_id)}
    found = {"name": name, "version": str(version.version), "run_id": str(version.run_id)}
    model_id = model_of_version(version)
    return found | ({"model_id": model_id} if model_id else {})


def model_of_version(version: ModelVersion) -> str | None:
    """The id of the logged model behind a registered version; None if there is none."""
    # MLflow's own stores leave the attribute empty, and keep the id in the source.
    source = _LOGGED.match(str(version.source))
    return version.model_id or (source.group(1) if source else None)


def model_of_run(client: MlflowClient, run_id: str) -> dict[str, str]:
    """Ids of a run and of the model it logged, if it logged one."""
    outputs = client.get_run(run_id).outputs
    models = outputs.model_outputs if outputs is not None else []
    found = {"run_id": run_id}
    return found | ({"model_id": str(models[0].model_id)} if models else {})


def _read(
    folder: Path, address: str, registered: dict[str, str], learner: str | None
) -> ServedModel:
    if not (folder / MARKER).is_file():
        raise InputError(
            "this is not a gravicast model",
            remedy="Name one that `gravicast run` logged, or the folder of a run",
            file=address,
        )
    remedy = "Train it again with `gravicast run`, and name the new model"
    try:
        about = read_about(folder)
        check_file(folder, f"{MODEL}/forecaster.json")
        if about["kind"] != "run":
            remedy = "Name the model it was made with"
            raise InputError("this folder holds a forecast", remedy=remedy, file=address)
        forecaster = load_forecaster(folder / MODEL, trusted=learner)
        stability = read_table(folder, file_of("stability"))
        past = _past(folder)
    except InputError as error:
        raise InputError(error.problem, remedy=remedy, file=address) from error
    except MALFORMED as error:
        raise InputError(
            f"this gravicast model is incomplete ({first_line(error)})",
            remedy=remedy,
            file=address,
        ) from error
    _check_learner(forecaster.shift.learner_, learner)
    return ServedModel(address, forecaster, about, stability, registered, past)


def _past(folder: Path) -> dict[str, bytes]:
    found = [name for name in PAST if (folder / name).is_file()]
    for name in found:
        check_file(folder, name)
    return {name: (folder / name).read_bytes() for name in found}


def _check_learner(fitted: FittedLearner | None, named: str | None) -> None:
    """Refuse a learner that is not loaded, or not the one that was named."""
    text = LIGHTGBM if fitted is None else fitted.text
    if named not in (None, text):
        raise InputError(
            f"option 'learner' cannot be {named!r}: the model's is {text!r}",
            remedy="Leave it out, or name that one",
        )
    if fitted is not None and isinstance(fitted.estimator, NotLoaded):
        raise fitted.estimator.error
