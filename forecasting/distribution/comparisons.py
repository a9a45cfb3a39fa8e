"""Shares and orderings of sums of flows, from the same joint draws as their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from forecasting.distribution.draws import (
    DEFAULT_LEVELS,
    checked_levels,
    draws,
    interval,
    probability_above,
)
from forecasting.distribution.joint import RunDraws, joint_draws
from forecasting.distribution.selections import selections
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_year, origin_of, years_of

_OTHER = {"exports": ("exporter", "importer"), "imports": ("importer", "exporter")}


def shares(
    run: RunResult | RunDraws,
    of: str,
    *,
    years: Sequence[int] | None = None,
    levels: Sequence[float] = DEFAULT_LEVELS,
) -> pd.DataFrame:
    """Shares of the partners in a total such as ``"DEU:exports"`` or ``"EU27:imports"``.

    Parameters
    ----------
    run
        Finished run, or its `joint_draws`.
    of
        Total of exports or imports of a country or group.
    years, levels
        See `draws`.

    Returns
    -------
    DataFrame
        One row per partner and target year, partners with the largest last known value first:
        ``selection, partner, setting, horizon, target_year, last_known, forecast`` (shares from 0
        to 1), ``lower_L, upper_L`` and ``probability_of_growth`` (that the share rises).
    """
    joint = run if isinstance(run, RunDraws) else joint_draws(run)
    result, checked = joint.run, checked_levels(levels)
    (total,) = selections(result.forecasts, of)
    rows = total.rows(joint.keys, origin_of(result))
    imports = ":imports" in of.casefold()
    partner = joint.keys[_OTHER["imports" if imports else "exports"][1]].astype("category")
    codes = np.flatnonzero(rows)
    number = partner.cat.codes.to_numpy()[codes]
    shape = (len(partner.cat.categories), len(joint.keys))
    by_partner = csr_array((np.ones(codes.size), (number, codes)), shape=shape)
    groups = vstack([by_partner, csr_array(rows[None, :].astype(np.float64))]).tocsr()
    known = years_of(result)
    wanted = [check_year(result.forecasts, year) for year in (years or known)]
    places = [known.index(year) for year in wanted]
    values = joint.sums(groups)[:, places]
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = values[:-1] / values[-1:]
        last = groups @ joint.last_known
        forecast = groups @ joint.forecast[places].T
        last, forecast = last[:-1] / last[-1], forecast[:-1] / forecast[-1:]
    traded = np.unique(number)
    order = traded[np.argsort(-np.nan_to_num(last[traded]), kind="stable")]
    names = np.asarray(partner.cat.categories, dtype=object)[order]
    table = pd.DataFrame(
        {
            "selection": total.text,
            "partner": np.repeat(names, len(wanted)),
            "setting": record_setting(result),
            "horizon": np.tile([joint.joint.horizons[p] for p in places], order.size),
            "target_year": np.tile(wanted, order.size),
            "last_known": np.repeat(last[order], len(wanted)),
            "forecast": forecast[order].ravel(),
        }
    )
    flat = drawn[order].reshape(len(table), -1)
    for level in checked:
        table[f"lower_{level:g}"], table[f"upper_{level:g}"] = interval(flat, level)
    table["probability_of_growth"] = probability_above(flat, table["last_known"].to_numpy())
    return table


def orderings(
    run: RunResult | RunDraws, of: Sequence[str], *, years: Sequence[int] | None = None
) -> pd.DataFrame:
    """Probability that one sum exceeds another, for every ordered pair of selections.

    Parameters
    ----------
    run
        Finished run, or its `joint_draws`.
    of
        At least two selections.
    years
        Target years; all by default.

    Returns
    -------
    DataFrame
        ``first, second, target_year``, ``probability_first_larger`` and ``first_larger_now``
        (whether the first exceeds the second in the last known year).
    """
    found = draws(run, of, years=years)
    by = found.table.groupby("selection", sort=False)["last_known"].first().to_numpy()
    out = []
    for a, first in enumerate(found.selections):
        for b, second in enumerate(found.selections):
            if a == b:
                continue
            gap = found.values[a] - found.values[b]
            chance = (gap > 0).mean(axis=-1) + 0.5 * (gap == 0).mean(axis=-1)
            for year, probability in zip(found.years, chance, strict=True):
                out.append((first.text, second.text, year, float(probability), by[a] > by[b]))
    columns = ["first", "second", "target_year", "probability_first_larger", "first_larger_now"]
    return pd.DataFrame(out, columns=columns)
