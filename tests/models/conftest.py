"""Worlds whose growth is known, and information sets of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from features.choices import Setting
from features.data.flows import FlowIndex
from features.data.indicators import Indicators, IndicatorSpec
from features.data.panel import PanelNotes, TradePanel
from features.information import AsOfRule, DataBundle, InformationSet

EXPORTS, IMPORTS, GDP = "TX.VAL.MRCH.XD.WD", "TM.VAL.MRCH.XD.WD", "MACRO.GDP"
CODES = ("AAA", "AAB", "AAC", "AAD")


def growing(*, trade_growth: float = 0.0, **series: np.ndarray) -> DataBundle:
    flows = FlowIndex(CODES)
    years = np.arange(2000, 2011, dtype=np.int32)
    level = np.random.default_rng(0).lognormal(15, 1, flows.size)
    values = np.float32(level * np.exp(trade_growth * (years - 2000))[:, None])
    panel = TradePanel(flows, years, values, None, PanelNotes(0, 0, 0, "missing"))
    names = {"gdp": GDP, "exports": EXPORTS, "imports": IMPORTS}
    values_by_name = {names[key]: value for key, value in series.items()}
    specs = {
        name: IndicatorSpec(name, "economic_mass" if name == GDP else "published_totals", "", "", 6)
        for name in values_by_name
    }
    indicator_years = np.arange(2000, 2013, dtype=np.int32)
    return DataBundle(
        panel, indicators=Indicators(specs, indicator_years, values_by_name, CODES, ())
    )


@pytest.fixture(scope="session")
def make_world() -> Callable[..., DataBundle]:
    """Make four countries whose flows all grow alike, 2000-2010, with series of 2000-2012."""
    return growing


@pytest.fixture(scope="session")
def series_of() -> Callable[..., np.ndarray]:
    """Make a series of 2000-2012 by country, growing at one log rate."""

    def make(growth: float, *, start: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)) -> np.ndarray:
        return np.array(start) * np.exp(growth * np.arange(13))[:, None]

    return make


@pytest.fixture(scope="session")
def make_published_world() -> Callable[..., DataBundle]:
    """Make countries whose published indices are off their bilateral trade by a yearly surprise."""

    def make(surprise: np.ndarray, *, noise: float = 0.0) -> DataBundle:
        data = growing(trade_growth=0.02)
        rng = np.random.default_rng(2)
        years = np.arange(2000, 2013)[:, None]
        off = surprise * (years - 2000) + noise * rng.normal(size=(13, 4)).cumsum(axis=0)
        level = np.exp(0.02 * (years - 2000) - off)
        names = (EXPORTS, IMPORTS)
        specs = {name: IndicatorSpec(name, "published_totals", "", "", 4) for name in names}
        values = {EXPORTS: level, IMPORTS: np.exp(0.02 * (years - 2000)) * np.ones(4)}
        indicators = Indicators(specs, years.ravel().astype(np.int32), values, CODES, ())
        return DataBundle(data.panel, indicators=indicators)

    return make


@pytest.fixture(scope="session")
def infos_of() -> Callable[..., dict[int, InformationSet]]:
    """Open information sets by origin, up to ``last``, each at the usual date after it."""

    def make(
        data: DataBundle, setting: Setting = "totals_known", *, last: int = 2008
    ) -> dict[int, InformationSet]:
        rule = AsOfRule()
        years = range(data.panel.first_year, last + 1)
        return {y: InformationSet(data, as_of=rule.date(y), origin=y, setting=setting)
                for y in years}  # fmt: skip

    return make


@pytest.fixture(scope="session")
def late_infos_of() -> Callable[..., dict[int, InformationSet]]:
    """Open them three years after each origin: totals of two further years are out."""

    def make(data: DataBundle, *, origin: int) -> dict[int, InformationSet]:
        rule = AsOfRule(years_after_origin=3)
        years = range(data.panel.first_year, origin + 1)
        return {y: InformationSet(data, as_of=rule.date(y), origin=y) for y in years}

    return make
