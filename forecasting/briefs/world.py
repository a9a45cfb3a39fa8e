"""The brief of a year: where the pattern of world trade is forecast to shift, and why."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from forecasting.briefs.brief import Brief, BriefFigure, BriefTable
from forecasting.briefs.fill import fill
from forecasting.briefs.movers import (
    SHOWN,
    Movers,
    by_year,
    flows_in,
    flows_table,
    moved_between,
    movers,
    stopping,
    sums,
)
from forecasting.briefs.parts import (
    NAMED,
    NET,
    Part,
    channel_shifts,
    technology_of,
    technology_terms,
    terms_of,
)
from forecasting.briefs.track_record import PastErrors, past_errors, record_caption
from forecasting.explanation.terms import TERM_LABELS
from forecasting.results.channel_evidence import out_of_sample
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import abroad, check_year, flow_columns, origin_of
from forecasting.words.measures import sector_names
from forecasting.words.numbers import change, lower_first, share
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE


@dataclass(frozen=True, slots=True)
class WorldFacts:
    """All trade between countries in a target year: USD, percent.

    Attributes
    ----------
    origin, year
        Of the forecast.
    total, growth
        World trade, and against the origin.
    moves, moves_percent
        What moves from some flows to others.
    from_home
        What trade gains from sales at home; None where they are not among the flows.
    movers, past
        Of its flows.
    channels
        What the strongest channels move, one by one, in percent of the base.
    together, technology, technology_percent
        What all channels, and what the technology channels, move together.
    flows, stops, stops_usd
        Numbers of flows, and of those forecast to stop, with their value at the origin.
    absent, starts
        Flows without trade at the origin, and how many of them are expected to start.
    """

    origin: int
    year: int
    total: float
    growth: float
    moves: float
    moves_percent: float
    from_home: float | None
    movers: Movers
    past: PastErrors
    channels: tuple[Part, ...]
    together: float
    technology: float
    technology_percent: float
    flows: int
    stops: int
    stops_usd: float
    absent: int
    starts: float


def world_brief(run: RunResult, year: int) -> Brief:
    """Brief of all trade in a target year.

    Parameters
    ----------
    run
        Finished.
    year
        Target year.

    Returns
    -------
    Brief
        Tables ``years, flows, channels`` and, where there are any, ``stops`` (flows forecast to
        stop) and ``record``.

    Raises
    ------
    InputError
        If the run does not forecast the year.
    """
    target = check_year(run.forecasts, year)
    between = abroad(run.forecasts)
    flows = flows_in(run, between, target)
    shifts = channel_shifts(run, between, target)
    record = _record(run)
    tables = {
        "years": _years(run, between),
        "flows": flows_table(f"Flows, {target}", flows),
        "channels": _channels(run, shifts, flows),
        **_stops(flows),
        **({} if record is None else {"record": record}),
    }
    return fill(
        "world",
        exact=run.explanation.exact,
        tables=tables,
        figures={"heatmap": BriefFigure("heatmap", "heatmap", {"year": target})},
        world=_facts(run, flows, shifts, record, target),
        technology=technology_of(run),
    )


def _facts(
    run: RunResult,
    flows: pd.DataFrame,
    shifts: pd.DataFrame,
    record: BriefTable | None,
    year: int,
) -> WorldFacts:
    (start, base, total), moves = sums(flows), moved_between(flows["shift_usd"])
    stops, absent = stopping(flows), flows[flows["value_at_origin_usd"] <= 0]
    sizes = {name: moved_between(shifts[name]) for name in terms_of(shifts)}
    top = sorted(sizes, key=lambda name: -sizes[name])[:NAMED]
    technology = moved_between(shifts[technology_terms(shifts)])
    return WorldFacts(
        origin=origin_of(run),
        year=year,
        total=total,
        growth=change(start, total),
        moves=moves,
        moves_percent=share(moves, base),
        from_home=None if abroad(run.forecasts).all() else total - base,
        movers=movers(flows, flow_columns(run), sector_names(run)),
        past=past_errors(record, year - origin_of(run), of=_of(run)),
        channels=tuple(
            Part(lower_first(TERM_LABELS[n]), sizes[n], share(sizes[n], base)) for n in top
        ),
        together=moved_between(shifts[terms_of(shifts)]),
        technology=technology,
        technology_percent=share(technology, base),
        flows=len(flows),
        stops=len(stops),
        stops_usd=float(stops["value_at_origin_usd"].sum()),
        absent=len(absent),
        starts=float((absent["probability_of_trade_percent"] / 100.0).sum()),
    )


def _years(run: RunResult, between: pd.Series[bool]) -> BriefTable:
    columns = ("target_year", "value_at_origin_usd", "total_usd", "growth_percent", "moves_usd",
               "moves_percent", "excludes_no_shift", "forecast_to_stop")  # fmt: skip
    return BriefTable(
        "World trade by target year. Moves: what moves from some flows to others. Then numbers of "
        "flows: whose 90% interval excludes no shift, and that are forecast to stop",
        by_year(run, between, columns),
    )


# Channels -----------------------------------------------------------------------------------------


def _channels(run: RunResult, shifts: pd.DataFrame, flows: pd.DataFrame) -> BriefTable:
    base = float(flows["base_usd"].sum())
    tests = out_of_sample(run).set_index("channel")
    groups = {name: [name] for name in terms_of(shifts)}
    groups["technology"] = technology_terms(shifts)
    rows = []
    for name, terms in groups.items():
        usd = moved_between(shifts[terms])
        channel = name.removeprefix(NET)
        known = tests.loc[channel] if channel in tests.index else None
        rows.append(
            {
                "part": TERM_LABELS.get(name, "All technology channels"),
                "moves_usd": usd,
                "moves_percent": share(usd, base),
                **{
                    f"tests_{verdict}": pd.NA if known is None else int(known[column])
                    for verdict, column in (
                        ("made", "tests"),
                        ("better_with_it", "helps"),
                        ("worse_with_it", "hurts"),
                    )
                },
            }
        )
    table = pd.DataFrame(rows)
    counts = [name for name in table if str(name).startswith("tests_")]
    return BriefTable(
        "What each channel moves from some flows to others, and in percent of world trade; beside "
        "it how many tests find the forecasts better or worse with the channel than without it",
        table.astype(dict.fromkeys(counts, "Int64")),
    )


# Flows that stop ----------------------------------------------------------------------------------


def _stops(flows: pd.DataFrame) -> dict[str, BriefTable]:
    stops = stopping(flows).sort_values("base_usd", ascending=False, ignore_index=True)
    if stops.empty:
        return {}
    columns = ("exporter", "importer", "sector", "value_at_origin_usd", "base_usd",
               "probability_of_trade_percent")  # fmt: skip
    return {
        "stops": BriefTable(
            "Flows that are forecast to stop, largest first",
            stops,
            tuple(range(min(SHOWN, len(stops)))),
            columns,
        )
    }


# Track record -------------------------------------------------------------------------------------


def _of(run: RunResult) -> str:
    """The flows that the run's scores are of."""
    at_home = not abroad(run.forecasts).all()
    return f"all flows{', sales at home among them' * at_home}"


def _record(run: RunResult) -> BriefTable | None:
    """Errors over all flows by horizon, from the run's scores."""
    if run.scores.empty:
        return None
    in_setting = run.scores["setting"] == record_setting(run)
    scores = run.scores[in_setting & (run.scores["stratum"] == "all")]
    by = scores.set_index(["model", "horizon"])
    rows = [
        {
            "horizon": int(horizon),
            "origins": int(by.loc[(MAIN_MODEL, horizon), "origins"]),
            "wape_percent": 100 * by.loc[(MAIN_MODEL, horizon), "wape"],
            "last_value_wape_percent": 100 * by.loc[(LAST_VALUE, horizon), "wape"],
            "raked_base_wape_percent": 100 * by.loc[(RAKED_BASE, horizon), "wape"],
            "inside_90_percent": 100 * by.loc[(MAIN_MODEL, horizon), "coverage_90"],
        }
        for horizon in sorted(scores["horizon"].unique())
    ]
    return BriefTable(record_caption(run, of=_of(run)), pd.DataFrame(rows))
