"""How past forecasts of exactly the same sum came out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from forecasting.distribution.past_forecasts import past_forecasts
from forecasting.distribution.selections import Selection, selections
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import flow_columns

TOO_LOW, TOO_HIGH = "always too low", "always too high"
_COLUMNS = ["selection", "setting", "horizon", "origin", "target_year", "forecast", "actual",
            "ratio"]  # fmt: skip
FEWEST_FLAGGED = 3
"""Fewest origins that a flag rests on: one or two forecasts on the same side say nothing."""


def outcomes_by_origin(run: RunResult, of: str | Sequence[str]) -> pd.DataFrame:
    """Outcome and forecast of sums at every past origin and horizon.

    Parameters
    ----------
    run
        Finished.
    of
        See `forecasting.distribution.selections`.

    Returns
    -------
    DataFrame
        ``selection, setting, horizon, origin, target_year, forecast, actual`` (USD, of the flows
        whose outcome is known) and ``ratio``, outcome / forecast. Groups whose members change have
        those of the origin year.

    Raises
    ------
    InputError
        If a selection is not possible, or it is a forecast by a model saved without its past.
    """
    chosen = selections(run.forecasts, of)
    setting, names, rows = record_setting(run), flow_columns(run), past_forecasts(run)
    rows = rows[rows["actual"].notna()]
    flow, keys = rows.groupby(names, observed=True, sort=False).ngroup(), rows[names]
    keys = keys.drop_duplicates(ignore_index=True)
    found, known = [], dict[Hashable, NDArray[np.intp]]()
    for (horizon, origin), block in rows.groupby(["horizon", "origin"], sort=True):
        values = np.zeros((len(keys), 2))
        values[flow[block.index]] = block[["forecast", "actual"]]
        sums = _membership(chosen, keys, int(origin), known) @ values
        at = pd.DataFrame(sums, columns=["forecast", "actual"])
        texts = [one.text for one in chosen]
        found.append(at.assign(selection=texts, horizon=horizon, origin=origin))
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=_COLUMNS[:-1])
    table["ratio"] = (table["actual"] / table["forecast"]).where(table["forecast"] > 0)
    table = table.assign(setting=setting, target_year=table["origin"] + table["horizon"])[_COLUMNS]
    order = {one.text: number for number, one in enumerate(chosen)}
    return table.sort_values(
        ["selection", "horizon", "origin"],
        key=lambda c: c.map(order) if c.name == "selection" else c,
        ignore_index=True,
    )


def _membership(
    chosen: Sequence[Selection],
    keys: pd.DataFrame,
    origin: int,
    known: dict[Hashable, NDArray[np.intp]],
) -> csr_array:
    """Which flows each selection sums, ``[selection, flow]``; ``known`` keeps what was found."""
    members = []
    for place, one in enumerate(chosen):
        key = place, one.exporter.members(origin), one.importer.members(origin)
        if key not in known:
            known[key] = np.flatnonzero(one.rows(keys, origin))
        members.append(known[key])
    ends = np.cumsum([0, *(len(rows) for rows in members)])
    flows = np.concatenate(members)
    return csr_array((np.ones(len(flows)), flows, ends), shape=(len(chosen), len(keys)))


def past_outcomes(run: RunResult, of: str | Sequence[str]) -> pd.DataFrame:
    """How far outcomes of sums lay from their forecasts.

    Returns
    -------
    DataFrame
        One row per selection and horizon: ``selection, setting, horizon, origins, lowest, median,
        highest`` (outcome / forecast) and ``flag``: "always too low" where every outcome of at
        least three lay above its forecast, "always too high" where below; empty otherwise. A past
        bias of one sum does not predict its next error: flag, never correct.

    Raises
    ------
    InputError
        See `outcomes_by_origin`.
    """
    return summarised(outcomes_by_origin(run, of))


def summarised(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The table of `past_outcomes`, of that of `outcomes_by_origin`."""
    known = outcomes.dropna(subset="ratio")
    by = known.groupby(["selection", "setting", "horizon"], sort=False)["ratio"]
    table = by.agg(origins="size", lowest="min", median="median", highest="max").reset_index()
    enough = table["origins"] >= FEWEST_FLAGGED
    table["flag"] = np.select(
        [enough & (table["lowest"] > 1), enough & (table["highest"] < 1)], [TOO_LOW, TOO_HIGH], ""
    )
    return table
