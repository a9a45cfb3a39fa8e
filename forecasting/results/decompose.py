"""The change of any group of flows from origin to forecast, split into parts in USD.

Attributions are log changes of single flows, which do not add up over flows. The logarithmic mean
of start and end turns each into USD (LMDI-I, Ang 2005, doi:10.1016/j.enpol.2003.10.010), so that
the parts of every flow, and of every group, sum to its change without a remainder.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
    parts = [
        (stage, term, float(weight @ rows[term].to_numpy(np.float64)))
        for stage, term, weight in _weighted(rows)
    ]
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


def parts_by_flow(run: RunResult, year: int) -> pd.DataFrame:
    """Parts of `decompose` of every flow of a target year.

    Returns
    -------
    DataFrame
        One row a flow, with the index that it has in ``run.forecasts``; its keys,
        ``value_origin, base, forecast``, and one column a term, USD. The terms of a stage sum to
        the change of a flow that was traded and is not forecast to stop; others have zeros.
    """
    keys = flow_columns(run)
    flows = run.forecasts[run.forecasts["target_year"] == year]
    rows = run.attributions[run.attributions["target_year"] == year]
    terms = pd.DataFrame(
        {term: weight * rows[term].to_numpy(np.float64) for _, term, weight in _weighted(rows)}
    )
    known = pd.MultiIndex.from_frame(rows[keys].astype(str))
    place = known.get_indexer(pd.MultiIndex.from_frame(flows[keys].astype(str)))
    usd = terms.reindex(place).fillna(0.0).set_axis(flows.index)
    return pd.concat([flows[[*keys, "value_origin", "base", "forecast"]], usd], axis=1)


def _weighted(rows: pd.DataFrame) -> Iterator[tuple[str, str, NDArray[np.float64]]]:
    """Stage and term of attributions, and what turns percent of a flow into USD."""
    origin, base, forecast = (
        rows[name].to_numpy(dtype=np.float64) for name in ("value_origin", "base", "forecast")
    )
    first, second = log_mean(base, origin) / 100.0, log_mean(forecast, base) / 100.0
    yield from (("base", f"total:{name}", first) for name in base_terms(rows))
    yield from (("shift", str(name), second) for name in rows if str(name).startswith("net:"))


def explained(run: RunResult, chosen: pd.Series[bool], year: int) -> pd.Series[bool]:
    """Mask of the attributions of the chosen flows in a target year."""
    forecasts, rows, keys = run.forecasts, run.attributions, flow_columns(run)
    wanted = forecasts.loc[chosen & (forecasts["target_year"] == year), keys]
    codes = pd.MultiIndex.from_frame(wanted.astype(str))
    in_year = rows["target_year"] == year
    out = pd.Series(False, index=rows.index)
    out[in_year] = pd.MultiIndex.from_frame(rows.loc[in_year, keys].astype(str)).isin(codes)
    return out
