"""Levels of a country's trade by partner: how large, how fast, how sure, how good so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from features.information import last_published_year
from forecasting.briefs.brief import BriefTable
from forecasting.distribution.partners import GroupGap, TradeSide, group_gaps, trade_sides
from forecasting.distribution.sums import Level, PastOutcome, Sum, SumReader
from forecasting.results.record_setting import any_total_published
from forecasting.results.subjects import named, open_years, origin_of, the
from forecasting.words.numbers import DASH, lead, percent, scale_of

LARGEST = 8
ALL = "All partners"


@dataclass(frozen=True, slots=True)
class SideLevels:
    """Exports or imports of a country, with what a reader must know of the forecast.

    Attributes
    ----------
    side
        The sums.
    past
        Past outcomes at the horizon of the last year shown, by selection.
    origin, as_of
        Of the forecast.
    over
        Levels of the total in target years that were over on the as-of date and are not shown.
    totals_published
        Whether totals after the origin were known.
    stale
        Years of flows published by the as-of date that the forecast does not use.
    gaps
        Members of groups that the run lacks.
    """

    side: TradeSide
    past: Mapping[str, PastOutcome]
    origin: int
    as_of: date
    over: tuple[Level, ...]
    totals_published: bool
    stale: int
    gaps: tuple[GroupGap, ...]

    @property
    def country(self) -> str:
        """Name and code, inside a sentence."""
        return the(named(self.side.code))

    @property
    def rows(self) -> tuple[Sum, ...]:
        """Partners, then the total."""
        return (*self.side.partners, self.side.total)

    @property
    def told(self) -> tuple[Level, ...]:
        """Levels of the total that its first sentence names: the first, the next, and the last."""
        levels = self.side.total.levels
        return tuple(dict.fromkeys([*levels[:2], levels[-1]]))

    @property
    def likely(self) -> tuple[Sum, ...]:
        """The largest partners whose chance of growth is known."""
        return tuple(row for row in self.rows[:3] if row.levels[0].bounded and row.last > 0)

    @property
    def flagged(self) -> tuple[tuple[str, tuple[tuple[str, PastOutcome], ...]], ...]:
        """Rows of which every past outcome was on one side of its forecast, by their flag."""
        known = ((self.name(row), self.past.get(row.selection)) for row in self.rows)
        rows = [(name, past) for name, past in known if past and past.flag]
        flags = dict.fromkeys(past.flag for _, past in rows)
        return tuple((flag, tuple(r for r in rows if r[1].flag == flag)) for flag in flags)

    def name(self, row: Sum) -> str:
        """A row in words."""
        return ALL if row is self.side.total else row.name


def side_levels(
    reader: SumReader, code: str, *, partners: Sequence[str] = ()
) -> tuple[SideLevels, ...]:
    """Levels of a country's exports and imports in the target years that were not over.

    ``partners`` are countries and groups by name, besides the largest partners.
    """
    run = reader.run
    as_of, shown = date.fromisoformat(str(run.forecasts["as_of"].iloc[0])), open_years(run)
    (sides,) = trade_sides(reader, [code], shown, largest=LARGEST, chosen=partners)
    found, horizon = [], shown[-1] - origin_of(run)
    for side in sides:
        sums = (*side.partners, side.total)
        past = {one.selection: one for one in reader.past(sums) if one.horizon == horizon}
        found.append(
            SideLevels(
                side=side,
                past=past,
                origin=origin_of(run),
                as_of=as_of,
                over=reader.over(side.total),
                totals_published=any_total_published(run),
                stale=last_published_year(as_of, lag_months=run.config.trade_lag_months)
                - origin_of(run),
                gaps=group_gaps(run, [one.name for one in side.partners]),
            )
        )
    return tuple(found)


# Table --------------------------------------------------------------------------------------------


def levels_table(found: SideLevels) -> BriefTable:
    """The opening table: the file in USD, one row a partner and year; texts in one row each."""
    frame = pd.DataFrame([_cells(found, row, level) for row in found.rows for level in row.levels])
    # The unit of the largest partner: the total may be larger, and a group too.
    size, unit = scale_of(found.rows[0].last)
    last = found.rows[0].levels[-1].year
    words = pd.DataFrame([line for row in found.rows for line in _lines(found, row, size)])
    return BriefTable(
        f"{found.side.word.capitalize()} of {found.country} in {unit}: forecasts with the "
        "intervals that should hold half and nine in ten of outcomes; shares of the total in "
        f"{found.origin} and {last}; lowest, median and highest outcome / forecast at past "
        f"origins, {last - found.origin} years ahead",
        frame,
        words=words,
    )


def _cells(found: SideLevels, row: Sum, level: Level) -> dict[str, object]:
    last, past, nan = row.levels[-1], found.past.get(row.selection), float("nan")
    return {
        "partner": found.name(row),
        "value_at_origin_usd": row.last,
        "target_year": level.year,
        "forecast_usd": level.forecast,
        "interval_50_low_usd": level.inner_lower,
        "interval_50_high_usd": level.inner_upper,
        "interval_90_low_usd": level.lower,
        "interval_90_high_usd": level.upper,
        "chance_of_growth_percent": 100 * level.chance,
        "growth_on_year_before_percent": 100 * (level.growth if level.before_known else nan),
        "growth_a_year_since_origin_percent": 100 * level.yearly,
        "share_at_origin_percent": 100 * found.side.share(row),
        "share_in_last_year_percent": 100 * found.side.share(row, last),
        "past_lowest": past.lowest if past else nan,
        "past_median": past.median if past else nan,
        "past_highest": past.highest if past else nan,
        "past_flag": (past.flag if past else "") or "none",
    }


def _lines(found: SideLevels, row: Sum, size: float) -> list[dict[str, str]]:
    def amount(value: float) -> str:
        return f"{value / size:.3g}" if value < 999.5 * size else f"{value / size:,.0f}"

    past, last = found.past.get(row.selection), row.levels[-1]
    columns = {
        level.year: f"{level.year} ({lead(level.year, found.as_of)})" for level in row.levels
    }
    head = {"Partner": found.name(row), str(found.origin): amount(row.last)}
    head |= {columns[level.year]: amount(level.forecast) for level in row.levels}
    head |= {
        f"Growth a year, {found.origin} to {last.year}": percent(last.yearly, sign=True),
        f"Share {found.origin}, {last.year}": f"{percent(found.side.share(row))}, "
        f"{percent(found.side.share(row, last))}",
        "Past outcome / forecast": f"{past.lowest:.2f}, {past.median:.2f}, {past.highest:.2f}"
        if past
        else DASH,
    }
    step = dict.fromkeys(head, "") | {"Partner": "  on the year before"}
    step |= {
        columns[level.year]: percent(level.growth, sign=True) if level.before_known else DASH
        for level in row.levels
    }
    if not row.levels[0].bounded:
        return [head, step]
    half, most = (dict.fromkeys(head, "") | {"Partner": n} for n in ("  half", "  nine in ten"))
    for level in row.levels:
        half[columns[level.year]] = f"{amount(level.inner_lower)} to {amount(level.inner_upper)}"
        most[columns[level.year]] = f"{amount(level.lower)} to {amount(level.upper)}"
    half["Past outcome / forecast"] = past.flag if past else ""
    return [head, step, half, most]
