from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import t

from features.choices import SETTINGS, Setting
from features.data.flows import FlowIndex
from features.data.indicators import Indicators, IndicatorSpec
from features.data.panel import PanelNotes, TradePanel
from features.information import AsOfRule, DataBundle, InformationSet
from models.design import origin_value
from models.known_totals import (
    carried_totals,
    known_totals_after,
    published_totals,
    published_years,
)
from models.totals import forecast_totals
from models.world_growth import world_error, world_growth

RULE = AsOfRule()
HORIZONS = (1, 2, 3, 5)
EXPORTS, IMPORTS, GDP = "TX.VAL.MRCH.XD.WD", "TM.VAL.MRCH.XD.WD", "MACRO.GDP"
CODES = ("AAA", "AAB", "AAC", "AAD")

WITHOUT_REPORTS = SETTINGS[1:]


def infos_of(
    data: DataBundle, setting: Setting = "totals_known", *, last: int = 2008
) -> dict[int, InformationSet]:
    origins = range(data.panel.first_year, last + 1)
    return {o: InformationSet(data, as_of=RULE.date(o), origin=o, setting=setting) for o in origins}


def world(*, trade_growth: float = 0.0, **series: np.ndarray) -> DataBundle:
    """Four countries whose flows all grow alike, 2000-2010, with series of 2000-2012."""
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


def series_of(growth: float, *, start: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)) -> np.ndarray:
    """A series of 2000-2012 by country, growing at one log rate."""
    return np.array(start) * np.exp(growth * np.arange(13))[:, None]


# Published totals ------------------------------------------------------------------------------


def test_published_totals_grow_with_their_indices():
    exports, imports = series_of(0.0), series_of(0.0)
    growth, demand = np.array([1.1, 0.9, 1.0, 1.5]), np.array([1.2, 1.0, 0.8, 1.1])
    exports[9], imports[9] = exports[8] * growth, imports[8] * demand
    info = infos_of(world(exports=exports, imports=imports))[2008]
    totals = published_totals(info)
    expected = info.exporter_totals[-1] * growth
    np.testing.assert_allclose(totals.exporter, expected)
    side = info.importer_totals[-1] * demand
    np.testing.assert_allclose(totals.importer, side * expected.sum() / side.sum())


def test_a_country_without_an_index_takes_the_median_growth():
    exports = series_of(0.0)
    exports[9] *= [1.1, np.nan, 1.3, 1.7]
    info = infos_of(world(exports=exports, imports=series_of(0.0)))[2008]
    expected = info.exporter_totals[-1] * [1.1, 1.3, 1.3, 1.7]
    np.testing.assert_allclose(published_totals(info).exporter, expected)


def test_without_an_index_of_the_next_year_nothing_is_published(make_bundle):
    flat = series_of(0.0)
    unpublished = infos_of(world(exports=flat, imports=flat), "ex_ante")[2008]
    bare = infos_of(make_bundle(indicators=False, pairs=False))[2008]
    one_side = infos_of(world(exports=flat))[2008]
    for info in (unpublished, bare, one_side):
        assert published_totals(info) is None
        totals = carried_totals(info, horizon=1)
        value = origin_value(info)
        np.testing.assert_array_equal(totals.exporter, info.flows.exporter_totals(value))
        np.testing.assert_array_equal(totals.importer, info.flows.importer_totals(value))


def without_kinds(data: DataBundle) -> DataBundle:
    return DataBundle(data.panel, indicators=data.indicators, pairs=data.pairs)


def test_every_sector_grows_with_its_countrys_index_where_no_table_says_which_are_services(
    sector_bundle,
):
    info = infos_of(without_kinds(sector_bundle))[2008]
    growth = published_totals(info).exporter / info.flows.exporter_totals(origin_value(info))
    np.testing.assert_allclose(growth[0::2], growth[1::2])


def test_nothing_is_published_of_services(sector_bundle):
    """Of the two sectors the second is a service; the indices are of merchandise."""
    info, goods = infos_of(sector_bundle)[2008], infos_of(without_kinds(sector_bundle))[2008]
    found, whole = published_totals(info), published_totals(goods)
    carried, origin = carried_totals(info, horizon=1), carried_totals(info, horizon=0)
    for side in ("exporter", "importer"):
        np.testing.assert_array_equal(getattr(found, side)[0::2], getattr(whole, side)[0::2])
        assert np.isnan(getattr(found, side)[1::2]).all()
        np.testing.assert_array_equal(getattr(carried, side)[1::2], getattr(origin, side)[1::2])


