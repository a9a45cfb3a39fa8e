"""A brief of shifts of the trade pattern: one measure, or a family of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from features.errors import InputError
from features.feature import TECHNOLOGY
from features.measures.measure import Array, Measure
from features.measures.reshoring import kearney_index, reshoring_index
from forecasting.briefs.brief import Brief, BriefFigure, BriefSection, BriefTable, first_and_last
from forecasting.briefs.measure_verdicts import record_words
from forecasting.measurement.contribution_terms import (
    TO_BASE,
    pattern,
    sizes,
    technology,
    term_summary,
    terms_in,
)
from forecasting.measurement.scores import RIVALS
from forecasting.results.measures import FAMILIES, FAMILY_LABELS, Measures, measures
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_country, check_year, named, origin_of
from forecasting.words.measures import (
    change_name,
    change_words,
    is_share,
    past_words,
    range_words,
    sector_names,
    size_words,
    unit_name,
    unit_words,
    value_words,
)
from forecasting.words.numbers import listed, percent, plural, years

SHOWN = 5
LEAST_SHARE = 0.1
"""Percent of all contributions below which a text does not show one; the file does."""
KEYS = ("country", "partner", "sector")
HOW_TO_READ = (
    "No change forecasts every measure at its value of the origin year; the base is what it would "
    "be if only the sizes of countries changed. A tie is a null result: the forecast tells where "
    "the pattern stands and not where it goes.",
    "Intervals come from past errors of the same measure and horizon, pooled over its units. "
    "Contributions follow the change of every flow along the line from the origin to the forecast "
    "and sum to the change of the measure; they describe the fitted model and are no causes. "
    "What the technology channels are worth is what forecasts without them lose, see the track "
    "record. pp: percentage points.",
)
_INDICES: dict[str, tuple[str, Callable[[Array, Array], Array]]] = {
    "low_cost_import_ratio": ("kearney_index", kearney_index),
    "input_ratio": ("reshoring_index", reshoring_index),
}
"""Published indices of reshoring: of which measure, the column that holds them."""


def pattern_brief(
    run: RunResult, kind: str, *, country: str | None = None, year: int | None = None
) -> Brief:
    """Explain the shifts of one kind.

    Parameters
    ----------
    run
        Finished; of a folder, give ``read_run(folder)``.
    kind
        A measure, a family or ``all``, see `forecasting.results.measures.shifts`.
    country
        ISO 3166 code or English name; by default every country.
    year
        Target year; by default the nearest.

    Raises
    ------
    InputError
        If the run did not measure the kind, or does not know the country or the year, or if no
        measure of the kind has a value for the country.
    """
    found, target = measures(run, kind, country=country), check_year(run.forecasts, year)
    code = None if country is None else check_country(run.forecasts, country)
    if found.forecasts.empty:
        raise InputError(
            f"no measure of {kind!r} has a value for {named(str(code))}",
            remedy="Ask for another country, or for all of them",
            file=run.out,
        )
    names = sector_names(run)
    tables: dict[str, BriefTable] = {}
    figures: dict[str, BriefFigure] = {}
    sections = []
    for measure in found.measures:
        rows = movers(found, measure, target, names)
        section, its_tables, figure = _of_measure(found, measure, rows, year=target, code=code)
        sections.append(section)
        tables |= its_tables
        figures |= figure
    if len(found.scores):
        tables["skill"] = _skill(found)
        figures["skill"] = BriefFigure("skill", "measures", {"measure": kind})
        sections.append(BriefSection("Track record", record_words(found), ("skill",), ("skill",)))
    return Brief(
        title=f"{_subject(found)}{'' if code is None else f', {named(code)}'}: "
        f"{origin_of(run)} to {target}",
        summary=_summary(found, target - origin_of(run)),
        sections=(*sections, BriefSection("How to read this", HOW_TO_READ)),
        tables=tables,
        figures=figures,
    )


def _of_measure(
    found: Measures, measure: Measure, rows: pd.DataFrame, *, year: int, code: str | None
) -> tuple[BriefSection, dict[str, BriefTable], dict[str, BriefFigure]]:
    """Section of a measure, its tables and its figure; without units it is words alone."""
    words = _words(found, measure, rows, year)
    if rows.empty:
        return BriefSection(measure.label, words), {}, {}
    tables = _tables(found, measure, rows, year)
    options = {"measure": measure.name, **({} if code is None else {"country": code})}
    figure = BriefFigure(measure.name, "measure", options)
    section = BriefSection(measure.label, words, tuple(tables), (measure.name,))
    return section, tables, {measure.name: figure}


def _subject(found: Measures) -> str:
    for family in FAMILIES:
        if found.kind == family:
            return FAMILY_LABELS[family]
    return found.measures[0].label if len(found.measures) == 1 else "Shifts of the trade pattern"


# Tables -------------------------------------------------------------------------------------------


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


def _tables(
    found: Measures, measure: Measure, rows: pd.DataFrame, year: int
) -> dict[str, BriefTable]:
    units = _unit_table(measure, rows)
    out = {
        f"{measure.name}_forecasts": BriefTable(
            f"{measure.label}, {unit_name(measure)}: units by forecast change, largest rise first "
            f"(changes in {change_name(measure)}; sure: the 90% interval leaves out the origin's "
            "value)",
            units,
            first_and_last(len(units), SHOWN),
            tuple(name for name in units if name not in KEYS),
        )
    }
    drivers = drivers_of(found, measure, year)
    # A measure that cannot change, such as the share of an only sector, has no contributions.
    if drivers[terms_in(drivers)].to_numpy().any():
        out[f"{measure.name}_contributions"] = _contribution_table(measure, drivers)
    return out


def _unit_table(measure: Measure, rows: pd.DataFrame) -> pd.DataFrame:
    """What `movers` holds in the units of the brief: names of columns say them."""
    suffix = "_percent" if is_share(measure) else ""
    scale = 100.0 if is_share(measure) else 1.0
    out = rows[[*KEYS, "unit"]].copy()
    for column, name in (("value_origin", "origin"), ("base", "base"), ("forecast", "forecast")):
        out[f"{name}{suffix}"] = scale * rows[column]
    out["change_in_points" if is_share(measure) else "change"] = scale * rows["change"]
    for column in ("lower_90", "upper_90"):
        out[f"{column}{suffix}"] = scale * rows[column]
    if measure.threshold is not None:
        below = rows["value_origin"] <= measure.threshold
        out["chance_of_entry_percent"] = (100.0 * rows["chance_above"]).where(below)
    if measure.name in _INDICES:
        name, index = _INDICES[measure.name]
        out[name] = index(rows["value_origin"].to_numpy(), rows["forecast"].to_numpy())
    return out.assign(sure=rows["sure"])


def _contribution_table(measure: Measure, drivers: pd.DataFrame) -> BriefTable:
    summary = term_summary(drivers)
    suffix, scale = ("_in_points", 100.0) if is_share(measure) else ("", 1.0)
    frame = pd.DataFrame(
        {
            "step": ["to the base" if term in TO_BASE else "from the base to the forecast"
                     for term in summary["term"]],
            "contribution": summary["label"],
            f"mean_size{suffix}": scale * summary["mean_abs"],
            "of_all_percent": 100.0 * summary["share"],
            f"mean{suffix}": scale * summary["mean"],
        }
    )  # fmt: skip
    size = frame["of_all_percent"].to_numpy()
    return BriefTable(
        f"{measure.label}: contributions to the change, mean over {plural(len(drivers), 'unit')}, "
        f"{change_name(measure)}",
        frame,
        tuple(int(k) for k in np.flatnonzero(size >= LEAST_SHARE)),
    )


def _skill(found: Measures) -> BriefTable:
    scores = found.scores
    labels = {measure.name: measure.label for measure in found.measures}
    frame = scores[["measure", "family", "horizon", "origins", "n"]].copy()
    frame.insert(1, "label", scores["measure"].map(labels))
    for name in ("mae", *(f"mae_{rival}" for rival in RIVALS)):
        frame[name.replace("mae", "error")] = scores[name]
    for name in ("skill", "direction", "coverage_50", "coverage_90"):
        frame[f"{name}_percent"] = 100.0 * scores[name]
    for rival in RIVALS:
        frame[f"against_{rival}"] = scores[f"verdict_{rival}"]
        frame[f"p_{rival}"] = scores[f"p_holm_{rival}"]
    entered = scores["entries"].notna().any()
    for name in ("entries", "entry_rate", "brier", "brier_of_rate"):
        frame[name] = scores[name]
    columns = ("label", "horizon", "origins", "error", "error_no_change", "error_base",
               "error_without_technology", "skill_percent", "direction_percent",
               "coverage_90_percent", "against_no_change", "against_base",
               "against_without_technology")  # fmt: skip
    more = ("brier", "brier_of_rate") if entered else ()
    return BriefTable(
        "Mean absolute error of each measure by years ahead (shares as fractions), of no change, "
        "of the raked base and of the model without technology; skill: how much smaller than that "
        "of no change; direction: units that moved to the side forecast; coverage of the 90% "
        "interval; tests of equal accuracy, adjusted for their number"
        + ("; Brier scores of the chance of entry and of the past rate of entries" if more else ""),
        frame,
        columns=(*columns, *more),
    )


# Sentences ----------------------------------------------------------------------------------------


def _words(found: Measures, measure: Measure, rows: pd.DataFrame, year: int) -> tuple[str, ...]:
    sentences = [f"Formula and source: {measure.source}."]
    if rows.empty:
        return (*sentences, f"The measure has no value here in {year}.")
    past = found.history[found.history["measure"] == measure.name]
    sentences += past_words(measure, past)
    sentences.append(mover_words(measure, rows))
    sentences += index_words(measure, rows)
    if measure.threshold is not None:
        sentences.append(entry_words(measure, rows))
    drivers = drivers_of(found, measure, year)
    if len(drivers):
        sentences.append(part_words(measure, drivers))
    return tuple(sentences)


def mover_words(measure: Measure, rows: pd.DataFrame) -> str:
    """The unit that rises most and the one that falls most."""
    ends = [rows.iloc[0]] if len(rows) == 1 else [rows.iloc[0], rows.iloc[-1]]
    moves = [
        f"{row['unit']} from {value_words(measure, row['value_origin'])} to "
        f"{value_words(measure, row['forecast'])} ({change_words(measure, row['change'])}; 90% "
        f"interval {range_words(measure, row['lower_90'], row['upper_90'])})"
        for row in ends
    ]
    opening = "Forecast: " if len(rows) == 1 else "Largest forecast rise and fall: "
    return f"{opening}{listed(moves, between='; ')}. {sure_words(rows)}"


def sure_words(rows: pd.DataFrame) -> str:
    """How many units have an interval on one side of the origin's value."""
    return (
        f"The 90% interval leaves out the value of the origin for {int(rows['sure'].sum()):,} of "
        f"{plural(len(rows), 'unit')}."
    )


