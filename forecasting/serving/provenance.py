"""What a forecast by a trained model records: model, data, and how well they fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import own_of
from features.errors import listed
from features.information import InformationSet
from forecasting.evaluation.audit import explained_counts
from forecasting.explanation.explain import Explanation
from forecasting.inputs.load import LoadedData
from forecasting.options.run_config import RunConfig
from forecasting.results.versions import versions
from forecasting.run_folder.record import FORMAT
from forecasting.serving.served_model import ServedModel
from models.forecaster import FittedForecaster, FlowForecast

KIND = "forecast"
"""The kind of the folder in its ``run.json``; a run's is ``run``."""


def provenance(
    model: ServedModel,
    data: LoadedData,
    full_config: RunConfig,
    *,
    forecaster: FittedForecaster,
    info: InformationSet,
    matrix: NDArray[np.float32],
    parts: Mapping[int, tuple[pd.DataFrame, FlowForecast]],
    explained: Explanation,
) -> dict[str, Any]:
    """Content of ``run.json``; ``parts`` has the table and the forecast by horizon."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "model": _model(model),
        "config": full_config.to_dict(),
        "data": [source.to_dict() for source in data.sources],
        "findings": [finding.to_dict() for finding in data.findings],
        "as_of": info.as_of.isoformat(),
        "origin": info.origin,
        "horizons": list(full_config.horizons),
        "setting": info.setting,
        "reported_flows": forecaster.reported_flows,
        "seed": full_config.seed,
        "versions": versions(),
        "explained": explained_counts(
            pd.concat([table for table, _ in parts.values()]),
            explained=len(explained.rows),
            largest_gap=explained.largest_gap,
            exact=explained.exact,
        ),
        "adds_up": max(forecast.largest_gap for _, forecast in parts.values()),
        "notes": _notes(model, info, matrix),
    }


def _model(model: ServedModel) -> dict[str, Any]:
    """The model and what it was trained on."""
    about = model.about
    config = about["config"]
    return {
        "address": model.address,
        **model.registered,
        "origin": about["origin"],
        "as_of": about["as_of"],
        "setting": about["setting"],
        "settings": config["settings"],
        "seed": about["seed"],
        "rounds": config["rounds"],
        "data": about["data"],
        "versions": about["versions"],
    }


def _notes(model: ServedModel, info: InformationSet, matrix: NDArray[np.float32]) -> list[str]:
    """What readers of the forecast should know about how model and data fit."""
    trained, notes = model.forecaster, []
    if info.origin <= trained.origin:
        notes.append(
            f"the new origin {info.origin} is not later than the model's ({trained.origin}): the "
            "model has learned from outcomes this forecast should not know"
            if info.origin < trained.origin
            else f"the new origin {info.origin} is the model's own"
        )
    notes += _unknown("countries", info.flows.countries, trained.flows.countries)
    notes += _unknown("sectors", info.flows.sectors, trained.flows.sectors)
    known = [spec.name for spec in trained.own]
    notes += _unknown("indicators", [spec.name for spec in own_of(info.specs)], known)
    then, now = (np.isfinite(table).any(axis=0) for table in (trained.features, matrix))
    missing = [name for name, lost in zip(trained.shift.names, then > now, strict=True) if lost]
    if missing:
        notes.append(
            f"{len(missing)} features that the model's own data fill are missing from the new "
            f"data: {listed(missing)}"
        )
    trained_by, served_by = model.about["versions"]["gravicast"], versions()["gravicast"]
    if trained_by != served_by:
        notes.append(f"trained by gravicast {trained_by}, forecast by {served_by}")
    return notes


def _unknown(kind: str, now: Sequence[str], known: Sequence[str]) -> list[str]:
    new = [word for word in now if word not in known]
    return [f"{len(new)} {kind} the model was not trained on: {listed(new)}"] if new else []
