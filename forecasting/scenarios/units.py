"""Sums of flows that a scenario reports: the world, countries and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Array = NDArray[np.float64]
WORLD = "world"


@dataclass(frozen=True, slots=True)
class Unit:
    """A sum of international flows.

    Attributes
    ----------
    kind
        ``world``, ``country`` or ``group``.
    name
        ``world``, a country's code, or a group's name.
    side
        ``exports``, ``imports`` (of a group: to and from others) or ``within``.
    """

    kind: str
    name: str
    side: str


@dataclass(frozen=True, slots=True)
class Units:
    """Units and the pairs of countries each sums: ``membership`` has shape ``[unit, pair]``."""

    units: tuple[Unit, ...]
    membership: csr_array

    def sums(self, cube: Array) -> Array:
        """Sum of each unit, USD, from flows ``[exporter, importer, sector]``."""
        sums: Array = self.membership @ cube.sum(axis=2).ravel()
        return sums


def make_units(countries: Sequence[str], groups: Mapping[str, Sequence[str]]) -> Units:
    """The world, every country, and every group."""
    n = len(countries)
    abroad = ~np.eye(n, dtype=np.bool_)
    units, masks = [Unit(WORLD, WORLD, "exports")], [abroad]
    sides = {name: np.isin(countries, list(codes)) for name, codes in groups.items()}
    sides.pop(WORLD, None)
    for number, code in enumerate(countries):
        one = np.arange(n) == number
        units += [Unit("country", code, "exports"), Unit("country", code, "imports")]
        masks += [one[:, None] & abroad, one[None, :] & abroad]
    for name, inside in sides.items():
        units += [Unit("group", name, side) for side in ("exports", "imports", "within")]
        masks += [
            inside[:, None] & ~inside[None, :],
            ~inside[:, None] & inside[None, :],
            inside[:, None] & inside[None, :] & abroad,
        ]
    matrix = csr_array(np.stack([mask.ravel() for mask in masks]).astype(np.float64))
    return Units(tuple(units), matrix)
