"""The last step of every connector: checked columns, tables in the project's schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.errors import AGAIN, SourceError, changed_source


def require_source_columns(found: Sequence[str], expected: Iterable[str], *, file: object) -> None:
    """Raise `SourceError` for an absent column; it names what was expected and found."""
    lacking = [name for name in expected if name not in found]
    if lacking:
        present = ", ".join(map(str, list(found)[:30])) or "none"
        raise changed_source(f"expected column {', '.join(lacking)}, found {present}", file=file)


def refuse_twice(
    rows: pd.DataFrame, keys: Sequence[str], words: str, *, file: object, remedy: str = AGAIN
) -> None:
    """Refuse two rows of one key, which a sum would count double.

    Parameters
    ----------
    rows, keys
        A table, and the columns that together name a row.
    words
        Names the row in the error, such as ``"{series} of {iso3}"``.
    file, remedy
        Of the error.

    Raises
    ------
    SourceError
        At the first row that repeats the key of another.
    """
    twice = rows.duplicated([*keys]).to_numpy()
    if twice.any():
        row = rows.iloc[int(twice.argmax())]
        raise SourceError(f"{words.format_map(row)} occurs twice", file=file, remedy=remedy)


def coded(codes: NDArray[np.integer], names: Sequence[str]) -> pa.DictionaryArray:
    """Integer codes and what they stand for, as a column of text.

    Parameters
    ----------
    codes
        Positions in ``names``, shape ``[row]``.
    names
        May name a country more than once, as sources do.
    """
    distinct = sorted(set(names))
    place = {name: number for number, name in enumerate(distinct)}
    small = np.array([place[name] for name in names], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(small[codes] if len(codes) else small[:0]), pa.array(distinct, pa.string())
    )


def trade_table(
    *,
    exporter: pa.DictionaryArray,
    importer: pa.DictionaryArray,
    year: int,
    value_usd: NDArray[np.float64],
    sector: pa.DictionaryArray | None = None,
) -> pa.Table:
    """Trade of one year in the project's schema; values in current USD."""
    columns = {"exporter": exporter, "importer": importer}
    if sector is not None:
        columns["sector"] = sector
    columns["year"] = pa.array(np.full(len(value_usd), year, dtype=np.int16))
    columns["value_usd"] = pa.array(value_usd, pa.float64())
    return pa.table(columns)


def trade_frame_table(frame: pd.DataFrame, *, year: int) -> pa.Table:
    """The same from a frame with ``exporter, importer, [sector], value_usd`` as text and floats."""
    has_sectors = "sector" in frame.columns
    keys = ["exporter", "importer", *(["sector"] if has_sectors else [])]
    ordered = frame.sort_values(keys, ignore_index=True)
    text = {name: _text(ordered[name]) for name in keys}
    return trade_table(
        exporter=text["exporter"],
        importer=text["importer"],
        sector=text.get("sector"),
        year=year,
        value_usd=ordered["value_usd"].to_numpy(dtype=np.float64),
    )


def indicator_table(frame: pd.DataFrame) -> pa.Table:
    """Indicators with ``iso3, year, indicator, value``, unknown values left out, sorted by key."""
    known = frame[frame["value"].notna()]
    ordered = known.sort_values(["indicator", "iso3", "year"], ignore_index=True)
    return pa.table(
        {
            "iso3": _text(ordered["iso3"]),
            "year": pa.array(ordered["year"].to_numpy(dtype=np.int16)),
            "indicator": _text(ordered["indicator"]),
            "value": pa.array(ordered["value"].to_numpy(dtype=np.float64)),
        }
    )


def pair_table(frame: pd.DataFrame) -> pa.Table:
    """Pair attributes with ``iso3_o, iso3_d``, optionally ``year``, and numbers, sorted by key."""
    keys = ["iso3_o", "iso3_d", *(["year"] if "year" in frame.columns else [])]
    ordered = frame.sort_values(keys, ignore_index=True)
    columns: dict[str, pa.Array] = {name: _text(ordered[name]) for name in keys[:2]}
    if "year" in keys:
        columns["year"] = pa.array(ordered["year"].to_numpy(dtype=np.int16))
    for name in ordered.columns:
        if name not in keys:
            values = ordered[name].to_numpy(dtype=np.float64, na_value=np.nan)
            columns[str(name)] = pa.array(values, from_pandas=True)
    return pa.table(columns)


def monthly_table(frame: pd.DataFrame) -> pa.Table:
    """Monthly series with ``region, flow, month, value``, sorted by key."""
    keys = ["region", "flow", "month"]
    ordered = frame.sort_values(keys, ignore_index=True)
    columns: dict[str, pa.Array] = {name: _text(ordered[name]) for name in keys}
    columns["value"] = pa.array(ordered["value"].to_numpy(dtype=np.float64))
    return pa.table(columns)


def report_table(frame: pd.DataFrame) -> pa.Table:
    """Reports of one year, sorted by key.

    Parameters
    ----------
    frame
        ``reporter, partner, flow, valuation, year, value_usd``; ``month`` and ``published`` where
        the source has them, NaN and empty where they are unknown.
    """
    keys = ["reporter", "partner", "flow", "valuation"]
    periods = ["year", *(["month"] if "month" in frame.columns else [])]
    ordered = frame.sort_values([*keys, *periods], ignore_index=True)
    columns: dict[str, pa.Array] = {name: _text(ordered[name]) for name in keys}
    columns["year"] = pa.array(ordered["year"].to_numpy(dtype=np.int16))
    if "month" in frame.columns:
        columns["month"] = pa.array(ordered["month"].to_numpy(dtype=np.int8))
    columns["value_usd"] = pa.array(ordered["value_usd"].to_numpy(dtype=np.float64))
    if "published" in frame.columns:
        columns["published"] = _text(ordered["published"])
    return pa.table(columns)


def _text(column: pd.Series) -> pa.DictionaryArray:
    return pa.array(column.astype("str").to_numpy(dtype=object), pa.string()).dictionary_encode()
