"""The chapter on measures of the trade pattern: their forecasts, intervals and past accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from features.measures.measure import Measure
from forecasting.briefs.fill import sentence
from forecasting.briefs.measure_facts import drivers_of, entrants, entries, movers, verdicts
from forecasting.measurement.contribution_terms import pattern, sizes, technology
from forecasting.reports.embedded import Images
from forecasting.reports.html import bullets, heading, paragraph, table
from forecasting.results.measures import FAMILIES, FAMILY_LABELS, Measures, measures
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_year, origin_of
from forecasting.words.measures import (
    change_words,
    range_words,
    sector_names,
    size_words,
    value_words,
)
from forecasting.words.numbers import DASH, decimal, listed, percent

ENTRIES = 8
"""Likeliest entries that the chapter names."""


def pattern_chapter(result: RunResult, figures: Sequence[str | Images]) -> list[str | Images]:
    """Track record, movers and parts of every measure; empty where the run measured none.

    ``figures`` belong to the track record.
    """
    if result.measures is None:
        return []
    found, year = measures(result), check_year(result.forecasts, None)
    names, origin = sector_names(result), origin_of(result)
    parts: list[str | Images] = [
        paragraph(
            "A measure condenses many flows: a share, a concentration, a place in value chains. "
            "Its forecast is computed from the forecast flows, its interval from its own past "
            "errors. No change keeps the value of the origin; the base lets only the sizes of "
            "countries change. A tie is a null result: the forecast cannot be told from its rival. "
            "pp: percentage points."
        ),
        *_record(found),
        *figures,
    ]
    for family in FAMILIES:
        members = tuple(m for m in found.measures if m.family == family)
        if members:
            parts += _family(found, FAMILY_LABELS[family], members, names, origin=origin, year=year)
    return [*parts, *_missing(found.missing)]


# Track record -------------------------------------------------------------------------------------


def _record(found: Measures) -> Iterator[str]:
    scores = found.scores
    yield heading("How accurate forecasts of measures are")
    if scores.empty:
        yield paragraph("No measure has a back-test: nothing is known of how good they are.")
        return
    yield bullets(
        [
            *(sentence("measure_parts", "verdicts", tests) for tests in verdicts(found)),
            "Contributions of technology channels, below, say what the model used. What they are "
            "worth is what forecasts without them lose: see the line before.",
        ]
    )
    horizons = sorted(int(h) for h in scores["horizon"].unique())
    ends = list(dict.fromkeys([horizons[0], horizons[-1]]))
    header = ["Measure"]
    for horizon in ends:
        header += [f"{horizon} y: skill", "No change", "Base", "Right side", "In 90%"]
    by = scores.set_index(["measure", "horizon"])
    yield table(
        "Skill: how much smaller the mean absolute error is than that of no change. No change and "
        "base: tests against them, adjusted for their number. Right side: units that moved to the "
        "side forecast. In 90%: outcomes inside the 90% interval",
        header,
        [
            [m.label, *(cell for horizon in ends for cell in _score_cells(by, m.name, horizon))]
            for m in found.measures
        ],
        words=[place for place, name in enumerate(header) if name in ("No change", "Base")],
    )


def _score_cells(by: pd.DataFrame, name: str, horizon: int) -> list[str]:
    if (name, horizon) not in by.index:
        return [DASH] * 5
    row = by.loc[(name, horizon)]
    return [
        percent(row["skill"], sign=True),
        str(row["verdict_no_change"]),
        str(row["verdict_base"]),
        percent(row["direction"], digits=0),
        percent(row["coverage_90"], digits=0),
    ]


# Families -----------------------------------------------------------------------------------------


def _family(
    found: Measures,
    label: str,
    measures: tuple[Measure, ...],
    names: Mapping[str, str],
    *,
    origin: int,
    year: int,
) -> Iterator[str]:
    yield heading(label)
    rows = {measure.name: movers(found, measure, year, names) for measure in measures}
    yield table(
        f"{label}: size of the change by {year} and what it is made of, mean over units. Sure: "
        f"units whose 90% interval leaves out the value of {origin}",
        ("Measure", "Units", "Sure", "Change", "Sizes of countries", "Shifts of flows",
         "Of both, technology"),
        [_part_cells(found, m, rows[m.name], year) for m in measures],
        breaks=True,
    )  # fmt: skip
    yield table(
        f"{label}: largest forecast rise and fall by {year}",
        ("Measure", "Unit", str(origin), "Base", "Forecast", "Change", "90% interval"),
        [cells for m in measures for cells in _end_cells(m, rows[m.name])],
        heads=2,
        breaks=True,
    )
    for measure in measures:
        if measure.threshold is not None:
            yield from _entries(found, measure, rows[measure.name], year)


def _part_cells(found: Measures, measure: Measure, rows: pd.DataFrame, year: int) -> list[str]:
    drivers = drivers_of(found, measure, year)
    links = measure.family == "links"
    parts = [
        size_words(measure, float(values.abs().mean())) if shown and len(drivers) else DASH
        for values, shown in (
            (sizes(drivers), not links),
            (pattern(drivers), True),
            (technology(drivers), not links),
        )
    ]
    change = size_words(measure, float(rows["change"].abs().mean()))
    return [measure.label, f"{len(rows):,}", f"{int(rows['sure'].sum()):,}", change, *parts]


def _end_cells(measure: Measure, rows: pd.DataFrame) -> Iterator[list[str]]:
    ends = rows.iloc[sorted({0, len(rows) - 1})] if len(rows) else rows
    for row in ends.to_dict("records"):
        yield [
            measure.label,
            row["unit"],
            *(value_words(measure, row[name]) for name in ("value_origin", "base", "forecast")),
            change_words(measure, row["change"]),
            range_words(measure, row["lower_90"], row["upper_90"]),
        ]


def _entries(found: Measures, measure: Measure, rows: pd.DataFrame, year: int) -> Iterator[str]:
    below = entrants(measure, rows)
    scores = found.scores[found.scores["measure"] == measure.name]
    by_horizon = [
        f"{row['horizon']} y: {decimal(row['brier'])} against {decimal(row['brier_of_rate'])}"
        for row in scores.to_dict("records")
    ]
    record = (
        f" Brier scores of past chances, against that of the rate of entries known then: "
        f"{listed(by_horizon)} (smaller is better)."
        if by_horizon
        else ""
    )
    yield paragraph(sentence("measure_parts", "entries", entries(measure, rows)) + record)
    if below.empty:
        return
    top = below.head(ENTRIES)
    yield table(
        f"{measure.label}: likeliest entries by {year}, of units without an advantage at the "
        "origin",
        ("Unit", "Origin", "Forecast", "90% interval", "Chance of entry"),
        [
            [
                row["unit"],
                value_words(measure, row["value_origin"]),
                value_words(measure, row["forecast"]),
                range_words(measure, row["lower_90"], row["upper_90"]),
                percent(row["chance_above"], digits=0),
            ]
            for row in top.to_dict("records")
        ],
        breaks=True,
    )


def _missing(missing: Mapping[str, str]) -> list[str]:
    if not missing:
        return []
    by_reason: dict[str, list[str]] = {}
    for name, why in missing.items():
        by_reason.setdefault(why, []).append(name.replace("_", " "))
    lines = [f"{listed(names)}: {why}." for why, names in by_reason.items()]
    return [heading("Not measured"), bullets(lines)]
