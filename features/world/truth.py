"""What was planted in a simulated world, and how much of it the pattern of trade shows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.world.countries import Array

RHO = 0.6
"""Share of a transitory deviation left a year later."""


@dataclass(frozen=True, slots=True)
class PlantedTruth:
    """What each channel did to the trade pattern.

    Attributes
    ----------
    countries : tuple of str
    years : ndarray, shape (year,)
    contributions : dict of str to ndarray, shape (year, exporter, importer) or with sector
        Log points that the channel had added to openness by the year. For ``"persistence"`` it is
        the transitory deviation itself, an AR(1) around the trend.
    traded : ndarray of bool, shape of a contribution
        Where the flow is positive.
    """

    countries: tuple[str, ...]
    years: NDArray[np.int64]
    contributions: dict[str, Array]
    traded: NDArray[np.bool_]

    @staticmethod
    @abstractmethod
    def net(values: Array) -> Array:
        """What is left of a change once the totals of exporters and importers are met."""

    def shift(self, *, origin: int, horizon: int) -> dict[str, Array]:
        """What each channel adds to each flow between `origin` and `origin` + `horizon`.

        Exporter and importer means are taken out, because totals absorb them. The contribution of
        persistence is the part of its change that can be forecast at the origin,
        E[dev(t+h) - dev(t) | dev(t)] = (rho^h - 1) dev(t); the innovations are noise.

        Returns
        -------
        dict of str to ndarray, shape of a year's contribution
            Log points.
        """
        start, end = self._span(origin, horizon)
        changes = {name: path[end] - path[start] for name, path in self.contributions.items()}
        changes["persistence"] = (RHO**horizon - 1.0) * self.contributions["persistence"][start]
        return {name: self.net(change) for name, change in changes.items()}

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
