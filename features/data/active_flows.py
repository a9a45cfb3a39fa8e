"""A universe of the flows that ever trade, laid out so that each origin's own is a prefix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.data.flows import FlowIndex, IntArray
from features.data.panel import KnownFlows, TradePanel


@dataclass(frozen=True, eq=False)
class ActiveFlows(FlowIndex):
    """Integer keys of the flows that ever trade, ordered by the year they first do.

    A flow that first trades after an origin is no flow at that origin: whoever forecasts does not
    know which will. As flows are ordered by their first year, those of an origin are a prefix
    (`at`), and every array of an origin is a view of the panel's.

    Parameters
    ----------
    cells
        Number of each flow in the layout of all of them (`FlowIndex`), shape ``[flow]``.
    counts
        Flows that have traded by each year of the panel, shape ``[year]``.
    whole
        The index this one is a prefix of; None where it is whole itself.

    Notes
    -----
    **Invariant.** The order of an origin's flows depends on no later year.
    """

    cells: IntArray = None  # type: ignore[assignment]
    counts: NDArray[np.intp] = None  # type: ignore[assignment]
    whole: ActiveFlows | None = None

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ActiveFlows)
            and (self.countries, self.sectors, self.diagonal)
            == (other.countries, other.sectors, other.diagonal)
            and np.array_equal(self.cells, other.cells)
        )

    def __hash__(self) -> int:
        return hash((self.countries, self.sectors, self.diagonal, self.size))

    @property
    def size(self) -> int:
        """Number of flows."""
        return int(self.cells.size)

    def at(self, row: int) -> ActiveFlows:
        """Flows that have traded by a year of the panel, given by its row: a prefix."""
        whole, size = self.whole or self, int(self.counts[row])
        return replace(self, cells=whole.cells[:size], whole=whole)

    def position(self, exporter: IntArray, importer: IntArray, sector: IntArray) -> IntArray:
        """Number of each flow; -1 where it is none. None of them may be a country's own sales."""
        found = (self.whole or self)._find(super().position(exporter, importer, sector))
        return np.where(found < self.size, found, np.int32(-1))

    def _find(self, cells: IntArray) -> IntArray:
        order = self._order
        place = np.searchsorted(self.cells, cells, sorter=order)
        found = order[np.minimum(place, order.size - 1)]
        return np.where(self.cells[found] == cells, found, np.int32(-1))

    @cached_property
    def _order(self) -> IntArray:
        return np.argsort(self.cells).astype(np.int32)

    @cached_property
    def exporter(self) -> IntArray:
        """Exporter code of each flow, shape ``[flow]``."""
        if self.whole is not None:
            return self.whole.exporter[: self.size]
        return self.cells // np.int32(self.partners * len(self.sectors))

    @cached_property
    def importer(self) -> IntArray:
        """Importer code of each flow, shape ``[flow]``."""
        if self.whole is not None:
            return self.whole.importer[: self.size]
        importer = self.cells // np.int32(len(self.sectors)) % np.int32(self.partners)
        if not self.diagonal:
            importer += importer >= self.exporter
        return importer

    @cached_property
    def sector(self) -> IntArray:
        """Sector code of each flow, shape ``[flow]``."""
        if self.whole is not None:
            return self.whole.sector[: self.size]
        return self.cells % np.int32(len(self.sectors))

    @cached_property
    def exporter_margin(self) -> IntArray:
        """Code of the exporter x sector total each flow belongs to, in ``[0, n * k)``."""
        if self.whole is not None:
            return self.whole.exporter_margin[: self.size]
        return super().exporter_margin

    @cached_property
    def importer_margin(self) -> IntArray:
        """Code of the importer x sector total each flow belongs to, in ``[0, n * k)``."""
        if self.whole is not None:
            return self.whole.importer_margin[: self.size]
        return super().importer_margin

    @cached_property
    def reverse(self) -> IntArray:
        """Number of the flow in the other direction; where it is none, -1 or ``size`` and more."""
        if self.whole is not None:
            return self.whole.reverse[: self.size]
        return self.position(self.importer, self.exporter, self.sector)

    def of_reverse(
        self, values: NDArray[np.float32], part: slice = slice(None)
    ) -> NDArray[np.float32]:
        """Values of the flows in the other direction, 0 where these are none."""
        place = self.reverse[part]
        known = (place >= 0) & (place < self.size)
        out = np.zeros(place.shape, dtype=values.dtype)
        out[known] = values[place[known]]
        return out

    def exporter_totals(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Sum flows over importers, shape ``[margin]``; missing flows count as nothing."""
        return self._sums(values, self.exporter_margin, self.margins)

    def country_exports(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Sum flows over importers and sectors, shape ``[country]``."""
        return self._sums(values, self.exporter, len(self.countries))

    def pair_totals(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Trade of each flow's pair over all sectors, shape ``[flow]``."""
        n = len(self.countries)
        pair = self.exporter * np.int32(n) + self.importer
        return self._sums(values, pair, n * n).astype(np.float32)[pair]

    def _sums(
        self, values: NDArray[np.floating], codes: IntArray, size: int
    ) -> NDArray[np.float64]:
        known = np.nan_to_num(values, nan=0.0)
        totals = np.bincount(codes, weights=known, minlength=size)
        return totals.astype(np.float64, copy=False)

    def planes(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """From ``[flow]`` to ``[sector, exporter, importer]``, 0 where there is no flow."""
        n = len(self.countries)
        planes = np.zeros((len(self.sectors), n, n), dtype=np.float32)
        planes[self.sector, self.exporter, self.importer] = values
        return planes

    def flat(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inverse of `planes`."""
        return planes[self.sector, self.exporter, self.importer]


def active_panel(panel: TradePanel) -> TradePanel:
    """The panel without the flows that never trade.

    Its `TradePanel.known` still counts them: a flow known to be zero is not one that is unknown.
    """
    traded = panel.values > 0
    first = np.where(traded.any(axis=0), traded.argmax(axis=0), panel.years.size)
    order = np.argsort(first, kind="stable")
    counts = np.searchsorted(first[order], np.arange(panel.years.size), side="right")
    cells = order[: counts[-1]].astype(np.int32)
    flows = panel.flows
    active = ActiveFlows(flows.countries, flows.sectors, flows.diagonal, cells, counts)
    return replace(
        panel,
        flows=active,
        values=np.ascontiguousarray(panel.values[:, cells]),
        known=KnownFlows.of(panel),
    )
