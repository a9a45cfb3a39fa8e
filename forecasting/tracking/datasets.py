"""What a run logs about its input: the configuration, and data sets with their sha256."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecasting.results.result import RunResult

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.types import Schema

_PARAMS_A_BATCH = 100
_PARAM_LENGTH, _DIGEST_LENGTH = 6_000, 36
_CUT = " ... (cut; whole in run.json)"
_NOT_A_NAME = re.compile(r"[^\w./ -]")


def log_params(client: MlflowClient, run_id: str, result: RunResult) -> None:
    """Log the flat configuration in batches."""
    from mlflow.entities import Param

    params = [Param(name, value) for name, value in flat_config(result.config.to_dict()).items()]
    for start in range(0, len(params), _PARAMS_A_BATCH):
        client.log_batch(run_id, params=params[start : start + _PARAMS_A_BATCH])


def flat_config(values: Mapping[str, Any]) -> dict[str, str]:
    """Flatten a configuration into MLflow parameters: text, cut at MLflow's limit.

    A list reads ``1, 2, 3``, an unset option ``none``; a value that was cut ends by saying so.
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


def by_context(sources: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Sources by role, or by role and file name if a role has several files."""
    roles = [source["role"] for source in sources]
    out: dict[str, Mapping[str, Any]] = {}
    for source in sources:
        role = str(source["role"])
        several = roles.count(role) > 1
        out[f"{role} {Path(source['path']).name}" if several else role] = source
    return out


def seed_digest(source: Mapping[str, Any]) -> str:
    """Identify simulated data by the world and the seed, which its first statement names."""
    seed = re.search(r"seed (\d+)", " ".join(source["statements"]))
    world = "simulated-sectors" if "sectors" in source["path"] else "simulated"
    return f"{world}-seed-{seed.group(1)}" if seed else world


def datasets(sources: Sequence[Mapping[str, Any]]) -> dict[str, MetaDataset]:
    """Datasets by context: path, columns and the sha256 of the whole file."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.dataset_source_registry import resolve_dataset_source
    from mlflow.data.meta_dataset import MetaDataset

    out = {}
    for context, source in by_context(sources).items():
        simulated = not source["sha256"]
        digest = seed_digest(source) if simulated else source["sha256"]
        path = Path(source["path"])
        origin = (
            CodeDatasetSource({"mlflow.source.name": "forecasting.inputs.simulated.simulated_data"})
            if simulated
            else resolve_dataset_source(str(path.absolute()))
        )
        out[context] = MetaDataset(
            source=origin,
            name=path.name,
            digest=digest[:_DIGEST_LENGTH],
            schema=_simulated_schema(source) if simulated else _file_schema(path),
        )
    return out


def _simulated_schema(source: Mapping[str, Any]) -> Schema:
    text = pd.Series(dtype="str")
    by_sector = {"sector": text} if "sectors" in source["path"] else {}
    columns = {"exporter": text, "importer": text, **by_sector, "year": pd.Series(dtype="int64")}
    return _schema(pd.DataFrame({**columns, "value_usd": pd.Series(dtype="float64")}))


def _file_schema(path: Path) -> Schema | None:
    """Column names and types from the head of a file; None if the file is gone."""
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
