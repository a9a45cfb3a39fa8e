"""Facts of sums of flows: levels, intervals, probabilities and past outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecasting.distribution.comparisons import shares_of_totals
from forecasting.distribution.draws import draws
from forecasting.distribution.joint import RunDraws, joint_draws
from forecasting.distribution.past_forecasts import has_past
from forecasting.distribution.past_outcomes import outcomes_by_origin, summarised
from forecasting.distribution.selections import selections
from forecasting.results.result import RunResult
from forecasting.results.subjects import origin_of, over_years, years_of

_UNKNOWN = ("lower_50", "upper_50", "lower_90", "upper_90", "probability_of_growth")


@dataclass(frozen=True, slots=True)
class Level:
    """A sum in one target year.

    Attributes
    ----------
    year
        Target year.
    forecast, lower, upper
        USD, with the bounds of its 90% interval; NaN without past forecasts.
    inner_lower, inner_upper
        Those of its 50% interval.
    yearly
        Growth a year since the last known value, share.
    since, growth
        Growth a year since ``since``, share: the year before, or the origin year where years
        between the two are not shown.
    chance
        Probability that it exceeds the last known value; NaN where unknown.
    """

    year: int
    forecast: float
    lower: float
    upper: float
    inner_lower: float
    inner_upper: float
    yearly: float
    since: int
    growth: float
    chance: float

    @property
    def before_known(self) -> bool:
        """Whether ``growth`` is that on the year before."""
        return self.since == self.year - 1

    @property
    def bounded(self) -> bool:
        """Whether it has intervals and a probability."""
        return math.isfinite(self.upper)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum of flows from its last known value to its forecasts.

    Attributes
    ----------
    name, selection
        In words, and as `forecasting.distribution.selections` reads it.
    last
        Value in the origin year, USD.
    levels
        Of the years shown.
    """

    name: str
    selection: str
    last: float
    levels: tuple[Level, ...]

    def gain(self, level: Level) -> float:
        """Forecast less the last known value, USD."""
        return level.forecast - self.last

    def in_year(self, year: int) -> Level:
        """Its level in a year shown."""
        return next(level for level in self.levels if level.year == year)


@dataclass(frozen=True, slots=True)
class PastOutcome:
    """How past forecasts of a sum came out: outcome / forecast, and a flag if one-sided."""

    name: str
    selection: str
    horizon: int
    origins: int
    lowest: float
    median: float
    highest: float
    flag: str


