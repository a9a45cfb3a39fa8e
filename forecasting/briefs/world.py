"""The brief of a year: where the pattern of world trade is forecast to shift, and why."""

from __future__ import annotations

import pandas as pd

from forecasting.briefs.brief import Brief, BriefFigure, BriefSection, BriefTable, closing
from forecasting.briefs.movers import (
    SHOWN,
    by_year,
    certainty,
    flows_in,
    flows_table,
    moved,
    movers,
    stopping,
    sums,
)
from forecasting.briefs.parts import (
    NET,
    channel_shifts,
    technology_names,
    technology_terms,
    technology_worth,
    terms_of,
)
from forecasting.briefs.track_record import (
    NO_RECORD,
    accuracy_words,
    record_caption,
)
from forecasting.explanation.terms import TERM_LABELS
from forecasting.results.channel_evidence import out_of_sample
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_year, flow_columns, origin_of
from forecasting.words.numbers import (
    change,
    listed,
    lower_first,
    money,
    plural,
    points,
    share,
)
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE

NAMED = 3
"""Channels that a sentence names."""


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
    everything = pd.Series(True, index=run.forecasts.index)
    flows = flows_in(run, everything, target)
    shifts = channel_shifts(run, everything, target)
    record = _record(run)
    tables = {
        "years": _years(run, everything),
        "flows": flows_table(f"Flows, {target}", flows),
        "channels": _channels(run, shifts, flows),
        **_stops(flows),
        **({} if record is None else {"record": record}),
    }
    sections = (
        BriefSection("Largest shifts", (*movers(flows, flow_columns(run)), certainty(flows)),
                     ("years", "flows"), ("heatmap",)),
        BriefSection("Channels", _channel_words(run, shifts, flows), ("channels",)),
        BriefSection("Flows that stop and start", _stop_words(run, flows),
                     tuple(name for name in ("stops",) if name in tables)),
        BriefSection("Track record", (_record_words(record, target - origin_of(run)),),
                     () if record is None else ("record",)),
        closing(exact=run.explanation.exact),
    )  # fmt: skip
    return Brief(
        title=f"World trade: forecast shifts, {target}",
        summary=_summary(run, flows, target),
        sections=sections,
        tables=tables,
        figures={"heatmap": BriefFigure("heatmap", "heatmap", {"year": target})},
    )


def _summary(run: RunResult, flows: pd.DataFrame, year: int) -> tuple[str, ...]:
    start, base, _ = sums(flows)
    shift = moved(flows["shift_usd"])
    return (
        f"World trade of {year}: {money(base)}, {points(change(start, base), sign=True)} against "
        f"{origin_of(run)}.",
        f"Of it {money(shift)} ({points(share(shift, base))}) is forecast to move from some flows "
        "to others, beyond what the growth of countries brings.",
        f"Forecast to stop: {len(stopping(flows)):,} of {len(flows):,} flows.",
    )


def _years(run: RunResult, everything: pd.Series[bool]) -> BriefTable:
    columns = ("target_year", "value_at_origin_usd", "total_usd", "growth_percent", "moves_usd",
               "moves_percent", "excludes_no_shift", "forecast_to_stop")  # fmt: skip
    return BriefTable(
        "World trade by target year. Moves: what moves from some flows to others, half the sum of "
        "absolute shifts. Then numbers of flows: whose 90% interval excludes no shift, and that "
        "are forecast to stop",
        by_year(run, everything, columns),
    )


# Channels -----------------------------------------------------------------------------------------


def _channels(run: RunResult, shifts: pd.DataFrame, flows: pd.DataFrame) -> BriefTable:
    base = float(flows["base_usd"].sum())
    tests = out_of_sample(run).set_index("channel")
    groups = {name: [name] for name in terms_of(shifts)}
    groups["technology"] = technology_terms(shifts)
    rows = []
    for name, terms in groups.items():
        usd = moved(shifts[terms])
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
        "What each channel moves from some flows to others (half the sum of absolute "
        "contributions), and in percent of world trade; beside it how many tests find the "
        "forecasts better or worse with the channel than without it",
        table.astype(dict.fromkeys(counts, "Int64")),
    )


def _channel_words(run: RunResult, shifts: pd.DataFrame, flows: pd.DataFrame) -> tuple[str, ...]:
    base = float(flows["base_usd"].sum())
    sizes = {name: moved(shifts[name]) for name in terms_of(shifts)}
    top = sorted(sizes, key=lambda name: -sizes[name])[:NAMED]
    words = listed(f"{money(sizes[name])} by {lower_first(TERM_LABELS[name])}" for name in top)
    together = moved(shifts[technology_terms(shifts)])
    return (
        f"Taken one by one, the channels move {words}. They partly offset each other: all together "
        f"they move {money(moved(shifts[terms_of(shifts)]))}.",
        f"The technology channels, {technology_names()}, together move {money(together)}, "
        f"{points(share(together, base))} of world trade.",
        technology_worth(run),
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


def _stop_words(run: RunResult, flows: pd.DataFrame) -> tuple[str, ...]:
    stops, absent = stopping(flows), flows[flows["value_at_origin_usd"] <= 0]
    expected = float((absent["probability_of_trade_percent"] / 100.0).sum())
    return (
        f"Forecast to stop: {plural(len(stops), 'flow')}, worth "
        f"{money(float(stops['value_at_origin_usd'].sum()))} in {origin_of(run)}. Such trade is "
        "less likely than not, and small beside the totals of both countries.",
        f"Without trade in {origin_of(run)}: {plural(len(absent), 'flow')}. Their forecast stays "
        f"zero; by their probabilities of trade about {expected:,.0f} of them start.",
    )


# Track record -------------------------------------------------------------------------------------


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
    return BriefTable(record_caption(run, of="all flows"), pd.DataFrame(rows))


def _record_words(record: BriefTable | None, horizon: int) -> str:
    if record is None:
        return NO_RECORD
    row = record.frame.set_index("horizon").loc[horizon]
    return f"{accuracy_words(row, horizon, of='all flows')}."
