"""A finished run read back from its folder, as `run` returned it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.errors import MALFORMED, InputError
from forecasting.evaluation.backtest_file import _not_whole
from forecasting.evaluation.study import Study
from forecasting.evaluation.tuning import Tuning
from forecasting.explanation.explain import Explanation, flow_positions
from forecasting.explanation.gathered_rows import GatheredRows
from forecasting.explanation.terms import base_terms
from forecasting.measurement.tables import MeasureTables
from forecasting.options.run_config import RunConfig
from forecasting.results.result import RunResult
from forecasting.run_folder.csv_files import read_csv
from forecasting.run_folder.files import MARKER, MODEL, RunFile, tables_of
from forecasting.run_folder.record import AGAIN, FORMAT, check_file
from forecasting.run_folder.schema import check_about
from forecasting.run_folder.staging import restore
from models.forecaster import FittedForecaster
from models.saved import load_forecaster


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
        If the folder does not hold a run, or one of another version, or an incomplete one.
    """
    folder = Path(folder)
    about = read_about(folder)
    try:
        # A run never writes a value that float32 cannot hold.
        with np.errstate(over="raise"):
            return _whole(folder, about)
    except InputError:
        raise
    except MALFORMED as error:
        raise _not_whole(folder) from error


def _options(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The recorded options as this version takes them."""
    if recorded["trade"] is None:
        # The runs of a version without the option simulated goods.
        return {"world": "goods", **recorded}
    # No world is simulated beside a trade file, whatever the default was then.
    return {name: value for name, value in recorded.items() if name != "world"}


def _whole(folder: Path, about: dict[str, Any]) -> RunResult:
    forecaster = _forecaster(folder)
    config = RunConfig.from_mapping(_options(about["config"]), file=folder / MARKER)
    tables = {
        file.result: read_table(folder, file)
        for file in tables_of(about["kind"], study=config.study, tune=bool(config.tune))
    }
    own = {name: table for name, table in tables.items() if "." not in name}
    measures, study, tuning = (_group(tables, name) for name in ("measures", "study", "tuning"))
    timings = about.pop("seconds")
    return RunResult(
        config=config,
        out=folder,
        explanation=_explanation(tables["attributions"], forecaster, about),
        measures=MeasureTables(**measures, missing=about["measures_missing"]) if measures else None,
        study=Study(**study) if study else None,
        tuning=Tuning(**tuning) if tuning else None,
        provenance=about,
        timings=timings,
        **own,
    )


def _group(tables: Mapping[str, pd.DataFrame], name: str) -> dict[str, Any]:
    """Tables of one field of a `RunResult` by their own fields."""
    parts = {tuple(path.split(".")): table for path, table in tables.items()}
    return {path[1]: table for path, table in parts.items() if path[0] == name and path[1:]}


def read_about(folder: Path) -> dict[str, Any]:
    """Content of ``run.json``, checked to be of this version.

    Raises
    ------
    InputError
        If the folder does not hold a run, or one of another version.
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


def read_table(folder: Path, file: RunFile) -> pd.DataFrame:
    """Read a table of a run.

    Raises
    ------
    InputError
        If it was altered since, cannot be read, or lacks a key column.
    """
    path = folder / file.name
    check_file(folder, file.name)
    try:
        table = read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise _not_whole(path) from error
    if len(table) and not set(file.key) <= set(table):
        raise _not_whole(path)
    return table


def _forecaster(folder: Path) -> FittedForecaster:
    check_file(folder, f"{MODEL}/forecaster.json")  # which holds the sums of the others
    try:
        return load_forecaster(folder / MODEL)
    except InputError:
        raise
    except MALFORMED as error:
        raise _not_whole(folder / MODEL) from error


def _explanation(
    table: pd.DataFrame, forecaster: FittedForecaster, about: dict[str, Any]
) -> Explanation:
    names = list(forecaster.shift.names)
    keys = [name for name in ("exporter", "importer", "sector") if name in table]
    head = [*keys, "origin", "horizon", "target_year", "value_origin", "base", "forecast"]
    position = flow_positions(table, forecaster.flows)
    ahead = table["horizon"].to_numpy() - (1 - forecaster.years_ahead(1))
    return Explanation(
        rows=table[head],
        total_names=tuple(base_terms(table)),
        totals=table[[f"total:{name}" for name in base_terms(table)]].to_numpy(dtype=np.float64),
        feature_names=tuple(names),
        values=np.ascontiguousarray(table[names].to_numpy(dtype=np.float32)),
        base_values=table["base_value"].to_numpy(dtype=np.float64),
        raking=table["raking"].to_numpy(dtype=np.float64),
        data=GatheredRows(forecaster.features, position, ahead),
        largest_gap=float(about["explained"]["largest_gap"]),
        exact=forecaster.shift.exact,
    )
