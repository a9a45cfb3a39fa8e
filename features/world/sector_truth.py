"""What was planted in the simulated world with sectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.world.countries import Array
from features.world.truth import PlantedTruth


@dataclass(frozen=True, slots=True)
class SectorTruth(PlantedTruth):
    """What each channel did to trade by sector, sales at home included.

    Years after the last published one are included.

    Attributes
    ----------
    sectors : tuple of str
    totals : dict of str to ndarray, shape (year, exporter, sector)
        Log points that the channel had added to the exporter's gross output of the sector, before
        the world's output of the sector is shared out anew.
    """

    sectors: tuple[str, ...]
    totals: dict[str, Array]

    @staticmethod
    def net(values: Array) -> Array:
        """Residual of exporter and importer effects over all pairs, by sector."""
        rows, columns = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
        return np.asarray(values - rows - columns + values.mean(axis=(0, 1), keepdims=True))
