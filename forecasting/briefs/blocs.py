"""The brief of a pair of blocs: trade from each to the other, and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from features.choices import REPORTS_KNOWN
from forecasting.briefs.brief import Brief, BriefFigure, BriefTable
from forecasting.briefs.fill import fill
from forecasting.briefs.movers import Movers, by_year, flows_in, flows_table, movers, sums
from forecasting.briefs.parts import (
    Change,
    base_change,
    channel_shifts,
    parts_table,
    shift_change,
    stages,
    technology_of,
    technology_terms,
)
from forecasting.briefs.track_record import PastErrors, past_errors, read_outcomes, record_of
from forecasting.results.result import RunResult
from forecasting.results.subjects import (
    check_blocs,
    check_year,
    countries_of,
    flow_columns,
    named,
    origin_of,
)
from forecasting.words.measures import sector_names
from forecasting.words.numbers import change, listed, share

_YEARS = ("target_year", "value_at_origin_usd", "base_usd", "forecast_usd", "change_percent",
          "shift_usd", "shift_percent", "flows", "forecast_to_stop")  # fmt: skip
SPELLED_OUT = 4
"""Countries that the name of a bloc lists; larger blocs are counted."""


@dataclass(frozen=True, slots=True)
class Direction:
    """Trade from one bloc to the other: USD, percent.

    Attributes
    ----------
    key
        Of its tables: ``forth`` or ``back``.
    words
        Its blocs in words.
    origin, year
        Of the forecast.
    start, forecast
        At the origin and in the target year.
    base, shift
        What the change is made of.
    technology_usd, technology_percent
        Contribution of the technology channels together, and in percent of the base.
    movers, past
        Of its flows.
    """

    key: str
    words: str
    origin: int
    year: int
    start: float
    forecast: float
    base: Change
    shift: Change
    technology_usd: float
    technology_percent: float
    movers: Movers
    past: PastErrors

    @property
    def growth(self) -> float:
        """From the origin to the forecast."""
        return change(self.start, self.forecast)


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
    everyone = len(left) + len(right) == len(countries_of(run.forecasts))
    names = _bloc(left, everyone), _bloc(right, everyone)
    outcomes = read_outcomes(run)
    directions, tables, figures = [], dict[str, BriefTable](), dict[str, BriefFigure]()
    for key, sellers, buyers, words in (
        ("forth", left, right, " to ".join(names)),
        ("back", right, left, " to ".join(reversed(names))),
    ):
        inside = [table["exporter"].isin(sellers) & table["importer"].isin(buyers)
                  for table in (run.forecasts, outcomes)]  # fmt: skip
        facts, its_tables = _direction(run, key, words, inside[0], target, outcomes[inside[1]])
        directions.append(facts)
        tables |= its_tables
        figures |= _figure(run, key, its_tables[f"{key}_flows"].frame, target)
    return fill(
        "blocs",
        exact=run.explanation.exact,
        tables=tables,
        figures=figures,
        names=names,
        year=target,
        directions=directions,
        nowcast=run.provenance["setting"] == REPORTS_KNOWN and target == origin_of(run) + 1,
        technology=technology_of(run),
    )


def _direction(
    run: RunResult,
    key: str,
    words: str,
    chosen: pd.Series[bool],
    year: int,
    outcomes: pd.DataFrame,
) -> tuple[Direction, dict[str, BriefTable]]:
    origin, flows, of = origin_of(run), flows_in(run, chosen, year), f"trade from {words}"
    (start, base, forecast), made_of = sums(flows), stages(run, chosen, year)
    record = record_of(run, outcomes, of=of)
    shifts = channel_shifts(run, chosen, year)
    technology = float(shifts[technology_terms(shifts)].to_numpy().sum())
    facts = Direction(
        key,
        words,
        origin,
        year,
        start,
        forecast,
        base_change(made_of["base"], start=start, base=base),
        shift_change(made_of["shift"], base=base, forecast=forecast),
        technology,
        share(technology, base),
        movers(flows, flow_columns(run), sector_names(run)),
        past_errors(record, year - origin, of=of),
    )
    tables = {
        f"{key}_years": BriefTable(
            f"Trade from {words} by target year", by_year(run, chosen, _YEARS)
        ),
        f"{key}_parts": parts_table(made_of, origin=origin, year=year),
        f"{key}_flows": flows_table(f"Flows from {words}, {year}", flows),
    }
    return facts, tables if record is None else {**tables, f"{key}_record": record}


def _bloc(codes: Sequence[str], everyone: bool) -> str:
    """A bloc in words; ``everyone``: the two blocs together are all countries."""
    if len(codes) <= SPELLED_OUT:
        return listed(map(named, codes))
    return f"all {len(codes)} other countries" if everyone else f"{len(codes)} countries"


def _figure(run: RunResult, key: str, flows: pd.DataFrame, year: int) -> dict[str, BriefFigure]:
    """The waterfall of the largest flow; none where nothing is traded."""
    if sums(flows)[1] <= 0:
        return {}
    largest = flows.loc[flows["base_usd"].idxmax()]
    flow = tuple(str(largest[name]) for name in flow_columns(run))
    name = f"{key}_largest_flow"
    return {name: BriefFigure(name, "waterfall", {"flow": flow, "year": year})}
