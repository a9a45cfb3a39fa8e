"""The tables of a run: forecasts with intervals, and the back-test written as it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.data.flows import FlowIndex
from features.errors import InputError
from features.information import AsOfRule
from forecasting.evaluation.fold import FoldForecast
from forecasting.explanation.explain import flow_keys
from forecasting.run_folder.files import BACKTEST
from forecasting.run_folder.record import AGAIN, check_file
from models.intervals import LEVELS

if TYPE_CHECKING:
    import pyarrow.parquet as pq

Bounds = Mapping[int, tuple[NDArray[np.float64], NDArray[np.float64]]]


class BacktestWriter:
    """Writes ``backtest.parquet`` one forecast at a time, so that it is never in memory as a whole.

    Parameters
    ----------
    path
        File to write.
    flows
        Keys of the flows.
    rule
        Gives the as-of date of each origin.
    """

    def __init__(self, path: Path, *, flows: FlowIndex, rule: AsOfRule) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._rule = rule
        self._keys = pa.Table.from_pandas(flow_keys(flows, slice(None)), preserve_index=False)
        word = pa.dictionary(pa.int32(), pa.string())
        numbers = ["value_origin", "actual", "base", "forecast"]
        numbers += [f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")]
        self._numbers = [*numbers, "probability_of_trade"]
        self._schema = pa.schema(
            [
                *((name, word) for name in ("setting", "model")),
                ("origin", pa.int16()),
                ("as_of", word),
                ("horizon", pa.int8()),
                ("target_year", pa.int16()),
                *((field.name, field.type) for field in self._keys.schema),
                *((name, pa.float32()) for name in self._numbers),
            ]
        )
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def __enter__(self) -> BacktestWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def write(self, forecast: FoldForecast, bounds: Bounds | None) -> None:
        """Append every flow of one forecast, with its intervals if it has any."""
        import pyarrow as pa

        size = forecast.forecast.size
        zeros = np.zeros(size, dtype=np.int32)

        def constant(word: str) -> pa.Array:
            return pa.DictionaryArray.from_arrays(pa.array(zeros), pa.array([word]))

        blank = np.full(size, np.nan)
        values = {
            "value_origin": forecast.value_origin,
            "actual": forecast.actual,
            "base": forecast.base,
            "forecast": forecast.forecast,
            "probability_of_trade": blank if forecast.probability is None else forecast.probability,
        }
        for level in LEVELS:
            lower, upper = bounds[level] if bounds is not None else (blank, blank)
            values[f"lower_{level}"], values[f"upper_{level}"] = lower, upper
        columns = {
            "setting": constant(forecast.setting),
            "model": constant(forecast.model),
            "origin": pa.array(np.full(size, forecast.origin, dtype=np.int16)),
            "as_of": constant(self._rule.date(forecast.origin).isoformat()),
            "horizon": pa.array(np.full(size, forecast.horizon, dtype=np.int8)),
            "target_year": pa.array(np.full(size, forecast.target_year, dtype=np.int16)),
            # Flows of an earlier origin are the first of the panel's.
            **{name: self._keys.column(name)[:size] for name in self._keys.column_names},
            **{
                name: pa.array(values[name].astype(np.float32), from_pandas=True)
                for name in self._numbers
            },
        }
        self._writer.write_table(pa.table(columns).select(self._schema.names).cast(self._schema))


def read_backtest(
    folder: Path, *, columns: Sequence[str], where: Sequence[tuple[str, str, Any]] = ()
) -> pd.DataFrame:
    """Chosen columns and rows of ``backtest.parquet``.

    Parameters
    ----------
    folder
        Of the run.
    columns
        To read.
    where
        Conditions that must all hold, such as ``("model", "==", "gravicast")``; ``==`` and ``in``.
    """
    import pyarrow.parquet as pq

    file = folder / BACKTEST
    check_file(folder, file.name)
    try:
        with pq.ParquetFile(file) as opened:
            groups = _groups(opened.metadata, where)
            needed = list(dict.fromkeys([*columns, *(name for name, _, _ in where)]))
            table = opened.read_row_groups(groups, columns=needed).to_pandas()
    except (OSError, ValueError) as error:
        raise _not_whole(file) from error
    keep = np.ones(len(table), dtype=np.bool_)
    for name, operator, value in where:
        keep &= table[name].isin([value] if operator == "==" else list(value)).to_numpy()
    return table.loc[keep, list(columns)].reset_index(drop=True)


def _groups(about: pq.FileMetaData, where: Sequence[tuple[str, str, Any]]) -> list[int]:
    """Row groups that may hold what is wanted.

    Each holds one model at one origin and horizon, so most can be skipped: reading is several
    times as fast.
    """
    place = {about.schema.column(k).path: k for k in range(about.num_columns)}
    found = []
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        for name, operator, value in where:
            known = group.column(place[name]).statistics
            wanted = [value] if operator == "==" else list(value)
            if known is not None and known.has_min_max:
                wanted = [v for v in wanted if known.min <= v <= known.max]
            if not wanted:
                break
        else:
            found.append(number)
    return found


def _not_whole(file: Path) -> InputError:
    return InputError("the run is not whole: this file cannot be read", remedy=AGAIN, file=file)
