"""What briefs say about a country's total: what it rests on, and how it is spread over partners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from features.choices import REPORTS_KNOWN
from forecasting.results.record_setting import TOTALS_NEWS, any_total_published
from forecasting.results.result import RunResult
from forecasting.results.subjects import origin_of

OTHER_SIDE = {"exporter": "importer", "importer": "exporter"}

Basis = Literal[
    "nowcast", "after nowcast", "no totals", "unpublished", "published", "after published"
]
"""What the total of a target year rests on: the nowcast of the year after the origin, a forecast
from it; no published totals, none of this country, its own, a forecast from its own."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How concentrated a country's markets or suppliers are.

    Attributes
    ----------
    now, then
        Partners of equal size that are as concentrated, at the origin and in the forecast.
    largest
        Share of the largest partner in the forecast.
    total
        Forecast, USD.
    """

    now: float
    then: float
    largest: float
    total: float


def basis_of_total(run: RunResult, code: str, *, side: str, year: int) -> Basis:
    """Whether the total of a target year rests on a published one.

    Published is the growth of a country's total from the origin year to the next; the feature that
    holds it is known exactly where it was used.
    """
    next_year = year == origin_of(run) + 1
    if run.provenance["setting"] == REPORTS_KNOWN:
        return "nowcast" if next_year else "after nowcast"
    if not any_total_published(run):
        return "no totals"
    if not _published(run, code, side):
        return "unpublished"
    return "published" if next_year else "after published"


def _published(run: RunResult, code: str, side: str) -> bool:
    """Whether a country's own total of the year after the origin was known to the forecast."""
    explanation = run.explanation
    chosen = (explanation.rows[side] == code).to_numpy()
    news = explanation.data[chosen][:, explanation.feature_names.index(TOTALS_NEWS[side])]
    return bool(np.isfinite(news).any())


def effective_partners(values: pd.Series[float]) -> float:
    """``1 / sum of squared shares``: how many partners of equal size are as concentrated.

    The inverse of Herfindahl and Hirschman's index; NaN without trade.
    """
    total = float(values.sum())
    return 1.0 / float(((values / total) ** 2).sum()) if total > 0 else float("nan")


def partner_spread(run: RunResult, code: str, *, side: str, year: int) -> Spread:
    """How concentrated a country's markets or suppliers are, now and in the forecast."""
    rows = run.forecasts
    chosen = (rows[side] == code) & (rows["target_year"] == year)
    # A country is not its own market, where its sales at home are flows.
    rows = rows[chosen & (rows[OTHER_SIDE[side]] != code)]
    by = rows.groupby(OTHER_SIDE[side], observed=True)[["value_origin", "forecast"]].sum()
    total = float(by["forecast"].sum())
    return Spread(
        now=effective_partners(by["value_origin"]),
        then=effective_partners(by["forecast"]),
        largest=float(by["forecast"].max() / total) if total > 0 else np.nan,
        total=total,
    )
