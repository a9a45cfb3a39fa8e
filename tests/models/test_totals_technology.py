"""Technology moves totals where it has proven itself, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from features.channels.exposed_technology import exposed_technology
from features.data.indicators import Indicators
from features.data.panel import TradePanel
from features.data.sectors import SectorAttributes
from features.information import AsOfRule, DataBundle, InformationSet
from features.world.sector_world import SectorWorld, simulate_sector_world
from models.known_totals import Totals
from models.totals import forecast_totals
from models.totals_growth import TrainingRows, _mean_ridge
from models.totals_technology import _gains, proven_channels

ORIGIN = 2016
CHANNELS = ("ai_adoption", "automation", "data_infrastructure")


@cache
def world_with(ai: float) -> SectorWorld:
    return simulate_sector_world(
        seed=4, n_countries=10, n_years=23, effects={"ai_adoption": ai, "automation": 0.0}
    )


@cache
def infos(ai: float, permuted: int | None = None) -> dict[int, InformationSet]:
    """Of a small world with sectors whose digital output AI moves by ``ai``.

    With ``permuted``, a seed, every country has the indicators of another.
    """
    world = world_with(ai)
    panel = TradePanel.from_frame(world.trade, domestic="include")
    countries = panel.flows.countries
    indicators = Indicators.from_frames(world.indicators, world.catalogue, countries=countries)
    if permuted is not None:
        order = np.random.default_rng(permuted).permutation(len(countries))
        values = {name: value[:, order] for name, value in indicators.values.items()}
        indicators = replace(indicators, values=values)
    data = DataBundle(
        panel,
        indicators=indicators,
        sectors=SectorAttributes.from_frame(world.sectors, sectors=panel.flows.sectors),
    )
    rule = AsOfRule()
    return {
        o: InformationSet(data, as_of=rule.date(o), origin=o, setting="ex_ante")
        for o in range(panel.first_year, ORIGIN + 1)
    }


@cache
def forecast(ai: float) -> dict[int, Totals]:
    return forecast_totals(infos(ai), origin=ORIGIN, horizons=(1, 3))


@pytest.fixture
def all_channels(monkeypatch) -> Iterator[dict[int, Totals]]:
    """Totals forecast with every channel on both sides, proven or not."""
    monkeypatch.setattr(
        "models.totals.proven_channels", lambda *_, channels, **__: tuple(sorted(channels))
    )
    return forecast_totals(infos(0.08), origin=ORIGIN, horizons=(1, 3))


def test_a_planted_effect_is_taken_and_nothing_else():
    for totals in forecast(0.08).values():
        assert totals.channels == ("ai_adoption",)


def test_without_an_effect_no_technology_moves_totals():
    for totals in forecast(0.0).values():
        assert totals.channels == ()
        assert totals.without_technology is totals


def test_the_technology_of_another_country_is_not_taken():
    taken = [
        forecast_totals(infos(0.08, permuted=seed), origin=ORIGIN, horizons=(1,))[1].channels
        for seed in range(3)
    ]
    assert sum("ai_adoption" in channels for channels in taken) == 0


def test_it_moves_the_exposed_sector_alone_and_the_more_the_higher_the_standing():
    info = infos(0.08)[ORIGIN]
    standing = exposed_technology(info)["ai_adoption"].exposed.reshape(info.n_countries, -1)
    digital = standing.any(axis=0)
    assert digital.sum() == 1
    for horizon, totals in forecast(0.08).items():
        change = np.log(totals.exporter / totals.with_only(()).exporter).reshape(standing.shape)
        np.testing.assert_allclose(change[:, ~digital], 0, atol=1e-12)
        own, rank = change[:, digital].ravel(), standing[:, digital].ravel()
        # Slope times standing, but for what keeps the sector's sum.
        slope = np.polyfit(rank, own, 1)
        np.testing.assert_allclose(own, np.polyval(slope, rank), atol=1e-12)
        assert slope[0] > 0.01 * horizon


def test_the_sum_of_every_sector_stays(all_channels):
    for totals in all_channels.values():
        assert len(totals.coalitions) == 7
        sums = [one.exporter.reshape(10, -1).sum(axis=0) for one in totals.coalitions.values()]
        for found in (*sums, totals.importer.reshape(10, -1).sum(axis=0)):
            np.testing.assert_allclose(found, sums[0], rtol=1e-9)


def test_a_fit_without_technology_is_the_one_that_was_never_offered_any(all_channels):
    never = forecast_totals(infos(0.08), origin=ORIGIN, horizons=(1, 3), technology=())
    for horizon, totals in all_channels.items():
        refitted = totals.without_technology
        np.testing.assert_array_equal(refitted.exporter, never[horizon].exporter)
        np.testing.assert_array_equal(refitted.importer, never[horizon].importer)


def test_a_channel_left_out_is_neither_offered_nor_taken():
    found = forecast_totals(infos(0.08), origin=ORIGIN, horizons=(1,), technology={"automation"})
    assert found[1].channels == ()


# How a channel proves itself ----------------------------------------------------------------------


def some_rows(*, effect: float) -> dict[int, TrainingRows]:
    """Fifteen origins of forty margins: a predictor, two channels' standings, what is exposed.

    The first channel's exposed technology counts, and the standing of the second.
    """
    rng = np.random.default_rng(5)
    rows = {}
    for origin in range(2000, 2015):
        x = rng.normal(size=(40, 5)) * [1, 2, 1, 1, 3]
        growth = 0.02 * x[:, 0] + effect * x[:, 3] + 0.1 * x[:, 2] + 0.05 * rng.normal(size=40)
        weight = rng.lognormal(size=40)
        rows[origin] = TrainingRows(x, growth, weight / weight.mean())
    return rows


@pytest.mark.parametrize("horizon", [1, 3])
def test_gains_are_those_of_refits_at_every_past_origin(horizon):
    rows, expected = some_rows(effect=0.03), []
    for origin, now in rows.items():
        known = [rows[o] for o in rows if o + horizon <= origin]
        if len(known) < 2:
            continue
        errors = []
        for columns in ([0, 1], [0, 1, 3], [0, 2], [0, 2, 4]):
            slopes = _mean_ridge([(r.predictors[:, columns], r.growth, r.weight) for r in known])
            missed = np.abs(now.growth - now.predictors[:, columns] @ slopes)
            errors.append(np.average(missed, weights=now.weight))
        expected.append([errors[0] - errors[1], errors[2] - errors[3]])
    np.testing.assert_allclose(_gains(rows, horizon=horizon, channels=2), expected, atol=1e-12)


@pytest.mark.parametrize(("effect", "taken"), [(0.1, ("ai_adoption",)), (0.0, ())])
def test_only_what_lowered_past_errors_is_taken(effect, taken, monkeypatch):
    rows = some_rows(effect=effect)
    monkeypatch.setattr("models.totals_technology.training_rows", lambda *_, **__: rows)
    info = infos(0.0)[ORIGIN]

    class Known:
        technology = dict.fromkeys(("ai_adoption", "automation"))

    found = proven_channels(
        info, {2000: Known()}, channels=("automation", "ai_adoption"), exports=True, horizon=1
    )
    assert found == taken
