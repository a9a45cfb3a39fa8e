"""Levels of a country's trade by partner: how large, how fast, how sure, how good so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from features.countries.groups import find_group
from features.information import last_published_year
from forecasting.briefs.brief import BriefTable
from forecasting.distribution.draws import draws
from forecasting.distribution.joint import RunDraws
from forecasting.distribution.past_outcomes import past_outcomes
from forecasting.distribution.selections import selections
from forecasting.results.record_setting import any_total_published
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_country, country_name, named, origin_of, years_of
from forecasting.words.numbers import DASH, change, points, scale_of, share

LARGEST = 8
GROUPS = ("EU27", "ASEAN", "USMCA")
SIDES = {"exporter": "exports", "importer": "imports"}


@dataclass(frozen=True, slots=True)
class YearLevel:
    """A sum in a target year: USD; bounds of 50 and 90 %; probability of growth."""

    year: int
    lead: str
    forecast: float
    bounds: tuple[float, float, float, float] | None
    chance: float | None


@dataclass(frozen=True, slots=True)
class PastRatio:
    """Outcome / forecast of the same sum at past origins."""

    horizon: int
    origins: int
    lowest: float
    median: float
    highest: float
    flag: str


@dataclass(frozen=True, slots=True)
class PartnerLevel:
    """A partner, a group of partners, or all: USD, percent."""

    partner: str
    last_known: float
    years: tuple[YearLevel, ...]
    growth_a_year: float
    share_then: float
    share_now: float
    past: PastRatio | None


@dataclass(frozen=True, slots=True)
class SideLevels:
    """Exports or imports of a country by partner, the total last."""

    country: str
    word: str
    origin: int
    as_of: str
    rows: tuple[PartnerLevel, ...]
    over: tuple[str, ...]
    totals_published: bool
    stale: int
    back_tested: bool
    notes: tuple[str, ...]

    @property
    def chances(self) -> tuple[PartnerLevel, ...]:
        """The largest partners whose chance of growth is known."""
        return tuple(row for row in self.rows[:3] if row.years[0].chance is not None)

    @property
    def flagged(self) -> tuple[PartnerLevel, ...]:
        """Rows of which every past outcome was on one side of its forecast."""
        return tuple(row for row in self.rows if row.past is not None and row.past.flag)


def lead(year: int, as_of: date) -> str:
    """A target year seen from the as-of date."""
    ahead = year - as_of.year
    if ahead < 0:
        return "already over"
    return {0: "this year", 1: "next year"}.get(ahead, f"in {ahead} years")


def side_levels(
    run: RunResult, joint: RunDraws | None, code: str, *, side: str, partners: Sequence[str] = ()
) -> SideLevels:
    """Levels of a country's exports (``side`` exporter) or imports.

    ``joint`` holds the joint draws of the run; None where it has no back-test. ``partners`` are
    countries and groups by name, by default `GROUPS`, besides the largest partners.
    """
    as_of = date.fromisoformat(str(run.forecasts["as_of"].iloc[0]))
    known = years_of(run)
    shown = [year for year in known if year >= as_of.year] or known[-1:]
    names = _partners(run, code, side, partners)
    of = [f"{code}:{n}" if side == "exporter" else f"{n}:{code}" for n in names]
    of.append(f"{code}:{SIDES[side]}")
    table, notes = _sums(run, joint, of)
    past = pd.DataFrame() if joint is None else past_outcomes(run, of)
    horizon = shown[-1] - origin_of(run)
    whole = table[table["selection"] == of[-1]].set_index("target_year")
    rows = []
    for one, name in zip(of, [*names, ""], strict=True):
        by = table[table["selection"] == one].set_index("target_year")
        start, end = float(by["last_known"].iloc[0]), float(by.loc[shown[-1], "forecast"])
        growth = change(start, end)
        rows.append(
            PartnerLevel(
                partner=_label(name),
                last_known=start,
                years=tuple(_year(by.loc[y], y, as_of, sure=joint is not None) for y in shown),
                growth_a_year=100 * ((1 + growth / 100) ** (1 / horizon) - 1),
                share_then=share(start, float(whole["last_known"].iloc[0])),
                share_now=share(end, float(whole.loc[shown[-1], "forecast"])),
                past=_past(past, one, horizon),
            )
        )
    lag = int(run.provenance["config"].get("trade_lag_months", 13))
    return SideLevels(
        country=named(code),
        word=SIDES[side],
        origin=origin_of(run),
        as_of=as_of.isoformat(),
        rows=tuple(rows),
        over=tuple(str(y) for y in known if y not in shown),
        totals_published=any_total_published(run),
        stale=last_published_year(as_of, lag_months=lag) - origin_of(run),
        back_tested=joint is not None,
        notes=tuple(notes),
    )


def _partners(run: RunResult, code: str, side: str, chosen: Sequence[str]) -> list[str]:
    other = "importer" if side == "exporter" else "exporter"
    rows = run.forecasts[run.forecasts[side] == code]
    rows = rows[(rows["target_year"] == years_of(run)[0]) & (rows[other] != code)]
    by = rows.groupby(rows[other].astype(str))["value_origin"].sum()
    largest = list(by[by > 0].sort_values(ascending=False, kind="stable").index[:LARGEST])
    countries = set(rows[other].astype(str))
    # Groups by default are those of which the run has at least two partners.
    groups = chosen or [
        name for name in GROUPS
        if (group := find_group(name)) and len(countries & set(group.members(origin_of(run)))) > 1
    ]  # fmt: skip
    names = [n.strip() if find_group(n) else check_country(run.forecasts, n) for n in groups]
    return list(dict.fromkeys([*largest, *(n for n in names if n != code)]))


def _label(name: str) -> str:
    if not name:
        return "All partners"
    return find_group(name).name if find_group(name) else country_name(name)  # type: ignore[union-attr]


def _sums(
    run: RunResult, joint: RunDraws | None, of: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    if joint is not None:
        found = draws(joint, of)
        return found.table, found.notes()
    parts = []
    for one in selections(run.forecasts, of):
        rows = run.forecasts[one.rows(run.forecasts, origin_of(run))]
        sums = rows.groupby("target_year")[["value_origin", "forecast"]].sum().astype(float)
        parts.append(sums.reset_index().assign(selection=one.text))
    return pd.concat(parts, ignore_index=True).rename(columns={"value_origin": "last_known"}), []


def _year(row: pd.Series, year: int, as_of: date, *, sure: bool) -> YearLevel:
    names = ("lower_50", "upper_50", "lower_90", "upper_90")
    low, high, lowest, highest = (float(row[n]) if sure else float("nan") for n in names)
    return YearLevel(
        year,
        lead(year, as_of),
        float(row["forecast"]),
        (low, high, lowest, highest) if sure else None,
        float(row["probability_of_growth"]) if sure and row["last_known"] > 0 else None,
    )


def _past(past: pd.DataFrame, one: str, horizon: int) -> PastRatio | None:
    if past.empty:
        return None
    rows = past[(past["selection"] == one) & (past["horizon"] == horizon)]
    if rows.empty:
        return None
    row = rows.iloc[0]
    low, middle, high = (float(row[n]) for n in ("lowest", "median", "highest"))
    return PastRatio(horizon, int(row["origins"]), low, middle, high, str(row["flag"]))


# Table --------------------------------------------------------------------------------------------


def levels_table(side: SideLevels) -> BriefTable:
    """The opening table: the file in USD, one row a partner and year; texts in one row each."""
    frame = pd.DataFrame([_cells(row, year) for row in side.rows for year in row.years])
    size, unit = scale_of(max(row.last_known for row in side.rows))
    last = side.rows[0].years[-1]
    words = pd.DataFrame([line for row in side.rows for line in _lines(side, row, size)])
    return BriefTable(
        f"{side.word.capitalize()} of {side.country} in {unit}: forecasts with the intervals that "
        f"should hold half and nine in ten of outcomes; shares of the total in {side.origin} and "
        f"{last.year}; lowest, median and highest outcome / forecast at past origins, "
        f"{last.year - side.origin} years ahead",
        frame,
        words=words,
    )


def _cells(row: PartnerLevel, year: YearLevel) -> dict[str, object]:
    out: dict[str, object] = {"partner": row.partner, "value_at_origin_usd": row.last_known}
    out |= {"target_year": year.year, "forecast_usd": year.forecast}
    names = ("interval_50_low", "interval_50_high", "interval_90_low", "interval_90_high")
    out |= {f"{n}_usd": v for n, v in zip(names, year.bounds or [float("nan")] * 4, strict=True)}
    chance = float("nan") if year.chance is None else 100 * year.chance
    out |= {"chance_of_growth_percent": chance, "growth_a_year_percent": row.growth_a_year}
    out |= {"share_then_percent": row.share_then, "share_now_percent": row.share_now}
    ratios = (
        (row.past.lowest, row.past.median, row.past.highest) if row.past else [float("nan")] * 3
    )
    out |= dict(zip(("past_lowest", "past_median", "past_highest"), ratios, strict=True))
    return out | {"past_flag": (row.past.flag if row.past else "") or "none"}


def _lines(side: SideLevels, row: PartnerLevel, size: float) -> list[dict[str, str]]:
    def amount(value: float) -> str:
        return f"{value / size:.3g}" if value < 999.5 * size else f"{value / size:,.0f}"

    def between(year: YearLevel, first: int) -> str:
        if year.bounds is None:
            return DASH
        return f"{amount(year.bounds[first])} to {amount(year.bounds[first + 1])}"

    ratios = (
        f"{row.past.lowest:.2f} {row.past.median:.2f} {row.past.highest:.2f}" if row.past else DASH
    )
    head = {"Partner": row.partner, str(side.origin): amount(row.last_known)}
    head |= {f"{y.year} ({y.lead})": amount(y.forecast) for y in row.years}
    head |= {"Growth a year": points(row.growth_a_year, sign=True)}
    head |= {"Share then, now": f"{points(row.share_then)} {points(row.share_now)}"}
    head |= {"Past outcome / forecast": ratios}
    lines = [head]
    for label, first in (("  half", 0), ("  nine in ten", 2)) if side.back_tested else ():
        line = dict.fromkeys(head, "") | {"Partner": label}
        lines.append(line | {f"{y.year} ({y.lead})": between(y, first) for y in row.years})
    if row.past and row.past.flag and len(lines) > 1:
        lines[1]["Past outcome / forecast"] = row.past.flag
    return lines
