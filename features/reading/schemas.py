"""Columns of every kind of table that a user may give."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from features.files.table_schema import Column, TableSchema
from features.files.tables import require_columns
from features.reading import column_names as names

SECTOR_KINDS = ("goods", "manufacturing", "services")
EXPOSURES = ("automation_exposure", "ai_exposure")
DATA_INTENSITY = "data_intensity"

TRADE = TableSchema(
    (
        Column("exporter", "country"),
        Column("importer", "country"),
        Column("sector", "code", "Name the sector or leave the column out", required=False),
        Column("year", "year"),
        Column("value_usd", "number"),
    ),
    # No key: filling the panel's cells finds repeated rows at no cost.
)

INDICATORS = TableSchema(
    (
        Column("iso3", "country", known_as=names.COUNTRY),
        Column("year", "year", known_as=names.YEAR),
        Column("indicator", "code", "Name the indicator", known_as=names.INDICATOR),
        Column("value", "number", known_as=("value", "obsvalue", "val")),
    ),
    key=("indicator", "iso3", "year"),
)

CATALOGUE = TableSchema(
    (
        Column("indicator", "code", "Name the indicator"),
        Column("channel", "text"),
        Column("label", "text"),
        Column("unit", "text"),
        Column(
            "publication_lag_months",
            "whole number",
            "Give the months from the end of a year to its publication",
            bounds=(0, 240),
        ),
        Column(
            "snapshot", "flag", "Write 1 for a series of one year only, 0 for others",
            required=False,
        ),
        Column("source", "text", required=False),
        Column("note", "text", required=False),
    ),
    key=("indicator",),
    recognised_by=("indicator", "publication_lag_months"),
)  # fmt: skip

PAIRS = TableSchema(
    (
        Column("iso3_o", "country", known_as=("iso3o", *names.EXPORTER)),
        Column("iso3_d", "country", known_as=("iso3d", *names.IMPORTER)),
        Column("year", "year", required=False),
    ),
    key=("iso3_o", "iso3_d", "year"),
    others="number or empty",
)

REPORTS = TableSchema(
    (
        Column("reporter", "country"),
        Column("partner", "country"),
        Column("flow", "code", "Write export or import", choices=("export", "import")),
        Column("sector", "code", "Name the sector or leave the column out", required=False),
        Column("valuation", "code", "Write fob or cif", required=False, choices=("fob", "cif")),
        Column("year", "year"),
        Column("month", "number or empty", required=False),
        Column("value_usd", "number", "Give USD, 0 or more", bounds=(0, 1e15)),
        Column("published", "text", required=False),
    ),
    key=("reporter", "partner", "flow", "sector", "valuation", "year", "month"),
    recognised_by=("reporter", "partner", "flow", "value_usd"),
)

DELAYS = TableSchema(
    (
        Column("reporter", "country", known_as=(*names.REPORTER, *names.COUNTRY)),
        Column(
            "months",
            "whole number",
            "Give the months from the end of a year to its publication",
            bounds=(0, 240),
            known_as=("months", "delay", "delaymonths", "lagmonths"),
        ),
    ),
    key=("reporter",),
    recognised_by=("reporter", "months"),
)

MONTHLY = TableSchema(
    (
        Column("region", "code", "Write world, or a region that gravicast knows"),
        Column("flow", "code", "Write trade, export, import or oil price",
               choices=("trade", "export", "import", "oil price")),
        Column("month", "text"),
        Column("value", "number", "Give a number above 0", bounds=(0, 1e18)),
    ),
    key=("region", "flow", "month"),
    recognised_by=("region", "flow", "month"),
)  # fmt: skip

SECTORS = TableSchema(
    (
        Column("sector", "code", "Give one row per sector"),
        Column("kind", "code", f"Give one of {', '.join(SECTOR_KINDS)}", choices=SECTOR_KINDS),
        Column(
            "digitally_deliverable",
            "flag",
            "Write 1 for digitally deliverable services and 0 for others",
        ),
        Column("name", "text", required=False),
        *(
            Column(name, "number", "Give a share from 0 to 1", required=False, bounds=(0, 1))
            for name in (*EXPOSURES, DATA_INTENSITY)
        ),
    ),
    key=("sector",),
    recognised_by=("sector", "kind"),
)

_SALE = ("source_country", "source_sector", "use_country", "use")
INPUT_OUTPUT = TableSchema(
    (*(Column(name, "code") for name in _SALE), Column("value_musd", "number")), key=_SALE
)

GROSS_OUTPUT = TableSchema(
    (
        Column("country", "code"),
        Column("sector", "code"),
        Column("year", "year"),
        Column("output_musd", "number"),
    ),
    key=("country", "sector", "year"),
)


def columns_found(
    frame: pd.DataFrame, schema: TableSchema, *, file: object, without: Collection[str] = ()
) -> dict[str, str]:
    """The table's column for each column of a schema that has several names.

    Raises
    ------
    InputError
        If the table has none of those names.
    """
    require_columns(frame, (), file=file)
    found = {
        column.name: names.find(list(frame.columns), column.known_as) or column.name
        for column in schema.columns
        if column.known_as and column.name not in without
    }
    require_columns(frame, found.values(), file=file)
    return found


def columns_named(found: Mapping[str, str]) -> list[str]:
    """A note on columns read under another name, if any."""
    renamed = [f"{name}={column}" for name, column in found.items() if name != column]
    return [f"columns {', '.join(renamed)}"] if renamed else []
