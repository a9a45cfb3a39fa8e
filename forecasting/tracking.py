"""One MLflow run a run: configuration, scores by origin, data, tables, figures and the model.

Importing this module is cheap: MLflow is imported by the functions.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.errors import InputError
from features.feature import CHANNELS
from forecasting.results import RunResult

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import Metric
    from mlflow.models import ModelSignature
    from mlflow.types import Schema

MODEL_NAME = "forecaster"
MAIN_MODEL, RAKED, REFERENCE = "gravicast", "last_value_raked", "last_value"
COMPARED = ("wape", "pattern_distance", "midpoint_mae", "log_mae")
"""Metrics logged for every model, side by side; all others for gravicast alone."""
ALONE = (
    "r2_shift",
    "coverage_50",
    "coverage_90",
    "width_90",
    "crps",
    "brier",
    "auprc_births",
    "auprc_deaths",
)
SUMMARISED = (*COMPARED, "coverage_50", "coverage_90", "crps", "brier")
LARGEST_SHIFTS, LARGEST_FLOWS = 200, 500
FILES = (
    "report.html",
    "run.json",
    "forecasts.parquet",
    "attributions.parquet",
    "scores.csv",
    "scores_by_origin.csv",
)
REQUIREMENTS = ("mlflow", "lightgbm", "numpy", "pandas", "pyarrow", "scipy")
"""What the logged model imports, directly or through LightGBM."""

_AMOUNTS = ("value_origin", "base", "forecast", "lower_50", "upper_50", "lower_90", "upper_90")
_MILLION, _UNIT = 1e6, "usd_m"
_METRICS_A_BATCH, _PARAMS_A_BATCH = 1_000, 100
_PARAM_LENGTH, _DIGEST_LENGTH = 6_000, 36
_HASTY = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}
"""For the first question to a server: by default MLflow asks a dead one for minutes."""
_SILENT = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_CUT = " ... (cut; whole in run.json)"
_PASSWORD = re.compile(r"//[^/@]*@")
_NOT_A_NAME = re.compile(r"[^\w./ -]")
_LEVEL = 0.005
"""Skills closer to zero than this are called no difference."""


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


# Store --------------------------------------------------------------------------------------------


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
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with _environment(_SILENT), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"mlflow\.")
            yield
    finally:
        logger.setLevel(before)


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


# Run ----------------------------------------------------------------------------------------------


def _log_run(result: RunResult, uri: str) -> str:
    import mlflow

    assert result.config.experiment is not None
    client = mlflow.MlflowClient()
    experiment = _experiment_id(client, result.config.experiment, uri)
    datasets = _datasets(result.provenance["data"])
    with mlflow.start_run(
        experiment_id=experiment,
        run_name=f"{result.out.absolute().name}, origin {result.provenance['origin']}",
        nested=mlflow.active_run() is not None,
        tags=_tags(result),
    ) as run:
        run_id = str(run.info.run_id)
        _log_params(client, run_id, result)
        mlflow.log_inputs(
            datasets=list(datasets.values()),
            contexts=list(datasets),
            tags_list=[None] * len(datasets),
        )
        model_id = _log_model(result)
        metrics = _origin_metrics(result.scores_by_origin) + _stage_metrics(result.timings)
        metrics += _summary_metrics(result.scores, model_id, next(iter(datasets.values())))
        for start in range(0, len(metrics), _METRICS_A_BATCH):
            client.log_batch(run_id, metrics=metrics[start : start + _METRICS_A_BATCH])
        for name, table in _tables(result).items():
            client.log_table(run_id, table, name)
        _log_files(client, run_id, result.out)
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
    for context, source in _by_context(provenance["data"]).items():
        name = "data_sha256" if context == "trade" else f"data_sha256.{context}"
        tags[name.replace(" ", "_")] = source["sha256"] or _seed_digest(source)
    return tags


def _log_params(client: MlflowClient, run_id: str, result: RunResult) -> None:
    from mlflow.entities import Param

    params = [Param(name, value) for name, value in flat_config(result.config.to_dict()).items()]
    for start in range(0, len(params), _PARAMS_A_BATCH):
        client.log_batch(run_id, params=params[start : start + _PARAMS_A_BATCH])


def flat_config(values: Mapping[str, Any]) -> dict[str, str]:
    """Turn a configuration into MLflow parameters: one level, text, cut at MLflow's limit.

    A list reads ``1, 2, 3``, what is not set ``none``; a value that was cut says so at its end.
    """
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{key}": text for key, text in flat_config(value).items()}
            continue
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        text = "none" if value is None else text
        if len(text) > _PARAM_LENGTH:
            text = text[: _PARAM_LENGTH - len(_CUT)] + _CUT
        flat[_NOT_A_NAME.sub("_", str(name))] = text
    return flat


# Data ---------------------------------------------------------------------------------------------


def _by_context(sources: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Order sources by role; where a role has several files, by role and file name."""
    roles = [source["role"] for source in sources]
    out: dict[str, Mapping[str, Any]] = {}
    for source in sources:
        role = str(source["role"])
        several = roles.count(role) > 1
        out[f"{role} {Path(source['path']).name}" if several else role] = source
    return out


