"""The brief of a flow: what is forecast, how sure, of what it is made, how past forecasts fared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.choices import REPORTS_KNOWN
from forecasting.briefs.brief import Brief, BriefFigure, BriefTable
from forecasting.briefs.fill import fill
from forecasting.briefs.parts import (
    NET,
    Change,
    base_change,
    parts_table,
    shift_change,
    stages,
)
from forecasting.briefs.track_record import read_outcomes
from forecasting.explanation.terms import TERM_LABELS
from forecasting.results.result import RunResult
from forecasting.results.subjects import (
    check_flow,
    check_year,
    flow_columns,
    rows_of_flow,
)
from forecasting.words.features import feature_words
from forecasting.words.flows import flow_words
from forecasting.words.measures import sector_names
from forecasting.words.numbers import change, lower_first, share
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE

CHANNELS_NAMED, FEATURES_NAMED = 3, 3
"""Channels of which a brief names features, and features of each."""
_SIGNS = {"+": "plus", "-": "minus", "0": "none"}
_EXPECTED = {"+": "plus", "-": "minus", "two-sided": "either", "none": "none"}


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """A flow in a target year: USD; changes in percent; a probability from 0 to 100."""

    who: str
    origin: int
    year: int
    start: float
    base: float
    forecast: float
    lower_50: float
    upper_50: float
    lower_90: float
    upper_90: float
    chance: float
    reported: bool
    """Whether the base rests on reports of the year after the origin."""

    @property
    def horizon(self) -> int:
        """Years from the origin."""
        return self.year - self.origin

    @property
    def goes_on(self) -> bool:
        """Whether it is traded at the origin, in the base and in the forecast."""
        return min(self.start, self.base, self.forecast) > 0

    @property
    def nowcast(self) -> bool:
        """Whether the forecast is the nowcast of the year after the origin."""
        return self.reported and self.horizon == 1

    @property
    def growth(self) -> float:
        """From the origin to the forecast."""
        return change(self.start, self.forecast)

    @property
    def base_growth(self) -> float:
        """From the origin to the base."""
        return change(self.start, self.base)

    @property
    def shift(self) -> float:
        """From the base to the forecast."""
        return change(self.base, self.forecast)

    @property
    def side(self) -> str:
        """Where the 90% interval lies from the base: above, below, or nowhere in particular."""
        return (
            "above" if self.lower_90 > self.base else "below" if self.upper_90 < self.base else ""
        )


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """A feature of a flow: its value, NaN if not known, and its contribution in percent."""

    words: str
    value: float
    unit: str
    expected: str
    contribution: float


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the model adds up to before and after the totals are met, percent (log points).

    Attributes
    ----------
    average, raking
        The average shift of the training rows, and what meeting the totals adds.
    features
        All of them together.
    channels
        Features of the strongest channels, by the channel's name.
    """

    average: float
    raking: float
    features: float
    channels: dict[str, tuple[FeatureFacts, ...]]


@dataclass(frozen=True, slots=True)
class PastFacts:
    """Past forecasts of the flow at the horizon: of the last origin, USD; of all, percent.

    Attributes
    ----------
    origin, year, forecast, outcome, error, last_value_error
        Of the last origin with a known outcome.
    origins, inside, bounded, traded
        Origins; outcomes inside the 90% interval, and of how many; whether there was any trade.
    errors
        Sums of absolute errors in percent of the trade: forecast, last value, raked base.
    """

    origin: int
    year: int
    forecast: float
    outcome: float
    error: float
    last_value_error: float
    origins: int
    inside: int
    bounded: int
    traded: bool
    errors: tuple[float, ...]


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
    facts = _facts(run, rows[rows["target_year"] == target].iloc[0])
    tables, figures = {"years": _years(rows)}, dict[str, BriefFigure]()
    made_of: tuple[Change, Change] | None = None
    model: ModelFacts | None = None
    if facts.goes_on:
        parts = stages(run, chosen, target)
        made_of = (
            base_change(parts["base"], start=facts.start, base=facts.base),
            shift_change(parts["shift"], base=facts.base, forecast=facts.forecast),
        )
        tables["parts"] = parts_table(parts, origin=facts.origin, year=target)
        strongest = _strongest(parts["shift"].set_index("term")["usd"])
        place = _explained_row(run, key, target)
        features = _features(run, place)
        tables["features"] = _features_table(features, strongest)
        model = _model(run, place, features, strongest)
        figures["waterfall"] = BriefFigure("waterfall", "waterfall", {"flow": key, "year": target})
    past, table = _past(run, key, facts.horizon)
    if table is not None:
        tables["past_forecasts"] = table
        figures["fan"] = BriefFigure("fan", "fan", {"flow": key})
    return fill(
        "flow",
        exact=run.explanation.exact,
        tables=tables,
        figures=figures,
        flow=facts,
        made_of=made_of,
        model=model,
        past=past,
        back_tested=run.provenance["kind"] != "forecast",
    )


