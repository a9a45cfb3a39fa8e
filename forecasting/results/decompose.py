"""From the year of the origin to the forecast in USD, part by part, for any group of flows.

Attributions are logarithms of one flow each, and logarithms of different flows do not add up. Each
is turned into USD with the logarithmic mean of what it leads from and to (LMDI-I, Ang 2005,
doi:10.1016/j.enpol.2003.10.010): then the parts of every flow, and so of every group, sum to its
change without a remainder.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.explanation.reallocation import log_mean
from forecasting.explanation.terms import TERM_LABELS, TOTAL_TERMS
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_year


def decompose(run: RunResult, chosen: pd.Series[bool], *, year: int | None = None) -> pd.DataFrame:
    """Split the change of a group of flows into totals and channels.

    Channels are net of what the totals take back (`reallocation.net_of_totals`): over all partners
    of a country they sum to nothing, because its total is the base's.

    Parameters
    ----------
    run
        Finished.
    chosen
        Which rows of ``run.forecasts`` belong to the group, in any year.
    year
        Target year; by default the nearest.

    Returns
    -------
    DataFrame
        ``stage`` (``base``: from the origin's value to the base; ``shift``: from there to the
        forecast), ``term``, ``label``, ``usd``, and ``percent``, of the group's value at the
        origin (NaN where that is 0). ``usd`` of each stage sums to the change it explains. Flows
        that are forecast to stop have no attributions and make a part of their own in both.
    """
    target = check_year(run.forecasts, year)
    flows = run.forecasts[chosen & (run.forecasts["target_year"] == target)]
    rows = run.attributions.loc[_explained(run, chosen, target)]
    origin, base, forecast = (
        rows[name].to_numpy(dtype=np.float64) for name in ("value_origin", "base", "forecast")
    )
    first, second = log_mean(base, origin) / 100.0, log_mean(forecast, base) / 100.0
    parts = [
        ("base", f"total:{name}", float(first @ rows[f"total:{name}"].to_numpy(np.float64)))
        for name in TOTAL_TERMS
    ]
    shift = [str(name) for name in rows if str(name).startswith("net:")]
    parts += [("shift", name, float(second @ rows[name].to_numpy(np.float64))) for name in shift]
    stops = flows[(flows["value_origin"] > 0) & (flows["forecast"] <= 0)]
    if len(stops):
        moved = float((stops["base"] - stops["value_origin"]).sum())
        parts += [("base", "stops", moved), ("shift", "stops", -float(stops["base"].sum()))]
    table = pd.DataFrame(parts, columns=["stage", "term", "usd"])
    table.insert(2, "label", table["term"].map(TERM_LABELS))
    start = float(flows["value_origin"].sum())
    table["percent"] = 100.0 * table["usd"] / start if start > 0 else np.nan
    return table.sort_values("stage", kind="stable", ignore_index=True)


def _explained(run: RunResult, chosen: pd.Series[bool], year: int) -> pd.Series[bool]:
    """Which rows of the attributions are of chosen flows in a target year."""
    forecasts, rows = run.forecasts, run.attributions
    keys = [name for name in ("exporter", "importer", "sector") if name in forecasts]
    wanted = forecasts.loc[chosen & (forecasts["target_year"] == year), keys]
    codes = pd.MultiIndex.from_frame(wanted.astype(str))
    here = rows["target_year"] == year
    out = pd.Series(False, index=rows.index)
    out[here] = pd.MultiIndex.from_frame(rows.loc[here, keys].astype(str)).isin(codes)
    return out
