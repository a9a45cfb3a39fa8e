"""`InformationSet`: what was published by a date; all features read data through it.

A feature of one's own is built from it: ``history`` (USD, shape ``[year, flow]``, two years at the
first origins), ``exporter_totals`` and ``importer_totals``, ``series(name)`` and ``latest(name)``
of an indicator by country, ``pair(name)`` by flow, ``by_sector(name)``, and ``flows``, whose
``exporter``, ``importer`` and ``sector`` lead from countries and sectors to flows.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.choices import EX_ANTE, Setting
from features.cores import cores
from features.data.flows import FlowIndex
from features.data.indicators import Indicators, IndicatorSpec
from features.data.monthly import MonthlyTrade
from features.data.pairs import PairAttributes
from features.data.panel import KnownFlows, TradePanel
from features.data.reports import Reports, SeenReports
from features.data.sectors import SectorAttributes
from features.errors import InputError

TOTALS_CHANNEL = "published_totals"
CARRY_YEARS = 3
"""A missing value is filled with the country's last observation, at most this many years old."""


def last_published_year(as_of: date, *, lag_months: int) -> int:
    """Last reference year out by ``as_of``: year y appears ``lag_months`` after its 31 December."""
    months = as_of.year * 12 + as_of.month - 1
    return (months - lag_months) // 12 - 1


@dataclass(frozen=True, slots=True)
class AsOfRule:
    """When forecasts are made, relative to the origin; 1 July of origin + 2 by default."""

    years_after_origin: int = 2
    month: int = 7
    day: int = 1

    def date(self, origin: int) -> date:
        """The as-of date of a forecast from ``origin``."""
        year = origin + self.years_after_origin
        # A rule taken from 29 February falls on the 28th in other years.
        return date(year, self.month, min(self.day, monthrange(year, self.month)[1]))


def log_totals(totals: NDArray[np.float64]) -> NDArray[np.float32]:
    """Log of totals, at least one dollar each."""
    return np.log(np.maximum(totals, 1.0)).astype(np.float32)


