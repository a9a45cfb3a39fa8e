"""Intervals over time: each origin is calibrated on outcomes known at that origin."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.choices import EX_ANTE, REPORTS_KNOWN, TOTALS_KNOWN, Setting
from features.data.panel import TradePanel
from features.errors import InputError
from features.information import InformationSet
from forecasting.evaluation.fold import FoldForecast
from forecasting.evaluation.prepared import PreparedData
from models.baselines import last_value
from models.flow_traits import FlowTraits, flow_traits
from models.forecaster import base_forecast
from models.intervals import (
    FEWEST,
    RECENT_ORIGINS,
    Bounds,
    Intervals,
    Sample,
    bounds_by_group,
    fit_by_group,
    fit_intervals,
)
from models.nowcast import NOBODY, interval_groups, usd
from models.registry import MAIN_MODEL
from models.totals import forecast_totals
from models.world_growth import WorldError, world_error

Vector = NDArray[np.float64]

FIRST_CALIBRATED = 2
"""Years of history before the first origin: the fewest that show a total's growth."""


def check_outcomes(panel: TradePanel, *, horizons: Sequence[int], last_origin: int) -> None:
    """Refuse a panel with too few past flows for intervals.

    Raises
    ------
    InputError
        If the last `RECENT_ORIGINS` origins whose outcome is known at ``last_origin`` hold fewer
        than `FEWEST` flows with trade and an outcome at a horizon.
    """
    values, first = panel.values, panel.first_year + FIRST_CALIBRATED
    for horizon in horizons:
        origins = range(max(first, last_origin - horizon - RECENT_ORIGINS + 1), last_origin + 1)
        known = [
            (values[panel.row(o)] > 0) & ~np.isnan(values[panel.row(o + horizon)])
            for o in origins
            if o + horizon <= last_origin
        ]
        count = int(np.sum(known))
        if count < FEWEST:
            raise InputError(
                f"the trade table holds {count} past flows with an outcome at horizon {horizon}: "
                "too few for intervals",
                remedy=f"Give more countries or years, or shorter horizons; {FEWEST} are the least",
            )


