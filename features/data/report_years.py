"""What reporters declare of whole years, out of rows of years and of months."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FEWEST_PARTNERS = 5
"""A reporter with fewer partners in a period has not filed it: its rows are strays, and a partner
without a row is not a zero."""
NEVER = np.datetime64("9999-12-31", "D")
MONTHS = 12
WHOLE_YEAR = 0
"""Month of a row of a whole year."""

Dates = NDArray[np.datetime64]
_FLOW = ["year", "reporter", "partner"]


@dataclass(frozen=True, slots=True)
class DeclaredYears:
    """Years that reporters have declared.

    Attributes
    ----------
    rows
        ``year, reporter, partner, value``; NaN where the months of an incomplete year say nothing
        of a flow.
    months
        Months that a reporter's year stands on, 12 for a whole one and 0 without, shape
        ``[year, margin]``.
    published
        The day a reporter's year came out; `NEVER` without, shape ``[year, margin]``.
    dated
        Whether all rows of a reporter's year state their day, shape ``[year, margin]``.
    strays
        Reporters' years that have rows and do not count, with too few partners or months of which
        the year before does not have the same, shape ``[year, margin]``.
    """

    rows: pd.DataFrame
    months: NDArray[np.int8]
    published: Dates
    dated: NDArray[np.bool_]
    strays: NDArray[np.bool_]


def declared_years(
    rows: pd.DataFrame, *, years: NDArray[np.int32], delays: NDArray[np.int64], sectors: int = 1
) -> DeclaredYears:
    """Years out of rows of years and months.

    Parameters
    ----------
    rows
        ``year`` (place in ``years``), ``reporter`` (place in ``delays``), ``partner``, ``month``
        (1 to 12, or `WHOLE_YEAR`), ``value`` in USD, ``published`` (NaT where unknown).
    years
        Consecutive calendar years.
    delays
        Usual months from the end of a period to its publication, shape ``[margin]``.
    sectors
        Margins of a country, which stand side by side.

    Notes
    -----
    What is said of a reporter here holds for each of its sectors: it files one with a partner or
    more in it, and `FEWEST_PARTNERS` in one of them.

    A row of a year goes before its months, and twelve months make a year. Fewer months are read as
    growth: the year before times the months so far over the same months then. So months that the
    reporter never files, its seasons, and a partner it leaves out of its months do no harm. It is
    out when its months and the year before are.
    """
    shape = (years.size, delays.size)
    at = (rows["year"].to_numpy(), rows["reporter"].to_numpy())
    month = rows["month"].to_numpy()
    filed = _filed(rows, shape, sectors=sectors)
    annual, monthly = filed[..., WHOLE_YEAR], filed[..., 1:]
    count = monthly.sum(axis=-1)
    whole = annual | (count == MONTHS)
    partial = np.zeros(shape, dtype=np.bool_)
    partial[1:] = (~whole & (count > 0))[1:] & whole[:-1]
    partial[1:] &= ~(monthly[1:] & ~monthly[:-1]).any(axis=-1)
    of_months = filed[(*at, month)] & (month > 0)
    made = filed[(*at, month)] & ((month == WHOLE_YEAR) | (whole & ~annual)[at])
    complete = rows[made].groupby(_FLOW, as_index=False)["value"].sum()
    grown = _grown(rows[of_months], complete, partial=partial, monthly=monthly)
    last = np.where(partial, MONTHS - np.argmax(monthly[..., ::-1], axis=-1), MONTHS)
    used = rows[made | (of_months & partial[at])]
    published, dated = _published(used, last, years=years, delays=delays)
    published[~(whole | partial)] = NEVER
    published[1:][partial[1:]] = np.maximum(published[1:], published[:-1])[partial[1:]]
    there = np.zeros(shape, dtype=np.bool_)
    there[at] = True
    return DeclaredYears(
        pd.concat([complete, grown], ignore_index=True),
        np.select([whole, partial], [MONTHS, count], 0).astype(np.int8),
        published,
        dated,
        there & ~whole & ~partial,
    )


def _filed(rows: pd.DataFrame, shape: tuple[int, int], *, sectors: int) -> NDArray[np.bool_]:
    """Whether a reporter has filed the year (place 0) and each month, ``[year, margin, 13]``."""
    partners = np.zeros((*shape, MONTHS + 1), dtype=np.int32)
    traded = rows[rows["value"] > 0]
    np.add.at(partners, tuple(traded[name] for name in ("year", "reporter", "month")), 1)
    of_country = partners.reshape(shape[0], -1, sectors, MONTHS + 1)
    files = of_country.max(axis=2, keepdims=True) >= FEWEST_PARTNERS
    return (files & (of_country > 0)).reshape(partners.shape)


def _grown(
    rows: pd.DataFrame,
    complete: pd.DataFrame,
    *,
    partial: NDArray[np.bool_],
    monthly: NDArray[np.bool_],
) -> pd.DataFrame:
    """Incomplete years, as growth of their months over the same months of the year before."""

    def in_partial(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[partial[frame["year"], frame["reporter"]]]

    now = in_partial(rows)
    # Of the year before, what stands beside a row of the incomplete year.
    later = rows[rows["year"] + 1 < partial.shape[0]]
    before = in_partial(later.assign(year=later["year"] + 1))
    before = before[monthly[before["year"], before["reporter"], before["month"] - 1]]
    annual = complete[complete["year"] + 1 < partial.shape[0]]
    annual = in_partial(annual.assign(year=annual["year"] + 1))
    parts = {"now": now, "before": before, "annual": annual}
    sums = [part.groupby(_FLOW)["value"].sum().rename(name) for name, part in parts.items()]
    table = pd.concat(sums, axis="columns").fillna(0.0).sort_index()
    totals = table.groupby(level=_FLOW[:2]).transform("sum")
    year_of_months = (totals["annual"] / totals["before"]).to_numpy()
    there, was, year = (table[name].to_numpy() for name in ("now", "before", "annual"))
    compares = (was > 0) & (year > 0)
    growth = np.divide(there, was, out=np.zeros_like(there), where=compares)
    value = np.where(compares, year * growth, there * year_of_months)
    value[(was == 0) & (there == 0) & (year > 0)] = np.nan
    return table.assign(value=value)["value"].reset_index()


def _published(
    rows: pd.DataFrame,
    last: NDArray[np.integer],
    *,
    years: NDArray[np.int32],
    delays: NDArray[np.int64],
) -> tuple[Dates, NDArray[np.bool_]]:
    """The day each reporter's last row of a year came out, and whether all of them state theirs.

    A row without a date comes out with the usual delay.
    """
    start = (years - 1970).astype("datetime64[Y]").astype("datetime64[M]")[:, None]
    ends = start + last.astype("timedelta64[M]")
    usual = (ends + delays.astype("timedelta64[M]")).astype("datetime64[D]")
    days = rows["published"].to_numpy(dtype="datetime64[D]")
    at = (rows["year"].to_numpy(), rows["reporter"].to_numpy())
    given = ~np.isnat(days)
    undated = np.zeros(last.shape, dtype=np.bool_)
    undated[at[0][~given], at[1][~given]] = True
    stated = np.full(last.shape, np.datetime64("0001-01-01", "D"))
    np.maximum.at(stated, (at[0][given], at[1][given]), days[given])
    return np.where(undated, np.maximum(usual, stated), stated), ~undated
