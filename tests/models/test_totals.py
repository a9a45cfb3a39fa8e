"""Totals of the target year grow from the last known ones as the world and the past say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.choices import SETTINGS
from features.information import AsOfRule, DataBundle
from models.design import origin_value
from models.known_totals import known_totals_after, published_totals, published_years
from models.totals import _moved, forecast_totals
from models.totals_growth import Growth
from models.world_growth import world_growth

HORIZONS = (1, 2, 3, 5)
EXPORTS, IMPORTS = "TX.VAL.MRCH.XD.WD", "TM.VAL.MRCH.XD.WD"
WITHOUT_REPORTS = SETTINGS[1:]


@pytest.mark.parametrize("all_services", [False, True])
def test_totals_of_services_are_those_forecast_ex_ante(infos_of, sector_bundle, all_services):
    """However far the index of merchandise goes, services and panels of them alone stay put."""
    kinds = sector_bundle.sectors
    if all_services:
        kinds = replace(
            kinds, services=np.ones(2, dtype=bool), manufacturing=np.zeros(2, dtype=bool)
        )
    indicators = sector_bundle.indicators
    values = dict(indicators.values)
    row = int(np.flatnonzero(indicators.years == 2009)[0])
    for name in (EXPORTS, IMPORTS):
        values[name] = values[name].copy()
        values[name][row:] *= 3
    data = DataBundle(
        sector_bundle.panel, indicators=replace(indicators, values=values), sectors=kinds
    )
    known, ex_ante = (
        forecast_totals(infos_of(data, setting), origin=2008, horizons=HORIZONS)
        for setting in WITHOUT_REPORTS
    )
    for horizon in HORIZONS:
        for side in ("exporter", "importer"):
            ours, theirs = getattr(known[horizon], side), getattr(ex_ante[horizon], side)
            np.testing.assert_array_equal(ours[1::2], theirs[1::2])
            assert np.isfinite(ours).all()
            if all_services:
                np.testing.assert_array_equal(ours, theirs)
            else:
                assert ours[0::2].sum() > 1.5 * theirs[0::2].sum()


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("sectors", [False, True])
def test_forecast_totals_are_finite_and_importers_buy_what_exporters_sell(
    infos_of, bundle, sector_bundle, setting, sectors
):
    data = sector_bundle if sectors else bundle
    infos = infos_of(data, setting)
    for origin in (1999, 2000, 2004, 2008):
        for totals in forecast_totals(infos, origin=origin, horizons=HORIZONS).values():
            assert totals.exporter.shape == (data.panel.flows.margins,)
            for side in (totals.exporter, totals.importer):
                assert np.isfinite(side).all()
                assert (side >= 0).all()
            assert totals.importer.sum() == pytest.approx(totals.exporter.sum(), rel=1e-12)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("include", [False, True])
@hypothesis_settings(max_examples=10, deadline=None)
@given(origin=st.integers(1999, 2009), shocks=st.integers(0, 2**32 - 1))
def test_totals_of_sectors_add_up_over_countries_and_to_the_world(
    infos_of, sector_bundle, diagonal_bundle, setting, include, origin, shocks
):
    """What is sold of a sector is bought, and all sectors grow as the world is forecast to."""
    data = diagonal_bundle if include else sector_bundle
    scale = np.random.default_rng(shocks).lognormal(0, 1, data.panel.values.shape)
    panel = replace(data.panel, values=np.float32(data.panel.values * scale))
    infos = infos_of(DataBundle(panel, indicators=data.indicators), setting, last=origin)
    info, sectors = infos[origin], len(panel.flows.sectors)
    for horizon, totals in forecast_totals(infos, origin=origin, horizons=HORIZONS).items():
        sold, bought = (
            side.reshape(-1, sectors).sum(axis=0) for side in (totals.exporter, totals.importer)
        )
        np.testing.assert_allclose(bought, sold, rtol=1e-9)
        known = published_years(info, horizon=horizon)
        world = known_totals_after(info, years=known).exporter.sum()
        growth = world_growth(info, horizon=horizon, known=known)
        np.testing.assert_allclose(sold.sum(), world * np.exp(growth), rtol=1e-9)


def test_domestic_sales_are_forecast_as_if_no_index_of_trade_abroad_were_published(
    infos_of, diagonal_bundle
):
    known, ex_ante = (
        forecast_totals(infos_of(diagonal_bundle, setting), origin=2008, horizons=HORIZONS)
        for setting in WITHOUT_REPORTS
    )
    for horizon in HORIZONS:
        np.testing.assert_array_equal(known[horizon].exporter, ex_ante[horizon].exporter)
        np.testing.assert_array_equal(known[horizon].importer, ex_ante[horizon].importer)


def test_published_totals_that_were_always_right_are_taken_as_they_are(
    infos_of, make_published_world
):
    infos = infos_of(make_published_world(np.zeros(4)))
    published = published_totals(infos[2008])
    found = forecast_totals(infos, origin=2008, horizons=(1,))[1]
    np.testing.assert_allclose(found.exporter, published.exporter, rtol=1e-6)
    np.testing.assert_allclose(found.importer, published.importer, rtol=1e-6)


def test_published_totals_that_err_the_same_way_every_year_are_corrected(
    infos_of, make_published_world
):
    """The index of the second country grows 20 % too slowly each year."""
    infos = infos_of(make_published_world(np.array([0.0, 0.2, 0.0, 0.0])))
    published = published_totals(infos[2008]).exporter
    found = forecast_totals(infos, origin=2008, horizons=(1,))[1].exporter
    beyond = np.log(found / published)
    assert 0.04 < beyond[1] - beyond[[0, 2, 3]].max() <= 0.2 + 1e-9


def test_noise_in_published_totals_is_hardly_corrected(infos_of, make_published_world):
    infos = infos_of(make_published_world(np.zeros(4), noise=0.1))
    published = published_totals(infos[2008]).exporter
    found = forecast_totals(infos, origin=2008, horizons=(1,))[1].exporter
    assert np.abs(np.log(found / published)).max() < 0.05


@pytest.mark.parametrize("whose", ["bundle", "sector_bundle", "diagonal_bundle"])
@hypothesis_settings(max_examples=10, deadline=None)
@given(st.integers(1999, 2009), st.sampled_from(SETTINGS), st.integers(0, 2**32 - 1))
def test_forecast_totals_do_not_move_with_anything_published_later(
    infos_of, bundle, sector_bundle, diagonal_bundle, perturb_future, whose, origin, setting, seed
):
    bundles = {
        "bundle": bundle, "sector_bundle": sector_bundle, "diagonal_bundle": diagonal_bundle
    }  # fmt: skip
    rng = np.random.default_rng(seed)
    other = perturb_future(bundles[whose], AsOfRule().date(origin), setting, rng)
    found = [
        forecast_totals(infos_of(data, setting, last=origin), origin=origin, horizons=HORIZONS)
        for data in (bundles[whose], other)
    ]
    for horizon in HORIZONS:
        for side in ("exporter", "importer"):
            now, then = (getattr(totals[horizon], side) for totals in found)
            assert now.tobytes() == then.tobytes()


def test_later_origins_among_the_information_sets_change_nothing(infos_of, bundle):
    short, long = infos_of(bundle, last=2005), infos_of(bundle, last=2009)
    for horizon in HORIZONS:
        now = forecast_totals(short, origin=2005, horizons=(horizon,))[horizon]
        then = forecast_totals(long, origin=2005, horizons=(horizon,))[horizon]
        np.testing.assert_array_equal(now.exporter, then.exporter)
        np.testing.assert_array_equal(now.importer, then.importer)


def test_what_was_forecast_before_changes_nothing(infos_of, make_world, series_of, sector_bundle):
    """Origins keep what later ones ask for again; of other levels or fewer origins it differs."""
    growing = make_world(gdp=series_of(0.03), exports=series_of(0.05), imports=series_of(0.05))
    for data in (growing, sector_bundle):
        used = infos_of(data)
        for origin, first in ((2004, 2000), (2008, 2004), (2006, 2000)):
            part = {year: info for year, info in used.items() if year >= first}
            fresh = {year: info for year, info in infos_of(data).items() if year >= first}
            now, then = (
                forecast_totals(infos, origin=origin, horizons=HORIZONS) for infos in (part, fresh)
            )
            for horizon in HORIZONS:
                for side in ("exporter", "importer"):
                    found = getattr(now[horizon], side)
                    assert found.tobytes() == getattr(then[horizon], side).tobytes()


def test_each_horizon_is_forecast_apart(infos_of, bundle):
    infos = infos_of(bundle, "ex_ante")
    together = forecast_totals(infos, origin=2008, horizons=HORIZONS)
    assert sorted(together) == sorted(HORIZONS)
    for horizon in HORIZONS:
        alone = forecast_totals(infos, origin=2008, horizons=(horizon,))[horizon]
        np.testing.assert_array_equal(alone.exporter, together[horizon].exporter)


def test_with_too_little_to_learn_from_totals_stay(infos_of, make_bundle):
    bare = make_bundle(indicators=False, pairs=False)
    infos = infos_of(bare)
    for origin in (1999, 2000):
        totals = forecast_totals(infos, origin=origin, horizons=(1, 3))
        info = infos[origin]
        for horizon in (1, 3):
            value = origin_value(info)
            np.testing.assert_allclose(totals[horizon].exporter, info.flows.exporter_totals(value))
            np.testing.assert_allclose(totals[horizon].importer, info.flows.importer_totals(value))


def test_gdp_news_is_not_counted_again_where_totals_are_published(make_world, infos_of, series_of):
    flat = series_of(0.0)
    infos = infos_of(make_world(gdp=series_of(0.05), exports=flat, imports=flat))
    totals = forecast_totals(infos, origin=2008, horizons=(1, 2))
    for horizon in (1, 2):
        np.testing.assert_allclose(totals[horizon].exporter, infos[2008].exporter_totals[-1])


def test_a_margin_that_trades_nothing_is_forecast_to_trade_nothing(infos_of, bundle):
    panel = bundle.panel
    values = panel.values.copy()
    values[:, panel.flows.exporter == 2] = 0
    data = DataBundle(
        replace(panel, values=values), indicators=bundle.indicators, pairs=bundle.pairs
    )
    for setting in WITHOUT_REPORTS:
        totals = forecast_totals(infos_of(data, setting), origin=2008, horizons=(1, 3))
        for horizon in (1, 3):
            assert totals[horizon].exporter[2] == 0
            assert (np.delete(totals[horizon].exporter, 2) > 0).all()


def test_every_published_year_is_used_not_only_the_first(make_published_world, late_infos_of):
    exact = make_published_world(np.zeros(4))
    infos = late_infos_of(exact, origin=2008)
    found = forecast_totals(infos, origin=2008, horizons=(1, 2, 3))
    for horizon in (1, 2):
        published = published_totals(infos[2008], years=horizon)
        np.testing.assert_allclose(found[horizon].exporter, published.exporter, rtol=1e-6)
    # Half the growth so far, 2 % a year, beyond the last published year.
    growth = found[3].exporter.sum() / found[2].exporter.sum()
    assert growth == pytest.approx(math.exp(0.01), rel=1e-4)


# Technology -------------------------------------------------------------------------------------


def test_technology_moves_margins_and_no_sum_of_a_sector():
    """Within a sector totals move apart by the sum of the chosen channels; another one's is not."""
    rng = np.random.default_rng(0)
    totals = rng.lognormal(10, 1, 12)
    names = ("ai_adoption", "automation", "institutions")
    moves = dict(zip(names, rng.normal(0, 0.3, (3, 12)), strict=True))
    moved = _moved(totals, Growth(np.zeros(12), moves), ("automation", "ai_adoption"), sectors=3)
    sums = [side.reshape(4, 3).sum(axis=0) for side in (totals, moved)]
    np.testing.assert_allclose(*sums)
    apart = np.log(moved / totals) - moves["ai_adoption"] - moves["automation"]
    np.testing.assert_allclose(apart.reshape(4, 3) - apart[:3], 0, atol=1e-12)


def test_no_technology_moves_what_is_published_of_every_sector(
    infos_of, sector_bundle, monkeypatch
):
    """Every channel counts as proven: the year beyond the published one is moved, that one not."""
    monkeypatch.setattr(
        "models.totals.proven_channels", lambda *_, channels, **__: tuple(sorted(channels))
    )
    kinds = sector_bundle.sectors
    goods = replace(kinds, services=~np.ones(2, dtype=bool), manufacturing=np.ones(2, dtype=bool))
    data = DataBundle(sector_bundle.panel, indicators=sector_bundle.indicators, sectors=goods)
    totals = forecast_totals(infos_of(data), origin=2008, horizons=(1, 2))
    assert totals[1].channels == ()
    assert totals[2].channels != ()