class DataBundle:
    """All data, published or not. Only `InformationSet` reads it.

    Parameters
    ----------
    panel
        Bilateral trade.
    indicators, pairs, sectors
        Optional; features that need them are missing without.
    trade_lag_months
        Publication lag of bilateral trade, 13 months for reconciled sources such as BACI.
    reports
        What reporters declare themselves.
    monthly
        Monthly trade of the world and its regions.
    """

    def __init__(
        self,
        panel: TradePanel,
        *,
        indicators: Indicators | None = None,
        pairs: PairAttributes | None = None,
        sectors: SectorAttributes | None = None,
        trade_lag_months: int = 13,
        reports: Reports | None = None,
        monthly: MonthlyTrade | None = None,
    ) -> None:
        self.panel = panel
        self.reports = reports
        self.monthly = monthly
        self.indicators = indicators
        self.pairs = pairs or PairAttributes()
        self.sectors = sectors
        self.trade_lag_months = trade_lag_months
        # A year's totals depend on that year alone, so computing them once for all origins and
        # handing out the published years leaks nothing and saves one pass over memory an origin.
        flows, rows = panel.flows, panel.values
        self.exporter_totals = np.stack([flows.exporter_totals(row) for row in rows])
        self.importer_totals = np.stack([flows.importer_totals(row) for row in rows])

    @cached_property
    def known_flows(self) -> KnownFlows:
        """Known flows abroad by margin and year; a year's depend on it alone."""
        return KnownFlows.of(self.panel)

    @cached_property
    def exports(self) -> NDArray[np.float64]:
        """Exporter totals without domestic sales, shape ``[year, margin]``."""
        flows = self.panel.flows
        if not flows.diagonal:
            return self.exporter_totals
        abroad = ~flows.domestic
        return np.stack([flows.exporter_totals(row * abroad) for row in self.panel.values])

    @cached_property
    def imports(self) -> NDArray[np.float64]:
        """Importer totals without domestic sales, shape ``[year, margin]``."""
        flows = self.panel.flows
        if not flows.diagonal:
            return self.importer_totals
        abroad = ~flows.domestic
        return np.stack([flows.importer_totals(row * abroad) for row in self.panel.values])

    @cached_property
    def intensity(self) -> NDArray[np.float32]:
        """``ln x_ij - ln X_i - ln M_j + ln W``, totals by sector, shape ``[year, flow]``.

        A flow without trade counts as one dollar. Like the totals, a year's depend on it alone.
        """
        return self._beside(self.exporter_totals, self.importer_totals)

    @cached_property
    def abroad_intensity(self) -> NDArray[np.float32]:
        """`intensity` beside the totals of trade abroad, shape ``[year, flow]``.

        So countries that buy mostly at home do not look as if they traded little with everybody.
        """
        if not self.panel.flows.diagonal:
            return self.intensity
        return self._beside(self.exports, self.imports)

    def _beside(
        self, exporters: NDArray[np.float64], importers: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        flows = self.panel.flows
        sectors = len(flows.sectors)
        out = np.empty_like(self.panel.values)

        def write(row: int) -> None:
            exporter, importer = exporters[row], importers[row]
            world = np.tile(exporter.reshape(-1, sectors).sum(axis=0), len(flows.countries))
            outward = log_totals(exporter) - log_totals(world)
            np.log(np.maximum(self.panel.values[row], np.float32(1.0)), out=out[row])
            out[row] -= outward[flows.exporter_margin]
            out[row] -= log_totals(importer)[flows.importer_margin]

        with ThreadPoolExecutor(cores()) as pool:
            list(pool.map(write, range(out.shape[0])))
        return out

    @cached_property
    def traded_intensity(self) -> NDArray[np.float32]:
        """``exp(intensity)``, 0 where there is no trade, shape ``[year, flow]``."""
        out = np.exp(self.intensity)
        out *= self.panel.values > 0
        return out

    def origin(self, as_of: date) -> int:
        """Last year of bilateral trade out by ``as_of``.

        Raises
        ------
        InputError
            If nothing was.
        """
        last = last_published_year(as_of, lag_months=self.trade_lag_months)
        if last < self.panel.first_year:
            first = self.panel.first_year
            raise InputError(
                f"on {as_of} no bilateral trade was published: the panel begins in {first} and "
                f"a year appears {self.trade_lag_months} months after its end",
                remedy="Choose a later as-of date",
            )
        return min(last, self.panel.last_year)


class InformationSet:
    """What was published by ``as_of``.

    Parameters
    ----------
    data
        All data.
    as_of
        The day the forecast is made.
    origin
        Last year of bilateral trade to use; by default the last one published. Never later.
    setting
        ``"totals_known"`` sees country totals published after the origin year, ``"ex_ante"`` does
        not (evaluation protocol; everything else is seen alike).

    Notes
    -----
    **Invariant.** Arrays end at the last published year, so a builder cannot see later ones.
    """

    def __init__(
        self,
        data: DataBundle,
        *,
        as_of: date,
        origin: int | None = None,
        setting: Setting = "totals_known",
    ) -> None:
        published = data.origin(as_of)
        if origin is not None and origin > published:
            raise ValueError(f"trade of {origin} was not published by {as_of}")
        self._data = data
        self.as_of = as_of
        self.setting = setting
        self.origin = published if origin is None else origin
        known = data.panel.row(self.origin) + 1
        self.flows: FlowIndex = data.panel.flows.at(known - 1)
        self.first_year = data.panel.first_year
        self.history: NDArray[np.float32] = data.panel.values[:known, : self.flows.size]
        self.exporter_totals: NDArray[np.float64] = data.exporter_totals[:known]
        self.importer_totals: NDArray[np.float64] = data.importer_totals[:known]
        self.cache: dict[str, NDArray[np.float32]] = {}
        """What features share while a matrix is built, shape ``[..., flow]``."""
        self.margins: dict[str, NDArray[np.float64]] = {}
        """What every later origin asks for again, shape ``[margin]`` or ``[margin, number]``."""
        self._last_years: dict[str, int] = {}
        self._known = known

    @property
    def intensity(self) -> NDArray[np.float32]:
        """`DataBundle.intensity` of the years up to the origin, shape ``[year, flow]``."""
        return self._data.intensity[: self._known, : self.flows.size]

    @property
    def abroad_intensity(self) -> NDArray[np.float32]:
        """`DataBundle.abroad_intensity` of the years up to the origin, shape ``[year, flow]``."""
        return self._data.abroad_intensity[: self._known, : self.flows.size]

    @property
    def known_flows(self) -> KnownFlows:
        """`DataBundle.known_flows` of the years up to the origin."""
        return self._data.known_flows.until(self._known)

    @property
    def exports(self) -> NDArray[np.float64]:
        """Exporter totals without domestic sales up to the origin, shape ``[year, margin]``."""
        return self._data.exports[: self._known]

    @property
    def imports(self) -> NDArray[np.float64]:
        """Importer totals without domestic sales up to the origin, shape ``[year, margin]``."""
        return self._data.imports[: self._known]

    @property
    def traded_intensity(self) -> NDArray[np.float32]:
        """`DataBundle.traded_intensity` of the years up to the origin, shape ``[year, flow]``."""
        return self._data.traded_intensity[: self._known, : self.flows.size]

    @property
    def n_countries(self) -> int:
        """Number of countries of the panel."""
        return len(self.flows.countries)

    @property
    def goods(self) -> NDArray[np.bool_]:
        """Which sectors are goods, shape ``[sector]``: all, without a table of sectors."""
        sectors = self._data.sectors
        return (
            np.ones(len(self.flows.sectors), dtype=np.bool_) if sectors is None else sectors.goods
        )

    @property
    def specs(self) -> Mapping[str, IndicatorSpec]:
        """Indicator catalogue: which series exist, not their values."""
        return {} if self._data.indicators is None else self._data.indicators.specs

    @cached_property
    def monthly(self) -> MonthlyTrade | None:
        """Monthly trade out by the as-of date; None without."""
        return None if self._data.monthly is None else self._data.monthly.seen(self.as_of)

    def without_monthly(self) -> InformationSet:
        """What is known but monthly trade."""
        other = copy(self)
        other.__dict__["monthly"] = None
        return other

    @property
    def reports(self) -> SeenReports | None:
        """What reporters had declared by the as-of date; None without reports."""
        reports = self._data.reports
        if reports is None:
            return None
        return reports.seen(self.as_of, origin=self.origin, size=self.flows.size)

    def has_series(self, name: str) -> bool:
        """Whether the indicator table holds a series."""
        return self._data.indicators is not None and name in self._data.indicators.values

    def has_pair(self, name: str) -> bool:
        """Whether a pair file holds an attribute."""
        return name in self._data.pairs.static or name in self._data.pairs.yearly

    def has_sector_attribute(self, name: str) -> bool:
        """Whether the table of sectors holds an attribute for some sector of the panel."""
        return bool(np.isfinite(self.sector_values(name)).any())

    def by_sector(self, name: str) -> NDArray[np.float64]:
        """An attribute of each flow's sector, shape ``[flow]``; NaN where unknown.

        Static, so known at every date: ``automation_exposure``, ``ai_exposure``,
        ``digitally_deliverable`` or ``services`` (0 or 1).
        """
        return self.sector_values(name)[self.flows.sector]

    def sector_values(self, name: str) -> NDArray[np.float64]:
        """The same attribute of each sector, shape ``[sector]``; NaN where unknown."""
        sectors = self._data.sectors
        if sectors is None:
            return np.full(len(self.flows.sectors), np.nan)
        return {
            "automation_exposure": sectors.automation_exposure,
            "ai_exposure": sectors.ai_exposure,
            "digitally_deliverable": sectors.digital.astype(np.float64),
            "services": sectors.services.astype(np.float64),
        }.get(name, np.full(len(self.flows.sectors), np.nan))

    def last_year(self, name: str) -> int:
        """Last reference year of a series published by the as-of date.

        Where it has no value at all, the last of the `CARRY_YEARS` before with one. The table's end
        is not used: another series, or a year published after the as-of date,
        may extend it.
        """
        if name not in self._last_years:
            self._last_years[name] = self._last_year(name)
        return self._last_years[name]

    def _last_year(self, name: str) -> int:
        if not self.has_series(name):
            return self.origin
        assert self._data.indicators is not None
        spec = self._data.indicators.specs[name]
        last = last_published_year(self.as_of, lag_months=spec.publication_lag_months)
        if self.setting == EX_ANTE and spec.channel == TOTALS_CHANNEL:
            last = min(last, self.origin)
        first, values = int(self._data.indicators.years[0]), self._data.indicators.values[name]
        end = min(last - first + 1, values.shape[0])
        for row in range(end - 1, max(last - first - CARRY_YEARS, 0) - 1, -1):
            if not np.isnan(values[row]).all():
                return first + row
        return last

    def series(self, name: str) -> NDArray[np.float64]:
        """Values of a series up to `last_year`, shape ``[year, country]``; may be empty."""
        if not self.has_series(name):
            return np.empty((0, self.n_countries))
        assert self._data.indicators is not None
        values = self._data.indicators.values[name]
        known = max(self.last_year(name) - int(self._data.indicators.years[0]) + 1, 0)
        if known > values.shape[0]:
            return np.pad(values, ((0, known - values.shape[0]), (0, 0)), constant_values=np.nan)
        return values[:known]

    def at(self, name: str, year: int) -> NDArray[np.float64]:
        """Values of one year, shape ``[country]``; NaN where unknown or not yet published."""
        rows = self.series(name)
        row = year - (self.last_year(name) - rows.shape[0] + 1)
        if not 0 <= row < rows.shape[0]:
            return np.full(self.n_countries, np.nan)
        return rows[row]

    def latest(self, name: str, *, back: int = 0) -> NDArray[np.float64]:
        """Latest published values, or those ``back`` years earlier, shape ``[country]``.

        A missing cell takes the country's last observation of the `CARRY_YEARS` before.
        """
        rows = self.series(name)
        end = rows.shape[0] - back
        value = np.full(self.n_countries, np.nan)
        for row in range(end - 1, max(end - 2 - CARRY_YEARS, -1), -1):
            value = np.where(np.isnan(value), rows[row], value)
        return value

    def pair(self, name: str) -> NDArray[np.float32]:
        """A static pair attribute, shape ``[exporter, importer]``; NaN where unknown."""
        absent = np.full((self.n_countries, self.n_countries), np.nan, dtype=np.float32)
        return self._data.pairs.static.get(name, absent)

    def pair_years(self, name: str) -> NDArray[np.float32]:
        """Published years of an attribute, shape ``[year, exporter, importer]``; may be empty."""
        yearly = self._data.pairs.yearly.get(name)
        if yearly is None:
            return np.empty((0, self.n_countries, self.n_countries), dtype=np.float32)
        last = last_published_year(self.as_of, lag_months=yearly.publication_lag_months)
        stated = yearly.stated[: max(last - yearly.first_year + 1, 0)]
        # Years at the end without a row are in the matrix only because an unpublished year has one.
        covered = np.flatnonzero(stated)
        return yearly.values[: covered[-1] + 1 if covered.size else stated.size]

    def pair_at(self, name: str, year: int) -> NDArray[np.float32]:
        """A yearly attribute in ``year`` or the last published one before it.

        Returns
        -------
        ndarray, shape ``[exporter, importer]``
            NaN where unknown, and everywhere before the table begins.
        """
        rows = self.pair_years(name)
        yearly = self._data.pairs.yearly.get(name)
        if yearly is None or rows.shape[0] == 0 or year < yearly.first_year:
            return np.full((self.n_countries, self.n_countries), np.nan, dtype=np.float32)
        return rows[min(year - yearly.first_year, rows.shape[0] - 1)]
