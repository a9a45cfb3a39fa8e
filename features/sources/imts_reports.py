"""Figures of the IMF's IMTS that countries reported, without what the IMF estimated for them."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from features.errors import SourceError
from features.tidy.parts import Notes
from features.tidy.tidying import report_table

DERIVATION, STATUS = "DERIVATION_TYPE", "STATUS"
ORIGIN = (DERIVATION, STATUS)
"""Columns that say who made a figure."""
ESTIMATED = {
    DERIVATION: frozenset({"SE", "SEME", "SEHI", "SP", "SC", "SCC", "TPD"}),
    STATUS: frozenset({"E", "F", "I"}),
}
"""Codes by column: estimates, projections and calculations of the IMF's staff, figures of third
parties; and estimated, forecast or imputed figures. O, OU, R and FA are official figures, as they
are, in dollars, raw or adjusted."""
_MIXED = "M"
_REPORTS = {"exports": ("export", "fob"), "imports": ("import", "cif")}


def origin_of(rows: pd.DataFrame, *, file: str) -> pd.DataFrame:
    """The columns that say who made each figure.

    Raises
    ------
    SourceError
        If nothing says which figures are estimates.
    """
    if DERIVATION not in rows:
        raise SourceError(
            "the table does not say which figures the IMF estimated, and estimates are no reports",
            remedy="Leave out --from, so that they are fetched with their kind",
            file=file,
            column=DERIVATION,
        )
    return rows[[name for name in ORIGIN if name in rows]]


def without_estimates(rows: pd.DataFrame, notes: Notes) -> pd.DataFrame:
    """Rows that reporters filed; estimates are counted."""
    estimated = pd.Series(False, index=rows.index)
    for column, codes in ESTIMATED.items():
        if column in rows:
            estimated |= _codes(rows[column]).isin(codes)
    notes.count(
        "rows estimated by the IMF or taken from third parties dropped: they are no reports",
        int(estimated.sum()),
    )
    kept = rows[~estimated]
    derived = _codes(kept[DERIVATION])
    notes.count("rows that do not say who made them kept", int((derived == "").sum()))
    mixed = int((derived == _MIXED).sum())
    notes.count(
        "rows of years made of reported and perhaps of estimated months (--frequency monthly "
        "tells them apart)"
        if not kept["month"].any()
        else "rows that mix sources",
        mixed,
    )
    return kept


def declared_table(frame: pd.DataFrame, *, monthly: bool) -> pa.Table:
    """Reports of one year, of rows with ``reporter, partner, flow, year, month, value_usd``."""
    named = frame["flow"].map(_REPORTS)
    table = frame.assign(flow=named.str[0], valuation=named.str[1])
    return report_table(table if monthly else table.drop(columns="month"))


def _codes(column: pd.Series) -> pd.Series:
    """The code of a cell, which may go on with a comma and words."""
    return column.fillna("").str.partition(",")[0].str.strip()
