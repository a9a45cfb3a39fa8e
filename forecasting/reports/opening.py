"""The report's first five pages: facts and figures in their templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from forecasting.distribution.sums import SumReader
from forecasting.figures.style import NoDataError
from forecasting.figures.sum_plots import fan_panels, growth_chances, slopes_of
from forecasting.reports.embedded import Shown, drawn
from forecasting.reports.html import Section
from forecasting.reports.pages import Facts
from forecasting.reports.render import render_page
from forecasting.reports.summary import answers
from forecasting.results.subjects import years_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


TITLES = {
    "summary": "The world and its regions",
    "movers": "Which trade grows and which falls",
    "chosen": "Chosen countries",
    "track": "How good forecasts have been",
}
"""Names of the first pages, which are those of their templates too, and their headings."""


def opening_pages(
    reader: SumReader, facts: Facts, *, pages: Mapping[str, str] = MappingProxyType({})
) -> list[Section]:
    """The world, what grows and falls, chosen countries, and the track record.

    Parameters
    ----------
    reader
        Of the run.
    facts
        What the pages say.
    pages
        Address of the page of each country that has one, by code.
    """
    verdicts = answers(reader.run) if facts.records else ""
    figures = {
        "world": _world(reader, facts),
        "chances": _chances(reader, facts),
        "countries": [_totals(reader, facts)],
    }
    given = {"facts": facts, "figures": figures, "statements": verdicts, "pages": pages}
    return [
        Section(name, title, [render_page(f"{name}.html.j2", title=title, **given)])
        for name, title in TITLES.items()
    ]


def _drawn_sums(
    draw: Callable[..., Figure], *given: Any, alt: str, caption: str, **more: Any
) -> Shown | None:
    """The figure, or nothing where the run holds no data for it."""
    try:
        return drawn((draw(*given, **more), alt), caption=caption)
    except NoDataError:
        return None


def _fans(
    reader: SumReader, of: Sequence[tuple[str, str]], *, what: str, caption: str
) -> Shown | None:
    """Fans of the tables that the reader holds, or nothing without a back-test."""
    if reader.joint is None:
        return None
    selected = [selection for _, selection in of]
    try:
        made = fan_panels(of, reader.table(selected), reader.outcomes(selected))
    except NoDataError:
        return None
    texts = [f"Legend of the charts of {what}: value, forecast, intervals, earlier forecasts."]
    texts += [
        f"Line chart of {name} by year with the fan of its forecast and forecasts made earlier."
        for name, _ in of
    ]
    return drawn(*zip(made, texts, strict=True), caption=caption)


def _world(reader: SumReader, facts: Facts) -> Shown | None:
    return _fans(
        reader,
        [(one.name, one.selection) for one in facts.world],
        what="the world and its regions",
        caption="Levels with 50 and 90% intervals. Dashes are forecasts made earlier: where the "
        "black line leaves them, they missed.",
    )


def _chances(reader: SumReader, facts: Facts) -> Shown | None:
    moves = facts.movers[0].kinds["Single flows"]
    of = [(m.sum.name, m.sum.selection) for m in moves.all]
    if not of:
        return None
    return _drawn_sums(
        growth_chances,
        reader.joint or reader.run,
        of,
        title="Flows that change most",
        year=facts.year,
        alt="Bar chart of the probability that each flow grows. The tables hold the numbers.",
        caption="The nearer a bar ends to the middle, the less sure is the direction.",
    )


def _totals(reader: SumReader, facts: Facts) -> Shown | None:
    return _fans(
        reader,
        [(exports.total.name, exports.total.selection) for exports, _ in facts.countries],
        what="the exports of the chosen countries",
        caption="A fan that includes the last known level leaves growth open.",
    )


def country_figures(reader: SumReader, code: str) -> dict[str, Shown | None]:
    """Levels of exports and imports with fans, and the shares of customers and of suppliers."""
    sides, last = ("exports", "imports"), years_of(reader.run)[-1]
    found = {
        "levels": _fans(
            reader,
            [(side.capitalize(), f"{code}:{side}") for side in sides],
            what="exports and imports",
            caption="Levels with 50 and 90% intervals. Dashes are forecasts made earlier: where "
            "the black line leaves them, they missed.",
        )
    }
    found |= {
        side: _drawn_sums(
            slopes_of,
            of,
            table,
            alt=f"Slope chart of the shares of the largest partners in {side}.",
            caption="Blue lines rise: these partners gain share. Dashed lines lose it.",
        )
        for side, of in ((side, f"{code}:{side}") for side in sides)
        if (table := reader.shares(of, last)) is not None and len(table)
    }
    return found