def index_words(measure: Measure, rows: pd.DataFrame) -> list[str]:
    """Published index of a measure's change, where there is one."""
    if measure.name not in _INDICES:
        return []
    name, index = _INDICES[measure.name]
    values = index(rows["value_origin"].to_numpy(), rows["forecast"].to_numpy())
    most, least, up = int(np.argmax(values)), int(np.argmin(values)), int((values > 0).sum())
    counted = f"positive for {up:,} of {plural(len(rows), 'unit')}"
    if name == "kearney_index":
        indices = [f"{rows['unit'].iloc[k]} {values[k]:+.0f}".replace("-", "\N{MINUS SIGN}")
                for k in dict.fromkeys((most, least))]  # fmt: skip
        return [
            "Kearney's index of the forecast change (minus the change of the ratio, in basis "
            f"points; positive is reshoring): {listed(indices)}; {counted}."
        ]
    largest = f", largest for {rows['unit'].iloc[most]} ({values[most]:.3g})" if up else ""
    return [
        "Index of Krenz, Prettner and Strulik of the forecast change (rise of the ratio; a fall "
        f"counts as none): {counted}{largest}."
    ]


def entrants(measure: Measure, rows: pd.DataFrame) -> pd.DataFrame:
    """Units not above the threshold at the origin, likeliest entry first."""
    below = rows[(rows["value_origin"] <= measure.threshold) & rows["chance_above"].notna()]
    return below.sort_values("chance_above", ascending=False, kind="stable", ignore_index=True)


