"""``backtest.parquet``: written block by block as the back-test goes on, read in part.

A row is a flow at an origin, horizon and setting. ``forecast`` is the main model's; every other
model has a column of its name. A block, one origin, horizon and setting, is a row group: readers
skip those that they do not need.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.data.flows import FlowIndex
from features.errors import InputError
from features.information import AsOfRule
from forecasting.evaluation.fold import FoldForecast
from forecasting.explanation.explain import flow_keys
from forecasting.run_folder.files import BACKTEST
from forecasting.run_folder.record import AGAIN, check_file
from models.intervals import LEVELS, Bounds
from models.registry import MAIN_MODEL, Model

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

OF_THE_MAIN_MODEL = (
    *(f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")),
    "probability_of_trade",
)
"""Columns that describe the main model's forecast and no other's."""
_BLOCK = ("setting", "origin", "horizon")
_SHARED = frozenset(
    {*_BLOCK, "as_of", "target_year", "exporter", "importer", "sector", "value_origin", "actual",
     "base", *OF_THE_MAIN_MODEL}
)  # fmt: skip
"""Columns that are no model's forecast."""


def forecast_column(model: str) -> str:
    """Column of a model's forecasts."""
    return "forecast" if model == MAIN_MODEL else model


class BacktestWriter:
    """Writes ``backtest.parquet`` one block at a time, so that it is never in memory as a whole.

    Parameters
    ----------
    path
        File to write.
    rule
        Gives the as-of date of each origin.
    models
        Of the back-test: every one but the main model has a column of its name.
    """

    def __init__(self, path: Path, *, rule: AsOfRule, models: Sequence[Model]) -> None:
        self._path, self._rule = path, rule
        self._models = [forecast_column(m.name) for m in models if m.role != "main"]
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> BacktestWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(
        self, forecasts: Sequence[FoldForecast], bounds: Bounds | None, *, flows: FlowIndex
    ) -> None:
        """Append every flow of a block.

        Parameters
        ----------
        forecasts
            Of all models in one setting, at one origin and horizon.
        bounds
            Intervals of the main model, if it has any.
        flows
            That are forecast from the origin.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        by_model = {forecast_column(forecast.model): forecast for forecast in forecasts}
        main = by_model["forecast"]
        blank = np.full(main.forecast.size, np.nan)
        values = {
            "value_origin": main.value_origin,
            "actual": main.actual,
            "base": main.base,
            "forecast": main.forecast,
            **dict.fromkeys(OF_THE_MAIN_MODEL, blank),
        }
        for level, (lower, upper) in (bounds or {}).items():
            values[f"lower_{level}"], values[f"upper_{level}"] = lower, upper
        if main.probability is not None:
            values["probability_of_trade"] = main.probability
        for name in self._models:
            values[name] = by_model[name].forecast if name in by_model else blank
        singles = {
            name: pa.array(column.astype(np.float32), from_pandas=True)
            for name, column in values.items()
        }
        keys = self._keys(main, flows)
        table = pa.table({**keys, **singles})
        if self._writer is None:
            # Numbers seldom repeat: a dictionary of them takes room and time.
            self._writer = pq.ParquetWriter(
                self._path, table.schema, compression="zstd", use_dictionary=list(keys)
            )
        self._writer.write_table(table.cast(self._writer.schema), row_group_size=max(len(table), 1))

    def _keys(self, forecast: FoldForecast, flows: FlowIndex) -> dict[str, pa.Array]:
        import pyarrow as pa

        zeros = pa.array(np.zeros(flows.size, dtype=np.int32))

        def word(text: str) -> pa.Array:
            return pa.DictionaryArray.from_arrays(zeros, pa.array([text]))

        def year(number: int) -> pa.Array:
            return pa.array(np.full(flows.size, number, dtype=np.int16))

        keys = pa.Table.from_pandas(flow_keys(flows, slice(None)), preserve_index=False)
        return {
            "setting": word(forecast.setting),
            "origin": year(forecast.origin),
            "as_of": word(self._rule.date(forecast.origin).isoformat()),
            "horizon": pa.array(np.full(flows.size, forecast.horizon, dtype=np.int8)),
            "target_year": year(forecast.target_year),
            **{name: keys.column(name).combine_chunks() for name in keys.column_names},
        }


def read_backtest(
    folder: Path, *, columns: Sequence[str], where: Sequence[tuple[str, str, Any]] = ()
) -> pd.DataFrame:
    """Chosen columns and rows of ``backtest.parquet``.

    Parameters
    ----------
    folder
        Of the run.
    columns
        To read; `forecast_column` names that of a model.
    where
        Conditions that must all hold, such as ``("setting", "==", "ex_ante")``; ``==`` and ``in``.
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


def backtest_blocks(
    folder: Path, columns: Sequence[str]
) -> Iterator[tuple[str, int, int, pd.DataFrame]]:
    """Setting, origin, horizon and chosen columns of every block of ``backtest.parquet``."""
    import pyarrow.parquet as pq

    file = folder / BACKTEST
    check_file(folder, file.name)
    try:
        with pq.ParquetFile(file) as opened:
            for number in range(opened.num_row_groups):
                table = opened.read_row_group(number, columns=[*_BLOCK, *columns])
                for row in table.select(_BLOCK).slice(0, 1).to_pylist():
                    yield *row.values(), table.select(columns).to_pandas()
    except (OSError, ValueError) as error:
        raise _not_whole(file) from error


def by_model(rows: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Rows of `read_backtest` once for each model, which the column ``model`` names.

    Parameters
    ----------
    rows
        With the column of every model.
    models
        To keep, in this order.

    Returns
    -------
    DataFrame
        ``forecast`` is the model's; what no other model than the main one has is NaN in its rows.
    """
    shared = rows[[name for name in rows if name in _SHARED]]
    theirs = shared.assign(**{n: np.nan for n in OF_THE_MAIN_MODEL if n in shared})
    parts = [
        (shared if model == MAIN_MODEL else theirs).assign(
            model=model, forecast=rows[forecast_column(model)]
        )
        for model in models
    ]
    return pd.concat(parts, ignore_index=True)


def _groups(about: pq.FileMetaData, where: Sequence[tuple[str, str, Any]]) -> list[int]:
    """Row groups that may hold what is wanted.

    Each holds one block, so most can be skipped: reading is several times as fast.
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
