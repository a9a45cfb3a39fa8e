"""Rows of country pairs: codes translated, keys unique, one part per year."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.countries.source_codes import translate
from features.errors import SourceError
from features.tidy.parts import Notes, Part, with_notes
from features.tidy.tidying import pair_table, refuse_twice

PAIR = ("iso3_o", "iso3_d")


def with_iso3(
    frame: pd.DataFrame,
    *,
    sides: Sequence[str],
    using: Callable[[str], str | None],
    file: object,
    notes: Notes,
) -> pd.DataFrame:
    """The rows with their two columns of codes replaced by ``iso3_o`` and ``iso3_d``.

    Parameters
    ----------
    frame
        One row per pair, perhaps by year.
    sides
        Names of the columns of origin and destination codes.
    using
        See `features.countries.source_codes.translate`.
    notes
        Receives the count of non-country rows, which are left out.

    Raises
    ------
    SourceError
        For an empty cell, or a code that no table knows.
    """
    out = frame.rename(columns=dict(zip(sides, PAIR, strict=True)))
    countries = np.ones(len(out), dtype=bool)
    for source, name in zip(sides, PAIR, strict=True):
        column = out[name].astype("category").cat.remove_unused_categories()
        if column.isna().any():
            raise SourceError("a cell is empty", file=file, column=source)
        codes = [str(code) for code in column.cat.categories]
        sizes = np.bincount(column.cat.codes.to_numpy(), minlength=len(codes))
        rows = dict(zip(codes, sizes.tolist(), strict=True))
        iso3 = translate(rows, using, file=file, column=source, count=notes.count).values()
        distinct = sorted({code for code in iso3 if code is not None})
        place = np.array([distinct.index(c) if c else -1 for c in iso3], dtype=np.int32)
        positions = place[column.cat.codes.to_numpy()]
        out[name] = pd.Categorical.from_codes(positions, distinct)
        countries &= positions >= 0
    notes.count("rows of areas that are not countries left out", int((~countries).sum()))
    return out if countries.all() else out[countries]


def require_unique(frame: pd.DataFrame, *, file: object) -> None:
    """Raise `SourceError` where a pair occurs twice, in a year where the table has years."""
    keys = [*PAIR, *(["year"] if "year" in frame.columns else [])]
    words = " ".join(f"{{{key}}}" for key in keys)
    remedy = "Take an earlier release, or upgrade gravicast"
    refuse_twice(frame, keys, words, file=file, remedy=remedy)


def small_frame(batches: Iterable[pa.RecordBatch], *, columns: Sequence[str]) -> pd.DataFrame:
    """Batches as one frame with compact integer codes for text.

    Parameters
    ----------
    batches
        Numbers, and text that is dictionary-encoded batch by batch.
    columns
        Their columns; without a batch the frame has these and no rows.
    """
    codes: dict[str, dict[str, int]] = {}
    pieces: dict[str, list[NDArray[np.generic]]] = {name: [] for name in columns}
    for batch in batches:
        for name in columns:
            column = values = batch[name]
            if pa.types.is_dictionary(column.type):
                known = codes.setdefault(name, {})
                place = [known.setdefault(t, len(known)) for t in column.dictionary.to_pylist()]
                indices = column.indices.to_numpy(zero_copy_only=False)
                values = np.array(place, dtype=np.int16)[indices]
            pieces[name].append(np.asarray(values))
    out: dict[str, NDArray[np.generic] | pd.Categorical] = {}
    for name in columns:
        joined = np.concatenate(pieces.pop(name) or [np.empty(0)])
        if name in codes:
            joined = pd.Categorical.from_codes(joined, list(codes[name]))
        out[name] = joined
    return pd.DataFrame(out)


def yearly_parts(
    frame: pd.DataFrame,
    *,
    read: Notes,
    finish: Callable[[pd.DataFrame, Notes], pd.DataFrame] | None = None,
) -> Iterator[Part]:
    """A part for every year of a table of pairs.

    Parameters
    ----------
    frame
        ``iso3_o, iso3_d, year`` and attributes, one row per pair and year.
    read
        Notes from reading the source's file, which go to the first part.
    finish
        Last step on the rows of a year, when its part is made.
    """
    year = frame["year"].to_numpy()
    order = np.argsort(year, kind="stable").astype(np.int32)
    years, begins = np.unique(year[order], return_index=True)
    rows = np.split(order, begins[1:]) if len(years) else []

    def table(of_year: NDArray[np.int32], notes: Notes) -> pa.Table:
        now = frame.iloc[of_year]
        return pair_table(now if finish is None else finish(now, notes))

    parts = (Part.of_year(int(y), partial(table, r)) for y, r in zip(years, rows, strict=True))
    yield from with_notes(read, parts)
