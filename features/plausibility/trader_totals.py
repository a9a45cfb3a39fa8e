"""Each trader's exports and imports by year: what most checks look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.panel import TradePanel

Side = Literal["exports", "imports"]
SIDES: tuple[Side, ...] = ("exports", "imports")
FEW_FLOWS = 3
"""A trader with fewer flows than this may stop for real: its silence is no missing report."""


@dataclass(frozen=True, slots=True)
class TraderTotals:
    """Trade abroad of every trader, domestic sales left out.

    Attributes
    ----------
    years
        Consecutive calendar years, shape ``[year]``.
    countries
        Codes of the traders.
    value
        USD by side, shape ``[year, country]``; what is unknown counts as nothing.
    traded
        Positive flows by side, shape ``[year, country]``.
    """

    years: NDArray[np.int32]
    countries: tuple[str, ...]
    value: dict[Side, NDArray[np.float64]]
    traded: dict[Side, NDArray[np.int64]]

    @classmethod
    def of(cls, panel: TradePanel) -> TraderTotals:
        """Totals of a panel, over all sectors."""
        flows = panel.flows
        n, width = len(flows.countries), flows.partners * len(flows.sectors)
        shape = (panel.years.size, n)
        value = {side: np.zeros(shape) for side in SIDES}
        traded = {side: np.zeros(shape, dtype=np.int64) for side in SIDES}
        for row, year in enumerate(panel.values):
            known = np.nan_to_num(year, nan=0.0)
            if flows.diagonal:
                known[flows.domestic] = 0.0
            there = (known > 0).astype(np.float64)
            value["exports"][row] = known.reshape(n, width).sum(axis=1, dtype=np.float64)
            traded["exports"][row] = there.reshape(n, width).sum(axis=1)
            value["imports"][row] = np.bincount(flows.importer, weights=known, minlength=n)
            traded["imports"][row] = np.bincount(flows.importer, weights=there, minlength=n)
        return cls(panel.years, flows.countries, value, traded)

    @property
    def world(self) -> NDArray[np.float64]:
        """Trade of all, USD, shape ``[year]``."""
        total: NDArray[np.float64] = self.value["exports"].sum(axis=1)
        return total

    def silent(self, side: Side) -> NDArray[np.bool_]:
        """Whether a trader of several flows so far trades nothing, shape ``[year, country]``.

        Of a year only earlier ones decide, so that years added later change nothing.
        """
        enough = min(FEW_FLOWS, len(self.countries) - 1)
        before = np.zeros_like(self.traded[side])
        before[1:] = np.maximum.accumulate(self.traded[side], axis=0)[:-1]
        return (self.traded[side] == 0) & (before >= enough)
