"""What a flow or a group of flows is made of: parts in USD, as tables and as facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.feature import CHANNELS, TECHNOLOGY
from forecasting.briefs.brief import BriefTable
from forecasting.explanation.reallocation import log_mean
from forecasting.explanation.terms import TERM_LABELS
from forecasting.results.channel_evidence import TOGETHER, has_data, out_of_sample
from forecasting.results.decompose import decompose, explained
from forecasting.results.result import RunResult
from forecasting.results.subjects import flow_columns
from forecasting.words.numbers import change, lower_first, whole_usd

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


@dataclass(frozen=True, slots=True)
class Part:
    """A named part of a change: USD, and percent of where the change starts."""

    name: str
    usd: float
    percent: float


@dataclass(frozen=True, slots=True)
class Change:
    """A change and its parts: all of those of the base, the largest of those of the shift."""

    usd: float
    percent: float
    parts: tuple[Part, ...]


def base_change(table: pd.DataFrame, *, start: float, base: float) -> Change:
    """The stage from the origin to the base, with every part of `parts` that is a dollar."""
    table = table[table["usd"].map(whole_usd) != 0]
    return Change(base - start, change(start, base), _parts(table))


def shift_change(table: pd.DataFrame, *, base: float, forecast: float) -> Change:
    """The stage from the base to the forecast, with its largest parts."""
    size = table["usd"].abs().sort_values(ascending=False, kind="stable")
    top = table.loc[size[size > NEGLIGIBLE * base].index].head(NAMED)
    return Change(forecast - base, change(base, forecast), _parts(top))


def _parts(table: pd.DataFrame) -> tuple[Part, ...]:
    return tuple(
        Part(lower_first(row["part"]), float(row["usd"]), float(row["percent"]))
        for row in table.to_dict("records")
    )


# Flow by flow -------------------------------------------------------------------------------------


def channel_shifts(run: RunResult, chosen: pd.Series[bool], year: int) -> pd.DataFrame:
    """USD that each channel contributes to each flow of a group; `decompose` flow by flow.

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


def largest_parts(terms: pd.Series[float]) -> tuple[Part, ...]:
    """The largest of several reasons, USD by term of `TERM_LABELS`, without percent.

    What changes with the horizon alone is a reason for no flow in particular.
    """
    order = terms.abs().sort_values(ascending=False, kind="stable").index
    top = [name for name in order if terms[name] != 0 and name != f"{NET}horizon"][:NAMED]
    return tuple(
        Part(lower_first(TERM_LABELS[str(name)]), float(terms[name]), np.nan) for name in top
    )


# Technology ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Technology:
    """The technology channels, and what the forecasts lose without them.

    Attributes
    ----------
    names
        Of the channels, in words.
    tested
        Whether forecasts were made without them.
    absent
        Channels of which the data hold nothing.
    wape, log_mae
        Change of the errors without them, percent, mean over horizons.
    tests, helps, hurts
        Tests, and those that find the forecasts better and worse with them.
    """

    names: tuple[str, ...]
    tested: bool
    wape: float
    log_mae: float
    tests: int
    helps: int
    hurts: int
    absent: tuple[str, ...] = ()


def technology_of(run: RunResult) -> Technology:
    """Facts of the technology channels."""
    labels = {name: lower_first(label) for name, label in CHANNELS.items() if name in TECHNOLOGY}
    names = tuple(labels.values())
    absent = tuple(label for name, label in labels.items() if not has_data(run, name))
    table = out_of_sample(run)
    rows = table[table["channel"] == TOGETHER]
    if rows.empty:
        return Technology(names, False, np.nan, np.nan, 0, 0, 0, absent)
    row = rows.iloc[0]
    tests, helps, hurts = (int(row[name]) for name in ("tests", "helps", "hurts"))
    wape, log_mae = (float(row[name]) for name in ("wape_change", "log_mae_change"))
    return Technology(names, True, wape, log_mae, tests, helps, hurts, absent)
