"""What briefs say about a country's total: what it rests on, and how it is spread over partners."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.choices import REPORTS_KNOWN
from forecasting.results.record_setting import TOTALS_NEWS, any_total_published
from forecasting.results.result import RunResult
from forecasting.results.subjects import origin_of
from forecasting.words.numbers import decimal, money, percent

OTHER_SIDE = {"exporter": "importer", "importer": "exporter"}
_WORDS = {"exporter": ("exports", "markets"), "importer": ("imports", "suppliers")}


def basis_of_total(run: RunResult, code: str, *, side: str, year: int) -> str:
    """Whether the total of a target year rests on a published one, in words.

    Published is the growth of a country's total from the origin year to the next; the feature that
    holds it is known exactly where it was used.
    """
    origin = origin_of(run)
    after = origin + 1
    as_of = str(run.forecasts["as_of"].iloc[0])
    if run.provenance["setting"] == REPORTS_KNOWN:
        if year == after:
            return (
                f"It is the sum of the nowcast of {after}: what was reported by {as_of}, and a "
                "forecast of flows that were not."
            )
        return f"It is a forecast that starts from the nowcast of {after}, made on {as_of}."
    if not any_total_published(run):
        return f"No totals after {origin} were used: the total is a forecast."
    if not _published(run, code, side):
        return (
            f"The country's own total of {after} was not published by {as_of}: its growth to "
            f"{after} starts from the median of the countries that had published theirs, and the "
            "rest is a forecast."
        )
    if year == after:
        return (
            f"It rests on the country's total of {after}, published by {as_of}, corrected by what "
            "bilateral trade later said in earlier years."
        )
    return (
        f"It is a forecast that starts from the country's total of {after}, which was published by "
        f"{as_of}."
    )


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


def partner_spread(run: RunResult, code: str, *, side: str, year: int) -> str:
    """How concentrated a country's markets or suppliers are, now and in the forecast, in words."""
    rows = run.forecasts
    chosen = (rows[side] == code) & (rows["target_year"] == year)
    # A country is not its own market, where its sales at home are flows.
    rows = rows[chosen & (rows[OTHER_SIDE[side]] != code)]
    by = rows.groupby(OTHER_SIDE[side], observed=True)[["value_origin", "base", "forecast"]].sum()
    now, then = (decimal(effective_partners(by[name]), 1) for name in ("value_origin", "forecast"))
    flow, partners = _WORDS[side]
    share = by["forecast"].max() / by["forecast"].sum() if by["forecast"].sum() > 0 else np.nan
    return (
        f"The {flow} are spread as over {now} {partners} of equal size in {origin_of(run)} and "
        f"over {then} in the forecast (one divided by the sum of squared shares); the largest "
        f"takes {percent(share)} of {money(float(by['forecast'].sum()))}."
    )
