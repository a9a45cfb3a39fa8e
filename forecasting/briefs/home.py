"""A country's sales at home, where they are flows of the run: apart from exports and imports."""

from __future__ import annotations

from dataclasses import dataclass

from forecasting.briefs.brief import BriefTable
from forecasting.briefs.movers import by_year, flows_in, sums
from forecasting.results.result import RunResult
from forecasting.results.subjects import abroad, named, the
from forecasting.words.numbers import change

_COLUMNS = ("target_year", "value_at_origin_usd", "base_usd", "forecast_usd", "change_percent",
            "shift_usd", "shift_percent")  # fmt: skip


@dataclass(frozen=True, slots=True)
class HomeSales:
    """Sales at home in a target year: USD, percent.

    Attributes
    ----------
    last, forecast, growth
        Value of the origin year, forecast, and their change.
    shift, shift_percent
        Forecast against the base: exports and imports each gain what sales at home lose.
    table
        The same in every target year.
    """

    last: float
    forecast: float
    growth: float
    shift: float
    shift_percent: float
    table: BriefTable


def home_sales(run: RunResult, code: str, year: int) -> HomeSales | None:
    """Sales at home of a country; None where they are not among the run's flows."""
    chosen = (run.forecasts["exporter"] == code) & ~abroad(run.forecasts)
    if not chosen.any():
        return None
    last, base, forecast = sums(flows_in(run, chosen, year))
    return HomeSales(
        last=last,
        forecast=forecast,
        growth=change(last, forecast),
        shift=forecast - base,
        shift_percent=change(base, forecast),
        table=BriefTable(
            f"Sales at home of {the(named(code))} by target year, all sectors; shift: forecast "
            "less base",
            by_year(run, chosen, _COLUMNS),
        ),
    )
