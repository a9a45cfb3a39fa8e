"""Tables in memory: pandas, polars, Arrow and others."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from features.errors import InputError


def as_frame(table: Any, *, text: Collection[str], file: object) -> pd.DataFrame:
    """A pandas frame of any table that exports Arrow (polars, pyarrow, DuckDB, ...).

    Parameters
    ----------
    table
        A pandas frame, or an object with the Arrow PyCapsule interface.
    text
        Columns of codes, read as categories to avoid a Python string per row.

    Raises
    ------
    InputError
        For anything else.
    """
    if isinstance(table, pd.DataFrame):
        return index_as_columns(table)
    if not hasattr(table, "__arrow_c_stream__"):
        kind = f"{type(table).__module__}.{type(table).__qualname__}".removeprefix("builtins.")
        raise InputError(
            f"{kind} is not a table",
            remedy="Give a pandas, polars or Arrow table, such as pandas.DataFrame(...) or the "
            "result of its to_pandas()",
            file=file,
        )
    import pyarrow as pa

    arrow = pa.table(table)
    for place, name in enumerate(arrow.column_names):
        column = arrow.column(place)
        # polars exports string views, which pandas does not read.
        if pa.types.is_string_view(column.type):
            column = column.cast(pa.string())
        if name in text and (
            pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        ):
            column = column.dictionary_encode()
        if column is not arrow.column(place):
            arrow = arrow.set_column(place, name, column)
    return index_as_columns(arrow.unify_dictionaries().to_pandas())


def index_as_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the named levels of its index as columns; a nameless one counts rows."""
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    if not named:
        return frame
    frame = frame.reset_index(level=named)
    return frame.reset_index(drop=True)
