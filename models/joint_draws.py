"""Joint draws of all flows and horizons: margins of the intervals, dependence of past errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import norm

from models.error_factors import ErrorFactors, FlowCodes
from models.flow_margins import FlowMargins

FLOWS = 4_096
"""Flows of a block: each block has a random stream of its own, so that draws do not depend on
which blocks are made, nor in which order."""

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class JointDraws:
    """The joint distribution of all flows and horizons of a forecast.

    Attributes
    ----------
    codes
        Keys of the flows.
    factors, margins
        Past errors, and the distribution of each single flow, by horizon.
    n_draws
        Number of draws.
    seed
        Of the random streams.

    Notes
    -----
    Ensemble copula coupling (Schefzik, Thorarinsdottir and Gneiting 2013, doi:10.1214/13-STS443):
    errors drawn from the factor model of past errors say which draw of a flow is its lowest, its
    second lowest and so on; the values are the quantiles of the flow's own margin. So the quantiles
    of a flow's draws are those of its interval, and flows move together as past errors did. Along
    horizons every factor is a random walk: errors h and k years ahead correlate as
    ``sqrt(h / k)``, h < k.
    """

    codes: FlowCodes
    factors: Mapping[int, ErrorFactors]
    margins: Mapping[int, FlowMargins]
    n_draws: int
    seed: int

    @property
    def horizons(self) -> tuple[int, ...]:
        """Years ahead, ascending."""
        return tuple(sorted(self.margins))

    def blocks(self) -> Iterator[tuple[slice, Singles]]:
        """Flows block by block with their draws, USD, shape ``[horizon, flow, draw]``."""
        common = self._common()
        for number, part in enumerate(self._parts()):
            yield part, self._block(part, number, common)

    def _parts(self) -> list[slice]:
        size = self.codes.exporter.size
        return [slice(start, min(start + FLOWS, size)) for start in range(0, size, FLOWS)]

    def sums(self, membership: csr_array) -> Singles:
        """Draws of sums of flows.

        Parameters
        ----------
        membership
            Weight of each flow in each sum, shape ``[sum, flow]``.

        Returns
        -------
        ndarray
            USD, shape ``[sum, horizon, draw]``.
        """
        shape = (membership.shape[0], len(self.horizons), self.n_draws)
        total = np.zeros(shape, dtype=np.float64)
        columns, common = membership.tocsc(), self._common()
        for number, part in enumerate(self._parts()):
            inside = columns[:, part].tocsr()
            if not inside.nnz:
                continue
            draws = self._block(part, number, common)
            for place in range(len(self.horizons)):
                total[:, place] += inside @ draws[place].astype(np.float64)
        return total.astype(np.float32)

    def _total(self, horizon: int) -> float:
        """Of all forecasts, USD; 1 where there is none."""
        return float(self.margins[horizon].forecast.sum(dtype=np.float64)) or 1.0

    def _common(self) -> list[tuple[Singles, Singles]]:
        """By horizon, shocks that flows share and weights of past matrices of own errors."""
        rng = np.random.default_rng([self.seed, 0])
        count = next(iter(self.factors.values())).shared
        origins = max(len(factors.own) for factors in self.factors.values())
        scores = _paths(rng, self.horizons, (count + origins, self.n_draws))
        # Each shock takes every one of its quantiles once: fewer draws do the same.
        ranks = scores.argsort(axis=-1).argsort(axis=-1)
        even = norm.ppf((np.arange(self.n_draws) + 0.5) / self.n_draws)
        spread = even[ranks]
        return [
            (
                self.factors[h].shocks(spread[place, :count], spread[place, count:]),
                spread[place, count:].astype(np.float32),
            )
            for place, h in enumerate(self.horizons)
        ]

    def _block(
        self, part: slice, number: int, common: Sequence[tuple[Singles, Singles]]
    ) -> Singles:
        rng = np.random.default_rng([self.seed, 1, number])
        codes = self.codes.part(part)
        errors = _paths(rng, self.horizons, (codes.exporter.size, self.n_draws))
        out = np.empty(errors.shape, dtype=np.float32)
        for place, horizon in enumerate(self.horizons):
            factors, margins = self.factors[horizon], self.margins[horizon].part(part)
            shocks, weights = common[place]
            share = margins.forecast / self._total(horizon)
            error = factors.own_errors(errors[place], weights, share, part)
            factors.add_shared(error, codes, shocks)
            order = error.argsort(axis=1)
            np.put_along_axis(out[place], order, margins.values(self.n_draws), axis=1)
        return out


def _paths(rng: np.random.Generator, horizons: Sequence[int], shape: tuple[int, int]) -> Singles:
    """Standard normal scores by horizon, shape ``[horizon, *shape]``, along random walks."""
    walk = rng.standard_normal((len(horizons), *shape), dtype=np.float32)
    last = np.float32(0)
    for place, (horizon, before) in enumerate(zip(horizons, (0, *horizons), strict=False)):
        walk[place] *= np.float32(np.sqrt(horizon - before))
        walk[place] += last
        last = walk[place].copy()
    walk /= np.sqrt(np.array(horizons, dtype=np.float32))[:, None, None]
    return walk
