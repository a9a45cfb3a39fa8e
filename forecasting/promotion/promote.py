"""Champion and challenger in the MLflow model registry, and why one followed the other.

Importing this module is cheap: MLflow is imported by the functions.
"""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import InputError
from forecasting.promotion.evidence import Evidence, another_model, read_evidence, unlike
from forecasting.promotion.gates import (
    CHALLENGER,
    CHAMPION,
    Comparison,
    Gate,
    against_baseline,
    against_champion,
    gates,
)
from forecasting.promotion.record import describe, reasons, summary_of
from forecasting.serving.served_model import model_of_version
from forecasting.tracking.metrics import RAKED, REFERENCE
from forecasting.tracking.mlflow_store import at_store
from forecasting.words.numbers import decimal

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

NAME = "gravicast"
_BASELINES = {REFERENCE: "repeating the last value", RAKED: "the raked base"}
_ABOUT = (
    "Forecasts of trade flows by gravicast. `champion` is the version to forecast with "
    "(`gravicast forecast --model models:/NAME@champion`), `challenger` the one last judged. "
    "Every version's description says why it was promoted or not."
)
_PREFIX, _TAG_LENGTH = "gravicast.", 4_000


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a challenger.

    Attributes
    ----------
    name, version
        Of the registered model.
    promoted
        Whether it is the champion now.
    verdict
        In a sentence.
    reasons
        Why it was not promoted; empty where it was.
    gates, comparisons
        What was found; empty where it was the champion already.
    """

    name: str
    version: str
    promoted: bool
    verdict: str
    reasons: tuple[str, ...]
    gates: tuple[Gate, ...]
    comparisons: tuple[Comparison, ...]


def promote(run: Path | str, *, name: str = NAME, against: Path | str | None = None) -> Promotion:
    """Make a run's model the challenger, and the champion if it deserves it.

    The model is registered as a version of ``name``, once, and becomes the challenger. It becomes
    the champion if it passes the gates (`promotion_gates.gates`) and beats the champion on the same
    data: the mean ratio of errors over settings, horizons and metrics is below 1, and no test of
    equal accuracy calls it worse. Without a champion it has to beat repeating the last value, and
    the raked base, by that ratio. The version's tags and description and a tag of the run say why.

    Parameters
    ----------
    run
        MLflow run id, or the output folder of a tracked run.
    name
        Registered model.
    against
        A run of the champion's configuration on the challenger's data, where the champion itself
        was trained on other data.

    Raises
    ------
    InputError
        If a run cannot be read, the two cannot be compared, or the store fails. Nothing has been
        registered then, unless the store failed on the way: promoting again completes it.
    """
    if not name.strip() or set(name) & set("/:@'\""):
        raise InputError(
            f"a registered model cannot be called {name!r}",
            remedy="Choose a name without quotes, '/', ':' and '@'",
        )
    with at_store(
        problem="MLflow did not carry out the promotion",
        remedy="Check the run id and MLFLOW_TRACKING_URI; promoting again completes what was begun",
        must_exist=True,
    ) as client:
        challenger = read_evidence(client, str(run))
        champion = _holder(client, name, CHAMPION)
        if champion is not None and model_of_version(champion) == challenger.model_id:
            verdict = f"Version {champion.version} is the champion already"
            return Promotion(name, str(champion.version), True, verdict, (), (), ())
        comparisons, notes = _compared(client, name, champion, challenger, against)
        return _carry_out(client, name, champion, challenger, comparisons, notes)


def _holder(client: MlflowClient, name: str, alias: str) -> ModelVersion | None:
    """The version that has an alias, None where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        # No such model, and no such alias of it.
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _compared(
    client: MlflowClient,
    name: str,
    champion: ModelVersion | None,
    challenger: Evidence,
    against: Path | str | None,
) -> tuple[tuple[Comparison, ...], list[str]]:
    """Comparisons a challenger has to win, and how they came about."""
    if champion is None:
        if against is not None:
            raise InputError(
                f"{name} has no champion for a run to stand in for", remedy="Leave out --against"
            )
        found = [against_baseline(challenger, b, name=words) for b, words in _BASELINES.items()]
        return tuple(found), ["There was no champion: the challenger had to beat the baselines."]
    reigning = read_evidence(client, champion.run_id)
    rival, notes = reigning, [f"Champion: version {champion.version}, run `{reigning.run_id}`."]
    if against is not None:
        rival = read_evidence(client, str(against))
        differs = another_model(rival, reigning)
        if differs:
            raise InputError(
                f"run {rival.run_id} is not the champion's configuration: {differs}",
                remedy=f"Run config.yaml of MLflow run {reigning.run_id} on the new data",
            )
        notes.append(f"Its configuration was run on the challenger's data: run `{rival.run_id}`.")
    differs = unlike(challenger, rival)
    if differs:
        raise InputError(
            f"the challenger and the champion (version {champion.version}) were not scored on the "
            f"same data: {differs}",
            remedy="Run the champion's configuration on the challenger's data (`gravicast run "
            f"config.yaml --trade ... --out ...` with config.yaml of MLflow run {reigning.run_id}) "
            "and give that run with --against",
        )
    words = f"the champion, version {champion.version}"
    return (against_champion(challenger, rival, name=words),), notes


def _carry_out(
    client: MlflowClient,
    name: str,
    champion: ModelVersion | None,
    challenger: Evidence,
    comparisons: tuple[Comparison, ...],
    notes: list[str],
) -> Promotion:
    found = gates(challenger)
    why = reasons(found, comparisons, first=champion is None)
    version = str(_registered(client, name, challenger).version)
    # Of the day it is said: a later champion leaves this version's description as it is.
    verdict = f"Version {version} {'was not promoted' if why else 'became the champion'}"
    text = describe(verdict, why, found, comparisons, notes=notes)
    tags = {
        "verdict": "not promoted" if why else "promoted",
        "reasons": "; ".join(why) or "passes the gates, and its errors are lower",
        "gates": summary_of(found),
        "score": "; ".join(f"{decimal(c.score, 4)} against {c.against}" for c in comparisons),
        "data_sha256": challenger.trade_digest,
    }
    client.update_model_version(name, version, text)
    for key, value in tags.items():
        client.set_model_version_tag(name, version, _PREFIX + key, value[:_TAG_LENGTH])
    client.set_registered_model_alias(name, CHALLENGER, version)
    client.set_tag(challenger.run_id, _PREFIX + "promotion", f"{name}: {verdict}")
    if not why:
        _crown(client, name, version, champion)
    return Promotion(name, version, not why, verdict, why, found, comparisons)


def _registered(client: MlflowClient, name: str, challenger: Evidence) -> ModelVersion:
    """The version of a model that holds the run's model; made where there is none yet."""
    import mlflow

    known = client.search_model_versions(f"name = '{name}' and run_id = '{challenger.run_id}'")
    for version in known:
        if model_of_version(version) == challenger.model_id:
            return version
    # What MLflow says about it goes to stderr past its own loggers.
    with redirect_stderr(io.StringIO()):
        version = mlflow.register_model(f"models:/{challenger.model_id}", name)
    if not client.get_registered_model(name).description:
        client.update_registered_model(name, _ABOUT)
    return version


def _crown(client: MlflowClient, name: str, version: str, before: ModelVersion | None) -> None:
    """Pass the alias of the champion on; the challenger of now is none any more."""
    client.delete_registered_model_alias(name, CHALLENGER)
    if before is not None:
        client.set_model_version_tag(name, before.version, _PREFIX + "followed_by", version)
    # Last, because a champion is not looked at again: what fails before is done by the next try.
    client.set_registered_model_alias(name, CHAMPION, version)
