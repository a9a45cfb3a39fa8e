"""The brief of a flow: what is forecast, how sure, of what it is made, how past forecasts fared."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.choices import REPORTS_KNOWN
from forecasting.briefs.brief import Brief, BriefFigure, BriefSection, BriefTable, closing
from forecasting.briefs.parts import NET, base_words, parts_table, shift_words, stages
from forecasting.briefs.track_record import NO_RECORD, no_outcome, read_outcomes
from forecasting.explanation.terms import TERM_LABELS
from forecasting.results.result import RunResult
from forecasting.results.subjects import (
    check_flow,
    check_year,
    flow_columns,
    origin_of,
    rows_of_flow,
    who,
)
from forecasting.words.numbers import change, lower_first, money, plural, points, share
from forecasting.words.tables import cell
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE

CHANNELS_NAMED, FEATURES_NAMED = 3, 3
"""Channels of which a brief names features, and features of each."""
_SIGNS = {"+": "plus", "-": "minus", "0": "none"}
_EXPECTED = {"+": "plus", "-": "minus", "two-sided": "either", "none": "none"}


def flow_brief(run: RunResult, flow: Sequence[str], *, year: int | None = None) -> Brief:
    """Brief of one flow.

    Parameters
    ----------
    run
        Finished.
    flow
        Exporter, importer and, where there are sectors, sector; countries by code or English name.
    year
        Target year; by default the nearest.

    Returns
    -------
    Brief
        Table ``years``; where the flow is explained ``parts`` and ``features``; where there was a
        back-test ``past_forecasts``.

    Raises
    ------
    InputError
        If the run does not know the flow, does not forecast it, or not that year.
    """
    key = check_flow(run.forecasts, flow)
    target = check_year(run.forecasts, year)
    chosen = rows_of_flow(run.forecasts, key)
    rows = run.forecasts[chosen].sort_values("target_year")
    row = rows[rows["target_year"] == target].iloc[0]
    sections = [BriefSection("Forecast", (_interval_words(row), _chance_words(row)), ("years",))]
    tables = {"years": _years(rows)}
    figures: dict[str, BriefFigure] = {}
    if min(row["value_origin"], row["base"], row["forecast"]) > 0:
        made_of, its_tables, figures = _made_of(run, chosen, row, key)
        sections += made_of
        tables |= its_tables
    else:
        sections.append(BriefSection("What it is made of", (_without_parts(row),)))
    past, table = _past(run, key, target - origin_of(run))
    sections.append(past)
    if table is not None:
        tables["past_forecasts"] = table
        figures["fan"] = BriefFigure("fan", "fan", {"flow": key})
    return Brief(
        title=f"{who(row, flow_columns(run))}: forecast of {target}",
        summary=_summary(
            row,
            who(row, flow_columns(run)),
            reported=run.provenance["setting"] == REPORTS_KNOWN,
        ),
        sections=(*sections, closing(exact=run.explanation.exact)),
        tables=tables,
        figures=figures,
    )


def _summary(row: pd.Series[Any], flow: str, *, reported: bool) -> tuple[str, ...]:
    start, base, forecast = (float(row[name]) for name in ("value_origin", "base", "forecast"))
    if start <= 0 and forecast > 0:
        return (
            f"{flow}: no trade in {row['origin']}, and trade reported since. Forecast of "
            f"{row['target_year']}: {money(forecast)}.",
        )
    if start <= 0:
        return (
            f"{flow}: no trade in {row['origin']}. The forecast of {row['target_year']} stays at "
            f"zero, and trade has a probability of {points(100 * row['probability_of_trade'])}.",
        )
    opening = f"{flow}: {money(start)} in {row['origin']}."
    if forecast <= 0:
        return (
            f"{opening} It is forecast to stop by {row['target_year']}: trade has a probability of "
            f"{points(100 * row['probability_of_trade'])}.",
        )
    return (
        f"{opening} Forecast of {row['target_year']}: {money(forecast)}, "
        f"{points(change(start, forecast), sign=True)}.",
        f"{_basis(row, reported)} alone it would be {money(base)} "
        f"({points(change(start, base), sign=True)}); the shift of the pattern is "
        f"{money(forecast - base, sign=True)} ({points(change(base, forecast), sign=True)}).",
        _certainty(row),
    )


def _basis(row: pd.Series[Any], reported: bool) -> str:
    """What the base of a row rests on."""
    totals = f"the totals of {row['target_year']}"
    if not reported:
        return f"At {totals}"
    nowcast = f"the nowcast of {row['origin'] + 1}"
    return f"By {nowcast}" if row["horizon"] == 1 else f"By {nowcast} and {totals}"


def _certainty(row: pd.Series[Any]) -> str:
    if row["lower_90"] > row["base"] or row["upper_90"] < row["base"]:
        side = "above" if row["lower_90"] > row["base"] else "below"
        return (
            f"The 90% interval lies wholly {side} the base: the direction of the shift is fairly "
            "sure."
        )
    return "The 90% interval holds the base: the direction of the shift is not sure."


def _interval_words(row: pd.Series[Any]) -> str:
    return (
        f"Half of all outcomes should lie between {money(row['lower_50'])} and "
        f"{money(row['upper_50'])}, nine in ten between {money(row['lower_90'])} and "
        f"{money(row['upper_90'])}."
    )


def _chance_words(row: pd.Series[Any]) -> str:
    return (
        f"The probability that there is any trade in {row['target_year']} is "
        f"{points(100 * row['probability_of_trade'])}."
    )


def _without_parts(row: pd.Series[Any]) -> str:
    chance = points(100 * row["probability_of_trade"])
    if row["value_origin"] <= 0 and row["forecast"] > 0:
        return "There are no contributions: they split the growth of a flow, and this one starts."
    if row["base"] <= 0:
        return (
            f"There are no contributions: they split the growth of a flow, and nothing grows from "
            f"zero. A flow without trade in {row['origin']} keeps the forecast zero; the "
            f"probability of trade, {chance}, says how likely it is to start."
        )
    return (
        "There are no contributions: they split the growth of a flow that goes on, and this one is "
        f"forecast to stop. Its probability of trade is {chance}, below one half, and its base, "
        f"{money(row['base'])}, is small beside the totals of both countries."
    )


def _years(rows: pd.DataFrame) -> BriefTable:
    table = pd.DataFrame({"target_year": rows["target_year"].astype(int)})
    table["value_at_origin_usd"] = rows["value_origin"]
    table["base_usd"], table["forecast_usd"] = rows["base"], rows["forecast"]
    for level in (50, 90):
        table[f"interval_{level}_low_usd"] = rows[f"lower_{level}"]
        table[f"interval_{level}_high_usd"] = rows[f"upper_{level}"]
    start = rows["value_origin"].where(rows["value_origin"] > 0)
    base = rows["base"].where(rows["base"] > 0)
    table["change_from_origin_percent"] = 100.0 * (rows["forecast"] / start - 1.0)
    table["shift_percent"] = 100.0 * (rows["forecast"] / base - 1.0)
    table["probability_of_trade_percent"] = 100.0 * rows["probability_of_trade"]
    return BriefTable("Every target year", table.reset_index(drop=True))


# What it is made of -------------------------------------------------------------------------------


def _made_of(
    run: RunResult, chosen: pd.Series[bool], row: pd.Series[Any], key: tuple[str, ...]
) -> tuple[list[BriefSection], dict[str, BriefTable], dict[str, BriefFigure]]:
    target = int(row["target_year"])
    origin = int(row["origin"])
    start, base, forecast = (float(row[name]) for name in ("value_origin", "base", "forecast"))
    made_of = stages(run, chosen, target)
    place = _explained_row(run, key, target)
    features = _features(run, place)
    strongest = _strongest(made_of["shift"].set_index("term")["usd"])
    figure = BriefFigure("waterfall", "waterfall", {"flow": key, "year": target})
    made = BriefSection(
        "What it is made of",
        (
            base_words(made_of["base"], start=start, base=base, origin=origin, year=target),
            shift_words(made_of["shift"], base=base, forecast=forecast),
        ),
        ("parts",),
        ("waterfall",),
    )
    named_features = BriefSection(
        "Features behind the strongest channels",
        (
            _raw_words(run, place),
            *(_channel_features(features, channel) for channel in strongest),
        ),
        ("features",),
    )
    tables = {
        "parts": parts_table(made_of, origin=origin, year=target),
        "features": _features_table(features, strongest),
    }
    return [made, named_features], tables, {"waterfall": figure}


def _strongest(shift: pd.Series[float]) -> list[str]:
    """Channels with the largest part of the shift, largest first."""
    channels = shift.drop("net:totals")
    order = channels.abs().sort_values(ascending=False, kind="stable").index
    return [str(term).removeprefix(NET) for term in order[:CHANNELS_NAMED] if channels[term] != 0]


# Features -----------------------------------------------------------------------------------------


def _explained_row(run: RunResult, key: tuple[str, ...], year: int) -> int:
    """Row of the explanation that is of a flow and target year."""
    rows = run.explanation.rows
    chosen = rows_of_flow(rows, key) & (rows["target_year"] == year)
    return int(np.flatnonzero(chosen)[0])


def _features(run: RunResult, place: int) -> pd.DataFrame:
    """Every feature of an explained flow, strongest first."""
    explanation = run.explanation
    about = run.drivers.set_index("feature").loc[list(explanation.feature_names)]
    table = pd.DataFrame(
        {
            "channel": about["channel"].to_numpy(),
            "feature": list(explanation.feature_names),
            "value": explanation.data[place].astype(np.float64),
            "unit": about["unit"].to_numpy(),
            "contribution_percent": explanation.values[place].astype(np.float64),
            "expected_direction": about["expected_sign"].map(_EXPECTED).to_numpy(),
            "found_direction": about["found_sign"].map(_SIGNS).to_numpy(),
        }
    )
    order = table["contribution_percent"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _features_table(features: pd.DataFrame, strongest: list[str]) -> BriefTable:
    shown = [
        int(place)
        for channel in strongest
        for place in features.index[features["channel"] == channel][:FEATURES_NAMED]
        if features.loc[place, "contribution_percent"] != 0
    ]
    return BriefTable(
        "Features of this flow by size of contribution. Direction: whether larger values go with "
        "larger shifts (plus) or smaller ones (minus), as expected and as found over all flows",
        features.assign(channel=[TERM_LABELS[f"{NET}{name}"] for name in features["channel"]]),
        tuple(shown),
    )


def _channel_features(features: pd.DataFrame, channel: str) -> str:
    label = lower_first(TERM_LABELS[f"{NET}{channel}"])
    rows = features[(features["channel"] == channel) & (features["contribution_percent"] != 0)]
    words = "; ".join(_feature_words(row) for row in rows.head(FEATURES_NAMED).to_dict("records"))
    return f"In {label}: {words}." if words else f"In {label} no feature contributes by itself."


def _feature_words(row: dict[Hashable, Any]) -> str:
    known = f"{cell('value', row['value'])} {row['unit']}"
    expected = {"plus": "larger", "minus": "smaller"}.get(row["expected_direction"])
    return (
        f"{row['feature'].replace('_', ' ')} "
        f"({known if np.isfinite(row['value']) else 'not known'}"
        f"{f', expected to go with {expected} shifts' if expected else ''}) "
        f"{points(row['contribution_percent'], sign=True)}"
    )


def _raw_words(run: RunResult, place: int) -> str:
    """How the model's own contributions add up, in log points."""
    explanation = run.explanation
    average, raking = (float(x[place]) for x in (explanation.base_values, explanation.raking))
    features = float(explanation.values[place].sum(dtype=np.float64))
    return (
        "What follows is the model's own, before the totals are met, in percent (100 "
        f"times log points): the average shift of its training rows, {points(average, sign=True)}, "
        f"all features, {points(features, sign=True)}, and what meeting the totals adds, "
        f"{points(raking, sign=True)}, make {points(average + features + raking, sign=True)}. A "
        "channel's part above is net of what the totals take back, so that it need not go the way "
        "its features do."
    )


