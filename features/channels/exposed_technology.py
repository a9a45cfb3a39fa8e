"""Technology of a country where a sector is exposed to it: what a total can grow with.

A country's standing among the countries times the sector's exposure, one number a margin for each
channel. Standings need no scale that lasts thirty years. Beside it the standing itself, which is
the same for all sectors of a country: only where exposed sectors grow unlike the others of the same
country can technology be told from everything else about the country (Rajan and Zingales 1998,
American Economic Review 88, on finance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.channels import ai_adoption, automation, data_infrastructure
from features.feature import Channel, CountryValues
from features.information import InformationSet

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExposedTechnology:
    """A channel's technology by margin, 0 where unknown, shape ``[margin]``.

    Attributes
    ----------
    standing
        Of the country, in standard deviations.
    exposed
        Standing times the sector's exposure.
    """

    standing: Vector
    exposed: Vector


@dataclass(frozen=True, slots=True)
class _Source:
    """Standing of countries in a channel, and the attribute of sectors that it matters with."""

    channel: Channel
    standing: CountryValues
    exposure: str


_SOURCES = (
    _Source("ai_adoption", ai_adoption.adoption, ai_adoption.EXPOSURE),
    _Source("automation", automation.machines, automation.EXPOSURE),
    _Source("data_infrastructure", data_infrastructure.connectivity, data_infrastructure.SERVICES),
)


def exposed_technology(info: InformationSet) -> dict[Channel, ExposedTechnology]:
    """Technology of every channel, of which the sectors of the panel are unequally exposed.

    Panels without a table of sectors, and channels without a single value, have none.
    """
    return {
        one.channel: ExposedTechnology(standing, standing * np.tile(exposure, info.n_countries))
        for one in _SOURCES
        for exposure in (info.sector_values(one.exposure),)
        if np.ptp(exposure) > 0
        for standing in (_standing(info, one),)
        if standing.any()
    }


def _standing(info: InformationSet, one: _Source) -> Vector:
    key = f"standing {one.channel}"
    if key not in info.margins:
        standing = np.asarray(one.standing(info), dtype=np.float64)
        info.margins[key] = np.repeat(np.nan_to_num(standing), len(info.flows.sectors))
    return info.margins[key]
