"""Facts of measures of the trade pattern: their movers, past, indices, entries, parts, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.feature import TECHNOLOGY
from features.measures.measure import Array, Measure
from features.measures.reshoring import kearney_index, reshoring_index
from forecasting.evaluation.significance import FEWEST_ORIGINS
from forecasting.measurement.contribution_terms import pattern, sizes, technology
from forecasting.measurement.scores import RIVALS
from forecasting.results.measures import Measures
from forecasting.words.measures import unit_words
from models.registry import ABLATION

KEYS = ("country", "partner", "sector")
INDICES: dict[str, tuple[str, Callable[[Array, Array], Array]]] = {
    "low_cost_import_ratio": ("kearney_index", kearney_index),
    "input_ratio": ("reshoring_index", reshoring_index),
}
"""Published indices of reshoring: of which measure, the column that holds them."""
RIVAL_LABELS: dict[str, str] = {
    "no_change": "no change",
    "base": "the raked base",
    ABLATION: "the model without its technology channels",
}
LIKELIEST = 3
"""Entries that a sentence names."""


@dataclass(frozen=True, slots=True)
class Past:
    """A measure's mean over units with a value in its first and last year, and how many rose."""

    first: int
    last: int
    then: float
    now: float
    units: int
    rose: int


@dataclass(frozen=True, slots=True)
class UnitMove:
    """A unit's value at the origin, its forecast with 90% interval, and the change."""

    unit: str
    start: float
    forecast: float
    change: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Index:
    """A published index of a change: its name, its ends by unit, and units where it is positive."""

    name: str
    ends: tuple[tuple[str, float], ...]
    positive: int


@dataclass(frozen=True, slots=True)
class Entries:
    """Units not above a threshold: how many, how many are expected above it, the likeliest."""

    threshold: float
    units: int
    expected: float
    likeliest: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a change is made of: of one unit, or mean sizes over many; NaN where it has no such."""

    single: bool
    links: bool
    sizes: float
    pattern: float
    technology: float


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Tests of measures against a rival: those won and lost by measure, and the others."""

    rival: str
    tests: int
    better: Mapping[str, tuple[int, ...]]
    worse: Mapping[str, tuple[int, ...]]
    ties: int
    few: int
    """Not tested for want of origins."""
    same: int
    """Not tested because the forecasts are the same."""

    @property
    def null(self) -> bool:
        """Whether ties are all there is: a null result. What was not tested is none."""
        return self.ties > 0 and not self.better and not self.worse


@dataclass(frozen=True, slots=True)
class MeasureFacts:
    """What a brief says of a measure; ``units`` is 0 where it has no value."""

    measure: Measure
    units: int
    sure: int
    past: Past | None
    ends: tuple[UnitMove, ...]
    index: Index | None
    entries: Entries | None
    parts: Parts | None
    error: float
    error_no_change: float
    skill: float
    verdict: str
    """Of its errors at the horizon; empty where there is no track record."""


def movers(found: Measures, measure: Measure, year: int, names: Mapping[str, str]) -> pd.DataFrame:
    """Units of a measure in a target year by forecast change, largest rise first.

    ``names`` are those of sectors by code.

    Returns
    -------
    DataFrame
        ``country, partner, sector, unit`` (in words), ``value_origin, base, forecast, lower_90,
        upper_90, chance_above, change``, in the measure's unit, and ``sure``, whether the 90%
        interval leaves out the value of the origin.
    """
    table = found.forecasts
    rows = table[(table["measure"] == measure.name) & (table["target_year"] == year)]
    keys = rows[list(KEYS)].astype(str)
    values = rows[["value_origin", "base", "forecast", "lower_90", "upper_90", "chance_above"]]
    keys["unit"] = [unit_words(unit, names) for unit in keys.to_dict("records")]
    start = values["value_origin"]
    sure = (values["lower_90"] > start) | (values["upper_90"] < start)
    out = pd.concat([keys, values.assign(change=values["forecast"] - start, sure=sure)], axis=1)
    return out.sort_values("change", ascending=False, kind="stable", ignore_index=True)


def drivers_of(found: Measures, measure: Measure, year: int) -> pd.DataFrame:
    """Contributions to a measure in a target year."""
    table = found.drivers
    return table[(table["measure"] == measure.name) & (table["target_year"] == year)]


