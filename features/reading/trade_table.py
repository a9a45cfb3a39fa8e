"""Reads a trade table in any common layout, and notes what it did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.arrays import used_codes
from features.countries.panel_codes import counted, with_rows
from features.errors import InputError
from features.files.tables import numbers, require_columns
from features.reading import column_names as names
from features.reading.country_column import CountryColumn, require_known
from features.reading.country_names import WORLD
from features.reading.months import sum_months
from features.reading.options import ReadingOptions
from features.reading.periods import read_periods
from features.reading.schemas import columns_named
from features.reading.table import ReadTable, read_tidy
from features.reading.trade_layout import TradeLayout, chosen_flows, trade_layout, unit_of
from features.reading.wide import stacked


def read_trade(path: Path, options: ReadingOptions) -> ReadTable:
    """Read a trade file of any layout; raises `InputError` for anything wrong or ambiguous."""
    own = [column for role, column in options.columns.items() if role not in ("value", "year")]
    return read_tidy(path, options, tidy_trade, text={*names.TEXT, *own})


def tidy_trade(frame: pd.DataFrame, options: ReadingOptions, *, file: object) -> ReadTable:
    """Make a trade table tidy.

    Parameters
    ----------
    frame
        A table as it was read: one row per flow and year, date or month, or years as columns.

    Returns
    -------
    ReadTable
        ``exporter, importer, [sector], year, value_usd`` and columns that are not used.

    Raises
    ------
    InputError
        For a missing column, unknown countries (all of them at once), an invalid year or value, or
        anything ambiguous.
    """
    require_columns(frame, (), file=file)
    layout = trade_layout(frame, options, file=file)
    factor, unit = unit_of(frame, layout, options, file=file)
    notes = _notes_on_columns(layout, unit)
    rows = chosen_flows(frame, layout, options, file=file)
    if rows is not None:
        notes.append(f"{counted(len(frame) - int(rows.sum()))} of other flows left out")
    sides = CountryColumn.of_table(
        {"exporter": frame[layout.exporter], "importer": frame[layout.importer]},
        extra_codes=options.extra_codes,
    )
    # Rows of other flows need not be valid.
    named = {layout.exporter: sides["exporter"], layout.importer: sides["importer"]}
    require_known(named, file=file, among=rows)
    if any(side.translated for side in sides.values()):
        notes.append("countries translated to alpha-3 codes")
    kept = _without_world(sides, rows, notes, file=file)
    tidy = _renamed(frame, layout)
    for name, side in sides.items():
        tidy[name] = side.categorical
    table = ReadTable(tidy, given=layout.given).only(kept)
    finish = _wide if layout.wide else _long
    table = finish(table, layout, factor, file=file)
    return replace(table, notes=(*notes, *table.notes))


def star(frame: pd.DataFrame) -> str | None:
    """Note on a table in which one country trades with all others; None for other tables."""
    for side, done in (("exporter", "exports"), ("importer", "imports")):
        column = frame[side].astype("category").cat
        used = used_codes(column.codes.to_numpy())
        if used.size == 1:
            country = column.categories[used[0]]
            return (
                f"every flow is of {done} of {country}: only these can be forecast; trade among "
                "its partners is unknown and 0 in the forecasts, so totals, shares and other "
                "suppliers or markets are unknown"
            )
    return None


def _notes_on_columns(layout: TradeLayout, unit: str) -> list[str]:
    notes = columns_named(layout.given)
    if layout.direction is not None:
        notes.append(f"{layout.direction} as reporters declare them")
    if unit != "usd":
        notes.append(f"values in {unit} USD")
    elif layout.value != "value_usd":
        notes.append("values taken as USD")
    return notes


def _without_world(
    sides: dict[str, CountryColumn],
    rows: NDArray[np.bool_] | None,
    notes: list[str],
    *,
    file: object,
) -> NDArray[np.bool_] | None:
    """Rows without those of the world and of partners that are not countries; counted."""
    marks = [mark for side in sides.values() if (mark := side.marked(WORLD)) is not None]
    if not marks:
        return rows
    world = np.logical_or.reduce(marks)
    if rows is not None:
        world &= rows
    given = sides["exporter"].counted(WORLD) | sides["importer"].counted(WORLD)
    kept = ~world if rows is None else rows & ~world
    if not kept.any():
        remedy = "Give flows between countries"
        raise InputError(f"every row is of {with_rows(given)}", remedy=remedy, file=file)
    if world.any():
        named = ", ".join(map(repr, given))
        left_out = f"{counted(int(world.sum()))} of {named} left out"
        notes.append(f"{left_out}: the world or areas that are not countries")
    return kept


def _renamed(frame: pd.DataFrame, layout: TradeLayout) -> pd.DataFrame:
    """The frame with the panel's column names."""
    renamed = {column: role for role, column in layout.given.items() if role != column}
    # Drop an unused column of that name.
    taken = set(layout.given.values())
    stale = [role for role in layout.given if role in frame.columns and role not in taken]
    return frame.drop(columns=stale).rename(columns=renamed)


def _long(table: ReadTable, layout: TradeLayout, factor: float, *, file: object) -> ReadTable:
    """Years of dates, dollars of other units, and months summed."""
    tidy, notes = table.frame, []
    with table.placed():
        month = tidy["month"] if layout.month is not None else None
        periods = read_periods(tidy["year"], month, file=file)
        if periods.done:
            notes.append(periods.done)
        if periods.done or periods.month is not None:
            tidy = tidy.assign(year=periods.year)
        if factor != 1:
            tidy = tidy.assign(value_usd=numbers(tidy["value_usd"], file=file) * factor)
    table = replace(table, frame=tidy, notes=tuple(notes))
    if periods.month is None:
        return table
    # Rows are summed here, so repeats must go first.
    table = replace(table, frame=tidy.assign(month=periods.month)).without_repeats()
    with table.placed():
        summed, first, done = sum_months(table.frame, file=file)
    rows = first if table.rows is None else table.rows[first]
    return replace(table, frame=summed, rows=rows, notes=(*table.notes, *done))


def _wide(table: ReadTable, layout: TradeLayout, factor: float, *, file: object) -> ReadTable:
    with table.placed():
        tidy, source, done = stacked(table.frame, layout.wide, file=file)
    tidy["value_usd"] = tidy.pop("value") * factor
    rows = source if table.rows is None else table.rows[source]
    return replace(table, frame=tidy, rows=rows, notes=tuple(done))