@pytest.mark.parametrize("all_services", [False, True])
def test_totals_of_services_are_those_forecast_ex_ante(sector_bundle, all_services):
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


# Forecast totals -------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("sectors", [False, True])
def test_forecast_totals_are_finite_and_importers_buy_what_exporters_sell(
    bundle, sector_bundle, setting, sectors
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
    sector_bundle, diagonal_bundle, setting, include, origin, shocks
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


def test_published_indices_of_trade_abroad_are_no_totals_where_domestic_sales_are_flows(
    sector_bundle, diagonal_bundle
):
    for setting in WITHOUT_REPORTS:
        infos = infos_of(diagonal_bundle, setting)
        assert published_totals(infos[2008]) is None
        assert published_years(infos[2008], horizon=3) == 0
    known, ex_ante = (
        forecast_totals(infos_of(diagonal_bundle, setting), origin=2008, horizons=HORIZONS)
        for setting in WITHOUT_REPORTS
    )
    for horizon in HORIZONS:
        np.testing.assert_array_equal(known[horizon].exporter, ex_ante[horizon].exporter)
        np.testing.assert_array_equal(known[horizon].importer, ex_ante[horizon].importer)
    assert published_totals(infos_of(sector_bundle)[2008]) is not None


def published_world(surprise: np.ndarray, *, noise: float = 0.0) -> DataBundle:
    """Countries whose published indices are off what bilateral trade says by a yearly surprise."""
    data = world(trade_growth=0.02)
    rng = np.random.default_rng(2)
    years = np.arange(2000, 2013)[:, None]
    off = surprise * (years - 2000) + noise * rng.normal(size=(13, 4)).cumsum(axis=0)
    level = np.exp(0.02 * (years - 2000) - off)
    names = (EXPORTS, IMPORTS)
    specs = {name: IndicatorSpec(name, "published_totals", "", "", 4) for name in names}
    values = {EXPORTS: level, IMPORTS: np.exp(0.02 * (years - 2000)) * np.ones(4)}
    return DataBundle(
        data.panel, indicators=Indicators(specs, years.ravel().astype(np.int32), values, CODES, ())
    )


def test_published_totals_that_were_always_right_are_taken_as_they_are():
    infos = infos_of(published_world(np.zeros(4)))
    published = published_totals(infos[2008])
    found = forecast_totals(infos, origin=2008, horizons=(1,))[1]
    np.testing.assert_allclose(found.exporter, published.exporter, rtol=1e-6)
    np.testing.assert_allclose(found.importer, published.importer, rtol=1e-6)


def test_published_totals_that_err_the_same_way_every_year_are_corrected():
    """The index of the second country grows 20 % too slowly each year."""
    infos = infos_of(published_world(np.array([0.0, 0.2, 0.0, 0.0])))
    published = published_totals(infos[2008]).exporter
    found = forecast_totals(infos, origin=2008, horizons=(1,))[1].exporter
    beyond = np.log(found / published)
    assert 0.04 < beyond[1] - beyond[[0, 2, 3]].max() <= 0.2 + 1e-9


def test_noise_in_published_totals_is_hardly_corrected():
    infos = infos_of(published_world(np.zeros(4), noise=0.1))
    published = published_totals(infos[2008]).exporter
    found = forecast_totals(infos, origin=2008, horizons=(1,))[1].exporter
    assert np.abs(np.log(found / published)).max() < 0.05


@pytest.mark.parametrize("whose", ["bundle", "sector_bundle", "diagonal_bundle"])
@hypothesis_settings(max_examples=10, deadline=None)
@given(st.integers(1999, 2009), st.sampled_from(SETTINGS), st.integers(0, 2**32 - 1))
def test_forecast_totals_do_not_move_with_anything_published_later(
    bundle, sector_bundle, diagonal_bundle, perturb_future, whose, origin, setting, seed
):
    bundles = {
        "bundle": bundle, "sector_bundle": sector_bundle, "diagonal_bundle": diagonal_bundle
    }  # fmt: skip
    rng = np.random.default_rng(seed)
    other = perturb_future(bundles[whose], RULE.date(origin), setting, rng)
    found = [
        forecast_totals(infos_of(data, setting, last=origin), origin=origin, horizons=HORIZONS)
        for data in (bundles[whose], other)
    ]
    for horizon in HORIZONS:
        for side in ("exporter", "importer"):
            now, then = (getattr(totals[horizon], side) for totals in found)
            assert now.tobytes() == then.tobytes()


def test_later_origins_among_the_information_sets_change_nothing(bundle):
    short, long = infos_of(bundle, last=2005), infos_of(bundle, last=2009)
    for horizon in HORIZONS:
        now = forecast_totals(short, origin=2005, horizons=(horizon,))[horizon]
        then = forecast_totals(long, origin=2005, horizons=(horizon,))[horizon]
        np.testing.assert_array_equal(now.exporter, then.exporter)
        np.testing.assert_array_equal(now.importer, then.importer)


def test_each_horizon_is_forecast_apart(bundle):
    infos = infos_of(bundle, "ex_ante")
    together = forecast_totals(infos, origin=2008, horizons=HORIZONS)
    assert sorted(together) == sorted(HORIZONS)
    for horizon in HORIZONS:
        alone = forecast_totals(infos, origin=2008, horizons=(horizon,))[horizon]
        np.testing.assert_array_equal(alone.exporter, together[horizon].exporter)


def test_with_too_little_to_learn_from_totals_stay(make_bundle):
    bare = make_bundle(indicators=False, pairs=False)
    infos = infos_of(bare)
    for origin in (1999, 2000):
        totals = forecast_totals(infos, origin=origin, horizons=(1, 3))
        info = infos[origin]
        for horizon in (1, 3):
            value = origin_value(info)
            np.testing.assert_allclose(totals[horizon].exporter, info.flows.exporter_totals(value))
            np.testing.assert_allclose(totals[horizon].importer, info.flows.importer_totals(value))


def test_world_trade_follows_gdp_news_by_its_own_elasticity():
    """Trade grew twice as fast as GDP in n years; the prior adds one year in which it did not.

    All countries grow alike, so nothing is left for the regression: the elasticity by hand is
    (2 n + 1) / (n + 1). Years beyond the news get half the growth so far.
    """
    g = 0.04
    infos = infos_of(world(trade_growth=2 * g, gdp=series_of(g)), "ex_ante")
    elasticity = (2 * 8 + 1) / (8 + 1)
    for horizon, totals in forecast_totals(infos, origin=2008, horizons=(1, 3)).items():
        growth = elasticity * g + (horizon - 1) * 2 * g / 2
        expected = infos[2008].exporter_totals[-1] * math.exp(growth)
        np.testing.assert_allclose(totals.exporter, expected, rtol=1e-5, err_msg=str(horizon))


def test_gdp_news_is_not_counted_again_where_totals_are_published():
    flat = series_of(0.0)
    infos = infos_of(world(gdp=series_of(0.05), exports=flat, imports=flat))
    totals = forecast_totals(infos, origin=2008, horizons=(1, 2))
    for horizon in (1, 2):
        np.testing.assert_allclose(totals[horizon].exporter, infos[2008].exporter_totals[-1])


@pytest.mark.parametrize("late", [0, 3])
def test_a_country_whose_gdp_is_late_does_not_shrink_the_world(late):
    gdp = series_of(0.01)
    gdp[9, late] = np.nan
    infos = infos_of(world(trade_growth=0.01, gdp=gdp), "ex_ante")
    totals = forecast_totals(infos, origin=2008, horizons=(1,))[1]
    growth = totals.exporter.sum() / infos[2008].exporter_totals[-1].sum()
    assert growth == pytest.approx(math.exp(0.01), rel=1e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_gdp_that_nobody_reported_yet_is_no_news():
    """The lag says it should be out, and other series reach that year; GDP itself does not."""
    gdp = series_of(0.01)
    gdp[9:] = np.nan
    infos = infos_of(world(trade_growth=0.01, gdp=gdp), "ex_ante")
    totals = forecast_totals(infos, origin=2008, horizons=(1,))[1]
    half = math.exp(0.01 / 2)
    np.testing.assert_allclose(totals.exporter, infos[2008].exporter_totals[-1] * half, rtol=1e-6)
    np.testing.assert_allclose(totals.importer, infos[2008].importer_totals[-1] * half, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_gdp_that_never_moves_is_no_news():
    infos = infos_of(world(gdp=series_of(0.0)), "ex_ante")
    totals = forecast_totals(infos, origin=2008, horizons=(1,))[1]
    np.testing.assert_allclose(totals.exporter, infos[2008].exporter_totals[-1], rtol=1e-6)


def test_a_margin_that_trades_nothing_is_forecast_to_trade_nothing(bundle):
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


# The world's own error ---------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_world_may_err_more_the_further_ahead(bundle, setting):
    infos = infos_of(bundle, setting)
    shocks = [world_error(infos, origin=2008, horizon=h).shocks() for h in (1, 2, 5)]
    spreads = [float(s.std()) for s in shocks]
    assert spreads == sorted(spreads)
    assert (spreads[0] == 0) == (setting != "ex_ante")
    assert spreads[2] > spreads[1] > 0
    for values in shocks:
        assert values.mean() == pytest.approx(0, abs=1e-9)
        assert (np.diff(values) >= 0).all()


def test_shocks_are_as_large_as_the_errors_of_the_years_before():
    """Trade grows by one rate in all years, half of which is forecast: the error is the half."""
    g = 0.08
    infos = infos_of(world(trade_growth=g), "ex_ante", last=2010)
    shocks = world_error(infos, origin=2010, horizon=1).shocks()
    errors = [g if origin < 2003 else g / 2 for origin in range(2000, 2010)]
    expected = np.sqrt(np.mean(np.square(errors))) * t.ppf((np.arange(15) + 0.5) / 15, df=10)
    np.testing.assert_allclose(shocks, expected, rtol=1e-5, atol=1e-9)


@hypothesis_settings(max_examples=10, deadline=None)
@given(st.integers(2001, 2009), st.sampled_from(SETTINGS), st.integers(0, 2**32 - 1))
def test_shocks_do_not_move_with_anything_published_later(
    bundle, perturb_future, origin, setting, seed
):
    other = perturb_future(bundle, RULE.date(origin), setting, np.random.default_rng(seed))
    found = [
        world_error(infos_of(data, setting, last=origin), origin=origin, horizon=3).shocks()
        for data in (bundle, other)
    ]
    assert found[0].tobytes() == found[1].tobytes()


def test_with_no_past_there_are_no_shocks(bundle):
    infos = infos_of(bundle, last=1999)
    assert world_error(infos, origin=1999, horizon=3).scale == 0


# More than one year published --------------------------------------------------------------------


def late(data: DataBundle, *, origin: int) -> dict[int, InformationSet]:
    """Information sets three years after each origin: totals of two further years are out."""
    rule = AsOfRule(years_after_origin=3)
    years = range(data.panel.first_year, origin + 1)
    return {o: InformationSet(data, as_of=rule.date(o), origin=o) for o in years}


def test_every_published_year_is_used_not_only_the_first():
    exact = published_world(np.zeros(4))
    infos = late(exact, origin=2008)
    assert published_years(infos[2008], horizon=1) == 1
    assert published_years(infos[2008], horizon=5) == 2
    found = forecast_totals(infos, origin=2008, horizons=(1, 2, 3))
    for horizon in (1, 2):
        published = published_totals(infos[2008], years=horizon)
        np.testing.assert_allclose(found[horizon].exporter, published.exporter, rtol=1e-6)
        carried = carried_totals(infos[2008], horizon=horizon)
        np.testing.assert_allclose(carried.exporter, published.exporter)
    # Half the growth so far, 2 % a year, beyond the last published year.
    growth = found[3].exporter.sum() / found[2].exporter.sum()
    assert growth == pytest.approx(math.exp(0.01), rel=1e-4)


def test_the_world_errs_only_beyond_the_last_published_year(bundle):
    early, later = infos_of(bundle, last=2007), late(bundle, origin=2007)
    known = published_years(later[2007], horizon=3)
    assert known == 2
    spread = [world_error(infos, origin=2007, horizon=3).scale for infos in (early, later)]
    assert 0 < spread[1] < spread[0]
    assert world_error(later, origin=2007, horizon=2).scale == 0
