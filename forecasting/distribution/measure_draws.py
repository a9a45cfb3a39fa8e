"""Measures of the trade pattern with intervals from the joint draws of all flows.

A run prints intervals of each measure from the measure's own past errors. Those of draws agree with
the intervals of flows and exist at any level. On goods trade (99 countries, with reports; ``python
tests/benchmarks/measure_draws.py``) their 90 % interval score is 11 % better one year ahead, 5 %
two and 2 % three, and worse after that, for they are too narrow, the more so far ahead: they hold
89, 88 and 83 % of outcomes one to three years ahead and 79 % five, the run's 89 to 92 %. Draws of
the whole back-test would add a fifth to a run's time. So a run prints its own, and draws answer on
request. Births and deaths of links, where draws are hardly better, and measures of value chains
have none.

Concentration rises with the uncertainty of shares, so its draws lie above its point forecast, which
is that of the forecast flows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.regions import region_codes
from features.errors import InputError
from features.measures.catalogue import missing
from features.measures.measure import PanelContext, TradeYear
from forecasting.distribution.draws import (
    DEFAULT_LEVELS,
    checked_levels,
    drawn_table,
    probability_above,
    with_intervals,
)
from forecasting.distribution.joint import RunDraws, flow_codes, joint_of
from forecasting.distribution.measure_selections import MeasureSelection, measure_selections
from forecasting.measurement.measure_set import panel_context
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_year, countries_of, years_of
from forecasting.run_data import run_data
from models.error_factors import FlowCodes

Singles = NDArray[np.float32]
Vector = NDArray[np.float64]

MOST_NUMBERS = 100_000_000
"""Flows x years x draws in memory at once; more draws are made in several passes."""
_FROM_FILES = frozenset({"distance", "hosting", "kinds", "data"})
"""Needs of measures that only the run's data files meet."""


@dataclass(frozen=True, slots=True)
class MeasureDraws:
    """Measures of units: forecasts, intervals and draws.

    Attributes
    ----------
    table
        One row per selection and target year: ``selection, setting, horizon, target_year,
        last_known, forecast, lower_L, upper_L`` (per level L), ``change`` (forecast less last
        known), all in the measure's unit, and ``probability_of_rise``. What is last known is of
        the flows that the forecast starts from: a flow without a value in the origin year has that
        of up to three years before.
    values
        Draws, shape ``[selection, year, draw]``, in the order of the table; NaN where a draw leaves
        the measure undefined.
    selections
        What was measured.
    years
        Target years.
    """

    table: pd.DataFrame
    values: Singles
    selections: tuple[MeasureSelection, ...]
    years: tuple[int, ...]


def measure_draws(
    run: RunResult | RunDraws,
    of: str | Sequence[str],
    *,
    years: Sequence[int] | None = None,
    levels: Sequence[float] = DEFAULT_LEVELS,
    n_draws: int = 200,
) -> MeasureDraws:
    """Forecast measures of the trade pattern with intervals from joint draws of all flows.

    Parameters
    ----------
    run
        Finished run, or forecast by its model; or its `joint_draws`.
    of
        Such as ``"VNM:supplier_concentration"`` or ``"CHN:market_share:USA"``; several in a
        sequence or separated by semicolons. See `forecasting.distribution.measure_selections`.
    years
        Target years; all by default.
    levels
        Nominal coverage of the intervals in percent, between 0 and 100.
    n_draws
        Number of draws, a multiple of 20 from 40 up; of a `RunDraws` it is its own.

    Raises
    ------
    InputError
        If a selection, year or level is not possible, a measure is undefined for a unit, the data
        do not allow it, or the files that it needs have changed since the run.
    """
    result = run.run if isinstance(run, RunDraws) else run
    chosen = measure_selections(result, of)
    checked, known = checked_levels(levels), years_of(result)
    wanted = tuple(check_year(result.forecasts, year) for year in (years or known))
    context = _context(result, chosen)
    joint = joint_of(run, n_draws=n_draws, until=max(wanted))
    codes = flow_codes(joint.keys, context.countries, context.sectors)
    measured = _Measured(chosen, context, codes, joint.last_known > 0)
    places = [known.index(year) for year in wanted]
    last = measured.values(joint.last_known)
    forecast = np.stack([measured.values(joint.forecast[place]) for place in places], axis=1)
    _check_defined(chosen, forecast)
    values = _drawn(joint, measured, places)
    table = drawn_table(joint, chosen, wanted, last, forecast)
    flat = with_intervals(table, values, checked)
    table["change"] = table["forecast"] - table["last_known"]
    table["probability_of_rise"] = probability_above(flat, table["last_known"].to_numpy())
    return MeasureDraws(table, values, chosen, wanted)


