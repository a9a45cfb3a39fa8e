"""Why exports or imports change, partner by partner: parts of each change that sum to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.briefs.brief import BriefTable
from forecasting.briefs.levels import ALL
from forecasting.briefs.parts import NET, Part, largest_parts
from forecasting.distribution.partners import TradeSide
from forecasting.distribution.selections import selections
from forecasting.distribution.sums import Sum
from forecasting.explanation.terms import MONTHLY_TERM
from forecasting.results.result import RunResult
from forecasting.results.subjects import origin_of

CHANNELS = 2
"""Largest parts of a shift that are named."""
NEGLIGIBLE = 1e-5
"""Share of the last known value below which they are not."""
_WORLD = ("total:world", f"total:{MONTHLY_TERM}")
"""The growth of world trade, as annual totals have it and as monthly trade corrects it."""
_OWN = {"exports": "total:exporter", "imports": "total:importer"}
_PARTNER = {"exports": "total:importer", "imports": "total:exporter"}


@dataclass(frozen=True, slots=True)
class Reason:
    """What the change of a sum is made of, each part as a share of the last known value.

    Attributes
    ----------
    name
        Of the sum.
    change
        Forecast less last known value: the sum of what follows.
    world
        Growth of world trade, with what monthly trade says of it.
    own, partner
        Growth beyond it of the country's total, and of its partners' totals.
    rest
        The rest of the base: other countries' totals, reports, technology in totals, flows that
        start and stop.
    shift
        Forecast less base.
    channels
        The largest parts of the shift in the model, USD.
    """

    name: str
    change: float
    world: float
    own: float
    partner: float
    rest: float
    shift: float
    channels: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Reasons:
    """Reasons of a side's total and partners in a target year."""

    word: str
    year: int
    rows: tuple[Reason, ...]


def reasons(run: RunResult, side: TradeSide, parts: pd.DataFrame, year: int) -> Reasons:
    """Why the sums of exports or imports change by a target year.

    Parameters
    ----------
    run
        Finished.
    side
        Whose total and partners are explained; a sum without trade in the origin year is left out.
    parts
        Of the year, by `forecasting.results.decompose.parts_by_flow`.
    year
        Target year.
    """
    shown = [one for one in (side.total, *side.partners) if one.last > 0]
    chosen = selections(run.forecasts, [one.selection for one in shown])
    found = []
    for one, selection in zip(shown, chosen, strict=True):
        mine = parts[selection.rows(parts, origin_of(run))]
        found.append(_reason(one, side.word, mine.select_dtypes(np.number).sum()))
    return Reasons(side.word, year, tuple(found))


def reasons_table(found: Reasons, *, origin: int) -> BriefTable:
    """Reasons as a table of a brief, in percent; partners first, as in the table of levels."""
    rows = [
        {
            "partner": ALL if place == 0 else row.name,
            "change_percent": 100 * row.change,
            "world_trade_percent": 100 * row.world,
            "own_total_percent": 100 * row.own,
            "partner_total_percent": 100 * row.partner,
            "others_percent": 100 * row.rest,
            "shift_percent": 100 * row.shift,
        }
        for place, row in enumerate(found.rows)
    ]
    return BriefTable(
        f"Why: change of {found.word} from {origin} to {found.year} in percent of {origin}, and "
        "its parts, which sum to it: growth of world trade; own total and partner's total beyond "
        "it; other totals and reports; shift of the pattern",
        pd.DataFrame([*rows[1:], *rows[:1]]),
    )


def _reason(one: Sum, word: str, usd: pd.Series[float]) -> Reason:
    last, base, forecast = (float(usd[n]) for n in ("value_origin", "base", "forecast"))
    world = float(sum(usd.get(term, 0.0) for term in _WORLD))
    parts = largest_parts(usd[usd.index.str.startswith(NET)])
    own, partner = float(usd[_OWN[word]]), float(usd[_PARTNER[word]])
    return Reason(
        name=one.name,
        change=(forecast - last) / last,
        world=world / last,
        own=own / last,
        partner=partner / last,
        rest=(base - last - world - own - partner) / last,
        shift=(forecast - base) / last,
        channels=tuple(p for p in parts[:CHANNELS] if abs(p.usd) >= NEGLIGIBLE * last),
    )
