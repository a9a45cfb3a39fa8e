"""Reads what reporters declare of their own trade, and how long they usually take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.panel_codes import counted
from features.errors import InputError
from features.files.tables import numbers, numbers_or_empty
from features.reading import column_names as names
from features.reading.country_column import CountryColumn, require_known
from features.reading.country_names import WORLD
from features.reading.options import ReadingOptions
from features.reading.periods import ANNUAL, read_periods
from features.reading.schemas import DELAYS, REPORTS, columns_found, columns_named
from features.reading.table import ReadTable, read_tidy
from features.reading.trade_layout import TradeLayout, direction_of, unit_of

_KNOWN_AS = {
    "reporter": names.REPORTER,
    "partner": names.PARTNER,
    "flow": names.FLOW,
    "sector": ("sector",),
    "valuation": names.VALUATION,
    "year": names.YEAR,
    "month": names.MONTH,
    "published": names.PUBLISHED,
}
_TEXT = (*names.TEXT, *REPORTS.text, "valuation", "published")


def read_reports(path: Path, options: ReadingOptions) -> ReadTable:
    """Read a file of reports; see `tidy_reports`.

    Raises
    ------
    InputError
        For anything wrong with the file.
    """
    return read_tidy(path, options, tidy_reports, text=_TEXT)


def tidy_reports(frame: pd.DataFrame, options: ReadingOptions, *, file: object) -> ReadTable:
    """Make a table of reports tidy.

    Parameters
    ----------
    frame
        A row a reporter, partner, flow and year or month.
    options
        The user's reading options; ``columns`` and ``flow`` are those of the trade file.
    file
        Named in errors.

    Returns
    -------
    ReadTable
        ``reporter, partner, flow, year, value_usd``, and ``sector``, ``month``, ``valuation`` and
        ``published`` where the table has them.

    Raises
    ------
    InputError
        For a missing column, countries that no table knows, or a flow, period or value that is
        none.
    """
    layout, given = _layout(frame, file=file)
    factor, unit = unit_of(frame, layout, replace(options, unit=None), file=file)
    notes = columns_named(given)
    if unit != "usd":
        notes.append(f"values in {unit} USD")
    sides = CountryColumn.of_table(
        {side: frame[given[side]] for side in ("reporter", "partner")},
        extra_codes=options.extra_codes,
    )
    require_known({given[side]: column for side, column in sides.items()}, file=file)
    if any(side.translated for side in sides.values()):
        notes.append("countries translated to alpha-3 codes")
    kept = _without_world(sides, notes)
    tidy = pd.DataFrame({role: frame[column] for role, column in given.items()})
    for name, side in sides.items():
        tidy[name] = side.categorical
    table = ReadTable(tidy, tuple(notes), given=given).only(kept)
    with table.placed():
        return replace(table, frame=_typed(table.frame, factor, file=file))


def _layout(frame: pd.DataFrame, *, file: object) -> tuple[TradeLayout, dict[str, str]]:
    """Columns of a table of reports, also by role."""
    columns = [str(name) for name in frame.columns]
    found = {role: names.find(columns, known) for role, known in _KNOWN_AS.items()}
    value = "value_usd" if "value_usd" in columns else None
    rest = [name for name in columns if name not in found.values()]
    found["value_usd"] = value or next(iter(names.value_columns(rest)), None)
    given = {role: column for role, column in found.items() if column is not None}
    lacking = [c.name for c in REPORTS.columns if c.required and c.name not in given]
    if lacking:
        reconciled = names.find(columns, names.EXPORTER) and names.find(columns, names.IMPORTER)
        hint = "; trade by exporter and importer does not say who declares it" if reconciled else ""
        raise InputError(
            "the column is missing",
            remedy=f"The columns found are: {', '.join(columns)}{hint}",
            file=file,
            column=lacking[0],
        )
    layout = TradeLayout(
        exporter=given["reporter"],
        importer=given["partner"],
        year=given["year"],
        value=given["value_usd"],
        month=given.get("month"),
        sector=None,
        flow=given["flow"],
        wide={},
        direction=None,
    )
    return layout, given


def _without_world(sides: dict[str, CountryColumn], notes: list[str]) -> NDArray[np.bool_] | None:
    marks = [mark for side in sides.values() if (mark := side.marked(WORLD)) is not None]
    if not marks:
        return None
    world = np.logical_or.reduce(marks)
    notes.append(
        f"{counted(int(world.sum()))} of the world or areas that are not countries left out"
    )
    return ~world


def _typed(tidy: pd.DataFrame, factor: float, *, file: object) -> pd.DataFrame:
    """Flows, periods and values as the schema has them."""
    tidy = tidy.copy()
    tidy["flow"] = _flows(tidy["flow"])
    if "valuation" in tidy:
        tidy["valuation"] = tidy["valuation"].astype("str").str.strip().str.lower()
    periods = read_periods(tidy["year"], None, file=file)
    tidy["year"] = periods.year
    month = _months(tidy, file=file)
    if periods.month is not None:
        month = periods.month.astype(np.float64)
    if month is not None:
        tidy["month"] = month
    if "published" in tidy:
        tidy["published"] = tidy["published"].astype("str").where(tidy["published"].notna(), "")
    if factor != 1:
        tidy["value_usd"] = numbers(tidy["value_usd"], file=file) * factor
    return tidy


def _flows(column: pd.Series) -> pd.Series:
    """``export`` and ``import`` for the words that mean them; others stay, and are refused."""
    coded = column.astype("category")
    words = {word: direction_of(str(word)) for word in coded.cat.categories}
    plain = {word: str(word) if found is None else found.removesuffix("s")
             for word, found in words.items()}  # fmt: skip
    return coded.astype(object).map(plain)


def _months(tidy: pd.DataFrame, *, file: object) -> NDArray[np.float64] | None:
    """Months, NaN for whole years."""
    if "month" not in tidy:
        return None
    given = numbers_or_empty(tidy["month"], file=file)
    return np.where(np.isin(given, ANNUAL), np.nan, given)


def read_delays(path: Path, options: ReadingOptions) -> ReadTable:
    """Read a table of usual delays: ``reporter, months``.

    Raises
    ------
    InputError
        For anything wrong with the file.
    """
    return read_tidy(path, options, _tidy_delays, text=_TEXT)


def _tidy_delays(frame: pd.DataFrame, options: ReadingOptions, *, file: object) -> ReadTable:
    given = columns_found(frame, DELAYS, file=file)
    column = given["reporter"]
    side = CountryColumn.of_table({column: frame[column]}, extra_codes=options.extra_codes)[column]
    require_known({column: side}, file=file)
    notes = columns_named(given)
    if side.translated:
        notes.append("countries translated to alpha-3 codes")
    tidy = frame.rename(columns={name: role for role, name in given.items()})
    tidy["reporter"] = side.categorical
    return ReadTable(tidy, tuple(notes), given=given)
