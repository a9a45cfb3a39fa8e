"""The universe of flows: every ordered country pair and sector, as integer codes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int32]


@dataclass(frozen=True)
class FlowIndex:
    """Integer keys of a flow universe.

    Flows are laid out exporter-major, then importer, then sector, without the diagonal
    (exporter = importer) unless domestic sales are flows too. The layout is arithmetic, so a flow
    is found without a lookup table and the reverse flow is one gather.

    Parameters
    ----------
    countries
        ISO 3166 alpha-3 codes, sorted, ``n`` of them.
    sectors
        Sector codes, sorted, ``k`` of them; a panel without sectors has one, the empty string.
    diagonal
        Whether a country's sales to itself are flows. Exporter totals are then gross output and
        importer totals absorption, and a domestic flow is its own reverse.

    Notes
    -----
    **Invariant.** ``position(exporter, importer, sector) == arange(size)``.
    """

    countries: tuple[str, ...]
    sectors: tuple[str, ...] = ("",)
    diagonal: bool = False

    @property
    def partners(self) -> int:
        """Number of importers an exporter has, ``n - 1``, or ``n`` with the diagonal."""
        return len(self.countries) - (not self.diagonal)

    @property
    def size(self) -> int:
        """Number of flows, ``n * partners * k``."""
        return len(self.countries) * self.partners * len(self.sectors)

    @property
    def has_sectors(self) -> bool:
        """Whether the panel was given a sector column."""
        return self.sectors != ("",)

    def position(self, exporter: IntArray, importer: IntArray, sector: IntArray) -> IntArray:
        """Flow number of each (exporter, importer, sector) code triple.

        Without the diagonal no triple may have exporter = importer.
        """
        flow = exporter * np.int32(self.partners)
        flow += importer
        if not self.diagonal:
            flow -= importer > exporter
        flow *= np.int32(len(self.sectors))
        flow += sector
        return flow

    def at(self, row: int) -> FlowIndex:  # noqa: ARG002
        """Flows that are forecast from a year of the panel, given by its row: here every one."""
        return self

    @cached_property
    def exporter(self) -> IntArray:
        """Exporter code of each flow, shape ``[flow]``."""
        n, k = len(self.countries), len(self.sectors)
        return np.repeat(np.arange(n, dtype=np.int32), self.partners * k)

    @cached_property
    def importer(self) -> IntArray:
        """Importer code of each flow, shape ``[flow]``."""
        n, k = len(self.countries), len(self.sectors)
        others = np.arange(self.partners, dtype=np.int32)[None, :]
        own = np.arange(n, dtype=np.int32)[:, None]
        importer = others + ((others >= own) & (not self.diagonal))
        return np.repeat(importer.ravel(), k).astype(np.int32)

    @cached_property
    def sector(self) -> IntArray:
        """Sector code of each flow, shape ``[flow]``."""
        n, k = len(self.countries), len(self.sectors)
        return np.tile(np.arange(k, dtype=np.int32), n * self.partners)

    @cached_property
    def domestic(self) -> NDArray[np.bool_]:
        """Whether each flow is a country's sales to itself, shape ``[flow]``."""
        return self.exporter == self.importer

    @cached_property
    def reverse(self) -> IntArray:
        """Number of the flow in the other direction (same sector), shape ``[flow]``."""
        return self.position(self.importer, self.exporter, self.sector)

    def of_reverse(
        self, values: NDArray[np.float32], part: slice = slice(None)
    ) -> NDArray[np.float32]:
        """Values of the flows in the other direction from those in ``part``."""
        return values[self.reverse[part]]

    @cached_property
    def exporter_margin(self) -> IntArray:
        """Code of the exporter x sector total each flow belongs to, in ``[0, n * k)``."""
        return self.exporter * np.int32(len(self.sectors)) + self.sector

    @cached_property
    def importer_margin(self) -> IntArray:
        """Code of the importer x sector total each flow belongs to, in ``[0, n * k)``."""
        return self.importer * np.int32(len(self.sectors)) + self.sector

    @property
    def margins(self) -> int:
        """Number of exporter (or importer) totals, ``n * k``."""
        return len(self.countries) * len(self.sectors)

    def exporter_totals(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Sum flows over importers, shape ``[margin]``; missing flows count as nothing."""
        n, k = len(self.countries), len(self.sectors)
        known = np.nan_to_num(values, nan=0.0).reshape(n, self.partners, k)
        return known.sum(axis=1, dtype=np.float64).ravel()

    def importer_totals(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Sum flows over exporters, shape ``[margin]``; missing flows count as nothing."""
        known = np.nan_to_num(values, nan=0.0)
        totals = np.bincount(self.importer_margin, weights=known, minlength=self.margins)
        return totals.astype(np.float64, copy=False)

    def country_exports(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Sum flows over importers and sectors, shape ``[country]``."""
        return values.reshape(len(self.countries), -1).sum(axis=1, dtype=np.float64)

    def pair_totals(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Trade of each flow's pair over all sectors, shape ``[flow]``; unknown flows are 0."""
        k = len(self.sectors)
        return np.repeat(np.nansum(values.reshape(-1, k), axis=1), k)

    def planes(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """From ``[flow]`` to ``[sector, exporter, importer]``, 0 where the diagonal is no flow."""
        n, k = len(self.countries), len(self.sectors)
        planes = np.zeros((k, n, n), dtype=np.float32)
        planes[:, self._cells_of_plane] = values.reshape(-1, k).T
        return planes

    def flat(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inverse of `planes`."""
        return planes[:, self._cells_of_plane].T.ravel()

    @property
    def _cells_of_plane(self) -> NDArray[np.bool_]:
        """Cells of a plane that are flows, in the order of the flows."""
        return ~np.eye(len(self.countries), dtype=np.bool_) | self.diagonal
