"""In the simulated world with sectors the drivers are known: are they found, and nothing else?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from scipy.stats import spearmanr

from features.data.panel import TradePanel
from features.feature import TECHNOLOGY
from features.information import DataBundle
from features.measures.measure import Measure
from features.world.sector_world import SectorWorld, simulate_sector_world
from features.world.world import PLANTED_CHANNELS
from forecasting.evaluation.prepared import PreparedData, prepare
from forecasting.explanation.explain import attribution_table, channel_summary, flow_positions
from forecasting.inputs.load import bundle_of
from forecasting.inputs.simulated import data_of_sector_world
from forecasting.measurement.contributions import contributions, flow_parts
from forecasting.measurement.measure_set import MeasureSet, cube, make_measure_set
from forecasting.options.run_config import RunConfig

pytestmark = pytest.mark.slow
SEEDS = range(1, 8)
NO_TECHNOLOGY = dict.fromkeys(sorted(TECHNOLOGY), 0.0)
HORIZONS = (1, 2, 3)
SETTING = "ex_ante"
YEARS = 3
CLAIMS = {
    "automation": ("domestic_sourcing", "import_penetration"),
    "ai_adoption": ("digital_share_of_exports", "digital_market_share"),
    "data_infrastructure": ("digital_export_intensity", "digital_import_penetration"),
}
"""Measures that each planted effect moves."""


@dataclass(frozen=True)
class Recovered:
    """What was planted in a world, and what the final model's explanation says.

    Attributes
    ----------
    importance
        Planted size by channel, net of what totals absorb, log points.
    channels
        Channel summary.
    attributions
        Of every explained flow.
    signs
        By channel and measure, whether units moved as the channel is said to move them, see
        `claims_of`; empty without technology.
    """

    importance: dict[str, float]
    channels: pd.DataFrame
    attributions: pd.DataFrame
    signs: dict[tuple[str, str], float]


@pytest.fixture(scope="module")
def recovered(explain_at) -> Callable[[int, bool], Recovered]:
    return cache(lambda seed, planted: recover(explain_at, seed, planted=planted))


def recover(explain_at: Callable, seed: int, *, planted: bool) -> Recovered:
    world = simulate_sector_world(seed=seed, effects=None if planted else NO_TECHNOLOGY)
    config = RunConfig(world="sectors", experiment=None, horizons=HORIZONS, settings=(SETTING,))
    bundle, _ = bundle_of(data_of_sector_world(world), config)
    prepared = prepare(bundle, config)
    years = range(prepared.panel.first_year + 8, prepared.last_origin - max(HORIZONS) + 1)
    explained = explain_at(prepared, prepared.last_origin, setting=SETTING, horizons=HORIZONS)
    table = attribution_table(explained.explanation)
    names = [n for n in table if n.startswith(("net:", "total:"))]
    return Recovered(
        world.truth.importance(origins=years, horizons=HORIZONS),
        channel_summary(explained.explanation).set_index("channel"),
        table[["exporter", "importer", "sector", "horizon", *names]],
        claims_of(explain_at, bundle, prepared, world, seed=seed) if planted else {},
    )


def claims_of(
    explain_at: Callable, bundle: DataBundle, prepared: PreparedData, world: SectorWorld, seed: int
) -> dict[tuple[str, str], float]:
    """Rank correlations by channel and measure, over units that the channel moves at all.

    Of what the channel did over `YEARS` up to the last one, the difference to the world where it
    then moved nothing more, with what the model says, `YEARS` before, that it will do. All measures
    are shares, and changes are in log odds: small countries count as large ones.
    """
    measure_set = make_measure_set(bundle, tables=None)
    chosen = [m for m in measure_set.measures if m.name in sum(CLAIMS.values(), ())]
    said = said_changes(explain_at, measure_set, prepared, chosen)
    then, now = log_odds(measure_set, world, chosen)
    origin = prepared.last_origin - YEARS
    out = {}
    for channel, names in CLAIMS.items():
        _, other = log_odds(
            measure_set, simulate_sector_world(seed=seed, until={channel: origin}), chosen
        )
        terms = [term for term in (f"net:{channel}", f"total:{channel}") if term in said]
        for name in names:
            found = said.loc[name, terms].sum(axis=1).to_numpy()
            did, odds = now[name] - other[name], np.exp(then[name])
            moved = did != 0
            found = found * (1 + odds) ** 2 / odds
            out[channel, name] = float(spearmanr(found[moved], did[moved]).statistic)
    return out


def said_changes(
    explain_at: Callable, measure_set: MeasureSet, prepared: PreparedData, chosen: list[Measure]
) -> pd.DataFrame:
    """Contributions to the measures over `YEARS` up to the last one."""
    panel, origin = prepared.panel, prepared.last_origin - YEARS
    explained = explain_at(prepared, origin, setting=SETTING, horizons=(YEARS,))
    rows = attribution_table(explained.explanation)
    forecast = explained.forecasts[YEARS]
    parts = flow_parts(
        measure_set,
        rows,
        flow_positions(rows, panel.flows),
        origin=cube(panel.flows, explained.forecaster.value),
        base=cube(panel.flows, forecast.base),
        forecast=cube(panel.flows, forecast.forecast),
    )
    before = measure_set.compute(measure_set.observed(panel, origin, before=origin))
    table = contributions(measure_set, parts, before, origin=origin, measures=chosen)
    return table.set_index("measure")


def log_odds(
    measure_set: MeasureSet, world: SectorWorld, chosen: list[Measure]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Of the measures in a world, by unit: `YEARS` before the last year and in it."""
    panel = TradePanel.from_frame(world.trade, domestic="include")
    assert panel.flows == measure_set.flows
    years = (panel.last_year - YEARS, panel.last_year)
    then, now = (measure_set.observed(panel, year, before=year) for year in years)
    return tuple({m.name: logit(m.compute(year).ravel()) for m in chosen} for year in (then, now))