def _seed_digest(source: Mapping[str, Any]) -> str:
    """Identify simulated data by the seed, which its first statement names."""
    said = " ".join(source["statements"])
    seed = re.search(r"seed (\d+)", said)
    return f"simulated-seed-{seed.group(1)}" if seed else "simulated"


def _datasets(sources: Sequence[Mapping[str, Any]]) -> dict[str, MetaDataset]:
    """Datasets by context: path, columns and our own digest, which covers the whole file."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.dataset_source_registry import resolve_dataset_source
    from mlflow.data.meta_dataset import MetaDataset

    out = {}
    for context, source in _by_context(sources).items():
        simulated = not source["sha256"]
        digest = _seed_digest(source) if simulated else source["sha256"]
        path = Path(source["path"])
        origin = (
            CodeDatasetSource({"mlflow.source.name": "features.world.simulate_world"})
            if simulated
            else resolve_dataset_source(str(path.absolute()))
        )
        out[context] = MetaDataset(
            source=origin,
            name=path.name,
            digest=digest[:_DIGEST_LENGTH],
            schema=_simulated_schema() if simulated else _file_schema(path),
        )
    return out


def _simulated_schema() -> Schema:
    text = pd.Series(dtype="str")
    columns = {"exporter": text, "importer": text, "year": pd.Series(dtype="int64")}
    return _schema(pd.DataFrame({**columns, "value_usd": pd.Series(dtype="float64")}))


def _file_schema(path: Path) -> Schema | None:
    """Column names and types from the head of a file; None if it has gone meanwhile."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.name.lower().endswith(".parquet"):
            return _schema(pq.read_schema(path).empty_table().to_pandas())
        return _schema(pd.read_csv(path, nrows=100))
    except (OSError, ValueError, pa.ArrowException):
        return None


def _schema(frame: pd.DataFrame) -> Schema:
    from mlflow.types import ColSpec, DataType, Schema

    kinds = {
        "i": DataType.long,
        "u": DataType.long,
        "f": DataType.double,
        "b": DataType.boolean,
        "M": DataType.datetime,
    }
    return Schema(
        [
            ColSpec(kinds.get(dtype.kind, DataType.string), str(name))
            for name, dtype in frame.dtypes.items()
        ]
    )


# Metrics ------------------------------------------------------------------------------------------


def _origin_metrics(by_origin: pd.DataFrame) -> list[Metric]:
    """Scores with the origin as step; what is not a number is left out.

    MLflow draws one chart a key and one row of charts for what stands before its last slash. So
    ``wape/totals_known/h1/<model>`` puts the models of a horizon side by side, and
    ``crps/totals_known/h1``, of gravicast alone, the horizons.
    """
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = []
    for row in by_origin.to_dict("records"):
        group = f"{row['setting']}/h{row['horizon']}"
        values = {f"{name}/{group}/{row['model']}": row[name] for name in COMPARED}
        if row["model"] == MAIN_MODEL:
            values |= {f"{name}/{group}": row[name] for name in ALONE}
        metrics += [
            Metric(key, float(value), now, int(row["origin"]))
            for key, value in values.items()
            if np.isfinite(value)
        ]
    return metrics


def _stage_metrics(timings: Mapping[str, float]) -> list[Metric]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    seconds = {"total": sum(timings.values()), **timings}
    return [
        Metric(f"seconds/{_NOT_A_NAME.sub('', name)}", float(value), now, 0)
        for name, value in seconds.items()
    ]