def _context(run: RunResult, chosen: Sequence[MeasureSelection]) -> PanelContext:
    """Properties of the panel; files are read again only for a measure that needs them."""
    if any(one.measure.needs & _FROM_FILES for one in chosen):
        context = panel_context(run_data(run).bundle)
    else:
        table = run.forecasts
        countries = tuple(countries_of(table))
        names = sorted(table["sector"].astype(str).unique()) if "sector" in table else [""]
        regions = region_codes(countries)
        context = PanelContext(
            countries=countries,
            sectors=tuple(names),
            domestic=bool((table["exporter"].astype(str) == table["importer"].astype(str)).any()),
            region=regions if (regions >= 0).any() else None,
        )
    lacking = missing(context, tables=False)
    for one in chosen:
        if one.measure.name in lacking:
            raise InputError(
                f"the run cannot measure {one.measure.name}: {lacking[one.measure.name]}",
                remedy="Choose another measure: `gravicast measures --list` has what each needs",
                file=run.out,
            )
    return context


@dataclass(frozen=True, slots=True)
class _Measured:
    """The units asked for, as functions of all flows."""

    chosen: tuple[MeasureSelection, ...]
    context: PanelContext
    codes: FlowCodes
    traded: NDArray[np.bool_]

    def values(self, flows: NDArray[np.floating]) -> Vector:
        """The measure of each unit, shape ``[selection]``, of flows in USD, shape ``[flow]``."""
        year = TradeYear(
            self.context,
            self._cube(np.nan_to_num(flows)),
            self._cube(flows > 0),
            self._cube(self.traded) > 0,
        )
        by_name = {one.measure.name: one.measure for one in self.chosen}
        found = {name: measure.compute(year) for name, measure in by_name.items()}
        return np.array([found[one.measure.name][one.place(self.context)] for one in self.chosen])

    def _cube(self, values: NDArray[np.generic]) -> Vector:
        n, k = len(self.context.countries), len(self.context.sectors)
        cube = np.zeros((n, n, k))
        cube[self.codes.exporter, self.codes.importer, self.codes.sector] = values
        return cube


def _drawn(joint: RunDraws, measured: _Measured, places: Sequence[int]) -> Singles:
    """Every draw measured, shape ``[selection, year, draw]``."""
    n_draws = joint.joint.n_draws
    out = np.empty((len(measured.chosen), len(places), n_draws), dtype=np.float32)
    for draws, flows in _passes(joint, places):
        for draw, years in zip(range(n_draws)[draws], flows, strict=True):
            for place, year in enumerate(years):
                out[:, place, draw] = measured.values(year)
    return out


def _passes(joint: RunDraws, places: Sequence[int]) -> Iterator[tuple[slice, Singles]]:
    """Some draws of all flows at a time, USD, shape ``[draw, year, flow]``."""
    n_draws, size = joint.joint.n_draws, len(joint.keys)
    step = max(MOST_NUMBERS // (size * len(places)), 1)
    for start in range(0, n_draws, step):
        draws = slice(start, min(start + step, n_draws))
        flows = np.empty((draws.stop - start, len(places), size), dtype=np.float32)
        for part, block in joint.joint.blocks():
            flows[:, :, part] = block[places][:, :, draws].transpose(2, 0, 1)
        yield draws, flows


def _check_defined(chosen: Sequence[MeasureSelection], forecast: Vector) -> None:
    for one, values in zip(chosen, forecast, strict=True):
        if not np.isfinite(values).all():
            raise InputError(
                f"{one.text}: the measure is undefined for this unit, which trades too little",
                remedy="Choose another unit",
            )
