"""Random years of trade, and slow oracles' results held against measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from features.countries.regions import region_codes
from features.measures.measure import Array, Measure, PanelContext, TradeYear, ratio
from features.measures.value_chains import ValueChains

CODES = ("ANT", "CHN", "DEU", "FRA", "IND", "KEN", "MEX", "ROW", "USA", "VNM")
"""The Netherlands Antilles, which are no more, and the rest of the world have no region."""


def draw_chains(rng: np.random.Generator, n: int, k: int, *, goods: np.ndarray) -> ValueChains:
    """Arrays that satisfy the identities of value chains; some countries export nothing."""
    origin = rng.lognormal(10, 2, (n, k)) * (rng.random((n, k)) < 0.8)
    origin[rng.random(n) < 0.2] = 0.0
    exports = origin.sum(axis=1)
    split = rng.dirichlet((5, 1, 3), n) * exports[:, None]
    output = rng.lognormal(12, 2, (n, k)) * (rng.random((n, k)) < 0.8)
    stages = np.where(output > 0, 1.0 + rng.gamma(2, 1, (2, n, k)), np.nan)
    inputs = rng.lognormal(8, 3, (2, n, k)) * (rng.random((2, n, k)) < 0.8)
    read = {
        "output": output,
        "exports": exports,
        "domestic_value_added": split[:, 0],
        "double_counted": split[:, 1],
        "foreign_content": split[:, 2],
        "indirect_value_added": rng.uniform(0, 2, n) * exports,
        "origin_of_exports": origin,
        "domestic_origin_of_exports": origin
        * ratio(split[:, 0] + split[:, 1], exports)[:, None].clip(0.0),
        "origin_of_goods_exports": origin * rng.uniform(0, 1, (n, 1)) * goods.any(),
        "upstreamness": stages[0],
        "downstreamness": stages[1],
        "domestic_inputs": inputs[0],
        "foreign_inputs": inputs[1],
    }
    # NaN in what no measure reads: one that does would show.
    blank = {field.name: np.full((n, k), np.nan) for field in fields(ValueChains)}
    return ValueChains(**{**blank, **read})


def draw_year(seed: int) -> TradeYear:
    """A year with domestic sales, in which countries and sectors may be without any trade."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(2, 7)), int(rng.integers(1, 6))
    countries = tuple(str(code) for code in rng.choice(CODES, n, replace=False))
    kind = rng.integers(0, 3, k)
    values = rng.lognormal(10, 3, (n, n, k)) * (rng.random((n, n, k)) < rng.uniform(0.1, 1))
    values[rng.random(n) < 0.15] = 0.0
    values[:, rng.random(n) < 0.15] = 0.0
    values[:, :, rng.random(k) < 0.15] = 0.0
    distance = rng.uniform(100, 15_000, (n, n))
    distance[rng.random((n, n)) < 0.2] = np.nan
    hosting = rng.dirichlet(np.ones(n), n).T
    hosting[rng.random((n, n)) < 0.1] = np.nan
    context = PanelContext(
        countries=countries,
        sectors=tuple(f"s{number}" for number in range(k)),
        domestic=True,
        distance=distance,
        region=region_codes(countries),
        manufacturing=kind == 1,
        services=kind == 2,
        digital=(kind == 2) & (rng.random(k) < 0.5),
        data_intensity=rng.random(k),
        hosting=hosting,
    )
    chance = np.where(rng.random((n, n, k)) < 0.5, rng.random((n, n, k)), values > 0)
    before = rng.random((n, n, k)) < rng.random()
    return TradeYear(context, values, chance, before, draw_chains(rng, n, k, goods=kind != 2))


@pytest.fixture(scope="session")
def random_year() -> Callable[[int], TradeYear]:
    """Make a year of trade of two to six countries and one to five sectors from a seed."""
    return draw_year


@pytest.fixture(scope="session")
def trade_rows() -> Callable[[TradeYear], pd.DataFrame]:
    """Give a year's flows as rows ``exporter, importer, sector, value, chance, before``."""

    def rows(year: TradeYear) -> pd.DataFrame:
        context = year.context
        return pd.DataFrame(
            [
                (context.countries[i], context.countries[j], context.sectors[s],
                 float(year.values[i, j, s]), float(year.chance[i, j, s]),
                 bool(year.before[i, j, s]))
                for i, j, s in np.ndindex(*year.values.shape)
            ],
            columns=["exporter", "importer", "sector", "value", "chance", "before"],
        )  # fmt: skip

    return rows


@pytest.fixture(scope="session")
def expect() -> Callable[[TradeYear, Measure, Mapping[object, float]], None]:
    """Hold a measure against an oracle's values by unit; a unit left out must be NaN."""

    def check(year: TradeYear, measure: Measure, expected: Mapping[object, float]) -> None:
        found: Array = measure.compute(year)
        context = year.context
        names = [context.sectors if d == "sector" else context.countries for d in measure.of]
        assert found.shape == tuple(map(len, names))
        for place in np.ndindex(*found.shape):
            key = tuple(words[number] for words, number in zip(names, place, strict=True))
            wanted = expected.get(key if len(key) > 1 else key[0], np.nan)
            np.testing.assert_allclose(
                found[place], wanted, rtol=1e-9, atol=1e-12, err_msg=f"{measure.name} {key}"
            )

    return check