def entry_words(measure: Measure, rows: pd.DataFrame) -> str:
    """The likeliest entries: crossings of the threshold by units below it."""
    below = entrants(measure, rows)
    if below.empty:
        return "No unit is below the threshold with a known chance of crossing it."
    likeliest = [f"{row['unit']} {percent(row['chance_above'], digits=0)}"
            for row in below.head(3).to_dict("records")]  # fmt: skip
    return (
        f"Of {plural(len(below), 'unit')} at or below {measure.threshold:g} at the origin "
        f"{below['chance_above'].sum():.0f} are expected to be above it. Likeliest entries: "
        f"{listed(likeliest)}."
    )


def part_words(measure: Measure, drivers: pd.DataFrame) -> str:
    """What the change is made of: sizes of countries, shifts of flows, technology channels."""
    single = len(drivers) == 1
    how = change_words if single else size_words

    def size(values: pd.Series[float]) -> str:
        return how(measure, float(values.iloc[0] if single else values.abs().mean()))

    opening = "The model ascribes" if single else "Mean size of what the model ascribes, by unit:"
    if measure.family == "links":
        names = [f"chance:{channel}" for channel in TECHNOLOGY if f"chance:{channel}" in drivers]
        among = drivers[names].sum(axis=1)
        part = f"{size(among)} of it" if among.any() else "none of it"
        return (
            f"{opening} {size(pattern(drivers))} to the chances of links, {part} to technology "
            "channels."
        )
    return (
        f"{opening} {size(sizes(drivers))} to the sizes of countries and {size(pattern(drivers))} "
        f"to shifts of flows, the technology channels among them {size(technology(drivers))}."
    )


def _summary(found: Measures, horizon: int) -> tuple[str, ...]:
    lines = []
    for measure in found.measures:
        of_measure = found.scores["measure"] == measure.name
        scores = found.scores[of_measure & (found.scores["horizon"] == horizon)]
        if scores.empty:
            lines.append(f"{measure.label}: measured and forecast, without a track record.")
            continue
        row = scores.iloc[0]
        lines.append(
            f"{measure.label}: {years(horizon)} the mean error was "
            f"{size_words(measure, row['mae'])}, against "
            f"{size_words(measure, row['mae_no_change'])} of no change "
            f"({percent(row['skill'], sign=True)} skill: {row['verdict_no_change']})."
        )
    lines += [f"Not measured: {name} ({why})." for name, why in found.missing.items()]
    return tuple(lines)
