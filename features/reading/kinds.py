"""The kind of a table, by its column names."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd

from features.files.inflated import BROKEN
from features.files.separators import separator
from features.files.table_schema import TableSchema
from features.files.workbooks import WORKBOOK_SUFFIXES, read_workbook
from features.reading import column_names as names
from features.reading.schemas import CATALOGUE, DELAYS, MONTHLY, REPORTS, SECTORS

TableKind = Literal["trade", "indicators", "indicator catalogue", "pairs", "sectors", "reports",
                    "report delays", "monthly trade"]  # fmt: skip
_RECOGNISED: dict[TableKind, TableSchema] = {
    "indicator catalogue": CATALOGUE,
    "sectors": SECTORS,
    "reports": REPORTS,
    "report delays": DELAYS,
    "monthly trade": MONTHLY,
}


def table_kind(path: Path) -> TableKind:
    """The kind of a file; trade if its header is unreadable, so that its reader says why."""
    try:
        columns = _header(path)
    except BROKEN:
        return "trade"
    plain = {names.plain(name) for name in columns}
    for kind, schema in _RECOGNISED.items():
        if {names.plain(name) for name in schema.recognised_by} <= plain:
            return kind
    if {"series", "month", "value"} <= plain:
        return "monthly trade"
    sides = names.find(columns, names.EXPORTER) and names.find(columns, names.IMPORTER)
    reported = names.find(columns, names.REPORTER) and names.find(columns, names.PARTNER)
    if sides or reported:
        valued = "value_usd" in columns or names.value_columns(columns)
        return "trade" if valued or names.year_columns(columns) or reported else "pairs"
    if names.find(columns, names.INDICATOR) and names.find(columns, names.COUNTRY):
        return "indicators"
    return "trade"


def _header(path: Path) -> list[str]:
    name = path.name.lower()
    if name.endswith(".parquet"):
        import pyarrow.parquet as pq

        return [str(column) for column in pq.read_schema(path).names]
    if name.endswith(WORKBOOK_SUFFIXES):
        return list(read_workbook(path, text=())[0].columns)
    return [str(column) for column in pd.read_csv(path, nrows=0, sep=separator(path)).columns]
