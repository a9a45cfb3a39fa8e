"""A finished run read back from its folder, as `run` returned it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.errors import MALFORMED, InputError
from forecasting.evaluation.backtest_file import _not_whole
from forecasting.evaluation.study import Study
from forecasting.explanation.explain import Explanation, flow_positions
from forecasting.explanation.terms import TOTAL_TERMS
from forecasting.measurement.tables import MeasureTables
from forecasting.options.run_config import RunConfig
from forecasting.results.result import RunResult
from forecasting.run_folder.csv_files import read_csv
from forecasting.run_folder.record import AGAIN, FORMAT, MARKER, check_file
from forecasting.run_folder.schema import check_about
from forecasting.run_folder.staging import restore
from models.design import at_horizon
from models.forecaster import FittedForecaster
from models.saved import load_forecaster

if TYPE_CHECKING:
    pass

_STUDY = ("study_by_origin", "ablation", "placebos", "trials")
_SCORED = ("scores", "scores_by_origin", "significance", "reliability", "stability")
"""Tables that a folder of ``gravicast forecast`` lacks: nothing was back-tested."""


def read_run(folder: Path | str) -> RunResult:
    """Read a run from its output folder.

    Parameters
    ----------
    folder
        Output folder of a finished ``gravicast run`` or ``gravicast forecast``.

    Returns
    -------
    RunResult
        As `run` returned it, with ``out`` the folder it was read from. After ``gravicast
        forecast`` the tables of scores are empty.

    Raises
    ------
    InputError
        If the folder holds no run, one of another version, or one that is not whole.
    """
    folder = Path(folder)
    about = read_about(folder)
    try:
        # A value that float32 does not hold was not written by a run.
        with np.errstate(over="raise"):
            return _whole(folder, about)
    except InputError:
        raise
    except MALFORMED as error:
        raise _not_whole(folder) from error


def _whole(folder: Path, about: dict[str, Any]) -> RunResult:
    forecaster = _forecaster(folder)
    attributions = _parquet(folder, "attributions")
    scored = {
        name: pd.DataFrame() if about["kind"] == "forecast" else _csv(folder, name)
        for name in _SCORED
    }
    timings = about.pop("seconds")
    return RunResult(
        config=RunConfig.from_mapping(about["config"], file=folder / MARKER),
        out=folder,
        forecasts=_parquet(folder, "forecasts"),
        study=_study(folder),
        attributions=attributions,
        explanation=_explanation(attributions, forecaster, about),
        channels=_csv(folder, "channels"),
        drivers=_csv(folder, "drivers"),
        coverage=_csv(folder, "coverage"),
        measures=_pattern(folder, about),
        provenance=about,
        timings=timings,
        **scored,
    )


def read_about(folder: Path) -> dict[str, Any]:
    """Content of ``run.json``, checked to be of this version.

    Raises
    ------
    InputError
        If the folder holds no run or one of another version.
    """
    restore(folder)
    if not (folder / MARKER).is_file():
        raise InputError(
            "there is no run in this folder" if folder.is_dir() else "there is no such folder",
            remedy="Give the output folder of a finished `gravicast run`",
            file=folder,
        )
    try:
        about = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        written = about.get("format")
    except MALFORMED as error:
        raise InputError("it cannot be read", remedy=AGAIN, file=folder / MARKER) from error
    if written != FORMAT:
        versions = about.get("versions")
        known = versions if isinstance(versions, dict) else {}
        version = known.get("gravicast", "an unknown version")
        raise InputError(
            f"the run is of another version of gravicast ({version}, format {written}; this one "
            f"reads format {FORMAT})",
            remedy=AGAIN,
            file=folder,
        )
    check_about(about, file=folder / MARKER, remedy=AGAIN)
    return dict(about)


def _parquet(folder: Path, name: str) -> pd.DataFrame:
    file = folder / f"{name}.parquet"
    check_file(folder, file.name)
    try:
        return pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise _not_whole(file) from error


def _csv(folder: Path, name: str) -> pd.DataFrame:
    file = folder / f"{name}.csv"
    check_file(folder, file.name)
    try:
        return read_csv(file)
    except (OSError, ValueError) as error:
        raise _not_whole(file) from error


def _study(folder: Path) -> Study | None:
    if not (folder / f"{_STUDY[0]}.csv").is_file():
        return None
    by_origin, ablation, placebos, trials = (_csv(folder, name) for name in _STUDY)
    return Study(by_origin=by_origin, ablation=ablation, placebos=placebos, trials=trials)


def _pattern(folder: Path, about: dict[str, Any]) -> MeasureTables | None:
    if about["kind"] == "forecast":
        return None
    return MeasureTables(
        history=_parquet(folder, "measures_history"),
        forecasts=_parquet(folder, "measures_forecasts"),
        backtest=_parquet(folder, "measures_backtest"),
        scores=_csv(folder, "measures_scores"),
        drivers=_parquet(folder, "measures_drivers"),
        missing=dict(about["measures_missing"]),
    )


def _forecaster(folder: Path) -> FittedForecaster:
    check_file(folder, "model/forecaster.json")  # which holds the sums of the others
    try:
        return load_forecaster(folder / "model")
    except InputError:
        raise
    except MALFORMED as error:
        raise _not_whole(folder / "model") from error


def _explanation(
    table: pd.DataFrame, forecaster: FittedForecaster, about: dict[str, Any]
) -> Explanation:
    names = list(forecaster.shift.names)
    keys = [name for name in ("exporter", "importer", "sector") if name in table]
    head = [*keys, "origin", "horizon", "target_year", "value_origin", "base", "forecast"]
    position = flow_positions(table, forecaster.flows)
    horizon = table["horizon"].to_numpy()
    data = np.empty((len(table), len(names)), dtype=np.float32)
    for ahead in np.unique(horizon):
        mine = horizon == ahead
        data[mine] = at_horizon(forecaster.features, int(ahead))[position[mine]]
    return Explanation(
        rows=table[head],
        totals=table[[f"total:{name}" for name in TOTAL_TERMS]].to_numpy(dtype=np.float64),
        feature_names=tuple(names),
        values=np.ascontiguousarray(table[names].to_numpy(dtype=np.float32)),
        base_values=table["base_value"].to_numpy(dtype=np.float64),
        raking=table["raking"].to_numpy(dtype=np.float64),
        data=data,
        largest_gap=float(about["explained"]["largest_gap"]),
    )
