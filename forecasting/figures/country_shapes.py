"""Outlines of countries for maps, offline, and an equal-area projection.

The outlines are Natural Earth's at 1:110 million, which the optional package bqplot ships. They are
cut at the antimeridian, so that no polygon runs across the map.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecasting.figures.style import NoDataError

Points = NDArray[np.float64]
"""Shape ``[point, 2]``."""

_WITHOUT_NUMBER = {"Kosovo": "XKX", "Northern Cyprus": "CYP", "Somaliland": "SOM"}
"""Units of the file that ISO does not number."""
_PLACES = """
ABW 12.5 -70.0, AIA 18.2 -63.1, ALA 60.2 20.0, AND 42.5 1.5, ASM -14.3 -170.7, ATG 17.1 -61.8,
BES 12.2 -68.3, BHR 26.0 50.6, BLM 17.9 -62.8, BMU 32.3 -64.8, BRB 13.2 -59.5, CCK -12.2 96.9,
COK -21.2 -159.8, COM -11.7 43.3, CPV 15.1 -23.6, CUW 12.2 -69.0, CXR -10.5 105.7, CYM 19.3 -81.3,
DMA 15.4 -61.4, FRO 62.0 -6.8, FSM 6.9 158.2, GGY 49.5 -2.6, GIB 36.1 -5.4, GLP 16.2 -61.6,
GRD 12.1 -61.7, GUF 4.0 -53.0, GUM 13.4 144.8, HKG 22.3 114.2, IMN 54.2 -4.5, IOT -7.3 72.4,
JEY 49.2 -2.1, KIR 1.4 173.0, KNA 17.3 -62.7, LCA 13.9 -61.0, LIE 47.2 9.5, MAC 22.2 113.5,
MAF 18.1 -63.1, MCO 43.7 7.4, MDV 4.2 73.5, MHL 7.1 171.2, MLT 35.9 14.4, MNP 15.2 145.8,
MSR 16.7 -62.2, MTQ 14.6 -61.0, MUS -20.3 57.6, MYT -12.8 45.2, NFK -29.0 168.0, NIU -19.1 -169.9,
NRU -0.5 166.9, PCN -25.1 -130.1, PLW 7.5 134.6, PYF -17.6 -149.4, REU -21.1 55.5, SGP 1.4 103.8,
SHN -16.0 -5.7, SJM 78.2 15.6, SMR 43.9 12.5, SPM 46.8 -56.2, STP 0.3 6.7, SXM 18.0 -63.1,
SYC -4.6 55.5, TCA 21.8 -71.8, TKL -9.2 -171.8, TON -21.2 -175.2, TUV -8.5 179.2, VAT 41.9 12.5,
VCT 13.2 -61.2, VGB 18.4 -64.6, VIR 18.3 -64.9, WLF -13.3 -176.2, WSM -13.8 -172.1
"""


def _places() -> dict[str, tuple[float, float]]:
    words = (place.split() for place in _PLACES.split(","))
    return {code: (float(east), float(north)) for code, north, east in words}


PLACES: Mapping[str, tuple[float, float]] = MappingProxyType(_places())
"""Longitude and latitude, degrees, of what is too small for an outline at this scale."""


def check_shapes() -> None:
    """Refuse a map before any work where the maps extra is not installed.

    Raises
    ------
    NoDataError
        If bqplot is missing.
    """
    from importlib.util import find_spec

    if find_spec("bqplot") is None:
        raise NoDataError(
            "a map needs bqplot for the outlines of countries",
            remedy="Install the extra: pip install 'gravicast[maps]'",
        )


@lru_cache(maxsize=1)
def country_outlines() -> Mapping[str, tuple[Points, ...]]:
    """Rings of every country by ISO 3166 alpha-3 code: longitude and latitude, degrees.

    Raises
    ------
    NoDataError
        If bqplot is missing.
    """
    check_shapes()
    with warnings.catch_warnings():
        # bqplot's own use of traitlets.
        warnings.simplefilter("ignore")
        from bqplot import topo_load

        topology = topo_load("map_data/WorldMap.json")
    arcs = _arcs(topology)
    found: dict[str, tuple[Points, ...]] = {}
    for unit in topology["objects"]["subunits"]["geometries"]:
        code = _code(unit)
        parts = unit["arcs"] if unit["type"] == "MultiPolygon" else [unit["arcs"]]
        rings = tuple(_joined(ring, arcs) for part in parts for ring in part)
        found[code] = (*found.get(code, ()), *rings)
    return MappingProxyType(found)


def _arcs(topology: dict[str, Any]) -> list[Points]:
    """Arcs in degrees: TopoJSON keeps steps on a grid of whole numbers."""
    scale, start = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    return [np.cumsum(np.array(arc), axis=0) * scale + start for arc in topology["arcs"]]


def _joined(ring: list[int], arcs: list[Points]) -> Points:
    """Arcs one after another; ``~k`` is arc k backwards, and each starts where the last ended."""
    parts = [arcs[k] if k >= 0 else arcs[~k][::-1] for k in ring]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def _code(unit: dict[str, Any]) -> str:
    import pycountry

    found = pycountry.countries.get(numeric=f"{unit['id']:03d}")
    name = str(unit["properties"]["name"])
    return _WITHOUT_NUMBER.get(name, name) if found is None else str(found.alpha_3)


def equal_earth(points: Points) -> Points:
    """Project longitude and latitude onto the plane so that areas stay in proportion.

    Parameters
    ----------
    points
        Degrees, shape ``[point, 2]``.

    Returns
    -------
    ndarray, shape ``[point, 2]``
        On a sphere of radius 1.

    Notes
    -----
    The Equal Earth projection (Savric, Patterson and Jenny 2019, International Journal of
    Geographical Information Science 33(3), 454-465, doi:10.1080/13658816.2018.1504949), equations
    8 and 9.
    """
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    longitude, latitude = np.radians(points).T
    theta = np.arcsin(np.sqrt(3.0) / 2.0 * np.sin(latitude))
    square = theta**2
    sixth = square**3
    below = a1 + 3.0 * a2 * square + sixth * (7.0 * a3 + 9.0 * a4 * square)
    x = 2.0 / np.sqrt(3.0) * longitude * np.cos(theta) / below
    y = theta * (a1 + a2 * square + sixth * (a3 + a4 * square))
    return np.column_stack([x, y])