def _summary_metrics(scores: pd.DataFrame, model_id: str, data: MetaDataset) -> list[Metric]:
    """Means over origins and skills of gravicast, linked to the logged model."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = []
    for row in _board(scores).to_dict("records"):
        values = {f"mean_{name}": row[name] for name in SUMMARISED}
        for name in COMPARED:
            values[f"skill_{name}"] = row[f"skill_{name}"]
            values[f"skill_on_raked_{name}"] = row[f"skill_on_raked_{name}"]
        for name, value in values.items():
            if np.isfinite(value):
                key = f"{name}/{row['setting']}/h{row['horizon']}"
                metrics.append(
                    Metric(
                        key,
                        float(value),
                        now,
                        0,
                        model_id=model_id,
                        dataset_name=data.name,
                        dataset_digest=data.digest,
                    )
                )
    return metrics


def _board(scores: pd.DataFrame) -> pd.DataFrame:
    """Gravicast's scores over all flows, with its skill on the raked base."""
    everything = scores[scores["stratum"] == "all"]
    keys = ["setting", "horizon"]
    main = everything[everything["model"] == MAIN_MODEL]
    other = everything[everything["model"] == RAKED][[*keys, *COMPARED]]
    board = main.merge(other, on=keys, how="left", suffixes=("", "_of_raked"))
    last = everything[everything["model"] == REFERENCE][[*keys, *COMPARED]]
    board = board.merge(last, on=keys, how="left", suffixes=("", "_of_last"))
    for name in COMPARED:
        board[f"skill_on_raked_{name}"] = 1.0 - board[name] / board[f"{name}_of_raked"]
    return board


# Tables -------------------------------------------------------------------------------------------


def _tables(result: RunResult) -> dict[str, pd.DataFrame]:
    """Tables the MLflow UI shows, small enough to read there; the files hold everything."""
    board = result.scores[result.scores["stratum"] == "all"].drop(columns="stratum")
    paired = [column for name in COMPARED for column in (name, f"skill_{name}")]
    first = ["setting", "horizon", "model", *paired]
    board = board[[*first, *(name for name in board if name not in first)]]
    return {
        "scoreboard.json": _plain(board),
        "channels.json": _plain(result.channels),
        "feature_coverage.json": _plain(result.coverage),
        "largest_shifts.json": _plain(_largest_shifts(result.attributions)),
        "largest_flows.json": _plain(_largest_flows(result.forecasts)),
    }


def _largest_shifts(attributions: pd.DataFrame) -> pd.DataFrame:
    """Explained rows that move furthest from their base in USD, with the strongest channel."""
    change = attributions["forecast"] - attributions["base"]
    top = change.abs().sort_values(ascending=False, kind="stable").index[:LARGEST_SHIFTS]
    rows = attributions.loc[top]
    keys = ["exporter", "importer", "sector", "target_year"]
    table = rows[[name for name in keys if name in rows]].copy()
    table["change_percent"] = 100.0 * change[top] / rows["base"]
    table[f"change_{_UNIT}"] = change[top] / _MILLION
    channels = rows[[name for name in rows if str(name).startswith("channel:")]]
    if not channels.empty:
        strongest = channels.abs().to_numpy().argmax(axis=1)
        labels = {f"channel:{name}": label for name, label in CHANNELS.items()}
        table["strongest_channel"] = [labels[str(channels.columns[k])] for k in strongest]
        table["its_percent"] = channels.to_numpy()[np.arange(len(rows)), strongest]
    for name in ("base", "forecast"):
        table[f"{name}_{_UNIT}"] = rows[name] / _MILLION
    return table


