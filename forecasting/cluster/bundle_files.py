"""A `DataBundle` as a folder of Parquet files, which the workers of a cluster read.

An array is a file with one column, named by its place in the bundle; everything else stands in
``bundle.json``. Values come back to the last bit, so that features built from them do too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256 as digest_of
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from features.files.tables import sha256
from features.information import DataBundle

_PARTS = tuple(signature(DataBundle).parameters)
_CONTENT = "bundle.json"
_PLAIN = (str, int, float, bool, type(None))


def write_bundle(bundle: DataBundle, folder: Path) -> str:
    """Write a bundle into an empty folder; returns the digest that `read_bundle` checks."""
    parts = {name: _plain(getattr(bundle, name), name, folder) for name in _PARTS}
    (folder / _CONTENT).write_text(json.dumps(parts), encoding="utf-8")
    return _digest(folder)


def read_bundle(folder: Path, *, digest: str) -> DataBundle:
    """The bundle that was written.

    Raises
    ------
    OSError
        If the folder is not there, or not all of it yet, as on a slow network disk.
    """
    if not (folder / _CONTENT).is_file() or _digest(folder) != digest:
        raise OSError(f"{folder} does not hold what the run wrote there")
    parts = json.loads((folder / _CONTENT).read_text(encoding="utf-8"))
    return DataBundle(**{name: _value(part, folder) for name, part in parts.items()})


def _digest(folder: Path) -> str:
    sums = [f"{file.name} {sha256(file)}" for file in sorted(folder.iterdir())]
    return digest_of("\n".join(sums).encode()).hexdigest()


def _plain(value: Any, place: str, folder: Path) -> Any:
    """As JSON holds it; arrays go into files of their own."""
    if isinstance(value, np.ndarray):
        _write_array(value, folder / f"{place}.parquet")
        return {"array": f"{place}.parquet", "shape": value.shape}
    if isinstance(value, tuple):
        return {"tuple": [_plain(one, f"{place}.{n}", folder) for n, one in enumerate(value)]}
    if isinstance(value, Mapping):
        items = enumerate(value.items())
        return {"dict": [[key, _plain(one, f"{place}.{n}", folder)] for n, (key, one) in items]}
    if is_dataclass(value):
        kind = type(value)
        held = {
            field.name: _plain(getattr(value, field.name), f"{place}.{field.name}", folder)
            for field in fields(value)
        }
        return {"class": [kind.__module__, kind.__qualname__], "fields": held}
    if not isinstance(value, _PLAIN):
        raise TypeError(f"{place} is a {type(value).__name__}, which has no file")
    return value


def _value(plain: Any, folder: Path) -> Any:
    if not isinstance(plain, dict):
        return plain
    if "array" in plain:
        return _read_array(folder / plain["array"]).reshape(plain["shape"])
    if "tuple" in plain:
        return tuple(_value(one, folder) for one in plain["tuple"])
    if "dict" in plain:
        # JSON has no tuples, and a list cannot be a key.
        return {
            tuple(key) if isinstance(key, list) else key: _value(one, folder)
            for key, one in plain["dict"]
        }
    module, name = plain["class"]
    kind = getattr(import_module(module), name) if module.startswith("features.") else None
    if not is_dataclass(kind):
        raise ValueError(f"{module}.{name} is no part of a bundle")
    held = {key: _value(one, folder) for key, one in plain["fields"].items()}
    return kind(**held)  # type: ignore[operator]


def _write_array(values: np.ndarray[Any, Any], file: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Without `from_pandas` NaN stays a number.
    table = pa.table({"value": pa.array(values.ravel())})
    pq.write_table(table, file, compression="zstd", use_dictionary=False)


def _read_array(file: Path) -> np.ndarray[Any, Any]:
    import pyarrow.parquet as pq

    # A copy: pyarrow's memory cannot be written to.
    return np.array(pq.read_table(file).column("value").to_numpy())
