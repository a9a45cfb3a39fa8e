"""On the simulated world the drivers are known: are they found, and is nothing else found?"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from features.catalogue import NAMES, without_technology
from features.data.indicators import Indicators
from features.data.pairs import PairAttributes
from features.data.panel import TradePanel
from features.feature import TECHNOLOGY
from features.information import DataBundle
from features.world.world import PLANTED_CHANNELS, World, simulate_world
from forecasting.evaluation.prepared import PreparedData, prepare
from forecasting.explanation.explain import channel_summary
from forecasting.options.run_config import RunConfig
from models.design import at_horizon, midpoint_growth, pattern_base
from models.shift import CHOICES, ShiftModel

SEEDS = (1, pytest.param(2, marks=pytest.mark.slow))
NO_TECHNOLOGY = dict.fromkeys(sorted(TECHNOLOGY), 0.0)
HORIZONS = (1, 2, 3)
SETTING = "totals_known"


@cache
def world_and_data(seed: int, planted: bool) -> tuple[World, PreparedData]:
    world = simulate_world(seed=seed, effects=None if planted else NO_TECHNOLOGY)
    panel = TradePanel.from_frame(world.trade)
    countries = panel.flows.countries
    pairs = [("geography", world.geography), ("agreements", world.agreements)]
    bundle = DataBundle(
        panel,
        indicators=Indicators.from_frames(world.indicators, world.catalogue, countries=countries),
        pairs=PairAttributes.from_frames(pairs, countries=countries),
    )
    return world, prepare(bundle, RunConfig(world="goods", experiment=None, horizons=HORIZONS))


@pytest.fixture(scope="module")
def found_channels(explain_at) -> Callable[..., pd.DataFrame]:
    """Channel summary of the final model, as the main job computes it."""

    @cache
    def found(seed: int, planted: bool) -> pd.DataFrame:
        _, prepared = world_and_data(seed, planted)
        explained = explain_at(prepared, prepared.last_origin, setting=SETTING, horizons=HORIZONS)
        return channel_summary(explained.explanation).set_index("channel")

    return found


def gain_of_technology(prepared: PreparedData, *, horizon: int) -> float:
    """Share by which the technology features lower the error of the pattern, four origins together.

    Of the error in a flow's shift net of its exporter's and importer's means: country-level columns
    of any kind tell countries apart and lower the rest a little even where they have no effect.
    """
    errors = np.zeros(2)
    flows = prepared.panel.flows
    for origin in range(prepared.last_origin - horizon - 9, prepared.last_origin - horizon + 1, 3):
        design = prepared.design.until(origin).thinned(max_rows=100_000, seed=1)
        base = pattern_base(prepared.panel, origin=origin, horizon=horizon)
        traded = base > 0
        target = prepared.panel.values[prepared.panel.row(origin + horizon)].astype(float)
        shift = midpoint_growth(target, base)[traded]
        rows = at_horizon(prepared.matrices[SETTING, origin], horizon)[traded]
        sides = (flows.exporter[traded], flows.importer[traded])
        for number, names in enumerate((NAMES, without_technology())):
            model = ShiftModel(names, CHOICES[0], rounds=60, seed=1, threads=1).fit(design)
            missed = net_of_means(shift - model.predict(rows), sides)
            errors[number] += float(np.abs(missed).mean())
    return 1.0 - errors[0] / errors[1]


def net_of_means(values: np.ndarray, sides: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Residual of two-way means by alternating projections; ten rounds leave under a percent."""
    left = values.copy()
    for _ in range(10):
        for side in sides:
            left -= (np.bincount(side, weights=left) / np.bincount(side))[side]
    return left


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", ["mean_abs_percent", "mean_abs_net_percent"])
def test_attributions_recover_the_planted_order_of_channels(found_channels, seed, size):
    assert rank_correlation(seed, found_channels(seed, True)[size]) >= 0.9


def rank_correlation(seed: int, found: pd.Series) -> float:
    """Of channels by their size, as found and as planted."""
    world, prepared = world_and_data(seed, planted=True)
    years = range(prepared.panel.first_year + 8, prepared.last_origin - max(HORIZONS) + 1)
    planted = world.truth.importance(origins=years, horizons=HORIZONS)
    order = [[sizes[channel] for channel in PLANTED_CHANNELS] for sizes in (planted, found)]
    return float(spearmanr(*order).statistic)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_world_without_technology_effects_shows_none(found_channels, seed):
    """No technology channel moves the pattern as much as the least of what is planted."""
    assert largest_absent(found_channels(seed, False)) < 0.5


def largest_absent(found: pd.DataFrame) -> float:
    """Net size of the largest technology channel, relative to the least of what is planted."""
    net = found["mean_abs_net_percent"]
    least = min(net[channel] for channel in PLANTED_CHANNELS if channel not in TECHNOLOGY)
    return max(net[channel] for channel in TECHNOLOGY) / least


@pytest.mark.slow
def test_technology_lowers_the_error_far_more_where_it_is_planted():
    planted, absent = (
        gain_of_technology(world_and_data(1, planted=is_planted)[1], horizon=3)
        for is_planted in (True, False)
    )
    print(f"technology lowers the error by {planted:.2%} where planted, by {absent:.2%} elsewhere")
    assert planted > 0.007
    assert absent < planted / 3
