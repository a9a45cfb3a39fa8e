"""Each trader's exports and imports by year, the input of most checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.data.flows import FlowIndex
from features.data.panel import TradePanel

Side = Literal["exports", "imports"]
SIDES: tuple[Side, ...] = ("exports", "imports")
Recount = Callable[[int, Side, NDArray[np.bool_]], Sequence[NDArray[np.float64]]]
"""Gives ``now`` and ``before`` of a year (by its row) and side without flows of some partners."""
FEW_FLOWS = 3
"""A trader with fewer flows may really stop: its silence is not a missing report."""


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
    now, before
        USD of the year and of the year before by side, of the flows that are known in both: what
        changes are judged by. Shape ``[year, country]``; nothing in the first year.
    """

    years: NDArray[np.int32]
    countries: tuple[str, ...]
    value: dict[Side, NDArray[np.float64]]
    traded: dict[Side, NDArray[np.int64]]
    now: dict[Side, NDArray[np.float64]]
    before: dict[Side, NDArray[np.float64]]

    @classmethod
    def of(cls, panel: TradePanel) -> TraderTotals:
        """Totals of a panel, over all sectors."""
        shape = (panel.years.size, len(panel.flows.countries))
        value, now, before = ({side: np.zeros(shape) for side in SIDES} for _ in range(3))
        traded = {side: np.zeros(shape, dtype=np.int64) for side in SIDES}
        earlier = np.full(panel.flows.size, np.nan, dtype=np.float32)
        for row, year in enumerate(panel.values):
            both = ~(np.isnan(year) | np.isnan(earlier))
            for into, of in (
                (value, year),
                (traded, year > 0),
                (now, np.where(both, year, 0.0)),
                (before, np.where(both, earlier, 0.0)),
            ):
                for side, sums in zip(SIDES, _abroad(panel.flows, of), strict=True):
                    into[side][row] = sums
            earlier = year
        return cls(panel.years, panel.flows.countries, value, traded, now, before)

    @classmethod
    def of_known(
        cls,
        years: NDArray[np.int32],
        countries: tuple[str, ...],
        value: dict[Side, NDArray[np.float64]],
        traded: dict[Side, NDArray[np.int64]],
    ) -> TraderTotals:
        """Totals of a table in which every flow is known, those without a row being zero."""
        now, before = {}, {}
        for side in SIDES:
            now[side], before[side] = value[side].copy(), np.roll(value[side], 1, axis=0)
            now[side][0] = before[side][0] = 0.0
        return cls(years, countries, value, traded, now, before)

    @property
    def world(self) -> NDArray[np.float64]:
        """World trade, USD, shape ``[year]``."""
        total: NDArray[np.float64] = self.value["exports"].sum(axis=1)
        return total

    def silent(self, side: Side) -> NDArray[np.bool_]:
        """Whether a trader of several flows so far trades nothing, shape ``[year, country]``.

        Only earlier years decide, so years added later change nothing.
        """
        enough = min(FEW_FLOWS, len(self.countries) - 1)
        before = np.zeros_like(self.traded[side])
        before[1:] = np.maximum.accumulate(self.traded[side], axis=0)[:-1]
        return (self.traded[side] == 0) & (before >= enough)


def recount_of(panel: TradePanel) -> Recount:
    """Sums of a panel without flows of some partners."""

    def recount(row: int, side: Side, left_out: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
        flows, years = panel.flows, panel.values[[row, row - 1]]
        partner = flows.importer if side == "exports" else flows.exporter
        kept = ~left_out[partner] & ~np.isnan(years).any(axis=0)
        return [_abroad(flows, np.where(kept, one, 0.0))[SIDES.index(side)] for one in years]

    return recount


def _abroad(
    flows: FlowIndex, values: NDArray[np.generic]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums by exporter and by importer, domestic sales and what is unknown left out."""
    known = np.nan_to_num(values.astype(np.float64), nan=0.0)
    if flows.diagonal:
        known[flows.domestic] = 0.0
    n = len(flows.countries)
    imports = np.bincount(flows.importer, weights=known, minlength=n).astype(np.float64)
    return flows.country_exports(known), imports
