"""Forecasts of sums of flows with intervals and probabilities, all from the same joint draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError
from forecasting.distribution.joint import RunDraws, joint_of
from forecasting.distribution.measure_selections import MeasureSelection
from forecasting.distribution.selections import Selection, absent_members, selections
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_year, years_of

Singles = NDArray[np.float32]

DEFAULT_LEVELS = (50, 90)


@dataclass(frozen=True, slots=True)
class Draws:
    """Sums of flows: forecasts, intervals and draws.

    Attributes
    ----------
    table
        One row per selection and target year: ``selection, setting, horizon, target_year,
        last_known, forecast`` (USD), ``lower_L, upper_L`` (USD, per level L), ``growth`` (forecast
        against last known, share) and ``probability_of_growth``.
    values
        Draws, USD, shape ``[selection, year, draw]``, in the order of the table.
    selections
        What was summed.
    years
        Target years.
    """

    table: pd.DataFrame
    values: Singles
    selections: tuple[Selection, ...]
    years: tuple[int, ...]

    def notes(self) -> list[str]:
        """What the reader must know of the selections: members of groups that the run lacks."""
        return absent_members(self.selections)


def draws(
    run: RunResult | RunDraws,
    of: str | Sequence[str],
    *,
    years: Sequence[int] | None = None,
    levels: Sequence[float] = DEFAULT_LEVELS,
    n_draws: int = 200,
) -> Draws:
    """Forecast sums of flows with intervals of exactly those sums.

    Parameters
    ----------
    run
        Finished run, or forecast by its model; or its `joint_draws`, which saves time where sums
        are asked for repeatedly.
    of
        Selections such as ``"EU27:CHN"``, ``"DEU:exports"``, ``"DEU,FRA"``, ``"world"``; several
        in a sequence or separated by semicolons. See `forecasting.distribution.selections`.
    years
        Target years; all by default.
    levels
        Nominal coverage of the intervals in percent, between 0 and 100.
    n_draws
        Number of draws, a multiple of 20 from 40 up; of a `RunDraws` it is its own.

    Returns
    -------
    Draws

    Raises
    ------
    InputError
        If a selection, year or level is not possible, or the folder is of a forecast by a model
        that was saved without its past errors.
    """
    result = run.run if isinstance(run, RunDraws) else run
    chosen = selections(result.forecasts, of)
    checked = checked_levels(levels)
    known = years_of(result)
    wanted = tuple(check_year(result.forecasts, year) for year in (years or known))
    joint = joint_of(run, n_draws=n_draws, until=max(wanted))
    groups = joint.membership(chosen)
    places = [known.index(year) for year in wanted]
    values = np.ascontiguousarray(joint.sums(groups)[:, places])
    last_known = groups @ joint.last_known
    table = drawn_table(joint, chosen, wanted, last_known, groups @ joint.forecast[places].T)
    flat = with_intervals(table, values, checked)
    table["growth"] = (table["forecast"] / table["last_known"]).where(table["last_known"] > 0) - 1
    table["probability_of_growth"] = probability_above(flat, table["last_known"].to_numpy())
    return Draws(table, values, chosen, wanted)


def drawn_table(
    joint: RunDraws,
    chosen: Sequence[Selection | MeasureSelection],
    years: Sequence[int],
    last_known: NDArray[np.float64],
    forecast: NDArray[np.float64],
) -> pd.DataFrame:
    """Point forecasts, shape ``[selection, year]``, one row per selection and target year."""
    known, count = years_of(joint.run), len(chosen)
    return pd.DataFrame(
        {
            "selection": np.repeat([one.text for one in chosen], len(years)),
            "setting": record_setting(joint.run),
            "horizon": np.tile([joint.joint.horizons[known.index(y)] for y in years], count),
            "target_year": np.tile(years, count),
            "last_known": np.repeat(last_known, len(years)),
            "forecast": forecast.ravel(),
        }
    )


def with_intervals(table: pd.DataFrame, values: Singles, levels: Sequence[float]) -> Singles:
    """Give a table the bounds of its draws; returns the draws of each row."""
    flat = values.reshape(len(table), -1)
    for level in levels:
        table[f"lower_{level:g}"], table[f"upper_{level:g}"] = interval(flat, level)
    return flat


def interval(values: Singles, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper bound of a level in percent, of draws along the last axis.

    Quantiles are Hazen's, as those of a single flow (`FlowMargins.values`).
    """
    tail = (1 - level / 100) / 2
    low, high = np.quantile(values.astype(np.float64), (tail, 1 - tail), axis=-1, method="hazen")
    return low, high


def probability_above(values: Singles, threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of draws above a threshold, ties counted half; NaN where that is unknown."""
    limit = threshold.astype(np.float32)[:, None]
    chance = (values > limit).mean(axis=-1) + 0.5 * (values == limit).mean(axis=-1)
    return np.where(np.isnan(threshold), np.nan, chance)


def checked_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Levels of intervals in percent, each once; refuses one that is not between 0 and 100."""
    for level in levels:
        if not 0 < level < 100:
            raise InputError(
                f"{level:g} is not a level of an interval",
                remedy="Give percentages between 0 and 100, such as 50,90",
            )
    return tuple(dict.fromkeys(levels))
