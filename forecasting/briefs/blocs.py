"""The brief of a pair of blocs: trade from each to the other, and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from features.feature import TECHNOLOGY
from forecasting.briefs.brief import Brief, BriefFigure, BriefSection, BriefTable, closing
from forecasting.briefs.movers import by_year, certainty, flows_in, flows_table, movers, sums
from forecasting.briefs.parts import (
    NET,
    base_words,
    both,
    channel_shifts,
    parts_table,
    shift_words,
    stages,
    technology_names,
    technology_worth,
)
from forecasting.briefs.track_record import read_outcomes, record_of, record_words
from forecasting.results.result import RunResult
from forecasting.results.subjects import (
    check_blocs,
    check_year,
    countries_of,
    flow_columns,
    named,
    origin_of,
)
from forecasting.words.numbers import change, listed, money, points, share

SPELLED_OUT = 4
"""Countries that the name of a bloc lists; larger blocs are counted."""


@dataclass(frozen=True, slots=True)
class _Direction:
    """Trade from one bloc to the other.

    Attributes
    ----------
    key
        Of its tables: ``forth`` or ``back``.
    words
        Its blocs in words.
    chosen
        Which rows of the run's forecasts belong to it, in any year.
    flows
        Those of the target year, see `flows_in`.
    """

    run: RunResult
    key: str
    words: str
    sellers: tuple[str, ...]
    buyers: tuple[str, ...]
    year: int
    chosen: pd.Series[bool]
    flows: pd.DataFrame


def blocs_brief(
    run: RunResult, first: Sequence[str], second: Sequence[str], *, year: int | None = None
) -> Brief:
    """Brief of the trade between two groups of countries; trade inside a group is left out.

    Parameters
    ----------
    run
        Finished.
    first, second
        Codes or English names; ``["ALL"]`` or ``["*"]`` is everyone who is not in the other.
    year
        Target year; by default the nearest.

    Returns
    -------
    Brief
        For both directions (``forth``, from the first to the second, and ``back``) tables
        ``_years``, ``_parts``, ``_flows`` and, where there was a back-test, ``_record``.

    Raises
    ------
    InputError
        If a group is empty, a country unknown or in both groups, or the year not forecast.
    """
    left, right = check_blocs(run.forecasts, first, second)
    target = check_year(run.forecasts, year)
    directions = [
        _direction(run, "forth", left, right, target),
        _direction(run, "back", right, left, target),
    ]
    outcomes = read_outcomes(run)
    sections: list[BriefSection] = []
    tables: dict[str, BriefTable] = {}
    for direction in directions:
        chosen = outcomes["exporter"].isin(direction.sellers)
        chosen &= outcomes["importer"].isin(direction.buyers)
        section, its_tables = _section(direction, outcomes[chosen])
        sections.append(section)
        tables |= its_tables
    everyone = len(left) + len(right) == len(countries_of(run.forecasts))
    technology = BriefSection("Technology", (*map(_technology, directions), technology_worth(run)))
    return Brief(
        title=f"Trade between {_bloc(left, everyone)} on one side and {_bloc(right, everyone)} on "
        f"the other: forecast shifts, {target}",
        summary=tuple(map(_headline, directions)),
        sections=(*sections, technology, closing(exact=run.explanation.exact)),
        tables=tables,
        figures={name: figure for side in directions for name, figure in _figure(side).items()},
    )


def _direction(
    run: RunResult, key: str, sellers: tuple[str, ...], buyers: tuple[str, ...], year: int
) -> _Direction:
    chosen = run.forecasts["exporter"].isin(sellers) & run.forecasts["importer"].isin(buyers)
    everyone = len(sellers) + len(buyers) == len(countries_of(run.forecasts))
    words = f"{_bloc(sellers, everyone)} to {_bloc(buyers, everyone)}"
    return _Direction(run, key, words, sellers, buyers, year, chosen, flows_in(run, chosen, year))


def _bloc(codes: Sequence[str], everyone: bool) -> str:
    """A bloc in words; ``everyone``: the two blocs together are all countries."""
    if len(codes) <= SPELLED_OUT:
        return listed(map(named, codes))
    return f"all {len(codes)} other countries" if everyone else f"{len(codes)} countries"


def _headline(side: _Direction) -> str:
    start, base, forecast = sums(side.flows)
    if start <= 0:
        return _no_trade(side)
    return (
        f"From {side.words}: {money(start)} in {origin_of(side.run)}, forecast {money(forecast)} "
        f"in {side.year} ({points(change(start, forecast), sign=True)}). Country totals alone "
        f"would give {money(base)}; the shift of the pattern is "
        f"{both(forecast - base, change(base, forecast))}."
    )


def _no_trade(side: _Direction) -> str:
    return (
        f"From {side.words} there was no trade in {origin_of(side.run)}, and so there is nothing "
        "to shift."
    )


def _section(
    side: _Direction, outcomes: pd.DataFrame
) -> tuple[BriefSection, dict[str, BriefTable]]:
    start, base, forecast = sums(side.flows)
    origin = origin_of(side.run)
    made_of = stages(side.run, side.chosen, side.year)
    of = f"trade from {side.words}"
    record = record_of(side.run, outcomes, of=of)
    tables = {
        f"{side.key}_years": _years(side),
        f"{side.key}_parts": parts_table(made_of, origin=origin, year=side.year),
        f"{side.key}_flows": flows_table(f"Flows from {side.words}, {side.year}", side.flows),
    }
    tables |= {} if record is None else {f"{side.key}_record": record}
    paragraphs = [_no_trade(side)]
    if start > 0:
        paragraphs = [
            base_words(made_of["base"], start=start, base=base, origin=origin, year=side.year),
            shift_words(made_of["shift"], base=base, forecast=forecast),
            *movers(side.flows, flow_columns(side.run)),
            certainty(side.flows),
            *record_words(record, side.year - origin, of=of),
        ]
    heading = f"From {side.words}"
    return BriefSection(heading, tuple(paragraphs), tuple(tables), tuple(_figure(side))), tables


def _figure(side: _Direction) -> dict[str, BriefFigure]:
    """The waterfall of the largest flow; none where nothing is traded."""
    if sums(side.flows)[1] <= 0:
        return {}
    largest = side.flows.loc[side.flows["base_usd"].idxmax()]
    flow = tuple(str(largest[name]) for name in flow_columns(side.run))
    name = f"{side.key}_largest_flow"
    return {name: BriefFigure(name, "waterfall", {"flow": flow, "year": side.year})}


def _years(side: _Direction) -> BriefTable:
    columns = ("target_year", "value_at_origin_usd", "base_usd", "forecast_usd", "change_percent",
               "shift_usd", "shift_percent", "flows", "forecast_to_stop")  # fmt: skip
    rows = by_year(side.run, side.chosen, columns)
    return BriefTable(f"Trade from {side.words} by target year", rows)


def _technology(side: _Direction) -> str:
    shifts = channel_shifts(side.run, side.chosen, side.year)
    usd = float(shifts[[f"{NET}{channel}" for channel in sorted(TECHNOLOGY)]].to_numpy().sum())
    return (
        f"To {technology_names()} together the model ascribes "
        f"{both(usd, share(usd, sums(side.flows)[1]))} of the trade from {side.words}."
    )