class Calibration:
    """Residuals by setting and horizon, in time order: those of the most recent origins.

    Parameters
    ----------
    prepared
        Prepared data.
    first_origin
        First origin of the back-test. Origins before it contribute residuals of the raked base
        alone, so that the first forecasts can be calibrated; `RECENT_ORIGINS` drops them as the
        back-test goes on.
    horizons
        Years ahead.

    Notes
    -----
    Samples are added, and intervals asked for, in the order of origins: what no later origin can
    use is let go of. The kept forecasts and outcomes are single precision, as the files are:
    bounds move by 2.5e-7 of their value at most.
    """

    def __init__(
        self, prepared: PreparedData, *, first_origin: int, horizons: Iterable[int]
    ) -> None:
        self._infos = prepared.infos
        self._traits: tuple[int, FlowTraits] | None = None
        self._world: dict[tuple[Setting, int, int], WorldError] = {}
        horizons = tuple(horizons)
        # Beside those with a known outcome stand h origins that may still wait for theirs.
        self._samples: dict[tuple[Setting, int], deque[Sample]] = {
            (setting, horizon): deque(maxlen=RECENT_ORIGINS + horizon)
            for setting in prepared.infos
            for horizon in horizons
        }
        earliest = prepared.panel.first_year + FIRST_CALIBRATED
        earliest = max(earliest, first_origin - max(horizons) - RECENT_ORIGINS + 1)
        for setting in prepared.infos:
            for origin in range(earliest, first_origin):
                self._add_base(prepared, setting, origin, horizons)

    def add(self, forecast: FoldForecast) -> None:
        """Record a back-test forecast of the main model."""
        if forecast.model != MAIN_MODEL:
            raise ValueError(f"{forecast.model} is not calibrated")
        sample = _known(
            forecast.origin,
            forecast.forecast,
            forecast.actual,
            forecast.expected,
            group=None if forecast.reported is None else self._groups(forecast),
            traits=self._traits_at(forecast.origin),
        )
        self._samples[forecast.setting, forecast.horizon].append(sample)

    def bounds(self, forecast: FoldForecast) -> Bounds:
        """Bounds of a back-test forecast of the main model, see `Intervals.bounds`."""
        traits = self._traits_at(forecast.origin)
        if forecast.reported is not None:
            return bounds_by_group(
                self.nowcast_intervals(forecast.origin),
                self._groups(forecast),
                forecast.forecast,
                forecast.expected,
                traits,
            )
        intervals = self.intervals(
            setting=forecast.setting, horizon=forecast.horizon, origin=forecast.origin
        )
        return intervals.bounds(forecast.forecast, forecast.expected, traits)

    def _traits_at(self, origin: int) -> FlowTraits:
        """Traits of every flow at an origin, the same in all settings; the last are kept."""
        if self._traits is None or self._traits[0] != origin:
            info = self._last_info(next(iter(self._infos)), origin)
            self._traits = (origin, flow_traits(info.history, info.flows))
        return self._traits[1]

    def _last_info(self, setting: Setting, origin: int) -> InformationSet:
        """What is known at an origin; a forecast may start after the panel ends."""
        infos = self._infos[setting]
        return infos[max(known for known in infos if known <= origin)]

    def nowcast_intervals(self, origin: int) -> tuple[Intervals, ...]:
        """Intervals of the nowcast by `interval_groups`, from targets up to ``origin``.

        Flows that nobody could have filed are forecast without reports. Their intervals are those
        of totals known, if the run has that setting; else they come from their own past errors,
        and before there are enough of these from the errors of any other setting.
        """
        known = [s for s in self._samples[REPORTS_KNOWN, 1] if s.origin + 1 <= origin]
        by_reports = fit_by_group(known[-RECENT_ORIGINS:], groups=NOBODY)
        if (TOTALS_KNOWN, 1) in self._samples:
            return (*by_reports, self.intervals(setting=TOTALS_KNOWN, horizon=1, origin=origin))
        own = [sample.of_group(NOBODY) for sample in known]
        if sum(sample.actual.size for sample in own[-RECENT_ORIGINS:]) >= FEWEST:
            return (*by_reports, self._fitted(own, REPORTS_KNOWN, 1, origin))
        if (EX_ANTE, 1) in self._samples:
            return (*by_reports, self.intervals(setting=EX_ANTE, horizon=1, origin=origin))
        return (*by_reports, by_reports[0])

    def world_errors(self) -> pd.DataFrame:
        """Distribution of the world's error behind the intervals of each setting and origin.

        Columns ``setting, origin, horizon, scale, freedom``; see `WorldError`. A forecast without
        a row knew all growth.
        """
        rows = [
            (str(setting), origin, horizon, world.scale, world.freedom)
            for (setting, origin, horizon), world in self._world.items()
        ]
        return pd.DataFrame(rows, columns=["setting", "origin", "horizon", "scale", "freedom"])

    def let_go(self) -> None:
        """Forget every sample: after the final forecast no interval is asked for."""
        for samples in self._samples.values():
            samples.clear()

    def intervals(self, *, setting: Setting, horizon: int, origin: int) -> Intervals:
        """Intervals from every sample whose target year is at most ``origin``."""
        known = [s for s in self._samples[setting, horizon] if s.origin + horizon <= origin]
        return self._fitted(known, setting, horizon, origin)

    def _fitted(
        self, known: Sequence[Sample], setting: Setting, horizon: int, origin: int
    ) -> Intervals:
        last = self._last_info(setting, origin).origin
        world = world_error(self._infos[setting], origin=last, horizon=horizon)
        self._world[setting, origin, horizon] = world
        return fit_intervals(known, shocks=world.shocks())

    def _groups(self, forecast: FoldForecast) -> NDArray[np.int8]:
        assert forecast.reported is not None
        flows = self._infos[forecast.setting][forecast.origin].flows
        return interval_groups(forecast.reported.astype(np.int8), flows)

    def _add_base(
        self, prepared: PreparedData, setting: Setting, origin: int, horizons: tuple[int, ...]
    ) -> None:
        infos = {o: info for o, info in prepared.infos[setting].items() if o <= origin}
        info, traits = infos[origin], self._traits_at(origin)
        sample_of = partial(_known, origin, traits=traits)
        possible = tuple(h for h in horizons if origin + h <= prepared.last_origin)
        for horizon, totals in forecast_totals(infos, origin=origin, horizons=possible).items():
            base = base_forecast(last_value(info), flows=info.flows, totals=totals)
            actual = prepared.outcome(origin, horizon)
            sample = sample_of(base.forecast, actual, base.expected)
            if setting == REPORTS_KNOWN and horizon == 1:
                implied = prepared.reported(origin)
                group = interval_groups(implied.reported, info.flows)
                level = np.where(group == NOBODY, base.forecast, usd(implied.anchor))
                sample = sample_of(level, actual, base.expected, group=group)
            self._samples[setting, horizon].append(sample)


def _known(
    origin: int,
    forecast: Vector,
    actual: Vector,
    expected: Vector,
    *,
    traits: FlowTraits,
    group: NDArray[np.int8] | None = None,
) -> Sample:
    """The flows of a sample whose outcome is known, in single precision."""
    known = ~np.isnan(actual)
    columns = [
        column[known].astype(np.float32)
        for column in (forecast, actual, expected, traits.volatility)
    ]
    groups = None if group is None else group[known]
    own = FlowTraits(columns[3], traits.main[known])
    return Sample(origin, columns[0], columns[1], columns[2], groups, own)
