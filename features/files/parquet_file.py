"""Reads Parquet files of single values."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from features.errors import InputError, cut, first_line
from features.files.inflated import memory_limit

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_LEAST_CELL = 4
"""Bytes that a cell takes in memory, of the smallest types."""


def read_parquet(path: Path, *, text: Collection[str]) -> pd.DataFrame:
    """Read a Parquet file whose columns hold single values.

    Parameters
    ----------
    text
        Columns read as categories.

    Raises
    ------
    InputError
        If it cannot be read, does not fit the memory, or a column holds lists or structs.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        about = pq.read_metadata(path)
        _refuse_huge(about, file=path)
        present = {about.schema.column(k).path for k in range(about.num_columns)}
        # Text as dictionaries: 28 million country codes become integers without one Python string.
        coded = [name for name in text if name in present]
        # As one file: a data set would make a column of a folder called year=2017.
        with pq.ParquetFile(path, read_dictionary=coded, pre_buffer=True) as opened:
            table = _plain_columns(opened.read(), file=path)
        # Split blocks: gathering columns of one type in one block would copy every one of them.
        # pandas' metadata is ignored: it would turn columns into an index.
        return table.unify_dictionaries().to_pandas(
            split_blocks=True,
            self_destruct=True,
            ignore_metadata=True,
            date_as_object=False,
        )
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"the Parquet file cannot be read ({first_line(error)})",
            remedy="It may be truncated: copy or download it again",
            file=path,
        ) from error


def _refuse_huge(about: pq.FileMetaData, *, file: Path) -> None:
    """Refuse a file too large for memory: a few bytes can repeat a value ten billion times."""
    size = about.num_rows * about.num_columns * _LEAST_CELL
    if size > memory_limit():
        raise InputError(
            f"the file has {about.num_rows:,} rows of {about.num_columns:,} columns, too much for "
            "this machine's memory",
            remedy="Cut it to the years, countries and columns that are needed",
            file=file,
        )


def _plain_columns(table: pa.Table, *, file: Path) -> pa.Table:
    """Columns of single values, bytes as text; refuse lists and structs, drop pandas' row names."""
    import pyarrow as pa

    unnamed = [name for name in table.column_names if re.fullmatch(r"__index_level_\d+__", name)]
    table = table.drop_columns(unnamed)
    for place, field in enumerate(table.schema):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_nested(kind):
            raise InputError(
                f"the column holds {cut(str(kind))} in every cell, not single values",
                remedy="Give one value per cell, or leave the column out",
                file=file,
                column=field.name,
            )
        if _is_binary(kind):
            words = table.column(place).cast(pa.string()).dictionary_encode()
            table = table.set_column(place, field.name, words)
    return table


def _is_binary(kind: pa.DataType) -> bool:
    """Whether a column holds bytes: text that its writer did not mark as text."""
    import pyarrow.types as types

    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )
