"""Shares and orderings of sums of flows, from the same joint draws as their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from forecasting.distribution.draws import (
    DEFAULT_LEVELS,
    checked_levels,
    draws,
    interval,
    probability_above,
)
from forecasting.distribution.joint import RunDraws, Singles, joint_of
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
    (table,) = shares_of_totals(joint_of(run), [of], years=years, levels=levels)
    return table


def shares_of_totals(
    joint: RunDraws,
    of: Sequence[str],
    *,
    years: Sequence[int] | None = None,
    levels: Sequence[float] = DEFAULT_LEVELS,
) -> list[pd.DataFrame]:
    """`shares` of many totals at once: every call draws all flows of the run."""
    result, checked = joint.run, checked_levels(levels)
    known = years_of(result)
    wanted = [check_year(result.forecasts, year) for year in (years or known)]
    places = [known.index(year) for year in wanted]
    totals = [_Partners.of(joint, one) for one in of]
    groups = vstack([one.groups for one in totals]).tocsr()
    parts = zip(
        *(
            np.split(rows, np.cumsum([one.groups.shape[0] for one in totals])[:-1])
            for rows in (
                joint.sums(groups)[:, places],
                groups @ joint.last_known,
                groups @ joint.forecast[places].T,
            )
        ),
        strict=True,
    )
    horizons = [joint.joint.horizons[place] for place in places]
    return [
        _share_table(joint, total, *part, horizons=horizons, years=wanted, levels=checked)
        for total, part in zip(totals, parts, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Partners:
    """Flows of a total by partner.

    Attributes
    ----------
    text
        Of the selection.
    names
        Of all partners there can be.
    traded
        Those of the total, by their place among them.
    groups
        Which flows are a partner's, and last all of them, shape ``[partner + 1, flow]``.
    """

    text: str
    names: NDArray[np.object_]
    traded: NDArray[np.intp]
    groups: csr_array

    @classmethod
    def of(cls, joint: RunDraws, total: str) -> _Partners:
        (chosen,) = selections(joint.run.forecasts, total)
        rows = chosen.rows(joint.keys, origin_of(joint.run))
        imports = ":imports" in total.casefold()
        partner = joint.keys[_OTHER["imports" if imports else "exports"][1]].astype("category")
        flows = np.flatnonzero(rows)
        number = partner.cat.codes.to_numpy()[flows]
        shape = (len(partner.cat.categories), len(joint.keys))
        by_partner = csr_array((np.ones(flows.size), (number, flows)), shape=shape)
        groups = vstack([by_partner, csr_array(rows[None, :].astype(np.float64))]).tocsr()
        names = np.asarray(partner.cat.categories, dtype=object)
        return cls(chosen.text, names, np.unique(number), groups)


def _share_table(
    joint: RunDraws,
    total: _Partners,
    values: Singles,
    last: NDArray[np.float64],
    forecast: NDArray[np.float64],
    *,
    horizons: Sequence[int],
    years: Sequence[int],
    levels: Sequence[float],
) -> pd.DataFrame:
    """Shares of partners, of sums of which the last is the total."""
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = values[:-1] / values[-1:]
        last, forecast = last[:-1] / last[-1], forecast[:-1] / forecast[-1:]
    order = total.traded[np.argsort(-np.nan_to_num(last[total.traded]), kind="stable")]
    table = pd.DataFrame(
        {
            "selection": total.text,
            "partner": np.repeat(total.names[order], len(years)),
            "setting": record_setting(joint.run),
            "horizon": np.tile(horizons, order.size),
            "target_year": np.tile(years, order.size),
            "last_known": np.repeat(last[order], len(years)),
            "forecast": forecast[order].ravel(),
        }
    )
    flat = drawn[order].reshape(len(table), -1)
    for level in levels:
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
