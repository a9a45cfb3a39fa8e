"""Layout of a trade table: which column is what, and the direction of its flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.choices import ROLES, FlowDirection, Unit
from features.errors import InputError
from features.reading import column_names as names
from features.reading.country_names import normal
from features.reading.options import ReadingOptions
from features.reading.units import FACTORS, refuse_currency, split_unit, unit_of_cells

_DIRECTIONS: dict[str, FlowDirection] = {
    **dict.fromkeys(("x", "export", "exports", "exp", "txg fob usd", "fob", "exports fob",
                     "export value", "exportvalue", "exportsvalue", "fobvalue"), "exports"),
    **dict.fromkeys(("m", "import", "imports", "imp", "tmg cif usd", "tmg fob usd", "cif",
                     "imports cif", "import value", "importvalue", "importsvalue",
                     "cifvalue"), "imports"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TradeLayout:
    """Columns of a trade table by what they hold.

    Attributes
    ----------
    exporter, importer
        Columns of the two sides.
    year, value
        Their columns; None where years are columns.
    month, sector, flow
        Their columns; None where there are none.
    wide
        Columns that are years, with their years.
    direction
        Which declarations are read, where the sides are reporter and partner.
    """

    exporter: str
    importer: str
    year: str | None
    value: str | None
    month: str | None
    sector: str | None
    flow: str | None
    wide: dict[str, int]
    direction: FlowDirection | None

    @property
    def given(self) -> dict[str, str]:
        """Column of each role, for notes."""
        roles = {"exporter": self.exporter, "importer": self.importer, "sector": self.sector,
                 "year": self.year, "month": self.month, "value_usd": self.value}  # fmt: skip
        return {role: column for role, column in roles.items() if column is not None}


def trade_layout(frame: pd.DataFrame, options: ReadingOptions, *, file: object) -> TradeLayout:
    """Find the columns of a trade table.

    Raises
    ------
    InputError
        If one is missing or ambiguous; names the option that decides.
    """
    columns = list(frame.columns)
    given = options.columns
    names.check_given(given, columns, ROLES, file=file)
    year = given.get("year") or names.find(columns, names.YEAR)
    wide = names.year_columns(columns) if year is None else {}
    flow = _flow_column(frame, given.get("value"))
    exporter, importer, reported = _sides(columns, options, file=file)
    value = None
    if year is not None or not wide:
        value = _value_column(frame, options, flow, file=file)
    if year is None and not wide:
        _refuse_missing("year", columns, file=file)
    direction = None
    if reported:
        direction = _direction(frame, flow, value, options, file=file)
        if direction == "imports":
            exporter, importer = importer, exporter
    month = given.get("month") or names.find(columns, names.MONTH)
    sector = given.get("sector") or names.find(columns, ("sector",))
    return TradeLayout(exporter, importer, year, value, month, sector, flow, wide, direction)


def _sides(
    columns: Sequence[str], options: ReadingOptions, *, file: object
) -> tuple[str, str, bool]:
    """Columns of exporter and importer, or of reporter and partner (True)."""
    given = options.columns
    exporter = given.get("exporter") or names.find(columns, names.EXPORTER)
    importer = given.get("importer") or names.find(columns, names.IMPORTER)
    reporter = names.find(columns, names.REPORTER)
    partner = names.find(columns, names.PARTNER)
    if "exporter" in given or "importer" in given:
        # One named side is enough where the other is its counterpart.
        exporter = exporter or _counterpart(importer, reporter, partner)
        importer = importer or _counterpart(exporter, reporter, partner)
    if exporter is not None and importer is not None:
        return exporter, importer, False
    if reporter is not None and partner is not None and not {"exporter", "importer"} & {*given}:
        return reporter, partner, True
    _refuse_missing("exporter" if exporter is None else "importer", columns, file=file)
    raise AssertionError


def _counterpart(side: str | None, reporter: str | None, partner: str | None) -> str | None:
    if side is None:
        return None
    return reporter if names.plain(side) in names.PARTNER else partner


def _flow_column(frame: pd.DataFrame, value: str | None) -> str | None:
    found = names.find([name for name in frame.columns if name != value], names.FLOW)
    return None if found is None or pd.api.types.is_float_dtype(frame[found]) else found


def _value_column(
    frame: pd.DataFrame, options: ReadingOptions, flow: str | None, *, file: object
) -> str:
    given = options.columns.get("value")
    if given is not None:
        return given
    columns = [name for name in frame.columns if name != flow]
    if "value_usd" in columns:
        return "value_usd"
    found = names.value_columns(columns)
    if not found:
        _refuse_missing("value_usd", list(frame.columns), file=file)
    # A column such as `trade` may hold words beside one of numbers.
    numeric = [name for name in found if pd.api.types.is_numeric_dtype(frame[name])] or found
    if options.flow is not None and flow is None:
        numeric = [name for name in numeric if direction_of(name) == options.flow] or numeric
    if len(numeric) > 1 and split_unit(numeric[0])[0] != "primaryvalue":
        raise InputError(
            f"{len(numeric)} columns may hold the values: {', '.join(numeric)}",
            remedy=f"Name one with `--columns value={numeric[0]}`",
            file=file,
        )
    return numeric[0]


def _direction(
    frame: pd.DataFrame,
    flow: str | None,
    value: str | None,
    options: ReadingOptions,
    *,
    file: object,
) -> FlowDirection:
    """Whether the rows to be read are what reporters export or import."""
    if flow is not None:
        kinds = {
            found for word in frame[flow].dropna().unique() if (found := direction_of(str(word)))
        }
        if options.flow is None and len(kinds) == 1:
            return kinds.pop()
        if options.flow is None and len(kinds) > 1:
            _refuse_both(flow, file=file)
    stated = None if value is None else direction_of(value)
    direction = options.flow or stated
    if direction is None:
        raise InputError(
            "the table has reporters and partners, but not who exports",
            remedy="Say so with `--flow exports` (or imports), or `--columns exporter=COLUMN`",
            file=file,
        )
    return direction


def chosen_flows(
    frame: pd.DataFrame, layout: TradeLayout, options: ReadingOptions, *, file: object
) -> NDArray[np.bool_] | None:
    """Rows of the flows to be read; None for all.

    Raises
    ------
    InputError
        If the table holds both exports and imports, or none of the wanted ones.
    """
    if layout.flow is None:
        return None
    codes, words = pd.factorize(frame[layout.flow])
    kinds = [direction_of(str(word)) for word in words]
    if not any(kinds):
        return None
    if options.flow is None and layout.direction is None and len({*kinds} - {None}) > 1:
        _refuse_both(layout.flow, file=file)
    wanted = options.flow or layout.direction or next(kind for kind in kinds if kind)
    rows = np.isin(codes, [place for place, kind in enumerate(kinds) if kind == wanted])
    if not rows.any():
        raise InputError(
            f"no row is of {wanted}; the column holds {', '.join(map(str, words[:8]))}",
            remedy="Give another `--flow`, or leave it out",
            file=file,
            column=layout.flow,
        )
    return None if rows.all() else rows


def direction_of(text: str) -> FlowDirection | None:
    """The direction that a word such as ``X``, ``Imports`` or ``CIF`` means; None for others."""
    return _DIRECTIONS.get(normal(text)) or _DIRECTIONS.get(split_unit(text)[0])


def _refuse_both(column: str, *, file: object) -> None:
    raise InputError(
        "the table holds both exports and imports",
        remedy="Choose with `--flow exports` or `--flow imports`",
        file=file,
        column=column,
    )


def unit_of(
    frame: pd.DataFrame, layout: TradeLayout, options: ReadingOptions, *, file: object
) -> tuple[float, Unit]:
    """USD of one unit of value, and the unit's name.

    Raises
    ------
    InputError
        If the values are in another currency or in several units, or are BACI's ``v``.
    """
    if options.unit is not None:
        return FACTORS[options.unit], options.unit
    if layout.value == "value_usd":
        return 1.0, "usd"
    header = layout.value or ""
    _, scale, currency = split_unit(header)
    if currency is not None:
        refuse_currency(currency, file=file, column=header)
    if scale is not None:
        return FACTORS[scale], scale
    # WITS puts it into the name of the series, "Export (US$ Thousand)".
    for known in (names.UNIT, names.INDICATOR):
        column = names.find(list(frame.columns), known)
        if column is None or pd.api.types.is_numeric_dtype(frame[column]):
            continue
        cells = [str(cell) for cell in frame[column].dropna().unique()]
        if cells and (known is names.UNIT or any(split_unit(cell)[1] for cell in cells)):
            unit = unit_of_cells(cells, file=file, column=column)
            return FACTORS[unit], unit
    if names.plain(header) == "v":
        raise InputError(
            "the header does not give the unit of the values: BACI's v is in thousand USD",
            remedy="Give it with `--unit thousand` (or usd, million, billion)",
            file=file,
            column=header,
        )
    return 1.0, "usd"


def _refuse_missing(role: str, columns: Sequence[str], *, file: object) -> None:
    option = "value" if role == "value_usd" else role
    raise InputError(
        "the column is missing",
        remedy=f"The columns found are: {', '.join(map(str, columns))}; "
        f"name it with `--columns {option}=COLUMN`",
        file=file,
        column=role,
    )
