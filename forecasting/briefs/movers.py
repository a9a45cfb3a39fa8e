"""Who gains and who loses: flows ranked by their shift, as a table and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecasting.results.result import RunResult
from forecasting.results.subjects import flow_columns, named
from forecasting.words.numbers import money, points

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
    "base_usd",
    "forecast_usd",
    "shift_usd",
    "shift_percent",
    "interval_90_low_percent",
    "interval_90_high_percent",
    "excludes_no_shift",
)
"""Columns of `flows_in` that texts show."""


def flows_in(run: RunResult, chosen: pd.Series[bool], year: int) -> pd.DataFrame:
    """Chosen rows of the forecasts in a target year, with their shift, largest gain first.

    Returns
    -------
    DataFrame
        Codes and names of exporter and importer, sector where there is one, then
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
            out[f"{name}_name"] = out[name].map({code: _bare(code) for code in out[name].unique()})
    for name, of in (
        ("value_at_origin", "value_origin"),
        ("base", "base"),
        ("forecast", "forecast"),
    ):
        out[f"{name}_usd"] = rows[of].astype(np.float64)
    out["shift_usd"] = out["forecast_usd"] - out["base_usd"]
    base = out["base_usd"].where(out["base_usd"] > 0)
    out["shift_percent"] = 100.0 * out["shift_usd"] / base
    out["interval_90_low_percent"] = 100.0 * (rows["lower_90"] / base - 1.0)
    out["interval_90_high_percent"] = 100.0 * (rows["upper_90"] / base - 1.0)
    above, below = rows["lower_90"] > rows["base"], rows["upper_90"] < rows["base"]
    out["excludes_no_shift"] = (above | below) & (rows["base"] > 0)
    out["probability_of_trade_percent"] = 100.0 * rows["probability_of_trade"]
    return out.sort_values("shift_usd", ascending=False, kind="stable", ignore_index=True)


def _bare(code: str) -> str:
    return named(code).removesuffix(f" ({code})")


def moved(shifts: pd.Series[float] | pd.DataFrame) -> float:
    """USD that move between flows: half the sum of absolute shifts (of rows, summed over columns).

    What moves from one flow to another is counted once.
    """
    values = shifts.sum(axis=1) if isinstance(shifts, pd.DataFrame) else shifts
    return 0.5 * float(values.abs().sum())


def stopping(flows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `flows_in` with trade in the base and none in the forecast."""
    return flows[(flows["base_usd"] > 0) & (flows["forecast_usd"] <= 0)]


def who(row: pd.Series[Any], names: Sequence[str]) -> str:
    """A flow in words; ``names`` are the columns that name it."""
    countries = " to ".join(named(str(row[name])) for name in names if name != "sector")
    return f"{countries}, {row['sector']}" if "sector" in names else countries


def movers(flows: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Largest gains and largest losses in words, a sentence each; none where there are none."""
    gains = flows[flows["shift_usd"] > 0].head(FEW)
    losses = flows[flows["shift_usd"] < 0].iloc[::-1].head(FEW)
    return [
        f"Largest {word} against the base: "
        + "; ".join(_mover(row, names) for _, row in part.iterrows())
        + "."
        for word, part in (("gains", gains), ("losses", losses))
        if len(part)
    ]


def _mover(row: pd.Series[Any], names: Sequence[str]) -> str:
    shift, low, high = (
        points(row[name], sign=True)
        for name in ("shift_percent", "interval_90_low_percent", "interval_90_high_percent")
    )
    usd = money(row["shift_usd"], sign=True)
    return f"{who(row, names)} {usd} ({shift}; 90% interval {low} to {high})"


def certainty(flows: pd.DataFrame) -> str:
    """For how many flows the interval leaves little doubt about the direction, in words."""
    rows = flows[flows["base_usd"] > 0]
    sure = rows[rows["excludes_no_shift"]]
    most = "The intervals are those of single flows and do not add up to one of a group."
    if sure.empty:
        return (
            f"For none of {len(rows):,} flows the 90% interval lies wholly above or below the "
            f"base: the direction of no single shift is sure. {most}"
        )
    part = 100.0 * sure["shift_usd"].abs().sum() / rows["shift_usd"].abs().sum()
    return (
        f"For {len(sure):,} of {len(rows):,} flows, which hold {points(part)} of the USD that "
        "move, the 90% interval lies wholly above or below the base: only there is the direction "
        f"of the shift fairly sure. {most}"
    )