def rank_correlation(one: Recovered) -> float:
    """Of the planted channels' true and found sizes, net of what totals absorb."""
    found = one.channels["mean_abs_net_percent"]
    order = [[sizes[channel] for channel in PLANTED_CHANNELS] for sizes in (one.importance, found)]
    return float(spearmanr(*order).statistic)


def test_attributions_recover_the_planted_order_of_channels(recovered):
    found = [rank_correlation(recovered(seed, True)) for seed in SEEDS]
    print(f"rank correlations {np.round(found, 3)}, mean {np.mean(found):.3f}")
    assert np.mean(found) >= 0.95
    assert min(found) > 0.9


def test_channels_are_found_in_the_sectors_where_they_are_planted(recovered):
    """Automation in exposed manufactures, data infrastructure in digital services."""
    for seed in SEEDS:
        table = recovered(seed, True).attributions
        by_sector = table.groupby("sector", observed=True)[
            ["net:automation", "net:data_infrastructure"]
        ].agg(lambda column: column.abs().mean())
        automation, data = by_sector["net:automation"], by_sector["net:data_infrastructure"]
        print(seed, by_sector.round(2).to_dict())
        assert automation["MACH"] == automation.max()
        assert data["DIGI"] == data.max()
        assert data["DIGI"] > 2 * data.drop("DIGI").max()


def test_ai_is_found_in_the_totals_of_digital_services_and_nowhere_else(recovered):
    """In four worlds of five at least: what must prove itself at 5 % is missed now and then."""
    found = []
    for seed in SEEDS:
        table = recovered(seed, True).attributions
        size = table.get("total:ai_adoption", pd.Series(0.0, table.index)).abs()
        size = size.groupby(table["sector"], observed=True).mean()
        print(seed, size.round(2).to_dict(), [n for n in table if n.startswith("total:")][4:])
        assert size.drop("DIGI").max() < 1e-4  # Raking is as exact.
        found.append(size["DIGI"] > 1)
    assert np.mean(found) >= 0.8


def test_a_planted_effect_moves_the_measures_of_its_claim_as_it_is_said_to(recovered):
    """A measure decided by totals is no exception: what is said of it is not 0 by construction."""
    for seed in SEEDS:
        signs = recovered(seed, True).signs
        print(seed, {" ".join(key): round(sign, 2) for key, sign in signs.items()})
        assert min(signs.values()) > 0


def test_a_world_without_technology_effects_shows_none(recovered):
    """No channel moves flows, by pattern or totals, as much as the least of what is planted."""
    alarms = []
    for seed in SEEDS:
        one = recovered(seed, False)
        net = one.channels["mean_abs_net_percent"]
        least = min(net[channel] for channel in PLANTED_CHANNELS if channel not in TECHNOLOGY)
        for channel in sorted(TECHNOLOGY):
            totals = one.attributions.get(f"total:{channel}", pd.Series([0.0])).abs().mean()
            alarms.append(max(net[channel], totals) > least)
    print(f"{sum(alarms)} of {len(alarms)} channels without effect look like a planted one")
    assert np.mean(alarms) <= 0.05
