"""A year of Comtrade as reports: what each country declared of both flows, and when it came out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from features.errors import SourceError
from features.sources.comtrade_reading import Coverage, refuse_twins, rows_of_year, year_of
from features.sources.comtrade_reference import Partners, Reporters
from features.tidy.parts import Notes
from features.tidy.tidying import report_table

FLOWS = {"M": ("import", "cif"), "X": ("export", "fob")}
"""Flow and usual valuation by the source's code."""
WORLD = 0
_KEYS = ["reporter", "partner", "flow", "valuation", "year", "month"]


@dataclass(frozen=True, slots=True)
class YearOfReports:
    """Makes the table of reports of any year of a data set.

    Attributes
    ----------
    monthly
        Whether answers are by month.
    retrieved
        Day of retrieval, YYYY-MM-DD.
    asked, partners
        The source's lists.
    coverage
        What the answers hold.
    first_released
        Day by reporter's code and period, where known.
    read
        Reads an answer.
    """

    monthly: bool
    retrieved: str
    asked: Reporters
    partners: Partners
    coverage: Coverage
    first_released: dict[tuple[int, int], str]
    read: Callable[[Path], pd.DataFrame]

    def build(self, year: int, notes: Notes) -> pa.Table:
        """Reports of a year in current USD. A partner without a row is left to the reader.

        Raises
        ------
        SourceError
            For a negative or infinite value, or a partner that no table knows.
        """
        rows = rows_of_year(self.coverage, year, self.read, notes)
        for _, of_flow in rows.groupby("flowCode"):
            refuse_twins(of_flow, file="comtrade")
        notes.say(
            f"as of {self.retrieved}: the source revises its figures in place, and does not say "
            "which it has revised; days are those of each period's first release"
        )
        return report_table(self._reports(rows, notes))

    def _reports(self, rows: pd.DataFrame, notes: Notes) -> pd.DataFrame:
        own = {r.code: country for country, under in self.asked.codes.items() for r in under}
        countries = self.partners.countries(self.coverage.partners, count=Notes().count)
        flows = rows["flowCode"].map(lambda code: FLOWS[code])
        frame = pd.DataFrame(
            {
                "reporter": rows["reporterCode"].map(own),
                "partner": rows["partnerCode"].map(countries),
                "flow": flows.str[0],
                "valuation": flows.str[1],
                "year": rows["period"].map(year_of),
                "month": rows["period"] % 100 if self.monthly else 0,
                "value_usd": rows["primaryValue"],
                "published": self._days(rows, notes),
            }
        )
        _refuse_impossible(frame)
        world = rows["partnerCode"] == WORLD
        notes.count("rows of the world as partner dropped", int(world.sum()))
        no_country = frame["partner"].isna() & ~world
        notes.count(
            "rows of groups and areas that are not countries dropped", int(no_country.sum())
        )
        at_home = frame["partner"] == frame["reporter"]
        notes.count("rows of a country's re-imports from itself dropped", int(at_home.sum()))
        unknown = frame["value_usd"].isna() & frame["partner"].notna() & ~at_home
        notes.count("rows without a value dropped", int(unknown.sum()))
        kept = frame[frame["partner"].notna() & ~at_home & ~unknown]
        # A country may report, or be a partner, under two codes.
        groups = kept.groupby(_KEYS, as_index=False)
        out = groups.agg({"value_usd": "sum", "published": "max"})
        joined = len(kept) - len(out)
        notes.count("rows added to another of the same country, which has two codes", joined)
        return out if self.monthly else out.drop(columns="month")

    def _days(self, rows: pd.DataFrame, notes: Notes) -> pd.Series:
        """Day of each row's first release; empty where it is unknown or cannot be."""
        pairs = list(zip(rows["reporterCode"], rows["period"], strict=True))
        days = {pair: self._day(*pair, notes) for pair in dict.fromkeys(pairs)}
        notes.count(
            "reporters and periods without a day of release",
            sum(not day for day in days.values()),
        )
        return pd.Series([days[pair] for pair in pairs], index=rows.index, dtype="str")

    def _day(self, reporter: int, period: int, notes: Notes) -> str:
        text = self.first_released.get((int(reporter), int(period)), "")
        year, month = (period // 100, period % 100) if self.monthly else (period, 12)
        end = date(int(year) + int(month) // 12, int(month) % 12 + 1, 1)
        if text and text < end.isoformat():
            notes.count("days of release before the end of their period left out", 1)
            return ""
        return text


def _refuse_impossible(frame: pd.DataFrame) -> None:
    wrong = (frame["value_usd"] < 0) | np.isinf(frame["value_usd"])
    if wrong.any():
        first = frame[wrong].iloc[0]
        raise SourceError(
            f"{first['reporter']} and {first['partner']} cannot trade {first['value_usd']:g} USD",
            remedy="Ask the source again later with --refresh",
            file="comtrade",
            column="primaryValue",
        )