# Past forecasts -----------------------------------------------------------------------------------


def _past(
    run: RunResult, key: tuple[str, ...], horizon: int
) -> tuple[BriefSection, BriefTable | None]:
    heading = "How past forecasts of this flow fared"
    names = ("exporter", "importer", "sector")
    where = [(name, "==", word) for name, word in zip(names, key, strict=False)]
    outcomes = read_outcomes(run, where=where)
    at_horizon = outcomes[outcomes["horizon"] == horizon]
    if at_horizon.empty:
        why = NO_RECORD if outcomes.empty else no_outcome(horizon)
        return BriefSection(heading, (why,)), None
    table = _past_table(outcomes)
    rows = table[table["horizon"] == horizon]
    section = BriefSection(
        heading, (_last_origin(rows), _all_origins(rows)), ("past_forecasts",), ("fan",)
    )
    order = tuple(int(place) for place in rows.index)
    return section, BriefTable(
        "Past forecasts of this flow and what became of them; errors in percent of the outcome",
        table,
        order,
    )


def _past_table(outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row an origin and horizon: outcome, forecast, and what the references forecast."""
    by = outcomes.set_index(["horizon", "origin"])
    ours, last, raked = (by[by["model"] == model] for model in (MAIN_MODEL, LAST_VALUE, RAKED_BASE))
    actual = ours["actual"].astype(np.float64)
    known = actual.where(actual > 0)
    table = pd.DataFrame({"outcome_usd": actual})
    for name, model in (("forecast", ours), ("last_value", last), ("raked_base", raked)):
        forecast = model["forecast"].astype(np.float64).reindex(actual.index)
        table[f"{name}_usd"] = forecast
        table[f"{name}_error_percent"] = 100.0 * (forecast / known - 1.0)
    table["interval_90_low_usd"] = ours["lower_90"].astype(np.float64)
    table["interval_90_high_usd"] = ours["upper_90"].astype(np.float64)
    low, high = ours["lower_90"], ours["upper_90"]
    table["inside_90"] = (ours["actual"] >= low) & (ours["actual"] <= high)
    table = table.sort_index().reset_index()
    table.insert(2, "target_year", table["origin"].astype(int) + table["horizon"].astype(int))
    return table.astype({"horizon": int, "origin": int})


def _last_origin(rows: pd.DataFrame) -> str:
    row = rows.iloc[-1]
    opening = (
        f"In {row['origin']} the forecast of {row['target_year']} would have been "
        f"{money(row['forecast_usd'])}; the outcome was {money(row['outcome_usd'])}"
    )
    if not row["outcome_usd"] > 0:
        return f"{opening}."
    return (
        f"{opening}: an error of {points(row['forecast_error_percent'], sign=True)}, where "
        f"repeating the last value gives {points(row['last_value_error_percent'], sign=True)}."
    )


def _all_origins(rows: pd.DataFrame) -> str:
    bounded = int(rows["interval_90_high_usd"].notna().sum())
    inside = f"{int(rows['inside_90'].sum())} of {bounded} outcomes were inside the 90% interval."
    total = float(rows["outcome_usd"].sum())
    if total <= 0:
        return f"In none of {len(rows)} target years there was trade. {inside}"
    errors = [
        points(share(float((rows[f"{name}_usd"] - rows["outcome_usd"]).abs().sum()), total))
        for name in ("forecast", "last_value", "raked_base")
    ]
    return (
        f"Over {plural(len(rows), 'origin')} the absolute errors sum to {errors[0]} of the trade, "
        f"against {errors[1]} for repeating the last value and {errors[2]} for the last values "
        f"scaled to the totals known. {inside}"
    )