def _largest_flows(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Every horizon of the flows that are largest at the shortest horizon, largest first."""
    keys = [name for name in ("exporter", "importer", "sector") if name in forecasts]
    near = forecasts[forecasts["horizon"] == forecasts["horizon"].min()]
    largest = near.nlargest(LARGEST_FLOWS, "forecast")[keys]
    rows = forecasts.merge(largest.assign(rank=np.arange(1, len(largest) + 1)), on=keys)
    rows = rows.sort_values(["rank", "horizon"])
    table = rows[["rank", *keys, "target_year"]].copy()
    for name in _AMOUNTS:
        table[f"{name}_{_UNIT}"] = rows[name] / _MILLION
    return table.assign(probability_of_trade=rows["probability_of_trade"])


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Text and numbers only, four digits: enough to read, and missing cells stay empty."""
    out: dict[str, list[object]] = {}
    for name, column in table.items():
        if pd.api.types.is_float_dtype(column):
            out[str(name)] = [_four_digits(value) for value in column.to_numpy(dtype=np.float64)]
        elif pd.api.types.is_integer_dtype(column):
            out[str(name)] = [None if pd.isna(value) else int(value) for value in column]
        else:
            out[str(name)] = [None if pd.isna(value) else _word(value) for value in column]
    return pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in out.items()})


def _word(value: object) -> object:
    return value if isinstance(value, (int, float)) else str(value)


def _four_digits(value: float) -> float | None:
    if not np.isfinite(value):
        return None
    return round(value) * 1.0 if abs(value) >= 10_000 else float(f"{value:.4g}")


# Model --------------------------------------------------------------------------------------------


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
        f"base, forecast, intervals and probability of trade, USD. {_subject(result)}"
    )


def _signature(forecasts: pd.DataFrame) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    names = ["exporter", "importer", *(["sector"] if "sector" in forecasts else [])]
    keys = [ColSpec(DataType.string, name) for name in names]
    whole = [ColSpec(DataType.long, name) for name in ("origin", "horizon", "target_year")]
    numbers = [ColSpec(DataType.double, name) for name in (*_AMOUNTS, "probability_of_trade")]
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


# Card ---------------------------------------------------------------------------------------------


def card(result: RunResult, model_id: str) -> str:
    """Tell the run in Markdown: how good it is, what was run, where things are."""
    board, first = _board(result.scores), result.provenance["setting"]
    mine = board[board["setting"] == first]
    origins = result.scores_by_origin["origin"]
    return "\n".join(
        [
            f"**Against the last value**: {_verdict(mine, 'skill_wape')}",
            "",
            f"**Against the raked base**: {_verdict(mine, 'skill_on_raked_wape')}",
            "",
            f"WAPE, mean over origins {origins.min()}-{origins.max()}, setting `{first}`. "
            f"{_subject(result)}",
            "",
            *_score_lines(board),
            "",
            f"**Model**: its files are under the *Models* tab, not under Artifacts: "
            f'`mlflow.pyfunc.load_model("models:/{model_id}")`. '
            "**Report**: `report.html` and `figures/` under Artifacts.",
        ]
    )


def _subject(result: RunResult) -> str:
    forecasts, trade = result.forecasts, result.provenance["data"][0]
    years = forecasts["target_year"]
    flows = int((forecasts["horizon"] == forecasts["horizon"].min()).sum())
    return (
        f"Forecasts of {years.min()}-{years.max()} for {flows:,} flows of "
        f"`{Path(trade['path']).name}`, from origin {result.provenance['origin']} "
        f"as of {result.provenance['as_of']}."
    )


def _verdict(board: pd.DataFrame, column: str) -> str:
    words = []
    for row in board.sort_values("horizon").to_dict("records"):
        skill = row[column]
        if not np.isfinite(skill):
            word = "not known"
        elif abs(skill) < _LEVEL:
            word = "no difference"
        else:
            word = f"**{'better' if skill > 0 else 'worse'}** by {100 * abs(skill):.1f}%"
        words.append(f"h{row['horizon']} {word}")
    return ", ".join(words)


def _score_lines(board: pd.DataFrame) -> list[str]:
    # Set in columns by hand: the UI leaves no space between the cells of a Markdown table.
    heads = {
        "wape": "    WAPE",
        "wape_of_raked": "   raked base",
        "wape_of_last": "   last value",
        "coverage_90": "   in 90% interval",
    }
    lines = [f"{'setting':<14}{'h':>2}" + "".join(heads.values())]
    for row in board.to_dict("records"):
        cells = [f"{_percent(row[name]):>{len(head)}}" for name, head in heads.items()]
        lines.append(f"{row['setting']:<14}{row['horizon']:>2}" + "".join(cells))
    return ["```", *lines, "```"]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%" if np.isfinite(share) else "-"
