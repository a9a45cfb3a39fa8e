"""Flows above and below their base in a group of flows: tables, and facts for sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.briefs.brief import BriefTable, first_and_last
from forecasting.results.result import RunResult
from forecasting.results.subjects import country_name, flow_columns, years_of
from forecasting.words.flows import flow_words, sector_label
from forecasting.words.measures import sector_names
from forecasting.words.numbers import change, share

FEW = 3
"""Movers that a sentence names."""
SHOWN = 5
"""Rows that a text shows at either end of a ranking."""
SHOWN_COLUMNS = (
    "exporter",
    "importer",
    "partner",
    "partner_name",
    "sector",
    "sector_name",
    "base_usd",
    "forecast_usd",
    "shift_usd",
    "shift_percent",
    "interval_90_low_percent",
    "interval_90_high_percent",
    "excludes_no_shift",
)
"""Columns of `flows_in` that texts show."""
_SUMMED = ("value_at_origin_usd", "base_usd", "forecast_usd")


def flows_in(run: RunResult, chosen: pd.Series[bool], year: int) -> pd.DataFrame:
    """Chosen rows of the forecasts in a target year, with their shift, furthest above base first.

    Returns
    -------
    DataFrame
        Codes and names of exporter and importer, and of the sector where there is one, then
        ``value_at_origin_usd, base_usd, forecast_usd, shift_usd``; against the base
        ``shift_percent, interval_90_low_percent, interval_90_high_percent``;
        ``excludes_no_shift``, whether that interval lies wholly above or below the base; and
        ``probability_of_trade_percent``.
    """
    rows = run.forecasts[chosen & (run.forecasts["target_year"] == year)]
    out = pd.DataFrame(index=rows.index)
    for name in flow_columns(run):
        out[name] = rows[name].astype(str)
        if name != "sector":
            out[f"{name}_name"] = out[name].map(country_name)
        elif sectors := sector_names(run):
            out["sector_name"] = [sector_label(code, sectors) for code in out[name]]
    for name, of in zip(_SUMMED, ("value_origin", "base", "forecast"), strict=True):
        out[name] = rows[of].astype(np.float64)
    out["shift_usd"] = out["forecast_usd"] - out["base_usd"]
    base = out["base_usd"].where(out["base_usd"] > 0)
    out["shift_percent"] = 100.0 * out["shift_usd"] / base
    out["interval_90_low_percent"] = 100.0 * (rows["lower_90"] / base - 1.0)
    out["interval_90_high_percent"] = 100.0 * (rows["upper_90"] / base - 1.0)
    above, below = rows["lower_90"] > rows["base"], rows["upper_90"] < rows["base"]
    out["excludes_no_shift"] = (above | below) & (rows["base"] > 0)
    out["probability_of_trade_percent"] = 100.0 * rows["probability_of_trade"]
    return out.sort_values("shift_usd", ascending=False, kind="stable", ignore_index=True)


def flows_table(caption: str, flows: pd.DataFrame) -> BriefTable:
    """`flows_in` as a table of a brief, of which texts show both ends."""
    what = "furthest above the base first; shift and 90% interval in percent of the base"
    return BriefTable(f"{caption}, {what}", flows, first_and_last(len(flows), SHOWN), SHOWN_COLUMNS)


def sums(flows: pd.DataFrame) -> tuple[float, float, float]:
    """Value at the origin, base and forecast of all rows of `flows_in`, USD."""
    start, base, forecast = (float(flows[name].sum()) for name in _SUMMED)
    return start, base, forecast


def by_year(run: RunResult, chosen: pd.Series[bool], columns: Sequence[str]) -> pd.DataFrame:
    """Chosen columns of a group's sums, their changes and its flows' numbers, by target year.

    ``total_usd`` and ``growth_percent`` are of the forecast. Exports and imports have the same sum
    in the base, but for what moves to or from sales at home.
    """
    rows = []
    for year in years_of(run):
        flows = flows_in(run, chosen, year)
        start, base, forecast = sums(flows)
        rows.append(
            {
                "target_year": year,
                "value_at_origin_usd": start,
                "base_usd": base,
                "total_usd": forecast,
                "forecast_usd": forecast,
                "growth_percent": change(start, forecast),
                "change_percent": change(start, forecast),
                "shift_usd": forecast - base,
                "shift_percent": change(base, forecast),
                "moves_usd": moved_between(flows["shift_usd"]),
                "moves_percent": share(moved_between(flows["shift_usd"]), base),
                "flows": len(flows),
                "flows_above_base": int((flows["shift_usd"] > 0).sum()),
                "flows_below_base": int((flows["shift_usd"] < 0).sum()),
                "excludes_no_shift": int(flows["excludes_no_shift"].sum()),
                "forecast_to_stop": len(stopping(flows)),
            }
        )
    return pd.DataFrame(rows)[list(columns)]


def moved_between(shifts: pd.Series[float] | pd.DataFrame) -> float:
    """USD that move between flows: what some gain and others lose (rows, summed over columns).

    Where gains and losses are equal, that is half the sum of absolute shifts. They are not where
    sales at home or flows that stop, which are left out, gain or lose too.
    """
    values = shifts.sum(axis=1) if isinstance(shifts, pd.DataFrame) else shifts
    return min(float(values.clip(lower=0).sum()), -float(values.clip(upper=0).sum()))


def net(shifts: pd.Series[float] | pd.DataFrame) -> float:
    """USD that flows gain together: what their sales at home lose."""
    return float(shifts.to_numpy().sum())


def stopping(flows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `flows_in` with trade in the base and none in the forecast."""
    return flows[(flows["base_usd"] > 0) & (flows["forecast_usd"] <= 0)]


@dataclass(frozen=True, slots=True)
class Mover:
    """A flow that gains or loses against its base: USD; shift and 90% interval in percent."""

    who: str
    usd: float
    percent: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Movers:
    """Flows furthest above and below their base in a group, and how sure their directions are.

    Attributes
    ----------
    above, below
        At most `FEW` each.
    flows, sure
        Flows with a base, and those of them whose 90% interval leaves the base out.
    sure_percent
        Of the USD that move, those of the sure.
    """

    above: tuple[Mover, ...]
    below: tuple[Mover, ...]
    flows: int
    sure: int
    sure_percent: float


def movers(flows: pd.DataFrame, names: Sequence[str], sectors: Mapping[str, str]) -> Movers:
    """The largest movers of `flows_in`.

    ``names`` are the columns that name a flow, ``sectors`` the names of sectors by code.
    """
    based = flows[flows["base_usd"] > 0]
    sure = based[based["excludes_no_shift"]]
    return Movers(
        above=_movers(flows[flows["shift_usd"] > 0].head(FEW), names, sectors),
        below=_movers(flows[flows["shift_usd"] < 0].iloc[::-1].head(FEW), names, sectors),
        flows=len(based),
        sure=len(sure),
        sure_percent=share(sure["shift_usd"].abs().sum(), based["shift_usd"].abs().sum()),
    )


def _movers(
    rows: pd.DataFrame, names: Sequence[str], sectors: Mapping[str, str]
) -> tuple[Mover, ...]:
    columns = ["shift_usd", "shift_percent", "interval_90_low_percent", "interval_90_high_percent"]
    return tuple(
        Mover(flow_words(row, names, sectors), *map(float, row[columns]))
        for _, row in rows.iterrows()
    )
