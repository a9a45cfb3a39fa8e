"""The parts of a back-test that are computed apart, here or elsewhere, from the same prepared data.

A task names what is computed; it holds no data, so that it can be sent to another machine. Its
result can be packed into an archive and unpacked again without a loss, so that a finished one need
not be computed twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol, TypeVar
from zipfile import ZipFile

import numpy as np
import pandas as pd

from forecasting.evaluation.fold import FoldForecast, FoldResult, Vector, run_fold
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.prepared import PreparedData
from forecasting.options.run_config import RunConfig
from models.shift import ShiftChoice, losses
from models.tuning import TuningTrial, tuning_trials

T = TypeVar("T")


class Task(Protocol[T]):
    """One part of a back-test."""

    @property
    def name(self) -> str:
        """Tells it from every other task of the run; fit for a file name."""

    def run(self, prepared: PreparedData, config: RunConfig) -> T:
        """Compute it."""

    def pack(self, result: T, archive: ZipFile) -> None:
        """Write the result into an archive."""

    def unpack(self, archive: ZipFile) -> T:
        """The result out of its archive; raises ValueError if that is of another task."""


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
            learner=config.learner,
        )

    def pack(self, result: dict[ShiftChoice, float], archive: ZipFile) -> None:
        """A list of candidates with their losses."""
        found = [[asdict(choice), loss] for choice, loss in result.items()]
        about = {"origin": self.origin, "losses": found}
        archive.writestr(_LOSSES, json.dumps(about))

    def unpack(self, archive: ZipFile) -> dict[ShiftChoice, float]:
        """The same losses, to the last bit."""
        about = json.loads(archive.read(_LOSSES))
        if about["origin"] != self.origin:
            raise ValueError("losses of another origin")
        return {ShiftChoice(**choice): loss for choice, loss in about["losses"]}


@dataclass(frozen=True, slots=True)
class TuningStudy:
    """A search over the booster's parameters at one origin, see `models.tuning.tuning_trials`."""

    origin: int
    choice: ShiftChoice

    @property
    def name(self) -> str:
        """Of its file."""
        return f"tuning-{self.origin}"

    def run(self, prepared: PreparedData, config: RunConfig) -> tuple[TuningTrial, ...]:
        """Run its trials one after the other: each depends on those before it."""
        training = prepared.training(config, origin=self.origin, choice=self.choice)
        return tuning_trials(
            training.design,
            year=self.origin,
            choice=self.choice,
            model=training.unfitted(prepared.names),
            trials=config.tune,
            max_rows=config.max_rows,
        )

    def pack(self, result: tuple[TuningTrial, ...], archive: ZipFile) -> None:
        """The trials in their order."""
        about = {"study": asdict(self), "trials": [asdict(trial) for trial in result]}
        archive.writestr(_STUDY, json.dumps(about))

    def unpack(self, archive: ZipFile) -> tuple[TuningTrial, ...]:
        """The same trials, to the last bit."""
        about = json.loads(archive.read(_STUDY))
        if about["study"] != asdict(self):
            raise ValueError("another study")
        return tuple(TuningTrial(**trial) for trial in about["trials"])


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

    def pack(self, result: FoldResult, archive: ZipFile) -> None:
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
        archive.writestr(_FOLD, json.dumps(about))
        _write(pd.DataFrame(dict(columns.values()), copy=False), archive, _ARRAYS_FILE)
        _write(result.drivers, archive, _DRIVERS_FILE)

    def unpack(self, archive: ZipFile) -> FoldResult:
        """The same fold, to the last bit."""
        about = json.loads(archive.read(_FOLD))
        if about["task"] != self._about():
            raise ValueError("another fold")
        arrays = _read_arrays(archive)
        forecasts = [
            FoldForecast(**{n: one[n] for n in _KEYS}, **{n: arrays[one[n]] for n in _ARRAYS})
            for one in about["forecasts"]
        ]
        with archive.open(_DRIVERS_FILE) as file:
            drivers = pd.read_parquet(file)
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
_ARRAYS = tuple(field.name for field in fields(FoldForecast) if field.name not in _KEYS)
_LOSSES, _STUDY, _FOLD = "weights.json", "tuning.json", "fold.json"
_ARRAYS_FILE, _DRIVERS_FILE = "arrays.parquet", "drivers.parquet"


def _write(table: pd.DataFrame, archive: ZipFile, name: str) -> None:
    """A table as Parquet, column by column: numbers as they are, and no second copy in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = pa.Table.from_pandas(table, preserve_index=False)
    for column in table:
        if table[column].dtype == np.float64:
            # From pandas, NaN would become null, and null could come back as another NaN.
            place = found.schema.get_field_index(column)
            numbers = pa.array(table[column].to_numpy(), from_pandas=False)
            found = found.set_column(place, column, numbers)
    with archive.open(name, "w", force_zip64=True) as file:
        pq.write_table(found, file, compression="lz4", use_dictionary=False)


def _read_arrays(archive: ZipFile) -> dict[str | None, Any]:
    """Arrays by name; None is the name of one that is not there."""
    import pyarrow.parquet as pq

    with archive.open(_ARRAYS_FILE) as file:
        opened = pq.ParquetFile(file)
        names = opened.schema_arrow.names
        # A copy: pyarrow's memory cannot be written to.
        arrays = {name: np.array(opened.read([name]).column(0).to_numpy()) for name in names}
        return {None: None, **arrays}
