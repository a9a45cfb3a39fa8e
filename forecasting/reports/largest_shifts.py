"""What the report says about the pattern of trade: the largest shifts of the nearest year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from forecasting.reports.html import paragraph, table
from forecasting.results.result import RunResult
from forecasting.results.subjects import named, nearest_year
from forecasting.words.flows import sector_in_text
from forecasting.words.measures import sector_names
from forecasting.words.numbers import percent, plural, usd

LARGEST = 15


def nearest_shifts(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Flows of the nearest target year, those whose forecast is furthest from its base first.

    Returns
    -------
    DataFrame
        Rows of flows with a base, with ``shift``, USD, and ``sure``: whether the 90% interval
        leaves the base outside, so that the shift has one direction.
    """
    shown = forecasts[forecasts["target_year"] == nearest_year(forecasts)]
    shown = shown[shown["base"] > 0]
    sure = (shown["base"] < shown["lower_90"]) | (shown["base"] > shown["upper_90"])
    shown = shown.assign(shift=shown["forecast"] - shown["base"], sure=sure)
    return shown.loc[shown["shift"].abs().sort_values(ascending=False, kind="stable").index]


def shifts(result: RunResult) -> list[str]:
    """The largest shifts, and the largest of those that are sure of their direction."""
    everything = nearest_shifts(result.forecasts)
    sure = everything[everything["sure"]]
    names = sector_names(result)
    count, year = len(everything), int(everything["target_year"].iloc[0])
    return [
        paragraph("The base is the pattern of the origin year at the totals of the target year; "
                  "the shift is what the forecast adds to it or takes from it. A direction is "
                  "sure where the 90% interval leaves the base outside."),
        _table(f"The {min(count, LARGEST)} largest forecast shifts of {year}", everything, names),
        paragraph(f"Of all {plural(count, 'flow')} with a base, {len(sure):,} "
                  f"({percent(len(sure) / count)}) have a direction that is sure in this sense."),
        _table(f"The {min(len(sure), LARGEST)} largest shifts of {year} with a sure direction",
               sure, names) if len(sure) else "",
    ]  # fmt: skip


def _table(caption: str, rows: pd.DataFrame, sectors: Mapping[str, str]) -> str:
    header = ("Exporter", "Importer", *(["Sector"] if "sector" in rows else []), "Base, USD",
              "Forecast, USD", "Shift, USD", "Shift", "90% interval, USD", "Direction")  # fmt: skip
    cells = [_row(row, sectors) for row in rows.head(LARGEST).to_dict("records")]
    return table(caption, header, cells, heads=len(header) - 6, words=(len(header) - 1,))


def _row(row: dict[str, Any], sectors: Mapping[str, str]) -> list[str]:
    return [
        named(str(row["exporter"])),
        named(str(row["importer"])),
        *([sector_in_text(row["sector"], sectors)] if "sector" in row else []),
        usd(row["base"]),
        usd(row["forecast"]),
        usd(row["shift"], sign=True),
        percent(row["shift"] / row["base"], sign=True),
        f"{usd(row['lower_90'])} to {usd(row['upper_90'])}",
        "sure" if row["sure"] else "open",
    ]
