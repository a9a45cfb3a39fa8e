"""The parts of a back-test that are computed apart, here or elsewhere, from the same prepared data.

A task names what is computed; it holds no data, so that it can be sent to another machine. Its
result can be packed into bytes and unpacked again without a loss, so that a finished one need not
be computed twice.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from forecasting.evaluation.fold import FoldForecast, FoldResult, Vector, run_fold
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.prepared import PreparedData
from forecasting.options.run_config import RunConfig
from models.shift import ShiftChoice, losses

T = TypeVar("T")
Members = Mapping[str, bytes]
"""Files of a packed result by name."""


class Task(Protocol[T]):
    """One part of a back-test."""

    @property
    def name(self) -> str:
        """Tells it from every other task of the run; fit for a file name."""

    def run(self, prepared: PreparedData, config: RunConfig) -> T:
        """Compute it."""

    def pack(self, result: T) -> dict[str, bytes]:
        """The result as files."""

    def unpack(self, members: Members) -> T:
        """The result out of its files; raises ValueError if they are of another task."""


Compute = Callable[[Sequence[Task[Any]]], Iterator[Any]]
"""Runs tasks at the same time and yields their results in the tasks' order."""


@dataclass(frozen=True, slots=True)
class WeightLosses:
    """Losses of every candidate of weights at one origin, see `models.shift.losses`."""

    origin: int

    @property
    def name(self) -> str:
        """Of its file."""
        return f"weights-{self.origin}"

    def run(self, prepared: PreparedData, config: RunConfig) -> dict[ShiftChoice, float]:
        """Fit and compare the candidates."""
        return losses(
            prepared.design.until(self.origin),
            names=prepared.names,
            year=self.origin,
            seed=config.seed,
            threads=1,
            own=prepared.own_names,
        )

    def pack(self, result: dict[ShiftChoice, float]) -> dict[str, bytes]:
        """A list of candidates with their losses."""
        found = [[asdict(choice), loss] for choice, loss in result.items()]
        return {"weights.json": json.dumps({"origin": self.origin, "losses": found}).encode()}

    def unpack(self, members: Members) -> dict[ShiftChoice, float]:
        """The same losses, to the last bit."""
        about = json.loads(members["weights.json"])
        if about["origin"] != self.origin:
            raise ValueError("losses of another origin")
        return {ShiftChoice(**choice): loss for choice, loss in about["losses"]}


@dataclass(frozen=True, slots=True)
class FoldTask:
    """One fold with the weights chosen for it, see `fold.run_fold`."""

    fold: Fold
    choice: ShiftChoice

    @property
    def name(self) -> str:
        """Of its file."""
        return f"fold-{self.fold.origin}"

    def run(self, prepared: PreparedData, config: RunConfig) -> FoldResult:
        """Fit every model and forecast."""
        return run_fold(prepared, self.fold, config, self.choice)

    def pack(self, result: FoldResult) -> dict[str, bytes]:
        """Every array once, in double precision; the drivers; and what belongs to what."""
        columns: dict[int, tuple[str, Vector]] = {}

        def column(array: Vector | None) -> str | None:
            if array is None:
                return None
            return columns.setdefault(id(array), (f"c{len(columns)}", array))[0]

        forecasts = [
            {**{n: getattr(one, n) for n in _KEYS}, **{n: column(getattr(one, n)) for n in _ARRAYS}}
            for one in result.forecasts
        ]
        about = {
            "task": self._about(),
            "forecasts": forecasts,
            "unreachable_totals": result.unreachable_totals,
            "largest_gap": result.largest_gap,
        }
        return {
            "fold.json": json.dumps(about).encode(),
            "arrays.parquet": _parquet(pd.DataFrame(dict(columns.values()), copy=False)),
            "drivers.parquet": _parquet(result.drivers),
        }

    def unpack(self, members: Members) -> FoldResult:
        """The same fold, to the last bit."""
        about = json.loads(members["fold.json"])
        if about["task"] != self._about():
            raise ValueError("another fold")
        table = pd.read_parquet(io.BytesIO(members["arrays.parquet"]))
        arrays: dict[str | None, Any] = {str(n): table[n].to_numpy().copy() for n in table}
        arrays[None] = None
        forecasts = [
            FoldForecast(**{n: one[n] for n in _KEYS}, **{n: arrays[one[n]] for n in _ARRAYS})
            for one in about["forecasts"]
        ]
        drivers = pd.read_parquet(io.BytesIO(members["drivers.parquet"]))
        return FoldResult(
            self.fold,
            tuple(forecasts),
            drivers,
            about["unreachable_totals"],
            about["largest_gap"],
        )

    def _about(self) -> dict[str, Any]:
        """As JSON gives it back, where a tuple is a list."""
        about: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return about


_KEYS = ("setting", "model", "origin", "horizon")
_ARRAYS = ("forecast", "base", "expected", "probability", "value_origin", "actual", "reported")


def _parquet(table: pd.DataFrame) -> bytes:
    """A table whose numbers are stored as they are: NaN stays NaN, and nothing is rounded."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    found = pa.Table.from_pandas(table, preserve_index=False)
    numbers = [name for name in table if table[name].dtype == np.float64]
    for name in numbers:
        place = found.schema.get_field_index(name)
        # From pandas, NaN would become null, and null could come back as another NaN.
        found = found.set_column(place, name, pa.array(table[name].to_numpy(), from_pandas=False))
    pq.write_table(found, sink, compression="lz4", use_dictionary=False)
    return bytes(sink.getvalue())
