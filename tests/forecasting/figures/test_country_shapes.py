"""Outlines of countries: complete, closed, uncut, and projected without changing areas."""

from __future__ import annotations

import importlib.util
from itertools import pairwise

import numpy as np
import pycountry
import pytest

from forecasting.figures.country_shapes import PLACES, check_shapes, country_outlines, equal_earth
from forecasting.figures.style import NoDataError


def area(ring: np.ndarray) -> float:
    x, y = ring.T
    return 0.5 * abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1]))


def test_equal_earth_keeps_areas() -> None:
    for south in (-80.0, -45.0, 0.0, 30.0, 75.0):
        edge = np.linspace(0, 1, 2_001)[:, None]
        corners = np.array([[10, south], [20, south], [20, south + 10], [10, south + 10],
                            [10, south]])  # fmt: skip
        ring = np.concatenate([a + edge * (b - a) for a, b in pairwise(corners)])
        low, high = np.radians([south, south + 10])
        sphere = np.radians(10) * (np.sin(high) - np.sin(low))
        assert area(equal_earth(ring)) == pytest.approx(sphere, rel=1e-4)


def test_equal_earth_is_symmetric_and_of_the_known_size() -> None:
    points = np.array([[180.0, 0.0], [0.0, 90.0], [-180.0, 0.0], [0.0, -90.0]])
    east, north, west, south = equal_earth(points)
    assert np.allclose([*east, *north], [-west[0], 0, 0, -south[1]], atol=1e-12)
    # The paper's aspect: the map is 2.05 times as wide as high.
    assert east[0] / north[1] == pytest.approx(2.05, abs=0.01)


def test_every_country_of_size_has_an_outline_or_a_place() -> None:
    outlines = country_outlines()
    for code in ("HUN", "SRB", "MMR", "MNE", "USA", "RUS", "COD", "TWN", "SSD", "XKX"):
        assert code in outlines
    uninhabited = {"ATF", "BVT", "HMD", "SGS", "UMI"}
    every = {country.alpha_3 for country in pycountry.countries} - uninhabited
    assert every <= set(outlines) | set(PLACES)
    assert not set(outlines) & set(PLACES)


def test_rings_are_closed_and_do_not_cross_the_map() -> None:
    for code, rings in country_outlines().items():
        for ring in rings if code != "ATA" else ():
            assert np.array_equal(ring[0], ring[-1])
            assert np.abs(ring).max(axis=0)[0] <= 180.01
            assert np.abs(np.diff(ring[:, 0])).max() < 60


@pytest.mark.parametrize(
    ("code", "longitude", "latitude"),
    [("DEU", 10, 51), ("BRA", -53, -10), ("AUS", 134, -25), ("HUN", 19, 47), ("KOR", 128, 36)],
)
def test_countries_are_where_they_are(code: str, longitude: float, latitude: float) -> None:
    ring = max(country_outlines()[code], key=area)
    assert np.allclose(ring.mean(axis=0), [longitude, latitude], atol=6)


def test_places_are_longitude_and_latitude() -> None:
    assert PLACES["SGP"] == (103.8, 1.4)
    assert all(abs(x) <= 180 and abs(y) <= 90 for x, y in PLACES.values())


def test_without_the_extra_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(NoDataError, match=r"pip install 'gravicast\[maps\]'"):
        check_shapes()
