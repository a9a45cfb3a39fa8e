"""Stata files, which several sources offer beside CSV or Excel."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd
from pandas.io.stata import StataReader

from features.errors import SourceError, first_line
from features.tidy.tidying import require_source_columns

_BEGINS = (b"<stata_dta>", b"q\x02", b"q\x01", b"r\x02", b"r\x01", b"s\x02", b"s\x01")
"""How files of Stata 13 and later begin, and those of Stata 8 to 12 in either byte order."""


def is_stata(path: Path) -> bool:
    """Whether a file begins as one of Stata does."""
    with path.open("rb") as handle:
        return handle.read(11).startswith(_BEGINS)


def _opened(path: Path) -> StataReader:
    # By name, pandas would take a cached file named .zip as compressed.
    return pd.read_stata(path, iterator=True, compression=None, convert_categoricals=False)


def has_stata_columns(path: Path, columns: Collection[str]) -> bool:
    """Whether a file is one of Stata's with these columns."""
    if not is_stata(path):
        return False
    try:
        with _opened(path) as reader:
            return set(columns) <= set(reader.variable_labels())
    except (ValueError, OSError, KeyError, EOFError):
        return False


def read_stata(path: Path, columns: Collection[str]) -> pd.DataFrame:
    """Some columns of a Stata file, whatever its name, codes instead of labels.

    Raises
    ------
    SourceError
        For an absent column or a broken file.
    """
    try:
        with _opened(path) as reader:
            require_source_columns(list(reader.variable_labels()), columns, file=path.name)
            return reader.read(columns=[*columns])
    except (ValueError, OSError, KeyError, EOFError) as error:
        raise SourceError(
            f"the Stata file cannot be read ({first_line(error)})", file=path.name
        ) from error
