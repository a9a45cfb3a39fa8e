"""Champion and challenger in the MLflow model registry.

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
from forecasting.tracking.mlflow_store import at_store
from forecasting.words.numbers import decimal
from models.registry import LAST_VALUE, RAKED_BASE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

NAME = "gravicast"
_BASELINES = {LAST_VALUE: "repeating the last value", RAKED_BASE: "the raked base"}
_ABOUT = (
    "Forecasts of trade flows by gravicast. `champion` is the version to forecast with "
    "(`gravicast forecast --model models:/NAME@champion`), `challenger` the latest candidate. "
    "The description of each version says why it was promoted or not."
)
_PREFIX, _TAG_LENGTH = "gravicast.", 4_000


@dataclass(frozen=True, slots=True)
class Promotion:
    """The outcome of a promotion.

    Attributes
    ----------
    name, version
        Of the registered model.
    promoted
        Whether it is the champion now.
    verdict
        In a sentence.
    reasons
        Why it was not promoted; empty if it was.
    gates, comparisons
        What was found; empty if it already was the champion.
    """

    name: str
    version: str
    promoted: bool
    verdict: str
    reasons: tuple[str, ...]
    gates: tuple[Gate, ...]
    comparisons: tuple[Comparison, ...]


def promote(run: Path | str, *, name: str = NAME, against: Path | str | None = None) -> Promotion:
    """Make a run's model the challenger, and the champion if it passes the gates and wins.

    The model is registered once, as a version of ``name``, and becomes the challenger. It becomes
    the champion if it passes the gates (`gates.gates`) and beats the champion on the same data: the
    mean ratio of errors over settings, horizons and metrics is below 1, and no test of equal
    accuracy finds it worse. Without a champion it must beat repeating the last value, and the raked
    base, by that ratio. The tags and description of the version and a tag of the run say why.

    Parameters
    ----------
    run
        MLflow run id, or the output folder of a tracked run.
    name
        Registered model.
    against
        A run of the champion's configuration on the challenger's data, if the champion itself was
        trained on other data.

    Raises
    ------
    InputError
        If a run cannot be read, the two cannot be compared, or the store fails. Nothing is
        registered then, unless the store fails midway; promoting again completes the promotion.
    """
    if not name.strip() or set(name) & set("/:@'\""):
        raise InputError(
            f"a registered model cannot be named {name!r}",
            remedy="Choose a name without quotes, '/', ':' and '@'",
        )
    with at_store(
        problem="MLflow did not carry out the promotion",
        remedy="Check the run id and MLFLOW_TRACKING_URI, then promote again",
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
    """The version with an alias, None if there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        # An unknown model, and an unknown alias of it.
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
    """Comparisons that a challenger must win, and notes on them."""
    if champion is None:
        if against is not None:
            raise InputError(
                f"{name} has no champion to compare with", remedy="Leave out --against"
            )
        found = [against_baseline(challenger, b, name=words) for b, words in _BASELINES.items()]
        return tuple(found), ["Without a champion, the challenger had to beat the baselines."]
    current = read_evidence(client, champion.run_id)
    rival, notes = current, [f"Champion: version {champion.version}, run `{current.run_id}`."]
    if against is not None:
        rival = read_evidence(client, str(against))
        differs = another_model(rival, current)
        if differs:
            raise InputError(
                f"run {rival.run_id} is not the champion's configuration: {differs}",
                remedy=f"Run config.yaml of MLflow run {current.run_id} on the new data",
            )
        notes.append(f"Its configuration was run on the challenger's data: run `{rival.run_id}`.")
    differs = unlike(challenger, rival)
    if differs:
        raise InputError(
            f"the challenger and the champion (version {champion.version}) were not scored on the "
            f"same data: {differs}",
            remedy="Run the champion's configuration on the challenger's data (`gravicast run "
            f"config.yaml --trade ... --out ...` with config.yaml of MLflow run {current.run_id}) "
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
    # In the past tense: the description stays when another version becomes champion.
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
        _make_champion(client, name, version, champion)
    return Promotion(name, version, not why, verdict, why, found, comparisons)


def _registered(client: MlflowClient, name: str, challenger: Evidence) -> ModelVersion:
    """The version that holds the run's model; registered if there is none yet."""
    import mlflow

    known = client.search_model_versions(f"name = '{name}' and run_id = '{challenger.run_id}'")
    for version in known:
        if model_of_version(version) == challenger.model_id:
            return version
    # MLflow writes about it to stderr, bypassing its own loggers.
    with redirect_stderr(io.StringIO()):
        version = mlflow.register_model(f"models:/{challenger.model_id}", name)
    if not client.get_registered_model(name).description:
        client.update_registered_model(name, _ABOUT)
    return version


def _make_champion(
    client: MlflowClient, name: str, version: str, before: ModelVersion | None
) -> None:
    """Move the alias of the champion to the challenger, which loses its own."""
    client.delete_registered_model_alias(name, CHALLENGER)
    if before is not None:
        client.set_model_version_tag(name, before.version, _PREFIX + "followed_by", version)
    # Last: a promotion that failed earlier can be repeated, but not one of a champion.
    client.set_registered_model_alias(name, CHAMPION, version)
