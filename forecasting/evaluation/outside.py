"""Flows outside an origin's universe: none has traded by then, and each is forecast at 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.channels.economic_mass import income
from features.data.panel import KnownFlows, TradePanel
from features.information import InformationSet

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outside:
    """What became of the flows that had not traded by an origin and are not its flows.

    A universe of active flows leaves them out. Scores must not: where one starts to trade, the
    forecast of 0 is wrong by all of it; where none does, it is right.

    Attributes
    ----------
    actual
        USD of those that trade in the target year, shape ``[birth]``.
    exporter
        Their exporters' codes.
    silent
        How many of the others are known to be 0, by exporter, shape ``[country]``.
    """

    actual: Vector
    exporter: NDArray[np.int32]
    silent: Vector

    @classmethod
    def nothing(cls) -> Outside:
        """Of a universe that holds every flow."""
        return cls(np.empty(0), np.empty(0, dtype=np.int32), np.zeros(0))

    def strata(self, info: InformationSet) -> dict[str, Outside]:
        """The part of each stratum of `scores.strata`; strata of traded flows have none."""
        if not self.silent.size:
            return {}
        out = {"all": self, "zero_origin": self}
        level = income(info)
        if not np.isnan(level).all():
            median = float(np.nanmedian(level))
            out["low_income_exporter"] = self._of(level < median)
            out["high_income_exporter"] = self._of(level >= median)
        return out

    def _of(self, exporters: NDArray[np.bool_]) -> Outside:
        inside = exporters[self.exporter]
        return Outside(
            self.actual[inside], self.exporter[inside], np.where(exporters, self.silent, 0.0)
        )


def outside(panel: TradePanel, *, origin: int, year: int, changed: NDArray[np.bool_]) -> Outside:
    """What became of the flows outside an origin's universe in a later year.

    Parameters
    ----------
    panel
        Bilateral trade.
    origin, year
        Calendar years.
    changed
        Countries that changed their code in between, shape ``[country]``: nothing of theirs is
        scored.
    """
    if panel.known is None:
        return Outside.nothing()
    flows, row = panel.flows, panel.row(year)
    values = panel.values[row].astype(np.float64)
    gone = changed[flows.exporter] | changed[flows.importer]
    values[gone] = np.nan
    size = flows.at(panel.row(origin)).size
    born = size + np.flatnonzero(values[size:] > 0)
    n, k = len(flows.countries), len(flows.sectors)
    every = KnownFlows.of(panel).exporter[row].reshape(n, k).sum(axis=1) - k * changed.sum()
    counted = ~np.isnan(values) & ~flows.domestic
    counted[size:] &= values[size:] > 0
    inside = np.bincount(flows.exporter[counted], minlength=n)
    return Outside(
        values[born], flows.exporter[born], np.where(changed, 0.0, np.maximum(every - inside, 0))
    )
