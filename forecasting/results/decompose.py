"""The change of any group of flows from origin to forecast, split into parts in USD.

Attributions are log changes of single flows, which do not add up over flows. The logarithmic mean
of start and end turns each into USD (LMDI-I, Ang 2005, doi:10.1016/j.enpol.2003.10.010), so that
the parts of every flow, and of every group, sum to its change without a remainder.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.explanation.reallocation import log_mean
from forecasting.explanation.terms import TERM_LABELS, base_terms
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_year, flow_columns


def decompose(run: RunResult, chosen: pd.Series[bool], *, year: int | None = None) -> pd.DataFrame:
    """Split the change of a group of flows into totals and channels.

    Channels are net of the adjustment to country totals (`reallocation.net_of_totals`): over all
    partners of a country they sum to zero, because its total is the base's.

    ``chosen`` is a mask of the rows of ``run.forecasts`` in the group, in any year; ``year`` is the
    nearest by default.

    Returns
    -------
    DataFrame
        ``stage`` (``base``: from the origin's value to the base; ``shift``: from the base to the
        forecast), ``term``, ``label``, ``usd``, and ``percent`` of the group's value at the origin
        (NaN if that is 0). ``usd`` sums to the change within each stage. Flows forecast to stop
        have no attributions; they are a separate part of both stages.
    """
    target = check_year(run.forecasts, year)
    flows = run.forecasts[chosen & (run.forecasts["target_year"] == target)]
    rows = run.attributions.loc[explained(run, chosen, target)]
    origin, base, forecast = (
        rows[name].to_numpy(dtype=np.float64) for name in ("value_origin", "base", "forecast")
    )
    first, second = log_mean(base, origin) / 100.0, log_mean(forecast, base) / 100.0
    parts = [
        ("base", f"total:{name}", float(first @ rows[f"total:{name}"].to_numpy(np.float64)))
        for name in base_terms(rows)
    ]
    shift = [str(name) for name in rows if str(name).startswith("net:")]
    parts += [("shift", name, float(second @ rows[name].to_numpy(np.float64))) for name in shift]
    starts = flows.loc[(flows["value_origin"] <= 0) & (flows["base"] > 0), ["base", "forecast"]]
    if len(starts):
        begun, ends = (float(column) for column in starts.sum())
        parts += [("base", "starts", begun), ("shift", "starts", ends - begun)]
    stops = flows[(flows["value_origin"] > 0) & (flows["forecast"] <= 0)]
    if len(stops):
        moved = float((stops["base"] - stops["value_origin"]).sum())
        parts += [("base", "stops", moved), ("shift", "stops", -float(stops["base"].sum()))]
    table = pd.DataFrame(parts, columns=["stage", "term", "usd"])
    table.insert(2, "label", table["term"].map(TERM_LABELS))
    start = float(flows["value_origin"].sum())
    table["percent"] = 100.0 * table["usd"] / start if start > 0 else np.nan
    return table.sort_values("stage", kind="stable", ignore_index=True)


def explained(run: RunResult, chosen: pd.Series[bool], year: int) -> pd.Series[bool]:
    """Mask of the attributions of the chosen flows in a target year."""
    forecasts, rows, keys = run.forecasts, run.attributions, flow_columns(run)
    wanted = forecasts.loc[chosen & (forecasts["target_year"] == year), keys]
    codes = pd.MultiIndex.from_frame(wanted.astype(str))
    in_year = rows["target_year"] == year
    out = pd.Series(False, index=rows.index)
    out[in_year] = pd.MultiIndex.from_frame(rows.loc[in_year, keys].astype(str)).isin(codes)
    return out
