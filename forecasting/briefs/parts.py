"""What a flow or a group of flows is made of: parts in USD, as tables and in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.feature import CHANNELS, TECHNOLOGY
from forecasting.briefs.brief import BriefTable
from forecasting.explanation.reallocation import log_mean
from forecasting.explanation.terms import TERM_LABELS
from forecasting.results.channel_evidence import TOGETHER, out_of_sample
from forecasting.results.decompose import decompose, explained
from forecasting.results.result import RunResult
from forecasting.results.subjects import flow_columns
from forecasting.words.numbers import change, listed, lower_first, money, points

NAMED = 3
"""Parts that a sentence names."""
NET = "net:"
NEGLIGIBLE = 1e-6
"""Share of the base up to which a part is what rounding leaves of nothing."""


# A group as a whole -------------------------------------------------------------------------------


def parts(run: RunResult, chosen: pd.Series[bool], year: int, *, stage: str) -> pd.DataFrame:
    """Parts of a group's change in one stage of `decompose`.

    Returns
    -------
    DataFrame
        ``term, part`` (in words), ``usd``, and ``percent`` of the group's value where the stage
        starts: at the origin or in the base.
    """
    table = decompose(run, chosen, year=year)
    table = table[table["stage"] == stage]
    rows = chosen & (run.forecasts["target_year"] == year)
    start = float(run.forecasts.loc[rows, "value_origin" if stage == "base" else "base"].sum())
    percent = 100.0 * table["usd"] / start if start > 0 else np.nan
    out = table[["term", "label", "usd"]].rename(columns={"label": "part"})
    return out.assign(percent=percent).reset_index(drop=True)


def stages(run: RunResult, chosen: pd.Series[bool], year: int) -> dict[str, pd.DataFrame]:
    """Both stages of `parts`: ``base`` and ``shift``."""
    return {stage: parts(run, chosen, year, stage=stage) for stage in ("base", "shift")}


def parts_table(made_of: Mapping[str, pd.DataFrame], *, origin: int, year: int) -> BriefTable:
    """Both stages as one table of a brief."""
    steps = {"base": f"{origin} to base {year}", "shift": f"base {year} to forecast"}
    table = pd.concat(
        [part.assign(step=steps[stage]) for stage, part in made_of.items()], ignore_index=True
    )
    table = table.rename(columns={"usd": "part_usd", "percent": "part_percent"})
    return BriefTable(
        "Parts of the forecast. Those of each step sum to its change; percent of the value that "
        "the step starts from",
        table[["step", "part", "part_usd", "part_percent"]],
    )


def base_words(table: pd.DataFrame, *, start: float, base: float, origin: int, year: int) -> str:
    """The stage from the origin to the base in words, every part named."""
    terms = [
        f"{lower_first(part['part'])} {both(part['usd'], part['percent'])}"
        for part in table.to_dict("records")
    ]
    return (
        f"From {origin} to the base of {year}: {both(base - start, change(start, base))}, made of "
        f"{listed(terms)}."
    )


def shift_words(table: pd.DataFrame, *, base: float, forecast: float) -> str:
    """The stage from the base to the forecast in words, its largest parts named."""
    opening = f"From the base to the forecast: {both(forecast - base, change(base, forecast))}"
    size = table["usd"].abs().sort_values(ascending=False, kind="stable")
    top = table.loc[size[size > NEGLIGIBLE * base].index].head(NAMED).to_dict("records")
    if not top:
        return (
            f"{opening}. No channel adds to this sum: over all partners of a country the parts of "
            "every channel cancel, as the country's total is given."
        )
    terms = [f"{both(part['usd'], part['percent'])} to {lower_first(part['part'])}" for part in top]
    return f"{opening}, of which the model ascribes {listed(terms)}."


def both(usd: float, percent: float) -> str:
    """A change in USD and percent."""
    return f"{money(usd, sign=True)} ({points(percent, sign=True)})"


# Flow by flow -------------------------------------------------------------------------------------


def channel_shifts(run: RunResult, chosen: pd.Series[bool], year: int) -> pd.DataFrame:
    """USD that each channel ascribes to each flow of a group; `decompose` flow by flow.

    Returns
    -------
    DataFrame
        One row an explained flow: its keys, then one column a term of the shift (``net:*``).
    """
    rows = run.attributions[explained(run, chosen, year)]
    names = rows[flow_columns(run)].astype(str)
    weight = log_mean(rows["forecast"].to_numpy(float), rows["base"].to_numpy(float)) / 100.0
    terms = {name: weight * rows[name].to_numpy(float) for name in terms_of(rows)}
    return names.assign(**terms).reset_index(drop=True)


def terms_of(table: pd.DataFrame) -> list[str]:
    """Columns that hold a term of the shift."""
    return [str(name) for name in table if str(name).startswith(NET)]


def technology_terms(table: pd.DataFrame) -> list[str]:
    """Columns that hold a technology channel."""
    return [name for name in terms_of(table) if name.removeprefix(NET) in TECHNOLOGY]


def ascribed(terms: pd.Series[float]) -> str:
    """The largest of several parts, USD by term of `TERM_LABELS`, as the model ascribes them."""
    order = terms.abs().sort_values(ascending=False, kind="stable").index
    top = [name for name in order if terms[name] != 0][:NAMED]
    return listed(
        f"{money(float(terms[name]), sign=True)} to {lower_first(TERM_LABELS[str(name)])}"
        for name in top
    )


# Technology ---------------------------------------------------------------------------------------


def technology_names() -> str:
    """The technology channels in words."""
    return listed(lower_first(label) for name, label in CHANNELS.items() if name in TECHNOLOGY)


def technology_worth(run: RunResult) -> str:
    """What the forecasts lose without the technology channels, in words."""
    table = out_of_sample(run)
    row = table[table["channel"] == TOGETHER]
    if row.empty:
        return (
            "Whether these channels improve the forecasts is another question, which this folder "
            "does not answer: it holds no forecasts made without them."
        )
    worth = row.iloc[0]
    tests, helps, hurts = (int(worth[name]) for name in ("tests", "helps", "hurts"))
    verdict = (
        f"Of {tests} tests over settings, horizons and error measures, {helps} find the forecasts "
        f"better with these channels, {hurts} find them worse, and {tests - helps - hurts} cannot "
        "tell."
        if tests
        else "There are too few back-test origins to test the difference."
    )
    return (
        "Whether these channels improve the forecasts is another question. Without them the "
        f"back-test's error in money differs by {points(worth['wape_change'], sign=True)} and its "
        f"mean log error of a flow by {points(worth['log_mae_change'], sign=True)} (mean over "
        f"horizons; plus: larger without them). {verdict}"
    )
