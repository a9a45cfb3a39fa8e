"""What the report says about chosen countries: their briefs, with tables and figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from forecasting.briefs.brief import HOW_TO_READ, Brief, BriefFigure, BriefSection, BriefTable
from forecasting.briefs.country import country_brief
from forecasting.figures.plots import NoDataError, plot
from forecasting.reports.embedded import drawn
from forecasting.reports.html import Section, bullets, figure, heading, paragraph, table
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_country, named, nearest_year

DEFAULT_COUNTRIES = 2
"""Countries that fill the third page, printed."""
_SHOWS = {
    "movers": (
        "partners furthest above and below the base",
        "Dot plot of the forecast against the base by partner, percent, with its intervals. The "
        "table of partners holds the numbers.",
    ),
    "map": (
        "shift by partner on the world map",
        "World map of the partners, shaded by the forecast against the base, percent; losses are "
        "hatched. The table of partners holds the numbers.",
    ),
}
"""Caption and alternative text of each kind of figure that a country's brief asks for."""


def choose(forecasts: pd.DataFrame, wanted: Sequence[str]) -> list[str]:
    """Codes of the countries asked for; by default of the largest exporters of the origin year.

    Raises
    ------
    InputError
        If the run does not know one of them.
    """
    if wanted:
        return list(dict.fromkeys(check_country(forecasts, word) for word in wanted))
    shown = forecasts[forecasts["target_year"] == nearest_year(forecasts)]
    sums = shown.groupby(shown["exporter"].astype(str))["value_origin"].sum()
    return list(sums.sort_values(ascending=False, kind="stable").index[:DEFAULT_COUNTRIES])


def country_briefs(result: RunResult, codes: Sequence[str], *, year: int) -> Section:
    """The chapter of the countries' briefs; how to read them stands once, above them all."""
    briefs = [country_brief(result, code, year=year) for code in codes]
    parts = [paragraph(text, kind="note") for text in briefs[0].sections[-1].paragraphs]
    for code, brief in zip(codes, briefs, strict=True):
        parts += [heading(brief.title, name=_anchor(code)), bullets(brief.summary)]
        for section in brief.sections:
            if section.heading != HOW_TO_READ:
                parts += _section(result, brief, section)
    links = [(_anchor(code), named(code)) for code in codes]
    return Section("countries", "Country briefs", parts, links)


def _anchor(code: str) -> str:
    return f"country-{code}"


def _section(result: RunResult, brief: Brief, section: BriefSection) -> Iterator[str]:
    yield heading(section.heading, level=4)
    yield from map(paragraph, section.paragraphs)
    of = f"{brief.title}. {section.heading.partition(':')[0]}"
    for name in section.figures:
        yield _figure(result, brief.figures[name], of=of)
    for name in section.tables:
        yield _table(brief.tables[name])


def _figure(result: RunResult, wanted: BriefFigure, *, of: str) -> str:
    """The figure, or nothing where the run holds no data for it."""
    try:
        made = plot(result, wanted.kind, **wanted.options)
    except NoDataError:
        return ""
    what, how = _SHOWS[wanted.kind]
    shown = drawn((made, f"{how} {of}."), caption=f"{of}: {what}")
    return figure(*shown.images[0], shown.caption)


def _table(shown: BriefTable) -> str:
    numeric = shown.numeric()
    heads = next((k for k, number in enumerate(numeric) if number), len(numeric))
    words = [k for k, number in enumerate(numeric) if not number]
    return table(shown.caption, shown.header(), shown.rows(), heads=max(heads, 1), words=words)
