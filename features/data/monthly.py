"""Monthly trade of the world and its regions: the freshest news on the size of trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.monitor_regions import REGIONS
from features.errors import InputError, listed
from features.reading.schemas import MONTHLY

WORLD = "world"
Direction = Literal["trade", "export", "import", "oil price"]
LAG_MONTHS, RELEASE_DAY = 2, 25
"""A month appears about the 25th of the second month after it (CPB World Trade Monitor)."""
OIL_PRICE: Direction = "oil price"
OIL_LAG_MONTHS, OIL_RELEASE_DAY = 1, 10
"""A month's mean price is out in the second week of the next."""
_NAMED = 8

Vector = NDArray[np.float64]


def month_number(year: int, month: int) -> int:
    """Months since January of year 0."""
    return year * 12 + month - 1


@dataclass(frozen=True, slots=True)
class MonthlyTrade:
    """Indices of the value of trade in current USD, by region and direction; oil prices.

    Attributes
    ----------
    first
        `month_number` of the first month.
    values
        By region and direction, shape ``[month]``; NaN where unknown. Levels of different series
        do not compare: only growth is used.
    statements
        What was counted, and not used.
    """

    first: int
    values: Mapping[tuple[str, Direction], Vector]
    statements: tuple[str, ...] = ()

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, file: object = "monthly trade") -> MonthlyTrade:
        """Build from a tidy table.

        Parameters
        ----------
        frame
            ``region, flow, month, value``: the region (``world``, or one that
            `features.countries.monitor_regions` knows), ``trade``, ``export``, ``import`` or
            ``oil price``, the month as 2024-05, and an index or level in current USD.
        file
            Named in errors.

        Raises
        ------
        InputError
            For a wrong cell (`schemas.MONTHLY`), or a table without the trade of the world.
        """
        checked = MONTHLY.check(frame, file=file)
        months = _months(checked.frame["month"], file=file)
        first, size = int(months.min()), int(months.max() - months.min()) + 1
        region, flow = checked.codes["region"].texts(), checked.codes["flow"].texts()
        table = pd.DataFrame({"key": list(zip(region, flow, strict=True)), "month": months - first})
        values: dict[tuple[str, Direction], Vector] = {}
        for key, rows in table.groupby("key", sort=True).indices.items():
            values[key] = np.full(size, np.nan)
            values[key][table["month"].to_numpy()[rows]] = checked.numbers["value"][rows]
        if (WORLD, "trade") not in values:
            raise InputError(
                "the table has no trade of the world",
                remedy="Add rows with region world and flow trade",
                file=file,
            )
        return cls(first, values, _statements(values, first, size))

    def seen(self, as_of: date) -> MonthlyTrade:
        """The months that were out by a date."""
        return MonthlyTrade(
            self.first,
            {key: row[: self._known(as_of, key[1])] for key, row in self.values.items()},
        )

    def _known(self, as_of: date, direction: Direction) -> int:
        """Number of months that were out by a date."""
        oil = direction == OIL_PRICE
        lag, day = (OIL_LAG_MONTHS, OIL_RELEASE_DAY) if oil else (LAG_MONTHS, RELEASE_DAY)
        last = month_number(as_of.year, as_of.month) - lag - (as_of.day < day)
        return max(last - self.first + 1, 0)

    def months(self, year: int, *, region: str = WORLD, direction: Direction = "trade") -> Vector:
        """Known months of a year from January on, shape ``[month]``; none after an unknown one."""
        row = self.values.get((region, direction), np.empty(0))
        start = month_number(year, 1) - self.first
        if start < 0:
            return np.empty(0)
        months = row[start : start + 12]
        unknown = np.flatnonzero(np.isnan(months))
        return months[: unknown[0]] if unknown.size else months


def _statements(
    values: Mapping[tuple[str, Direction], Vector], first: int, size: int
) -> tuple[str, ...]:
    last = first + size - 1
    span = " to ".join(f"{month // 12}-{month % 12 + 1:02d}" for month in (first, last))
    regions = sorted({region for region, _ in values} - {WORLD})
    lines = [f"{len(values)} series, {span}: the world and {len(regions)} regions"]
    if any(direction == OIL_PRICE for _, direction in values):
        lines.append("oil prices are read, and no forecast uses them yet")
    unknown = [region for region in regions if region not in REGIONS]
    if unknown:
        named = listed([repr(region[:40]) for region in unknown], most=_NAMED)
        lines.append(f"regions whose countries are not known, not used: {named}")
    return tuple(lines)


def _months(column: pd.Series, *, file: object) -> NDArray[np.int64]:
    days = pd.to_datetime(column.astype(str).str.strip(), format="%Y-%m", errors="coerce")
    if days.isna().any():
        row = int(np.argmax(days.isna().to_numpy()))
        raise InputError(
            f"{column.iloc[row]!r} is not a month",
            remedy="Write months as 2024-05",
            file=file,
            column="month",
            row=row + 2,
        )
    return (days.dt.year * 12 + days.dt.month - 1).to_numpy(dtype=np.int64)