@dataclass(frozen=True, slots=True)
class SumReader:
    """Sums of a run; the joint distribution is made once, and None without past forecasts."""

    run: RunResult
    joint: RunDraws | None
    _known: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    """Tables of sums that were read: every reading draws all flows of the run."""
    _past: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    _shares: dict[tuple[str, int], pd.DataFrame] = field(default_factory=dict, repr=False)

    def table(self, of: Sequence[str]) -> pd.DataFrame:
        """As `draws` gives it, without intervals where there are no past forecasts."""
        new = [one for one in dict.fromkeys(of) if one not in self._known]
        if new:
            table = draws(self.joint, new).table if self.joint else _point_sums(self.run, new)
            size = len(years_of(self.run))
            for place, one in enumerate(new):
                self._known[one] = table.iloc[place * size : (place + 1) * size]
        return pd.concat([self._known[one] for one in of], ignore_index=True)

    def outcomes(self, of: Sequence[str]) -> pd.DataFrame:
        """As `outcomes_by_origin` gives it."""
        new = [one for one in dict.fromkeys(of) if one not in self._past]
        if new:
            table = outcomes_by_origin(self.run, new)
            self._past.update({one: table[table["selection"] == one] for one in new})
        return pd.concat([self._past[one] for one in of], ignore_index=True)

    def read_shares(self, of: Sequence[str], year: int) -> None:
        """Read shares of totals at once: every reading draws all flows of the run."""
        new = [one for one in dict.fromkeys(of) if (one, year) not in self._shares]
        if new and self.joint is not None:
            found = shares_of_totals(self.joint, new, years=[year])
            self._shares.update(zip([(one, year) for one in new], found, strict=True))

    def shares(self, of: str, year: int) -> pd.DataFrame | None:
        """As `shares` gives it of a total; None without past forecasts."""
        self.read_shares([of], year)
        return self._shares.get((of, year))

    def read(self, named: Sequence[tuple[str, str]], years: Sequence[int]) -> tuple[Sum, ...]:
        """Sums given by name and selection, in the years asked for."""
        table, found = self.table([selection for _, selection in named]), []
        per_sum = len(years_of(self.run))
        for place, (name, selection) in enumerate(named):
            rows = table.iloc[place * per_sum : (place + 1) * per_sum].set_index("target_year")
            last = float(rows["last_known"].iloc[0])
            known = {origin_of(self.run): last, **rows["forecast"].to_dict()}
            levels = tuple(self._level(rows.loc[year], known, years) for year in years)
            found.append(Sum(name, selection, last, levels))
        return tuple(found)

    def over(self, one: Sum) -> tuple[Level, ...]:
        """Levels of a sum in the target years that were over when the forecast was made."""
        (read,) = self.read([(one.name, one.selection)], over_years(self.run))
        return read.levels

    def _level(self, row: pd.Series, known: Mapping[int, float], shown: Sequence[int]) -> Level:
        year, forecast, origin = int(row.name), float(row["forecast"]), origin_of(self.run)
        since = _since(year, shown, known, origin)
        return Level(
            year=year,
            forecast=forecast,
            lower=float(row["lower_90"]),
            upper=float(row["upper_90"]),
            inner_lower=float(row["lower_50"]),
            inner_upper=float(row["upper_50"]),
            yearly=_yearly(known[origin], forecast, year - origin),
            since=since,
            growth=_yearly(known[since], forecast, year - since),
            chance=float(row["probability_of_growth"]),
        )

    def past(self, sums: Sequence[Sum]) -> tuple[PastOutcome, ...]:
        """Past outcomes of sums at the horizons shown; none without past forecasts."""
        if self.joint is None:
            return ()
        names = {one.selection: one.name for one in sums}
        wanted = {level.year - origin_of(self.run) for one in sums for level in one.levels}
        table = summarised(self.outcomes(list(names)))
        return tuple(
            PastOutcome(
                name=names[row["selection"]],
                selection=str(row["selection"]),
                horizon=int(row["horizon"]),
                origins=int(row["origins"]),
                lowest=float(row["lowest"]),
                median=float(row["median"]),
                highest=float(row["highest"]),
                flag=str(row["flag"]),
            )
            for row in table.to_dict("records")
            if row["horizon"] in wanted
        )


def _since(year: int, shown: Sequence[int], known: Iterable[int], origin: int) -> int:
    """The year before, unless a reader would miss the years between."""
    before = year - 1
    seen = before in shown or year == min(shown)
    return before if seen and before in known else origin


def _yearly(start: float, end: float, years: int) -> float:
    """Growth a year, share; NaN from zero."""
    return float((end / start) ** (1 / years) - 1) if start > 0 else float("nan")


def sum_reader(run: RunResult) -> SumReader:
    """Reader of a run's sums."""
    return SumReader(run, joint_draws(run) if has_past(run) else None)


def _point_sums(run: RunResult, of: Sequence[str]) -> pd.DataFrame:
    """Last known values and forecasts of sums, without intervals."""
    rows = []
    for one in selections(run.forecasts, of):
        block = run.forecasts[one.rows(run.forecasts, origin_of(run))]
        by_year = block.groupby("target_year")[["value_origin", "forecast"]].sum()
        rows.append(by_year.rename(columns={"value_origin": "last_known"}).reset_index())
    table = pd.concat(rows, ignore_index=True)
    return table.assign(**dict.fromkeys(_UNKNOWN, np.nan))
