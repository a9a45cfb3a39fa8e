"""What was planted in the simulated world with sectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.world.countries import Array

RHO = 0.6
"""Share of a transitory deviation left a year later."""


@dataclass(frozen=True, slots=True)
class SectorTruth:
    """What each channel did to trade by sector.

    Attributes
    ----------
    countries, sectors : tuple of str
    years : ndarray, shape (year,)
        Years after the last published one included.
    contributions : dict of str to ndarray, shape (year, exporter, importer, sector)
        Log points that the channel had added to openness by the year, sales at home included. For
        ``"persistence"`` it is the transitory deviation itself, an AR(1) around the trend.
    totals : dict of str to ndarray, shape (year, exporter, sector)
        Log points that the channel had added to the exporter's gross output of the sector, before
        the world's output of the sector is shared out anew.
    traded : ndarray of bool, shape (year, exporter, importer, sector)
        Where the flow is positive.
    """

    countries: tuple[str, ...]
    sectors: tuple[str, ...]
    years: NDArray[np.int64]
    contributions: dict[str, Array]
    totals: dict[str, Array]
    traded: NDArray[np.bool_]

    def shift(self, *, origin: int, horizon: int) -> dict[str, Array]:
        """What each channel adds to each flow between `origin` and `origin` + `horizon`.

        Exporter and importer means of every sector are taken out, because totals absorb them. Of
        persistence it is the part that can be forecast, ``(rho^h - 1) dev(t)``.

        Returns
        -------
        dict of str to ndarray, shape (exporter, importer, sector)
            Log points.
        """
        start, end = self._span(origin, horizon)
        changes = {name: path[end] - path[start] for name, path in self.contributions.items()}
        changes["persistence"] = (RHO**horizon - 1.0) * self.contributions["persistence"][start]
        return {name: _net_of_means(change) for name, change in changes.items()}

    def importance(self, *, origins: Iterable[int], horizons: Iterable[int]) -> dict[str, float]:
        """Each channel's mean absolute shift over flows that trade at both ends.

        Parameters
        ----------
        origins, horizons : iterable of int
            Every combination counts; each target year must lie within the world.
        """
        sums, steps = dict.fromkeys(self.contributions, 0.0), list(horizons)
        n_flows = 0
        for origin in origins:
            for horizon in steps:
                start, end = self._span(origin, horizon)
                kept = self.traded[start] & self.traded[end]
                n_flows += int(kept.sum())
                for name, shift in self.shift(origin=origin, horizon=horizon).items():
                    sums[name] += float(np.abs(shift[kept]).sum())
        if n_flows == 0:
            raise ValueError("importance needs at least one origin and horizon with trade")
        return {name: total / n_flows for name, total in sums.items()}

    def _span(self, origin: int, horizon: int) -> tuple[int, int]:
        start, end = origin - int(self.years[0]), origin + horizon - int(self.years[0])
        if horizon < 1 or start < 0 or end >= len(self.years):
            raise ValueError(
                f"origin {origin} and horizon {horizon} leave the simulated years "
                f"{self.years[0]}-{self.years[-1]}"
            )
        return start, end


def _net_of_means(values: Array) -> Array:
    """Residual of exporter and importer effects over all pairs, shape (exp, imp, sector)."""
    rows, columns = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    return np.asarray(values - rows - columns + values.mean(axis=(0, 1), keepdims=True))
