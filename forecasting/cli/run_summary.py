"""What ``gravicast run`` prints at its end: the forecast, past errors, and where to read on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from forecasting.distribution.draws import draws
from forecasting.evaluation.run_models import comparators
from forecasting.evaluation.significance import UNTESTED, why_untested
from forecasting.results.subjects import abroad, flow_columns, nearest_year, origin_of
from forecasting.words.flows import flow_words
from forecasting.words.labels import SETTING_LABELS
from forecasting.words.measures import sector_names
from forecasting.words.numbers import chance_words, lead, money, percent
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE

if TYPE_CHECKING:
    from forecasting.evaluation.tuning import Tuning
    from forecasting.results.result import RunResult

MOVERS = 5


def run_summary(result: RunResult) -> str:
    """The summary of a finished run, for stdout."""
    tuned = ["", *_tuned(result.tuning)] if result.tuning is not None else []
    return "\n".join([*_forecast(result), "", *_errors(result), *tuned, "", *_further(result)])


def _forecast(result: RunResult) -> Iterator[str]:
    """The world and the flows that change most, in the first year that is not over."""
    forecasts, origin = result.forecasts, origin_of(result)
    year, as_of = nearest_year(forecasts), date.fromisoformat(str(forecasts["as_of"].iloc[0])[:10])
    yield f"Forecast of {year} ({lead(year, as_of)} on {as_of}) from trade up to {origin}"
    world = draws(result, "world", years=[year]).table.iloc[0]
    yield (
        f"World: {money(world['forecast'])}, {percent(world['growth'], sign=True)} against "
        f"{origin} ({money(world['last_known'])}); nine in ten outcomes should lie between "
        f"{money(world['lower_90'])} and {money(world['upper_90'])}; "
        f"{chance_words(world['probability_of_growth'])} that it grows."
    )
    rows = forecasts[abroad(forecasts) & (forecasts["target_year"] == year)]
    sectors = sector_names(result)
    change = (rows["forecast"] - rows["value_origin"]).abs()
    yield f"Flows that change most from {origin} to {year} (nine in ten between):"
    for _, row in rows.loc[change.nlargest(MOVERS).index].iterrows():
        yield (
            f"  {flow_words(row, flow_columns(result), sectors)}: "
            f"{money(row['forecast'] - row['value_origin'], sign=True)} to "
            f"{money(row['forecast'])} ({money(row['lower_90'])} to {money(row['upper_90'])})"
        )


def _errors(result: RunResult) -> Iterator[str]:
    """Errors of ours and of the two plain rules, in percent of trade."""
    yield (
        "How good such forecasts have been: errors in percent of trade (WAPE), mean over past "
        "origins, by years ahead"
    )
    everything = result.scores[result.scores["stratum"] == "all"]
    compared = [model.name for model in comparators(result.config.compare_with)]
    told = [MAIN_MODEL, RAKED_BASE, LAST_VALUE, *compared]
    shown = everything[everything["model"].isin(told)]
    for setting in result.config.settings:
        board = shown[shown["setting"] == setting].pivot_table(
            index="model", columns="horizon", values="wape", sort=False
        )
        yield f"{SETTING_LABELS[setting]}:"
        text = (100.0 * board).to_string(
            header=[f"h={h}" for h in board], index_names=False, float_format="{:.1f}%".format
        )
        yield from text.splitlines()
    ours = everything[everything["model"] == MAIN_MODEL]
    cover = ours.groupby("horizon")["coverage_90"].agg(["min", "max"])
    low, high = (percent(float(cover[side].agg(side))) for side in ("min", "max"))
    yield f"90% intervals held {low} to {high} of outcomes, by setting and years ahead."


def _tuned(tuning: Tuning) -> Iterator[str]:
    """What tuning gained in money, by setting and horizon, with the test of each."""
    origins = tuning.trials["origin"].nunique()
    each = len(tuning.trials) // origins
    yield (
        f"Tuning: {each} trials at each of {origins} origins. WAPE against the default "
        "parameters, on later forecasts alone:"
    )
    tests = tuning.gain[tuning.gain["metric"] == "wape"]
    for row in tests.to_dict("records"):
        at = f"{SETTING_LABELS[row['setting']]}, h={row['horizon']}"
        errors = " against ".join(f"{100 * row[name]:.2f}%" for name in ("ours", "theirs"))
        if row["verdict"] == UNTESTED:
            said = f"not tested: {why_untested(origins=row['origins'])}"
        else:
            said = f"{row['verdict']}, p = {row['p_value']:.2f}, {row['origins']} origins"
        yield f"  {at}: {errors} ({said})"
    better, worse = (int((tuning.gain["verdict"] == word).sum()) for word in ("better", "worse"))
    said = f"Of {len(tuning.gain)} tests over all metrics {better} find a gain and {worse} a loss"
    defaults = "better" if worse > better else "as well"
    yield f"{said}." if better > worse else f"{said}: the default parameters do {defaults}."


def _further(result: RunResult) -> Iterator[str]:
    out = shlex.quote(str(result.out))
    first = str(result.forecasts.nlargest(1, "forecast")["exporter"].iloc[0])
    report = result.out / "report.html" if result.config.report else None
    yield f"Report: {report or f'none; `gravicast report {out}` writes it'}"
    yield f"One country: gravicast explain {out} --country {first}"
    yield f"Any sum: gravicast draws {out} --of {first}:exports"
    yield f"Every score: {result.out / 'scoreboard.md'}"
    if result.config.experiment is not None:
        from forecasting.tracking.mlflow_store import review_hint

        yield review_hint()