def _facts(run: RunResult, row: pd.Series[Any]) -> FlowFacts:
    return FlowFacts(
        who=flow_words(row, flow_columns(run), sector_names(run)),
        origin=int(row["origin"]),
        year=int(row["target_year"]),
        start=float(row["value_origin"]),
        base=float(row["base"]),
        forecast=float(row["forecast"]),
        lower_50=float(row["lower_50"]),
        upper_50=float(row["upper_50"]),
        lower_90=float(row["lower_90"]),
        upper_90=float(row["upper_90"]),
        chance=100 * float(row["probability_of_trade"]),
        reported=run.provenance["setting"] == REPORTS_KNOWN,
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


# What it is made of ------------------------------------------------------------------------------


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
            "feature_words": [
                feature_words(name, source) for name, source in about["source"].astype(str).items()
            ],
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
        (
            "channel",
            "feature_words",
            "value",
            "unit",
            "contribution_percent",
            "expected_direction",
            "found_direction",
        ),
    )


def _model(run: RunResult, place: int, features: pd.DataFrame, strongest: list[str]) -> ModelFacts:
    explanation, channels = run.explanation, {}
    for channel in strongest:
        rows = features[features["channel"] == channel]
        rows = rows[rows["contribution_percent"] != 0].head(FEATURES_NAMED)
        channels[lower_first(TERM_LABELS[f"{NET}{channel}"])] = tuple(
            FeatureFacts(
                lower_first(row["feature_words"]),
                row["value"],
                row["unit"],
                {"plus": "larger", "minus": "smaller"}.get(row["expected_direction"], ""),
                row["contribution_percent"],
            )
            for row in rows.to_dict("records")
        )
    return ModelFacts(
        average=float(explanation.base_values[place]),
        raking=float(explanation.raking[place]),
        features=float(explanation.values[place].sum(dtype=np.float64)),
        channels=channels,
    )


# Past forecasts -----------------------------------------------------------------------------------


def _past(
    run: RunResult, key: tuple[str, ...], horizon: int
) -> tuple[PastFacts | None, BriefTable | None]:
    names = ("exporter", "importer", "sector")
    outcomes = read_outcomes(run, where=[(n, "==", w) for n, w in zip(names, key, strict=False)])
    if outcomes[outcomes["horizon"] == horizon].empty:
        return None, None
    table = _past_table(outcomes)
    rows = table[table["horizon"] == horizon]
    row, total = rows.iloc[-1], float(rows["outcome_usd"].sum())
    off = [
        share(float((rows[f"{name}_usd"] - rows["outcome_usd"]).abs().sum()), total)
        for name in ("forecast", "last_value", "raked_base")
    ]
    facts = PastFacts(
        origin=int(row["origin"]),
        year=int(row["target_year"]),
        forecast=float(row["forecast_usd"]),
        outcome=float(row["outcome_usd"]),
        error=float(row["forecast_error_percent"]),
        last_value_error=float(row["last_value_error_percent"]),
        origins=len(rows),
        inside=int(rows["inside_90"].sum()),
        bounded=int(rows["interval_90_high_usd"].notna().sum()),
        traded=total > 0,
        errors=tuple(off),
    )
    caption = (
        "Past forecasts of this flow and what became of them; errors in percent of the outcome"
    )
    return facts, BriefTable(caption, table, tuple(int(place) for place in rows.index))


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
