"""In the simulated world with sectors the drivers are known: are they found, and nothing else?"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from features.feature import TECHNOLOGY
from features.world.sector_world import SectorWorld, simulate_sector_world
from features.world.world import PLANTED_CHANNELS
from forecasting.evaluation.prepared import PreparedData, prepare
from forecasting.explanation.explain import (
    Explanation,
    attribution_table,
    channel_summary,
    explain,
)
from forecasting.inputs.load import bundle_of
from forecasting.inputs.simulated import data_of_sector_world
from forecasting.options.run_config import RunConfig
from models.design import origin_value
from models.forecaster import FittedForecaster
from models.shift import ShiftModel
from models.totals import forecast_totals
from models.trade_probability import TradeProbability

pytestmark = pytest.mark.slow
SEEDS = range(1, 8)
NO_TECHNOLOGY = dict.fromkeys(sorted(TECHNOLOGY), 0.0)
HORIZONS = (1, 2, 3)
SETTING = "ex_ante"


@cache
def world_and_data(seed: int, planted: bool) -> tuple[SectorWorld, PreparedData]:
    world = simulate_sector_world(seed=seed, effects=None if planted else NO_TECHNOLOGY)
    config = RunConfig(world="sectors", experiment=None, horizons=HORIZONS, settings=(SETTING,))
    bundle, _ = bundle_of(data_of_sector_world(world), config)
    return world, prepare(bundle, config)


@cache
def explanation(seed: int, planted: bool) -> Explanation:
    """Of the final model, as the main job computes it."""
    _, prepared = world_and_data(seed, planted)
    origin, infos = prepared.last_origin, prepared.infos[SETTING]
    design = prepared.design.until(origin).thinned(max_rows=200_000, seed=1)
    forecaster = FittedForecaster(
        flows=prepared.panel.flows,
        origin=origin,
        as_of="",
        value=origin_value(infos[origin]),
        features=prepared.matrices[SETTING, origin],
        totals=forecast_totals(infos, origin=origin, horizons=HORIZONS),
        intervals={},
        shift=ShiftModel(seed=1, threads=1).fit(design),
        probability=TradeProbability(seed=1, threads=1).fit(design),
    )
    forecasts = {h: forecaster.flow_forecast(h) for h in HORIZONS}
    return explain(forecaster, forecasts)


def found_channels(seed: int, planted: bool) -> pd.DataFrame:
    return channel_summary(explanation(seed, planted)).set_index("channel")


def attributions(seed: int, planted: bool) -> pd.DataFrame:
    return attribution_table(explanation(seed, planted))


def rank_correlation(seed: int) -> float:
    """Of the planted channels' true and found sizes, net of what totals absorb."""
    world, prepared = world_and_data(seed, planted=True)
    years = range(prepared.panel.first_year + 8, prepared.last_origin - max(HORIZONS) + 1)
    planted = world.truth.importance(origins=years, horizons=HORIZONS)
    found = found_channels(seed, planted=True)["mean_abs_net_percent"]
    order = [[sizes[channel] for channel in PLANTED_CHANNELS] for sizes in (planted, found)]
    return float(spearmanr(*order).statistic)


def test_attributions_recover_the_planted_order_of_channels():
    """Mostly: data infrastructure comes out too small, as no feature marks services as such."""
    found = [rank_correlation(seed) for seed in SEEDS]
    print(f"rank correlations {np.round(found, 3)}, mean {np.mean(found):.3f}; the aim is 0.95")
    assert np.mean(found) >= 0.85
    assert min(found) > 0.7


def test_channels_are_found_in_the_sectors_where_they_are_planted():
    """Automation in exposed manufactures, data infrastructure in digital services."""
    for seed in SEEDS:
        table = attributions(seed, planted=True)
        by_sector = table.groupby("sector", observed=True)[
            ["net:automation", "net:data_infrastructure"]
        ].agg(lambda column: column.abs().mean())
        automation, data = by_sector["net:automation"], by_sector["net:data_infrastructure"]
        print(seed, by_sector.round(2).to_dict())
        assert automation["MACH"] == automation.max()
        assert data["DIGI"] == data.max()
        assert data["DIGI"] > 2 * data.drop("DIGI").max()


def test_a_world_without_technology_effects_shows_none():
    """No technology channel moves the pattern as much as the least of what is planted."""
    alarms = []
    for seed in SEEDS:
        net = found_channels(seed, planted=False)["mean_abs_net_percent"]
        least = min(net[channel] for channel in PLANTED_CHANNELS if channel not in TECHNOLOGY)
        alarms += [net[channel] > least for channel in sorted(TECHNOLOGY)]
    print(f"{sum(alarms)} of {len(alarms)} channels without effect look like a planted one")
    assert np.mean(alarms) <= 0.05
