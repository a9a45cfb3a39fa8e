"""Forecasts that start from reports: the nowcast of the year after an origin, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from features.catalogue import origin_matrix
from features.data.panel import TradePanel
from features.feature import Feature
from features.information import AsOfRule, DataBundle, InformationSet
from models.design import origin_value
from models.flow_model import Known, ReportedStart
from models.forecaster import ShiftForecaster, base_forecast, unlikely
from models.known_totals import carried_totals
from models.nowcast import TRAINING_ORIGINS, ImpliedLevels, Nowcast, implied_levels, reportable
from models.totals import forecast_totals

Vector = NDArray[np.float64]


@dataclass
class Nowcasts:
    """Nowcasts by origin, each fitted on the origins before it.

    Parameters
    ----------
    bundle
        All data.
    rule
        Gives the as-of date of each origin.
    infos
        Information sets by origin.
    own
        Features of the user's own series.
    seed
        Of every fit.
    """

    bundle: DataBundle
    rule: AsOfRule
    infos: Mapping[int, InformationSet]
    own: Sequence[Feature]
    seed: int
    _implied: dict[int, ImpliedLevels] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def year_ends(self) -> dict[int, InformationSet]:
        """What is known of each year when its flows are nowcast, by that year.

        The as-of date is one year earlier after the year than in other settings, and the flows of
        the year itself are taken to be known: what a booster learns from to forecast from a
        nowcast.
        """
        fresh = _reopened(self.bundle)
        return {year: self._year_end(fresh, year) for year in self.infos}

    def known(self, known: Known, main: ShiftForecaster) -> Known:
        """What is known at an origin, with the nowcast and what follows from it.

        Parameters
        ----------
        known
            What is known without reports.
        main
            The fitted main model: it nowcasts the flows that neither side has reported.
        """
        origin = known.origin
        (other,) = main.flow_forecasts(replace(known, horizons=(1,))).values()
        value, chance = self.flows(origin, other.forecast, known.chance[1])
        year, horizons = origin + 1, [horizon - 1 for horizon in known.horizons if horizon > 1]
        infos = self.after(origin, value)
        ahead = Known(
            infos=infos,
            origin=year,
            horizons=horizons,
            features=origin_matrix(infos[year], own=self.own),
            totals=forecast_totals(infos, origin=year, horizons=horizons) if horizons else {},
            training=known.training,
        )
        return replace(known, start=ReportedStart(self.levels(origin), value, chance, ahead))

    def flows(self, origin: int, other: Vector, other_chance: Vector) -> tuple[Vector, Vector]:
        """Nowcast of the year after an origin, USD, and its probability of trade.

        Parameters
        ----------
        origin
            Calendar year.
        other, other_chance
            What flows take that neither side has reported, shape ``[flow]``.
        """
        implied = self.levels(origin)
        value, chance = self._fitted(origin).predict(implied)
        silent = implied.reported == 0
        value = np.where(silent, other, value)
        chance = np.where(silent, other_chance, chance)
        stops = unlikely(value, chance, flows=self.infos[origin].flows) & ~silent
        return np.where(stops, 0.0, value), chance

    def after(self, origin: int, value: Vector) -> dict[int, InformationSet]:
        """What is known when the year after an origin is nowcast, by year up to that one.

        Parameters
        ----------
        origin
            Calendar year.
        value
            The nowcast, USD, shape ``[flow]``: the flows of the last year.
        """
        year, panel = origin + 1, self.bundle.panel
        values = np.vstack([panel.values[: panel.row(origin) + 1], value.astype(np.float32)])
        years = np.arange(panel.first_year, year + 1, dtype=panel.years.dtype)
        extended = _reopened(self.bundle, replace(panel, values=values, years=years))
        return {
            before: self._year_end(extended, before) for before in range(panel.first_year, year + 1)
        }

    def levels(self, origin: int) -> ImpliedLevels:
        """What reports out at the as-of date imply of the year after the origin."""
        with self._lock:
            if origin not in self._implied:
                info = self.infos[origin]
                reports = info.reports
                assert reports is not None, "the data have no reports"
                totals = carried_totals(info, horizon=1)
                base = base_forecast(origin_value(info), flows=info.flows, totals=totals).base
                self._implied[origin] = implied_levels(info, reports, base=base)
            return self._implied[origin]

    def _fitted(self, origin: int) -> Nowcast:
        earliest = max(origin - TRAINING_ORIGINS, self.bundle.panel.first_year)
        past = {before: self._outcome(before) for before in range(earliest, origin)}
        return Nowcast(seed=self.seed).fit(past)

    def _outcome(self, origin: int) -> tuple[ImpliedLevels, Vector]:
        """What reports implied at an origin, and what became of the flows that can be reported."""
        implied, panel = self.levels(origin), self.bundle.panel
        flows = self.infos[origin].flows
        actual = panel.values[panel.row(origin + 1), : flows.size].astype(np.float64)
        possible = reportable(implied.reported, flows)
        if possible.any():
            actual[~possible] = np.nan
        return implied, actual

    def _year_end(self, bundle: DataBundle, year: int) -> InformationSet:
        as_of = self.rule.date(year - 1)
        return InformationSet(bundle, as_of=as_of, origin=year, setting="reports_known")


def _reopened(bundle: DataBundle, panel: TradePanel | None = None) -> DataBundle:
    """The data with trade that is out when its year ends."""
    return DataBundle(
        bundle.panel if panel is None else panel,
        indicators=bundle.indicators,
        pairs=bundle.pairs,
        sectors=bundle.sectors,
        trade_lag_months=0,
        monthly=bundle.monthly,
    )
