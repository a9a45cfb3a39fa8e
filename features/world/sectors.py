"""The sectors of the simulated world: their kinds, exposures, inputs and final demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sector:
    """One sector.

    Attributes
    ----------
    code, name, kind
        As the sector table of a run has them.
    automation, ai
        Exposure in [0, 1]; what is planted by automation and by AI is in proportion to it.
    data
        What data infrastructure does to the pattern, as a share of its effect on digital services.
    border
        Log openness of a foreign pair less that of a country with itself.
    distance
        Elasticity of openness to distance.
    final_share, final_trend
        Share of the world's final demand in the first year, and its change a year.
    """

    code: str
    name: str
    kind: str
    automation: float
    ai: float
    data: float
    border: float
    distance: float
    final_share: float
    final_trend: float


SECTORS = (
    Sector("AGRI", "Food and agriculture", "goods", 0.0, 0.0, 0.0, -8.0, -0.8, 0.16, -0.0012),
    Sector("TEXT", "Textiles and clothing", "manufacturing", 0.3, 0.0, 0.0, -6.2, -0.6, 0.10,
           -0.0010),
    Sector("MACH", "Machinery and vehicles", "manufacturing", 1.0, 0.0, 0.0, -6.8, -0.6, 0.20, 0.0),
    Sector("ELEC", "Electronics", "manufacturing", 0.6, 0.0, 0.0, -6.3, -0.5, 0.12, 0.0004),
    Sector("TRAV", "Transport and travel", "services", 0.0, 0.0, 0.25, -8.4, -0.6, 0.26, 0.0),
    Sector("DIGI", "Computer and information services", "services", 0.0, 1.0, 1.0, -8.3, -0.3, 0.16,
           0.0018),
)  # fmt: skip

# Cents of each row's product in a dollar's worth of each column's, the same everywhere.
_INPUTS = np.array(
    [
        [0.22, 0.10, 0.01, 0.01, 0.03, 0.01],
        [0.02, 0.28, 0.02, 0.01, 0.01, 0.01],
        [0.05, 0.04, 0.28, 0.10, 0.08, 0.02],
        [0.02, 0.02, 0.12, 0.30, 0.03, 0.08],
        [0.09, 0.09, 0.09, 0.08, 0.14, 0.06],
        [0.04, 0.05, 0.07, 0.09, 0.09, 0.16],
    ]
)
INPUT_SHARES: Array = _INPUTS
"""Inputs in output, shape ``[selling sector, using sector]``."""
VALUE_ADDED_SHARES: Array = 1.0 - _INPUTS.sum(axis=0)
"""Value added in output, shape ``[sector]``."""


def of_sectors(name: str) -> Array:
    """An attribute of every sector, shape ``[sector]``."""
    return np.array([getattr(sector, name) for sector in SECTORS], dtype=np.float64)


def final_demand(world_output: Array) -> Array:
    """The world's final demand by sector, USD, shape ``[year, sector]``.

    Parameters
    ----------
    world_output
        The world's GDP, USD, shape ``[year]``.
    """
    years = np.arange(len(world_output))[:, None]
    share = of_sectors("final_share") + of_sectors("final_trend") * years
    share = np.maximum(share, 0.02)
    return world_output[:, None] * share / share.sum(axis=1, keepdims=True)


def gross_output(final: Array) -> Array:
    """Gross output that meets final demand with `INPUT_SHARES`, USD, ``[year, sector]``.

    Leontief's inverse: ``(I - A)^-1 f``.
    """
    return np.asarray(np.linalg.solve(np.eye(len(SECTORS)) - INPUT_SHARES, final.T).T, np.float64)


def sector_frame() -> pd.DataFrame:
    """The sector table of a run, one row a sector."""
    return pd.DataFrame(
        {
            "sector": [sector.code for sector in SECTORS],
            "name": [sector.name for sector in SECTORS],
            "kind": [sector.kind for sector in SECTORS],
            "digitally_deliverable": [int(sector.ai > 0) for sector in SECTORS],
            "automation_exposure": of_sectors("automation"),
            "ai_exposure": of_sectors("ai"),
            "data_intensity": of_sectors("data"),
        }
    )