def measure_facts(
    found: Measures, measure: Measure, rows: pd.DataFrame, *, year: int, horizon: int
) -> MeasureFacts:
    """Facts of a measure; ``rows`` are its `movers`."""
    scores = found.scores[found.scores["measure"] == measure.name]
    score = next(iter(scores[scores["horizon"] == horizon].to_dict("records")), None)
    drivers = drivers_of(found, measure, year)
    return MeasureFacts(
        measure=measure,
        units=len(rows),
        sure=int(rows["sure"].sum()),
        past=past(found.history[found.history["measure"] == measure.name]) if len(rows) else None,
        ends=_ends(rows),
        index=index_of(measure, rows) if len(rows) else None,
        entries=entries(measure, rows) if measure.threshold is not None else None,
        parts=parts_of(measure, drivers) if len(drivers) else None,
        error=score["mae"] if score else np.nan,
        error_no_change=score["mae_no_change"] if score else np.nan,
        skill=score["skill"] if score else np.nan,
        verdict=str(score["verdict_no_change"]) if score else "",
    )


def past(history: pd.DataFrame) -> Past | None:
    """How a measure changed from its first year to its last; None if no unit has both.

    ``history`` has the measure's rows of `MeasureTables.history`.
    """
    first, last = int(history["year"].min()), int(history["year"].max())
    ends = history[history["year"].isin([first, last])]
    wide = ends.pivot_table(index=list(KEYS), columns="year", values="value", observed=True)
    if first == last or not {first, last} <= set(wide):
        return None
    both = wide.dropna()
    if both.empty:
        return None
    then, now = (float(both[year].mean()) for year in (first, last))
    return Past(first, last, then, now, len(both), int((both[last] > both[first]).sum()))


def _ends(rows: pd.DataFrame) -> tuple[UnitMove, ...]:
    """The unit that rises most and the one that falls most."""
    columns = ["unit", "value_origin", "forecast", "change", "lower_90", "upper_90"]
    ends = rows.iloc[sorted({0, len(rows) - 1})] if len(rows) else rows
    return tuple(UnitMove(*row) for row in ends[columns].itertuples(index=False))


def index_of(measure: Measure, rows: pd.DataFrame) -> Index | None:
    """Published index of a measure's change, where there is one."""
    if measure.name not in INDICES:
        return None
    name, index = INDICES[measure.name]
    values = index(rows["value_origin"].to_numpy(), rows["forecast"].to_numpy())
    places = dict.fromkeys((int(np.argmax(values)), int(np.argmin(values))))
    ends = tuple((str(rows["unit"].iloc[k]), float(values[k])) for k in places)
    return Index(name, ends, int((values > 0).sum()))


def entrants(measure: Measure, rows: pd.DataFrame) -> pd.DataFrame:
    """Units not above the threshold at the origin, likeliest entry first."""
    below = rows[(rows["value_origin"] <= measure.threshold) & rows["chance_above"].notna()]
    return below.sort_values("chance_above", ascending=False, kind="stable", ignore_index=True)


def entries(measure: Measure, rows: pd.DataFrame) -> Entries:
    """Crossings of the threshold by units below it."""
    below, threshold = entrants(measure, rows), measure.threshold
    assert threshold is not None
    top = below[["unit", "chance_above"]].head(LIKELIEST).itertuples(index=False, name=None)
    return Entries(threshold, len(below), float(below["chance_above"].sum()), tuple(top))


def parts_of(measure: Measure, drivers: pd.DataFrame) -> Parts:
    """Sizes of countries, shifts of flows (of links, their chances), and technology in both."""
    single, links = len(drivers) == 1, measure.family == "links"

    def size(values: pd.Series[float]) -> float:
        return float(values.iloc[0] if single else values.abs().mean())

    if not links:
        return Parts(single, links, *(size(of(drivers)) for of in (sizes, pattern, technology)))
    names = [f"chance:{channel}" for channel in TECHNOLOGY if f"chance:{channel}" in drivers]
    return Parts(single, links, np.nan, size(pattern(drivers)), size(drivers[names].sum(axis=1)))


def verdicts(found: Measures) -> tuple[Verdicts, ...]:
    """Which measures are forecast better than by each rival, and which are not."""
    return tuple(verdicts_against(found, rival) for rival in RIVALS)


def verdicts_against(found: Measures, rival: str) -> Verdicts:
    """Tests against one rival."""
    scores, labels = found.scores, {measure.name: measure.label for measure in found.measures}
    verdict, few = scores[f"verdict_{rival}"], scores["origins"] < FEWEST_ORIGINS
    better, worse = (
        {labels[str(name)]: tuple(block["horizon"].astype(int))
         for name, block in scores[verdict == word].groupby("measure", sort=False)}
        for word in ("better", "worse")
    )  # fmt: skip
    return Verdicts(
        RIVAL_LABELS[rival],
        len(scores),
        better,
        worse,
        ties=int((verdict == "tie").sum()),
        few=int(((verdict == "untested") & few).sum()),
        same=int(((verdict == "untested") & ~few).sum()),
    )
